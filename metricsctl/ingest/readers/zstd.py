"""Zstandard, by the package `zstandard` where it is installed (the extra `zstd`)."""

from __future__ import annotations

import importlib
from typing import Any, BinaryIO

from metricsctl.core.errors import UsageError

__all__ = ["ZSTD_MAGIC", "Unpacker", "need_zstd"]

ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_PIECE = 1 << 10  # of packed bytes: what comes out at once stays below 32 MiB, however they were packed


def need_zstd(name: str) -> Any:
    """The package; UsageError where it is not installed, `name` is the file that asks for it."""
    try:
        return importlib.import_module("zstandard")
    except ImportError as error:
        hint = "pip install 'metricsctl[zstd]', or pipe it: zstd -dc FILE | metricsctl ingest -"
        raise UsageError(f"{name}: zstd needs the package zstandard", hint=hint) from error


class Unpacker:
    """The decompressed bytes of all frames of a file, up to a damage, which `damage` then names."""

    def __init__(self, raw: BinaryIO, name: str) -> None:
        self._package = need_zstd(name)
        self._raw = raw
        self._rest = b""
        self._ready = b""
        self._frame: Any = None
        self.damage: str | None = None

    def read(self, size: int) -> bytes:
        """1 to `size` bytes, or none at the end or at the damage."""
        while not self._ready and self.damage is None:
            piece = self._rest or self._raw.read(_PIECE)
            self._rest = b""
            if not piece:
                self.damage = None if self._frame is None else "the zstd data end early"
                break
            self._ready = self._some(piece)
        data, self._ready = self._ready[:size], self._ready[size:]
        return data

    def _some(self, piece: bytes) -> bytes:
        self._frame = self._frame or self._package.ZstdDecompressor().decompressobj()
        try:
            data: bytes = self._frame.decompress(piece)
        except self._package.ZstdError:
            self.damage = "the zstd data are damaged"
            return b""
        if self._frame.eof:
            self._rest, self._frame = self._frame.unused_data, None
        return data
