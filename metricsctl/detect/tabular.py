"""Bare series: a file or a data frame, whose columns are inferred where there is no doubt."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from metricsctl.core.diagnostics import Diagnostic
from metricsctl.core.errors import DataError, UsageError
from metricsctl.core.names import nearest
from metricsctl.detect.base import Status
from metricsctl.detect.files import read_columns
from metricsctl.detect.grid import Grid
from metricsctl.detect.series import Series, SeriesSet, Traits

__all__ = ["series_sets"]

_TIME_NAMES = ("time", "timestamp", "datetime", "date", "ts", "ds")
_VALUE_NAMES = ("value", "y")
_NOTHING = {"", "nan", "null", "none", "na", "n/a", "<na>", "nat"}
_UNITS = ((1e11, 1e6), (1e14, 1e3), (1e17, 1.0), (1e20, 1e-3))  # Unix times below a limit, and their microseconds
Columns = Mapping[str, Sequence[Any]]


def series_sets(
    source: Any, *, time: str | None, value: str | None, by: tuple[str, ...]
) -> tuple[list[SeriesSet], tuple[str, ...], list[Diagnostic]]:
    """The series of a table, one set each, the columns they are split by, and what was noticed.

    `source` is a path (`-` is stdin), or a pandas object whose times may be its index; UsageError or DataError as
    `metricsctl.detect.run.detect_frame` says.
    """
    columns = read_columns(source) if isinstance(source, str | Path) else _columns_of(source)
    for name in (time, value, *by):
        if name is not None and name not in columns:
            raise UsageError(f"the input has no column '{name}'", hint=nearest(name, columns))
    size = len(next(iter(columns.values()), ()))
    if not size:
        raise DataError("the input has no rows", hint="a header and at least one row are needed")
    time = time or _time_column(columns, {value, *by})
    times = None if time is None else _times(columns[time], time)
    value = value or _value_column(columns, {time, *by})
    by = by or _by_columns(columns, times, {time, value})
    numbers = _numbers(columns[value], value)
    groups: dict[tuple[str | None, ...], list[int]] = {}
    for row in range(size):
        groups.setdefault(tuple(_text(columns[name][row]) for name in by), []).append(row)
    labels = [str(row + 1) for row in range(size)] if time is None else [str(text) for text in columns[time]]
    sets = [_set(value, dict(zip(by, key, strict=True)), np.array(rows), times, numbers, labels) for key, rows in groups.items()]
    return sets, by, []


def _columns_of(source: Any) -> dict[str, list[Any]]:
    """The columns of a data frame or a series of pandas; an index of times is one of them."""
    import pandas as pd

    frame = source.to_frame(source.name if source.name is not None else "value") if isinstance(source, pd.Series) else source
    if not isinstance(frame, pd.DataFrame):
        raise UsageError(f"a {type(source).__name__} is no table", hint="give a pandas DataFrame or Series, or the path of a CSV file")
    found = {str(name): list(frame[name]) for name in frame.columns}
    if len(found) != len(frame.columns):
        raise DataError("the data frame has a column name twice", hint="give each column a name of its own")
    if isinstance(frame.index, pd.DatetimeIndex):
        name = str(frame.index.name) if frame.index.name is not None else "time"
        if name in found:
            raise UsageError(
                f"the data frame has '{name}' as its index and as a column", hint="reset_index(drop=True), or name the index otherwise"
            )
        found = {name: list(frame.index), **found}
    return found


def _text(cell: Any) -> str | None:
    text = str(cell)
    return None if cell is None or text.strip().lower() in _NOTHING else text


def _number(cell: Any) -> float | None:
    """A cell as a number, NaN where it is empty; None if it is something else."""
    if _text(cell) is None:
        return math.nan
    if isinstance(cell, dt.datetime | dt.date):
        return None
    try:
        return float(cell)
    except (TypeError, ValueError, OverflowError):
        return None


def _floats(cells: Sequence[Any]) -> tuple[list[float], int | None]:
    """Cells as numbers, NaN where they are empty, up to the first that is something else, and its place."""
    try:
        return list(map(float, cells)), None  # what is nearly always the case, at a tenth of the time
    except (TypeError, ValueError, OverflowError):
        found: list[float] = []
        for place, cell in enumerate(cells):
            number = _number(cell)
            if number is None:
                return found, place
            found.append(number)
        return found, None


def _moment(cell: Any) -> int | None:
    """A cell as a time in microseconds, naive ones in UTC; None if it is none."""
    if _text(cell) is None:
        return None
    try:
        moment = cell if isinstance(cell, dt.datetime) else dt.datetime.fromisoformat(str(cell).strip())
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=dt.UTC)
    return (moment - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(microseconds=1)


def _time_column(columns: Columns, taken: set[str | None]) -> str | None:
    """The column of the time: one that is named so, else the only one that holds times; None if there is none."""
    free = [name for name in columns if name not in taken]
    named = [name for name in free if name.lower() in _TIME_NAMES]
    if named:
        return named[0]
    found = [name for name in free if all(_moment(cell) is not None and not str(cell).strip().isdigit() for cell in columns[name][:20])]
    if len(found) > 1:
        raise UsageError(f"several columns hold times: {', '.join(found)}", hint="say which with --time-column")
    return found[0] if found else None


def _value_column(columns: Columns, taken: set[str | None]) -> str:
    """The column of the value: one that is named so, else the only one that holds numbers."""
    free = [name for name in columns if name not in taken]
    found = [name for name in free if _is_numeric(columns[name])]
    named = [name for name in found if name.lower() in _VALUE_NAMES]
    if len(named) == 1 or len(found) == 1:
        return (named or found)[0]
    if found:
        raise UsageError(f"several columns hold numbers: {', '.join(found)}", hint="say which with --value-column")
    for name in free:
        if sum(_number(cell) is not None and _text(cell) is not None for cell in columns[name]) > len(columns[name]) / 2:
            _numbers(columns[name], name)  # says which cell it is
    raise DataError(f"no column holds numbers: {', '.join(columns)}", hint="one column must hold the value of the series")


def _is_numeric(cells: Sequence[Any]) -> bool:
    numbers, wrong = _floats(cells)
    return wrong is None and not all(map(math.isnan, numbers))


def _by_columns(columns: Columns, times: npt.NDArray[np.int64] | None, taken: set[str | None]) -> tuple[str, ...]:
    """The columns that tell series apart: those of text, where times stand more than once without them and only once with them."""
    if times is None or len(np.unique(times)) == len(times):
        return ()
    texts = tuple(name for name in columns if name not in taken and not _is_numeric(columns[name]))
    together = set(zip(times.tolist(), *(map(str, columns[name]) for name in texts), strict=True))
    if texts and len(together) == len(times):
        return texts
    raise UsageError("the times are not unique, and it is not clear which columns tell the series apart", hint="say so with --by")


def _times(cells: Sequence[Any], name: str) -> npt.NDArray[np.int64]:
    numbers, wrong = _floats(cells)
    if wrong is None and all(abs(number) < _UNITS[-1][0] for number in numbers):
        return _epoch(np.array(numbers, dtype=np.float64))
    known: dict[str, int | None] = {}  # the same times stand in many series
    found = []
    for row, cell in enumerate(cells, start=2):
        text = str(cell)
        if text not in known:
            known[text] = _moment(cell)
        moment = known[text]
        if moment is None:
            raise DataError(f"row {row}: '{cell}' in column '{name}' is not a time", hint="write 2026-11-20 or 2026-11-20T14:00:00Z")
        found.append(moment)
    return np.array(found, dtype=np.int64)


def _epoch(numbers: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Unix times in seconds, milliseconds, microseconds or nanoseconds, told apart by their size, in microseconds."""
    largest = float(np.abs(numbers).max())
    factor = next(factor for limit, factor in _UNITS if largest < limit)
    return np.round(numbers * factor).astype(np.int64)


def _numbers(cells: Sequence[Any], name: str) -> npt.NDArray[np.float64]:
    found, wrong = _floats(cells)
    if wrong is not None:
        text = f"row {wrong + 2}: '{cells[wrong]}' in column '{name}' is not a number"
        raise DataError(text, hint="another column? --value-column names it")
    return np.array(found, dtype=np.float64)


def _set(
    metric: str,
    key: dict[str, str | None],
    rows: npt.NDArray[np.int64],
    times: npt.NDArray[np.int64] | None,
    numbers: npt.NDArray[np.float64],
    labels: list[str],
) -> SeriesSet:
    """One series in the order of time, on the grid of its own cadence."""
    own = rows if times is None else times[rows]
    order = np.argsort(own, kind="stable")
    rows, own = rows[order], own[order]
    value = numbers[rows]
    status = np.where(np.isfinite(value), np.uint8(Status.WARMING_UP), np.uint8(Status.MISSING))
    place, length = (np.arange(len(own)), 0) if times is None else _places(own)
    grid = Grid.of(own, place, length)
    status = np.where(grid.single, status, np.uint8(Status.EXCLUDED))
    series = Series(key, value, np.zeros(len(value)), status)
    return SeriesSet(Traits(metric), grid, (series,), rows=rows, labels=tuple(labels[row] for row in rows.tolist()))


def _places(times: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], int]:
    """The place of each time on the grid of the usual step; one after the other where the steps are irregular."""
    steps = np.diff(np.unique(times))
    if not len(steps):
        return np.where(np.arange(len(times)) == 0, 0, 0), 0
    step = int(np.median(steps))
    ratio = steps.astype(np.float64) / step
    regular = np.abs(ratio - np.round(ratio)) < 0.1
    if regular.mean() < 0.9 or (times[-1] - times[0]) / step > 20 * len(times):
        return np.searchsorted(np.unique(times), times), 0
    return np.round((times - times[0]) / step).astype(np.int64), step
