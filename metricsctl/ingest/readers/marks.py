"""How far a file has been read, told by its content, and where reading can go on.

A file is known by the hash of its decompressed bytes up to the offset read: a copy under another name is known, a grown file goes on where
it was left, other content under an old name is a new file.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass

from metricsctl.ingest.readers.streams import BLOCK, ByteStream

__all__ = ["Known", "Mark", "Window", "locate", "new_hash"]

_LINE_END = 10


@dataclass(frozen=True, slots=True)
class Mark:
    """The first `size` decompressed bytes of a file have been read.

    `digest` is their BLAKE2b hash of 16 bytes in hexadecimal, `lines` the line ends in them; `open_line`: the last line read had none.
    """

    size: int
    digest: str
    lines: int
    open_line: bool


class Known:
    """Marks of all files read so far, to be looked up by size; make it once and give it to many readers."""

    def __init__(self, marks: Sequence[Mark]) -> None:
        self._by_size: dict[int, list[Mark]] = {}
        for mark in marks:
            self._by_size.setdefault(mark.size, []).append(mark)
        self._sizes = sorted(self._by_size)

    def add(self, mark: Mark) -> None:
        """One more mark, of a file read just now: a copy of it later in the same run is then known."""
        if mark.size not in self._by_size:
            insort(self._sizes, mark.size)
        self._by_size.setdefault(mark.size, []).append(mark)

    def sizes(self, above: int, upto: int | None) -> list[int]:
        """The sizes in question, ascending: more than `above`, at most `upto`."""
        end = len(self._sizes) if upto is None else bisect_right(self._sizes, upto)
        return self._sizes[bisect_right(self._sizes, above) : end]

    def may_end(self, size: int, last_byte: int) -> bool:
        """Whether a mark of this size can end in this byte; saves most hashes: only an open line ends otherwise than in a line end."""
        return last_byte == _LINE_END or any(mark.open_line for mark in self._by_size[size])

    def find(self, size: int, digest: str) -> Mark | None:
        """The mark of exactly these bytes."""
        return next((mark for mark in self._by_size.get(size, ()) if mark.digest == digest), None)


def new_hash() -> hashlib.blake2b:
    """The hash of no bytes yet."""
    return hashlib.blake2b(digest_size=16, usedforsecurity=False)


class Window:
    """The bytes of a stream that are not taken yet, and the mark of those that are."""

    def __init__(self, stream: ByteStream, taken: hashlib.blake2b, size: int = 0, lines: int = 0) -> None:
        self.stream = stream
        self.buffer = bytearray()
        self.ended = False
        self.size = size
        self.lines = lines
        self._taken = taken

    def fill(self, size: int) -> None:
        """Read until the buffer holds `size` bytes or the stream has ended."""
        while len(self.buffer) < size and not self.ended:
            block = self.stream.read(BLOCK)
            self.buffer += block
            self.ended = not block

    def take(self, size: int) -> bytes:
        """The next `size` bytes of the buffer, which count as read from now on."""
        data = bytes(memoryview(self.buffer)[:size])
        del self.buffer[:size]
        self._taken.update(data)
        self.size += len(data)
        self.lines += data.count(b"\n")
        return data

    def mark(self, *, open_line: bool) -> Mark:
        """The state after all that was taken."""
        return Mark(self.size, self._taken.hexdigest(), self.lines, open_line)


def locate(stream: ByteStream, known: Known, *, above: int, keep: int) -> tuple[Window, Mark | None]:
    """A window that begins after the longest known prefix of more than `above` bytes, and the mark of that prefix.

    Bytes read while searching are kept for the window up to `keep`, so that a small file is read only once.
    """
    search = _Search(stream, known, keep)
    for size in known.sizes(above, stream.size()):
        if not search.reach(size):
            break
    return search.window(), search.best


class _Search:
    """Hashes a stream once; `reach` is called with ascending sizes."""

    def __init__(self, stream: ByteStream, known: Known, keep: int) -> None:
        self.best: Mark | None = None
        self._best_hash = new_hash()
        self._stream = stream
        self._known = known
        self._keep = keep
        self._hash = new_hash()
        self._block = memoryview(b"")
        self._begin = 0  # where in the file the block begins
        self._hashed = 0  # how much of the block is hashed
        self._kept: bytearray | None = bytearray()  # the hashed bytes after the best mark

    def reach(self, size: int) -> bool:
        """Compare at `size`; False when the file is shorter."""
        while self._begin + len(self._block) < size:
            if not self._next_block():
                return False
        end = size - self._begin
        if self._known.may_end(size, self._block[end - 1]):
            self._hash_to(end)
            mark = self._known.find(size, self._hash.hexdigest())
            if mark is not None:
                self.best, self._best_hash, self._kept = mark, self._hash.copy(), bytearray()
        return True

    def window(self) -> Window:
        """The rest of the stream after the best mark."""
        size, lines = (self.best.size, self.best.lines) if self.best else (0, 0)
        window = Window(self._stream, self._best_hash, size, lines)
        if self._kept is None:
            self._stream.seek(size)
        else:
            window.buffer = self._kept
            window.buffer += self._block[self._hashed :]
        return window

    def _next_block(self) -> bool:
        self._hash_to(len(self._block))
        self._begin += len(self._block)
        self._block, self._hashed = memoryview(self._stream.read(BLOCK)), 0
        return len(self._block) > 0

    def _hash_to(self, end: int) -> None:
        part = self._block[self._hashed : end]
        self._hash.update(part)
        self._hashed = end
        if self._kept is not None:
            self._kept += part
            if len(self._kept) > self._keep:
                self._kept = None
