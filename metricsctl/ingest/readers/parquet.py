"""Parquet files are taken whole: they are hashed here and scanned elsewhere."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from metricsctl.core.errors import DataError
from metricsctl.ingest.readers.files import InputFile
from metricsctl.ingest.readers.marks import Digest, Known, Mark, old_hash
from metricsctl.ingest.readers.sniff import PARQUET_MAGIC
from metricsctl.ingest.readers.streams import BLOCK, open_stream

__all__ = ["WholeFile", "read_whole", "unpack"]

_SMALLEST = 12  # magic, length of the footer, magic


@dataclass(frozen=True, slots=True)
class WholeFile:
    """The mark of all (decompressed) bytes, whether it is known, and what is wrong with them, if anything."""

    mark: Mark
    known: bool
    damage: str | None


def read_whole(file: InputFile, known: Known) -> WholeFile:
    """Hash the file; raises OSError."""
    content, old, size, begin, end = Digest(), old_hash() if known.old else None, 0, b"", b""
    with open_stream(file.path, packed=file.packed) as stream:
        while block := stream.read(BLOCK):
            content.update(block)
            if old is not None:
                old.update(block)
            size += len(block)
            begin = begin if len(begin) >= len(PARQUET_MAGIC) else begin + block[:4]
            end = (end + block[-4:])[-4:]
        damage = stream.damage
    whole = size >= _SMALLEST and begin.startswith(PARQUET_MAGIC) and end == PARQUET_MAGIC
    if damage is None and size and not whole:
        damage = "this is no whole Parquet file"
    mark = Mark(size, content.text(), 0, open_line=False)
    found = known.find(size, mark.digest, *(() if old is None else (old.hexdigest(),)))
    return WholeFile(mark, found is not None, damage)


def unpack(file: InputFile, spool_dir: Path) -> Path:
    """A decompressed copy in `spool_dir`, which the caller removes. Raises OSError on reading, DataError on writing."""
    with open_stream(file.path, packed=True) as stream:
        handle, path = tempfile.mkstemp(prefix="metricsctl-", suffix=".parquet", dir=spool_dir)
        with os.fdopen(handle, "wb") as target:
            while block := stream.read(BLOCK):
                try:
                    target.write(block)
                except OSError as error:
                    raise DataError(f"cannot unpack {file.name}: {error.strerror}", hint=f"is there room in {spool_dir}?") from error
    return Path(path)
