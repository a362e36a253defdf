"""The format of a file whose name does not tell it, by its first bytes."""

from __future__ import annotations

from codecs import BOM_UTF8
from pathlib import Path
from typing import Literal

from metricsctl.core.errors import DataError, UsageError
from metricsctl.ingest.readers.streams import GZIP_MAGIC, open_stream, read_up_to
from metricsctl.ingest.readers.zstd import ZSTD_MAGIC

__all__ = ["ARRAY_HINT", "PARQUET_MAGIC", "Format", "begins_array", "sniff"]

Format = Literal["ndjson", "csv", "tsv", "parquet"]
PARQUET_MAGIC = b"PAR1"
ARRAY_HINT = "write one object a line, for example with `jq -c '.[]'`"
_PEEK = 1 << 16


def sniff(path: Path, name: str) -> tuple[Format, bool]:
    """The format and whether it is compressed; an empty file counts as NDJSON. Raises UsageError, DataError, OSError."""
    packed = _peek(path, packed=False).startswith((GZIP_MAGIC, ZSTD_MAGIC))
    begin = _peek(path, packed=packed)
    if begin.startswith(PARQUET_MAGIC):
        return "parquet", packed
    text = begin.removeprefix(BOM_UTF8).lstrip()
    if text.startswith(b"["):
        raise DataError(f"{name} is one JSON array", hint=ARRAY_HINT)
    if not text or text.startswith(b"{"):
        return "ndjson", packed
    first = text.split(b"\n", 1)[0]
    if b"," in first:
        return "csv", packed
    if b"\t" in first:
        return "tsv", packed
    raise UsageError(f"cannot tell the format of {name}", hint="name it .ndjson, .csv, .tsv or .parquet")


def begins_array(path: Path, *, packed: bool) -> bool:
    """Whether the text begins with `[`; raises OSError."""
    return _peek(path, packed=packed).removeprefix(BOM_UTF8).lstrip().startswith(b"[")


def _peek(path: Path, *, packed: bool) -> bytes:
    with open_stream(path, packed=packed) as stream:
        return read_up_to(stream, _PEEK)
