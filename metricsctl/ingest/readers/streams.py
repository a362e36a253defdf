"""The decompressed bytes of a file, and whether they came to a proper end."""

from __future__ import annotations

import os
import zlib
from pathlib import Path
from typing import BinaryIO, Protocol, Self

from metricsctl.ingest.readers.zstd import ZSTD_MAGIC, Unpacker

__all__ = ["BLOCK", "GZIP_MAGIC", "ByteStream", "open_stream", "read_up_to"]

BLOCK = 1 << 20
GZIP_MAGIC = b"\x1f\x8b"
_RAW_BLOCK = 1 << 18
_GZIP_FORMAT = 31  # zlib's number for "gzip header and trailer, largest window"


class ByteStream(Protocol):
    """Bytes in order; `damage` says why they ended early, None as long as all is well."""

    damage: str | None

    def read(self, size: int) -> bytes:
        """1 to `size` bytes, or none at the end or at the damage; raises OSError."""

    def read_into(self, room: memoryview) -> int:
        """As `read`, to where there is room; returns how many bytes."""

    def seek(self, position: int) -> None:
        """Go on at `position` bytes from the beginning."""

    def size(self) -> int | None:
        """How many bytes there are in all, None where only reading can tell."""

    def consumed(self) -> int:
        """How many bytes of the file itself, as it lies there, have been taken in."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


class _Plain:
    def __init__(self, raw: BinaryIO) -> None:
        self._raw = raw
        self.damage: str | None = None

    def read(self, size: int) -> bytes:
        return self._raw.read(size)

    def read_into(self, room: memoryview) -> int:
        return self._raw.readinto(room)  # type: ignore[attr-defined, no-any-return]

    def seek(self, position: int) -> None:
        self._raw.seek(position)

    def size(self) -> int | None:
        return os.fstat(self._raw.fileno()).st_size

    def consumed(self) -> int:
        return self._raw.tell()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._raw.close()


class _Gzip(_Plain):
    """All members of a gzip file; unlike `gzip.GzipFile` it gives every byte before a damage."""

    def __init__(self, raw: BinaryIO) -> None:
        super().__init__(raw)
        self._start()

    def _start(self) -> None:
        self.damage = None
        self._input = b""
        self._begun = False
        self._inflate = zlib.decompressobj(_GZIP_FORMAT)

    def read_into(self, room: memoryview) -> int:
        data = self.read(min(len(room), BLOCK))
        room[: len(data)] = data
        return len(data)

    def size(self) -> int | None:
        return None

    def seek(self, position: int) -> None:
        self._raw.seek(0)
        self._start()
        while position and (data := self.read(min(position, BLOCK))):
            position -= len(data)

    def read(self, size: int) -> bytes:
        while self.damage is None:
            self._input = self._input or self._raw.read(_RAW_BLOCK)
            if not self._input:
                return self._end(size)
            if self._inflate.eof:
                # zeros may pad a file between and after its members
                self._input = self._input.lstrip(b"\0")
                self._inflate = zlib.decompressobj(_GZIP_FORMAT) if self._input else self._inflate
            elif data := self._some(size):
                return data
        return b""

    def _end(self, size: int) -> bytes:
        if not self._begun or self._inflate.eof:
            return b""
        data = self._inflate.decompress(b"", size)
        if not data:
            self.damage = "the gzip data end early"
        return data

    def _some(self, size: int) -> bytes:
        self._begun = True
        before = self._inflate.copy()
        try:
            data = self._inflate.decompress(self._input, size)
        except zlib.error:
            self.damage = "the gzip data are damaged"
            return _salvage(before, self._input)
        self._input = self._inflate.unused_data if self._inflate.eof else self._inflate.unconsumed_tail
        return data


def _salvage(inflate: zlib._Decompress, data: bytes) -> bytes:
    """What comes out before the error: zlib drops the output of the call that fails, so it is fed byte by byte."""
    out = bytearray()
    try:
        for at in range(len(data)):
            out += inflate.decompress(data[at : at + 1])
    except zlib.error:
        pass
    return bytes(out)


class _Zstd(_Plain):
    """All frames of a zstd file."""

    def __init__(self, raw: BinaryIO, name: str) -> None:
        self._unpacker = Unpacker(raw, name)
        super().__init__(raw)
        self._name = name

    def read(self, size: int) -> bytes:
        data = self._unpacker.read(size)
        self.damage = self._unpacker.damage
        return data

    def read_into(self, room: memoryview) -> int:
        data = self.read(min(len(room), BLOCK))
        room[: len(data)] = data
        return len(data)

    def size(self) -> int | None:
        return None

    def seek(self, position: int) -> None:
        self._raw.seek(0)
        self._unpacker, self.damage = Unpacker(self._raw, self._name), None
        while position and (data := self.read(min(position, BLOCK))):
            position -= len(data)


def open_stream(path: Path, *, packed: bool) -> ByteStream:
    """The bytes of the file at `path`, decompressed if it is `packed`: by gzip, or by zstd if it begins so. Raises OSError, UsageError."""
    raw = path.open("rb", buffering=-1 if packed else 0)
    if not packed:
        return _Plain(raw)
    if raw.peek(len(ZSTD_MAGIC)).startswith(ZSTD_MAGIC):  # type: ignore[attr-defined]
        return _Zstd(raw, path.name)
    return _Gzip(raw)


def read_up_to(stream: ByteStream, size: int) -> bytes:
    """`size` bytes, fewer only at the end."""
    data = bytearray()
    while len(data) < size and (block := stream.read(size - len(data))):
        data += block
    return bytes(data)
