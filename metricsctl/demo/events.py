"""Columns of events to gzipped JSON lines, one file a day and source."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from metricsctl.demo.story import DAYS, START
from metricsctl.demo.traffic import COUNTRIES, PLATFORMS, STATUSES, ads, payments

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from metricsctl.demo.traffic import Columns

__all__ = ["write_events"]

_DAY = 86_400
_AD = '{"ts":"%s","user_id":"u%05d","country":"%s","platform":"%s","is_click":%s,"load_ms":%d}'
_PAYMENT = '{"paid_at":"%s","order_id":"o%06d","user_id":"u%05d","amount_usd":%.2f,"status":"%s","country":"%s","platform":"%s"}'


def write_events(folder: Path, seed: int) -> dict[str, int]:
    """Write `<source>/<day>.ndjson.gz` below `folder`; gives the number of events of each source."""
    import numpy as np

    counts = {}
    made: tuple[tuple[str, Callable[[np.random.Generator], Columns], Callable[[Columns], list[str]]], ...] = (
        ("ad_log", ads, _ad_lines),
        ("payment_log", payments, _payment_lines),
    )
    for number, (source, make, lines_of) in enumerate(made):
        columns = make(np.random.default_rng([seed, number]))
        counts[source] = columns["second"].size
        _write_days(folder / source, lines_of(columns), columns["second"])
    return counts


def _write_days(folder: Path, lines: list[str], second: NDArray[np.int64]) -> None:
    import datetime as dt

    import numpy as np

    folder.mkdir(parents=True)
    ends = np.searchsorted(second, np.arange(DAYS + 1) * _DAY).tolist()
    for day in range(DAYS):
        name = f"{START.date() + dt.timedelta(days=day)}.ndjson.gz"
        text = "\n".join([*lines[ends[day] : ends[day + 1]], ""])
        (folder / name).write_bytes(gzip.compress(text.encode(), compresslevel=4, mtime=0))


def _times(columns: Columns) -> Iterator[str]:
    import numpy as np

    start = np.datetime64(START.replace(tzinfo=None), "s")
    return iter(np.datetime_as_string(start + columns["second"].astype("timedelta64[s]"), unit="s", timezone="UTC").tolist())


def _names(names: tuple[str, ...], numbers: NDArray[np.int64]) -> list[str]:
    return [names[number] for number in numbers.tolist()]


def _ad_lines(columns: Columns) -> list[str]:
    country, platform = _names(COUNTRIES, columns["country"]), _names(PLATFORMS, columns["platform"])
    click = _names(("false", "true"), columns["click"])
    rows = zip(_times(columns), columns["user"].tolist(), country, platform, click, columns["load_ms"].tolist(), strict=True)
    return [_AD % row for row in rows]


def _payment_lines(columns: Columns) -> list[str]:
    country, platform = _names(COUNTRIES, columns["country"]), _names(PLATFORMS, columns["platform"])
    status, amount = _names(STATUSES, columns["status"]), (columns["cents"] / 100).tolist()
    rows = zip(_times(columns), range(columns["second"].size), columns["user"].tolist(), amount, status, country, platform, strict=True)
    return [_PAYMENT % row for row in rows]
