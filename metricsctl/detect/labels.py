"""What people said of stretches of series: the file `labels.csv` beside the definitions, reviewed like them.

Its columns are `metric,segment,start,end,as,episode,note`; a segment is written `country=DE&platform=web`, a NULL as `country` alone, and
the total as nothing. Times are ISO 8601, the end exclusive.
"""

from __future__ import annotations

import contextlib
import csv
import datetime as dt
import io
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import quote, unquote

import numpy as np
import numpy.typing as npt

from metricsctl.core.diagnostics import Span
from metricsctl.core.errors import DataError

__all__ = [
    "LABELS_FILE",
    "MEANINGS",
    "Label",
    "Meaning",
    "instant",
    "labelled",
    "parse_labels",
    "read_labels",
    "segment_of",
    "segment_text",
    "write_labels",
]

LABELS_FILE = "labels.csv"
Meaning = Literal["incident", "noise", "expected"]
MEANINGS: tuple[Meaning, ...] = ("incident", "noise", "expected")
_COLUMNS = ("metric", "segment", "start", "end", "as", "episode", "note")
_NEEDED = ("metric", "start", "end")
_HINT = f"its columns are {','.join(_COLUMNS)}; as: {', '.join(MEANINGS)}; times in ISO 8601"


@dataclass(frozen=True, slots=True)
class Label:
    """A stretch of a metric, or of one of its segments, from `start` to `end` (ISO 8601, the end exclusive), and what it was.

    `incident`: something was wrong. `expected`: it was odd, and known to be so. `noise`: nothing was wrong. `episode` is the id of the
    episode that was labelled, if it was one. `start_us` and `end_us` are microseconds since 1970.
    """

    metric: str
    key: Mapping[str, str | None]
    start: str
    end: str
    meaning: Meaning
    episode: str | None = None
    note: str | None = None
    start_us: int = field(default=0, compare=False)
    end_us: int = field(default=0, compare=False)

    @property
    def place(self) -> tuple[str, str, str, str]:
        """What tells labels apart: the metric, the segment and the times."""
        return self.metric, segment_text(self.key), self.start, self.end

    def concerns(self, metric: str, key: Mapping[str, str | None]) -> bool:
        """Whether it is about a series: of its metric, in its segment or a part of it."""
        return metric == self.metric and self.key.items() <= key.items()


def segment_text(key: Mapping[str, str | None]) -> str:
    """A segment as it stands in the file.

    >>> segment_text({"country": "DE", "platform": None})
    'country=DE&platform'
    """
    return "&".join(
        quote(name, safe=" .-_") + ("" if value is None else "=" + quote(value, safe=" .-_:/,")) for name, value in sorted(key.items())
    )


def segment_of(text: str) -> dict[str, str | None]:
    """The segment that a text of the file means.

    >>> segment_of("country=DE&platform")
    {'country': 'DE', 'platform': None}
    """
    parts = [part.partition("=") for part in text.split("&") if part]
    return {unquote(name): unquote(value) if equals else None for name, equals, value in parts}


def instant(text: str) -> int:
    """An ISO 8601 time in microseconds since 1970; without an offset it is UTC. ValueError if it is none."""
    time = dt.datetime.fromisoformat(text)
    return round((time if time.tzinfo is not None else time.replace(tzinfo=dt.UTC)).timestamp() * 1_000_000)


def parse_labels(text: str, path: str = LABELS_FILE) -> tuple[Label, ...]:
    """The labels of a table; `segment`, `as` (incident), `episode`, `note` may be left out. DataError, with its line, for what is none."""
    rows = csv.reader(io.StringIO(text, newline=""))
    line, found = 1, []
    try:
        header = next(rows, [])
        _check(header)
        line = rows.line_num + 1
        for row in rows:
            if row:
                found.append(_label(header, row))
            line = rows.line_num + 1
    except (ValueError, csv.Error) as error:
        raise DataError(f"not a table of labels: {error}", hint=_HINT, span=Span(path, line, 1, line, 1)) from error
    return tuple(found)


def _check(header: Sequence[str]) -> None:
    missing = next((name for name in _NEEDED if name not in header), None)
    if missing is not None:
        raise ValueError(f"it has no column '{missing}'")


def _label(header: Sequence[str], fields: Sequence[str]) -> Label:
    if len(fields) != len(header):
        raise ValueError(f"{len(fields)} fields, not {len(header)}")
    row = dict(zip(header, fields, strict=True))
    meaning = row.get("as") or MEANINGS[0]
    chosen = next((known for known in MEANINGS if known == meaning), None)
    if chosen is None:
        raise ValueError(f"unknown label '{meaning}'")
    start, end = instant(row["start"]), instant(row["end"])
    if start >= end:
        raise ValueError(f"it ends at {row['end']}, before it starts")
    key = segment_of(row.get("segment") or "")
    return Label(row["metric"], key, row["start"], row["end"], chosen, row.get("episode") or None, row.get("note") or None, start, end)


def read_labels(path: Path) -> tuple[Label, ...]:
    """The labels in a file; none if there is no such file. DataError for one that cannot be read."""
    if not path.is_file():
        return ()
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            text = file.read()
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: not a table of labels", hint=_HINT) from error
    return parse_labels(text, str(path))


def write_labels(path: Path, labels: Sequence[Label]) -> None:
    """Replace the file at once, in the order of time; notes become one line each. DataError if it cannot be written."""
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\n")
    table.writerow(_COLUMNS)
    for item in sorted(labels, key=lambda label: (label.start_us, label.metric, segment_text(label.key))):
        row = [item.metric, segment_text(item.key), item.start, item.end, item.meaning, item.episode or "", _one_line(item.note)]
        table.writerow(row)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        fresh.write_text(text.getvalue(), encoding="utf-8", newline="")
        fresh.replace(path)
    except OSError as error:
        raise DataError(f"cannot write {path}: {error.strerror}", hint="is the folder yours to write?") from error
    finally:
        with contextlib.suppress(OSError):
            fresh.unlink(missing_ok=True)


def _one_line(text: str | None) -> str:
    return " ".join((text or "").split())


def labelled(
    labels: Iterable[Label], metric: str, key: Mapping[str, str | None], times: npt.NDArray[np.int64], length: int
) -> npt.NDArray[np.bool_]:
    """Which windows of a series, given by their starts and their length in microseconds, reach into a stretch that is about it."""
    found = np.zeros(len(times), dtype=bool)
    for item in labels:
        if item.concerns(metric, key):
            found |= (times < item.end_us) & (times + length > item.start_us)
    return found
