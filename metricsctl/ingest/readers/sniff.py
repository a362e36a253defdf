"""The format of a file whose name does not tell it, by its first bytes."""

from __future__ import annotations

from codecs import BOM_UTF8
from pathlib import Path
from typing import Literal

from metricsctl.core.errors import DataError, UsageError
from metricsctl.ingest.readers.streams import GZIP_MAGIC, open_stream, read_up_to

__all__ = ["ARRAY_HINT", "PARQUET_MAGIC", "Format", "begins_array", "sniff"]

Format = Literal["ndjson", "csv", "tsv", "parquet"]
PARQUET_MAGIC = b"PAR1"
ARRAY_HINT = "write one object a line, for example with `jq -c '.[]'`"
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_PEEK = 1 << 16


def sniff(path: Path, name: str) -> tuple[Format, bool]:
    """The format and whether it is gzipped; an empty file counts as NDJSON. Raises UsageError, DataError, OSError."""
    gzip = _peek(path, gzip=False).startswith(GZIP_MAGIC)
    begin = _peek(path, gzip=gzip)
    if begin.startswith(_ZSTD_MAGIC):
        raise UsageError(f"{name}: zstd is not supported yet", hint="unpack it first: zstd -dc FILE | metricsctl ingest -")
    if begin.startswith(PARQUET_MAGIC):
        return "parquet", gzip
    text = begin.removeprefix(BOM_UTF8).lstrip()
    if text.startswith(b"["):
        raise DataError(f"{name} is one JSON array", hint=ARRAY_HINT)
    if not text or text.startswith(b"{"):
        return "ndjson", gzip
    first = text.split(b"\n", 1)[0]
    if b"," in first:
        return "csv", gzip
    if b"\t" in first:
        return "tsv", gzip
    raise UsageError(f"cannot tell the format of {name}", hint="name it .ndjson, .csv, .tsv or .parquet")


def begins_array(path: Path, *, gzip: bool) -> bool:
    """Whether the text begins with `[`; raises OSError."""
    return _peek(path, gzip=gzip).removeprefix(BOM_UTF8).lstrip().startswith(b"[")


def _peek(path: Path, *, gzip: bool) -> bytes:
    with open_stream(path, gzip=gzip) as stream:
        return read_up_to(stream, _PEEK)
