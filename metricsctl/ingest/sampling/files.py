"""One file to its sample, in the same format and compression."""

from __future__ import annotations

import csv
import gzip
import io
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, cast

from metricsctl.core.diagnostics import Diagnostic
from metricsctl.core.errors import UsageError
from metricsctl.engine.batch import Batch, Part, Record
from metricsctl.engine.duckdb.sampling import RowChooser
from metricsctl.ingest.readers import Chunk, FileReader, InputFile
from metricsctl.ingest.sampling.choose import Chooser
from metricsctl.ingest.sampling.mask import HEX_DIGITS, Masker

__all__ = ["Sampler", "Tally"]

_CHUNK_BYTES = 16 << 20


@dataclass(slots=True)
class Tally:
    """What became of the rows of a file, and the columns that it has."""

    rows: int = 0
    kept: int = 0
    without_key: int = 0
    malformed: int = 0
    columns: set[str] = field(default_factory=set)
    diagnostics: list[Diagnostic] = field(default_factory=list)


@dataclass(slots=True)
class Sampler:
    """Samples files by the column `key`; `spool` is a folder for temporary files, which its owner removes."""

    chooser: Chooser
    masker: Masker
    rows: RowChooser
    key: str
    spool: Path

    def sample(self, file: InputFile, target: Path) -> Tally:
        """Write the sample of a file to `target`.

        UsageError if it has no such column (of JSON only the tally can tell), DataError if it cannot be read, OSError if not written.
        """
        reader = FileReader(file, (), chunk_bytes=_CHUNK_BYTES, spool_dir=self.spool)
        tally = Tally()
        if file.format == "parquet":
            for chunk in reader.chunks():
                self._parquet(file, chunk, target, tally)
        else:
            with _writing(target, packed=file.packed) as out:
                for number, chunk in enumerate(reader.chunks()):
                    self._text(chunk, out, tally, begins=number == 0)
        tally.diagnostics += reader.diagnostics
        return tally

    def _parquet(self, file: InputFile, chunk: Chunk, target: Path, tally: Tally) -> None:
        assert chunk.path is not None  # noqa: S101 - what a Parquet chunk is
        plain = self.spool / "sample.parquet" if file.packed else target
        tally.columns.update(self.rows.parquet_columns(chunk.path, file.name))
        counts = self.rows.parquet(chunk.path, plain, file.name, self.key, self.masker.types, HEX_DIGITS)
        tally.rows, tally.kept, tally.without_key = counts.rows, counts.kept, counts.without_key
        if file.packed:
            with plain.open("rb") as source, _writing(target, packed=True) as out:
                shutil.copyfileobj(source, out)
            plain.unlink()

    def _text(self, chunk: Chunk, out: BinaryIO, tally: Tally, *, begins: bool) -> None:
        if chunk.too_long is not None:
            tally.rows, tally.malformed = tally.rows + 1, tally.malformed + 1
            return
        batch = Batch(chunk.format, chunk.header, (Part(chunk.file.name, chunk.first_line, chunk.data),))
        if chunk.header is None:
            self._json(batch, out, tally)
            return
        if self.key not in chunk.header:
            raise UsageError(f"{chunk.file.name} has no column '{self.key}'", hint=f"it has {', '.join(chunk.header[:12])}")
        tally.columns.update(chunk.header)
        writer = csv.writer(text := io.StringIO(newline=""), delimiter=batch.delimiter, lineterminator="\n")
        if begins:
            writer.writerow(chunk.header)
        self._csv(batch, writer.writerow, tally)
        out.write(text.getvalue().encode())

    def _json(self, batch: Batch, out: BinaryIO, tally: Tally) -> None:
        found = self.rows.lines(batch, self.key)
        tally.rows += found.rows
        tally.malformed += found.malformed
        tally.without_key += len(found.without_key)
        alone = [record for record in found.without_key if self.chooser.keeps(record.text.decode())]
        for record in sorted([*found.chosen, *alone], key=lambda record: record.line) if alone else found.chosen:
            try:
                text = record.text.decode()
                tally.columns.update(json.loads(text))
                line = self.masker.line(text).encode() if self.masker.types else record.text
            except (ValueError, RecursionError):  # the engine takes what others do not
                tally.malformed += 1
                continue
            tally.kept += 1
            out.write(line + b"\n")

    def _csv(self, batch: Batch, write: Callable[[list[str]], object], tally: Tally) -> None:
        header = batch.header or ()
        place = header.index(self.key)
        for record in batch.records():
            tally.rows += 1
            if len(record.fields) != len(header) or not _is_text(record):
                tally.malformed += 1
                continue
            key = record.fields[place]
            tally.without_key += not key
            if self.chooser.keeps(key or batch.delimiter.join(record.fields)):
                tally.kept += 1
                write(self.masker.fields(header, record.fields))


def _is_text(record: Record) -> bool:
    """Whether the fields hold no bytes that are not UTF-8."""
    try:
        "".join(record.fields).encode()
    except UnicodeEncodeError:
        return False
    return True


@contextmanager
def _writing(target: Path, *, packed: bool) -> Iterator[BinaryIO]:
    """A new file; a packed one has neither name nor time in it, so that the same rows are the same bytes."""
    with target.open("wb") as raw:
        if not packed:
            yield raw
            return
        with gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as out:
            yield cast("BinaryIO", out)
