"""Rejected rows: counted by reason, the first of each kept, all written where asked, and the limit on them."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Self

from metricsctl.core.errors import DataError, UsageError
from metricsctl.core.serial import plain
from metricsctl.engine.batch import Reject
from metricsctl.ingest.report import RejectCount

__all__ = ["RejectLimit", "RejectLog"]

_LIMIT = re.compile(r"(\d+(?:\.\d+)?)\s*(%?)\Z")


@dataclass(frozen=True, slots=True)
class RejectLimit:
    """How many rows may be rejected before the run counts as failed: a number or a share."""

    text: str
    amount: float
    percent: bool

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `100` or `1%`; UsageError for anything else.

        >>> RejectLimit.parse("1%").exceeded(1000, 11), RejectLimit.parse("20").exceeded(1000, 11)
        (True, False)
        """
        match = _LIMIT.match(text.strip())
        if match is None:
            raise UsageError(f"'{text}' is not a limit on rejects", hint="write a number of rows (100) or a share of them (1%)")
        return cls(text.strip(), float(match[1]), bool(match[2]))

    def exceeded(self, rows: int, rejected: int) -> bool:
        """Whether `rejected` of `rows` are more than allowed."""
        return rejected > (rows * self.amount / 100 if self.percent else self.amount)


@dataclass(slots=True)
class RejectLog:
    """Collects the rejects of a run. With a `path` all of them go there as JSON lines, in place only when the run is over."""

    path: Path | None = None
    counts: dict[tuple[str, str], tuple[int, Reject]] = field(default_factory=dict)
    _file: IO[str] | None = None
    _direct: bool = False

    def add(self, source: str, rejects: tuple[Reject, ...]) -> None:
        """Count and write some rejects of a source."""
        for reject in rejects:
            count, first = self.counts.get((source, reject.reason), (0, reject))
            self.counts[source, reject.reason] = (count + 1, first)
            if self.path is not None:
                self._write(source, reject)

    def open(self) -> None:
        """Open the file, if one is asked for, before anything is read; what is no file (a device, a pipe) is written to directly."""
        if self.path is None:
            return
        self.path = self.path.resolve()
        self._direct = self.path.exists() and not self.path.is_file()
        try:
            self._file = (self.path if self._direct else self._temporary).open("w", encoding="utf-8")
        except OSError as error:
            raise UsageError(f"cannot write the rejects to {self.path}: {error.strerror}", hint="name another file") from error

    def _write(self, source: str, reject: Reject) -> None:
        assert self.path is not None  # noqa: S101 - the caller has checked it
        try:
            assert self._file is not None  # noqa: S101 - opened before anything is read
            self._file.write(json.dumps({"source": source, **plain(reject)}, ensure_ascii=False, sort_keys=True) + "\n")
        except OSError as error:
            raise DataError(f"cannot write the rejects to {self.path}: {error.strerror}", hint="name another file") from error

    @property
    def _temporary(self) -> Path:
        assert self.path is not None  # noqa: S101
        return self.path.with_name(f".{self.path.name}.{os.getpid()}.part")

    def close(self) -> None:
        """Put the file in its place; a run without rejects leaves an empty one."""
        if self.path is None or self._file is None:
            return
        try:
            self._file.close()
            if not self._direct:
                self._temporary.replace(self.path)
        except OSError as error:
            raise DataError(f"cannot write the rejects to {self.path}: {error.strerror}", hint="name another file") from error

    def discard(self) -> None:
        """Remove what was written for a run that failed; does nothing after `close`."""
        if self._file is not None and not self._file.closed:
            self._file.close()
            if not self._direct:
                self._temporary.unlink(missing_ok=True)

    def report(self) -> tuple[RejectCount, ...]:
        """Counts by source and reason, the most first."""
        found = [RejectCount(source, reason, count, first) for (source, reason), (count, first) in self.counts.items()]
        return tuple(sorted(found, key=lambda item: (item.source, -item.count, item.reason)))
