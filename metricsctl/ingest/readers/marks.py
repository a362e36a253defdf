"""How far a file has been read, told by its content, and where reading can go on.

A file is known by the hash of its decompressed bytes up to the offset read: a copy under another name is known, a grown file goes on where
it was left, other content under an old name is a new file.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from metricsctl.ingest.readers.streams import BLOCK, ByteStream

__all__ = ["Digest", "Known", "Mark", "Window", "count_lines", "locate", "old_hash"]

_LINE_END = 10
_SMALL = 1 << 16
_LARGE = 16 << 20
_PIECE = 1 << 18  # what the cache of a core holds
_PREFIX = "sha256:"


@dataclass(frozen=True, slots=True)
class Mark:
    """The first `size` decompressed bytes of a file have been read.

    `digest` is that of `Digest` (stores of format 1: of BLAKE2b, 16 bytes in hexadecimal), `lines` the line ends in them; `open_line`: the
    last line read had none.
    """

    size: int
    digest: str
    lines: int
    open_line: bool


class Known:
    """Marks of all files read so far, to be looked up by size; make it once and give it to many readers."""

    def __init__(self, marks: Sequence[Mark]) -> None:
        self._by_size: dict[int, dict[str, Mark]] = {}
        self._open: set[int] = set()  # sizes of marks of which one ends in an open line
        for mark in marks:
            self._note(mark)
        self._sizes = sorted(self._by_size)
        self.old = any(not mark.digest.startswith(_PREFIX) for mark in marks)

    def add(self, mark: Mark) -> None:
        """One more mark, of a file read just now: a copy of it later in the same run is then known."""
        if mark.size not in self._by_size:
            insort(self._sizes, mark.size)
        self._note(mark)

    def _note(self, mark: Mark) -> None:
        self._by_size.setdefault(mark.size, {}).setdefault(mark.digest, mark)
        if mark.open_line:
            self._open.add(mark.size)

    def sizes(self, above: int, upto: int | None) -> list[int]:
        """The sizes in question, ascending: more than `above`, at most `upto`."""
        end = len(self._sizes) if upto is None else bisect_right(self._sizes, upto)
        return self._sizes[bisect_right(self._sizes, above) : end]

    def may_end(self, size: int, last_byte: int) -> bool:
        """Whether a mark of this size can end in this byte; saves most hashes: only an open line ends otherwise than in a line end."""
        return last_byte == _LINE_END or size in self._open

    def find(self, size: int, *digests: str) -> Mark | None:
        """The mark of the bytes with one of these digests."""
        marks = self._by_size.get(size, {})
        return next((marks[digest] for digest in digests if digest in marks), None)


class Digest:
    """The digest of the bytes given so far: half of SHA-256, for which processors have instructions of their own."""

    def __init__(self, begun: hashlib._Hash | None = None) -> None:
        self._hash = begun or hashlib.sha256(usedforsecurity=False)

    def update(self, data: bytes | bytearray | memoryview) -> None:
        """Go on."""
        self._hash.update(data)

    def text(self) -> str:
        """As marks have it."""
        return f"{_PREFIX}{self._hash.hexdigest()[:32]}"

    def copy(self) -> Self:
        """One more, from here on."""
        return type(self)(self._hash.copy())


def old_hash() -> hashlib.blake2b:
    """The hash that stores of format 1 know files by."""
    return hashlib.blake2b(digest_size=16, usedforsecurity=False)


class Window:
    """The bytes of a stream that are not taken yet, and the mark of those that are."""

    def __init__(self, stream: ByteStream, taken: Digest, spares: list[bytearray], size: int = 0, lines: int = 0) -> None:
        self.stream = stream
        self._spares = spares
        self.buffer = bytearray()
        self.ended = False
        self.size = size
        self.lines = lines
        self._taken = taken

    def fill(self, size: int) -> None:
        """Read until the buffer holds `size` bytes or the stream has ended."""
        if len(self.buffer) < _SMALL < size:
            self.fill(_SMALL)  # to make room for a large file takes longer than to read a small one
        have = len(self.buffer)
        if have >= size or self.ended:
            return
        before, self.buffer = self.buffer, self._room(size)
        self.buffer[:have] = before
        with memoryview(self.buffer) as room:
            while have < size and not self.ended:
                count = self.stream.read_into(room[have:])
                have += count
                self.ended = not count
        del self.buffer[have:]

    def _room(self, size: int) -> bytearray:
        """So many bytes, whatever is in them; fresh memory costs more than what is read into it."""
        if not self._spares or len(self._spares[-1]) > size:
            return bytearray(size)
        room = self._spares.pop()
        room.extend(bytes(size - len(room)))
        return room

    def take(self, size: int) -> bytearray:
        """The next `size` bytes of the buffer, which count as read from now on."""
        data, self.buffer = self.buffer, self.buffer[size:]  # the rest is short, the data are not copied
        del data[size:]
        self._taken.update(data)
        self.size += len(data)
        self.lines += count_lines(data)
        return data

    def mark(self, *, open_line: bool) -> Mark:
        """The state after all that was taken."""
        return Mark(self.size, self._taken.text(), self.lines, open_line)


def count_lines(data: bytearray) -> int:
    """The line ends in the data."""
    if len(data) < _LARGE:
        return data.count(b"\n")
    import numpy as np  # quicker than `count`, which stops at each of them, but for the import

    array = np.frombuffer(data, dtype=np.uint8)
    return sum(int(np.count_nonzero(array[at : at + _PIECE] == _LINE_END)) for at in range(0, len(array), _PIECE))


def locate(stream: ByteStream, known: Known, *, above: int, keep: int, spares: list[bytearray] | None = None) -> tuple[Window, Mark | None]:
    """A window that begins after the longest known prefix of more than `above` bytes, and the mark of that prefix.

    Bytes read while searching are kept for the window up to `keep`, so that a small file is read only once. `spares` are buffers that
    nobody needs any longer: the window reads into them.
    """
    search = _Search(stream, known, keep, [] if spares is None else spares)
    for size in known.sizes(above, stream.size()):
        if not search.reach(size):
            break
    return search.window(), search.best


class _Search:
    """Hashes a stream once; `reach` is called with ascending sizes."""

    def __init__(self, stream: ByteStream, known: Known, keep: int, spares: list[bytearray]) -> None:
        self.best: Mark | None = None
        self._best_hash = Digest()
        self._stream = stream
        self._known = known
        self._keep = keep
        self._spares = spares
        self._hash = Digest()
        self._old = old_hash() if known.old else None
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
            old = () if self._old is None else (self._old.hexdigest(),)
            mark = self._known.find(size, self._hash.text(), *old)
            if mark is not None:
                self.best, self._best_hash, self._kept = mark, self._hash.copy(), bytearray()
        return True

    def window(self) -> Window:
        """The rest of the stream after the best mark."""
        size, lines = (self.best.size, self.best.lines) if self.best else (0, 0)
        window = Window(self._stream, self._best_hash, self._spares, size, lines)
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
        if self._old is not None:
            self._old.update(part)
        self._hashed = end
        if self._kept is not None:
            self._kept += part
            if len(self._kept) > self._keep:
                self._kept = None
