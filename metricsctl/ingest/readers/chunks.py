"""A file as chunks of whole lines, each with the mark from which the next run can go on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from metricsctl.core.diagnostics import Diagnostic, Severity, Span
from metricsctl.core.errors import DataError
from metricsctl.ingest.readers.files import InputFile, unreadable
from metricsctl.ingest.readers.head import DELIMITERS, MAX_HEADER, Head, read_head
from metricsctl.ingest.readers.marks import Known, Mark, Window, locate
from metricsctl.ingest.readers.parquet import read_whole, unpack
from metricsctl.ingest.readers.records import Cutter, JsonCutter, QuotedCutter
from metricsctl.ingest.readers.sniff import Format
from metricsctl.ingest.readers.streams import BLOCK, open_stream

__all__ = ["Chunk", "FileReader", "Known", "Mark", "Status"]

Status = Literal["read", "unchanged", "grown", "empty", "truncated"]
CHUNK_BYTES = 64 << 20
MAX_RECORD = 64 << 20
_BEGINNING = 200  # bytes of a record too long to be read that are kept, to be shown


@dataclass(frozen=True, slots=True)
class Chunk:
    """Whole lines of a file.

    `data` are the lines without the header of CSV and TSV, whose column names are `header`; `first_line` is the number in the file (from 1)
    of the first of them; `mark` is the state after them, `offset` how much of the file on the disk had been taken in by then. Of a Parquet
    file there is one chunk, without data: `path` is to be scanned. A JSON line that is too long to be read is a chunk of its own, without
    data: `too_long` is its beginning.
    """

    file: InputFile
    format: Format
    data: bytes | bytearray
    header: tuple[str, ...] | None
    first_line: int
    mark: Mark
    offset: int
    path: Path | None = None
    too_long: bytes | None = None


class FileReader:
    """Reads the part of a file that is not known yet.

    `known` are the marks of all files read so far (a `Known` spares sorting them for every file), `chunk_bytes` the size of a chunk, which
    only a longer record exceeds, `spool_dir` the folder for unpacked Parquet files, which its owner clears, `spares` the data of
    chunks that are done with, which are overwritten.
    Memory stays below about three chunks: the one handed out before, the one being cut, the bytes it is cut from.

    After `chunks()` has run out: `status` ("read": from its beginning, "grown": after a known part, "unchanged": nothing new, "empty": no
    record in it, "truncated": damaged, read up to there), `resumed_at` (bytes skipped because they are known), `diagnostics`.
    """

    def __init__(
        self,
        file: InputFile,
        known: Sequence[Mark] | Known,
        *,
        chunk_bytes: int = CHUNK_BYTES,
        spool_dir: Path,
        spares: list[bytearray] | None = None,
    ) -> None:
        self._file = file
        self._known = known if isinstance(known, Known) else Known(known)
        self._chunk_bytes = max(1, chunk_bytes)
        self._spool_dir = spool_dir
        self._spares = spares
        self._found_more = False
        self.status: Status = "read"
        self.resumed_at = 0
        self.diagnostics: list[Diagnostic] = []

    def chunks(self) -> Iterator[Chunk]:
        """The chunks in the order of the file, once. Raises DataError: unreadable, a bad header, a CSV record of more than 64 MiB."""
        try:
            yield from self._parquet() if self._file.format == "parquet" else self._text()
        except OSError as error:
            raise unreadable(self._file.name, error) from error

    def _parquet(self) -> Iterator[Chunk]:
        whole = read_whole(self._file, self._known)
        mark, known = whole.mark, whole.known
        self.resumed_at = mark.size if known else 0
        if whole.damage is None and mark.size and not known:
            self._found_more = True
            path = unpack(self._file, self._spool_dir) if self._file.packed else self._file.path
            yield Chunk(self._file, "parquet", b"", None, 1, mark, self._file.path.stat().st_size, path)
        self._finish(whole.damage)

    def _text(self) -> Iterator[Chunk]:
        head = read_head(self._file)
        with open_stream(self._file.path, packed=self._file.packed) as stream:
            above = head.size if head else 0
            window, mark = locate(stream, self._known, above=above, keep=self._chunk_bytes, spares=self._spares)
            self.resumed_at = mark.size if mark else 0
            if head is None:
                self._without_header(window)
            else:
                yield from self._records(window, mark, head)
            self._finish(stream.damage)

    def _records(self, window: Window, mark: Mark | None, head: Head) -> Iterator[Chunk]:
        cutter: Cutter = JsonCutter()
        if head.names is not None:
            cutter = QuotedCutter(DELIMITERS[self._file.format].encode(), len(head.names))
        if mark is None:
            window.fill(head.size)
            window.take(head.size)
        elif mark.open_line and not self._close_line(window, cutter):
            return
        size, final = self._chunk_bytes, False
        while not final:
            window.fill(size)
            final = window.ended and len(window.buffer) <= size
            end = cutter.last_end(window.buffer, size, exact=final)
            open_line = final and self._takes_last_line(window, end, cutter)
            if open_line:
                end = len(window.buffer)
            if end:
                yield self._chunk(window, end, head, open_line=open_line)
                size = self._chunk_bytes
            elif not final and self._file.format == "ndjson" and size >= self._largest:
                yield self._skip(window)
                size = self._chunk_bytes
            elif not final:
                size = self._longer(size, window)

    def _chunk(self, window: Window, end: int, head: Head, *, open_line: bool) -> Chunk:
        self._found_more = True
        first_line = window.lines + 1
        data = window.take(end)
        mark = window.mark(open_line=open_line)
        return Chunk(self._file, self._file.format, data, head.names, first_line, mark, window.stream.consumed())

    @property
    def _largest(self) -> int:
        """Bytes of the longest record that is read."""
        return max(MAX_RECORD, self._chunk_bytes)

    def _longer(self, size: int, window: Window) -> int:
        if size >= self._largest:
            line = window.lines + 1
            hint = "one object a line" if self._file.format == "ndjson" else "is a quote never closed?"
            raise DataError(f"{self._file.name}:{line}: a record of more than {size >> 20} MiB", hint=hint, span=self._span(line))
        return min(2 * size, self._largest)

    def _skip(self, window: Window) -> Chunk:
        """Go past a line piece by piece, so that it needs no memory."""
        self._found_more = True
        line, beginning, end = window.lines + 1, bytes(window.buffer[:_BEGINNING]), 0
        while window.buffer and not end:
            end = window.buffer.find(b"\n") + 1
            window.take(end or len(window.buffer))
            window.fill(BLOCK)
        mark = window.mark(open_line=not end)
        return Chunk(self._file, self._file.format, b"", None, line, mark, window.stream.consumed(), too_long=beginning)

    def _close_line(self, window: Window, cutter: Cutter) -> bool:
        """Go past the rest of a line that was read before it had a line end; False if it still has none."""
        size, end = BLOCK, cutter.rest_end(window.buffer)
        while not end and not window.ended:
            window.fill(size)
            size, end = self._longer(size, window), cutter.rest_end(window.buffer)
        line = window.lines + 1
        rest = window.take(end) if end else bytes(window.buffer)
        if not cutter.is_blank(bytes(rest)):
            self._warn(
                "split-line", line, "the line was read before it was whole: its rest is skipped", "run `metricsctl ingest --rebuild`"
            )
        return end > 0

    def _takes_last_line(self, window: Window, start: int, cutter: Cutter) -> bool:
        """Whether the file ends in a record without line end; warns if it ends in half of one."""
        line = bytes(memoryview(window.buffer)[start:])
        if window.stream.damage or not line.strip(b" \r"):
            return False
        if cutter.is_whole(line):
            return True
        self._hold_back(window.lines + window.buffer.count(b"\n", 0, start) + 1)
        return False

    def _without_header(self, window: Window) -> None:
        window.fill(MAX_HEADER)
        if window.buffer and not window.stream.damage:
            self._hold_back(1)

    def _hold_back(self, line: int) -> None:
        self._warn("incomplete-line", line, "the last line is not complete: left for the next run", "let its writer end it with a line end")

    def _warn(self, code: str, line: int, message: str, hint: str) -> None:
        self._found_more = True
        self.diagnostics.append(Diagnostic(code, Severity.WARNING, message, self._span(line), hint))

    def _span(self, line: int) -> Span:
        return Span(self._file.name, line, 1, line, 1)

    def _finish(self, damage: str | None) -> None:
        if damage is not None:
            hint = "all before it is read; mend the file and run again, it goes on from there"
            self.diagnostics.append(Diagnostic("damaged-file", Severity.ERROR, damage, Span.of_file(self._file.name), hint))
            self.status = "truncated"
        elif self.resumed_at:
            self.status = "grown" if self._found_more else "unchanged"
        else:
            self.status = "read" if self._found_more else "empty"
