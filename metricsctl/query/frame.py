"""A metric's values over time, in columns."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, TypedDict

import numpy as np
import numpy.typing as npt

from metricsctl.core.diagnostics import Diagnostic
from metricsctl.core.serial import plain
from metricsctl.core.timegrid import Grain, to_iso

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FrameData", "PointData", "QueryReport", "SeriesFrame", "Status"]


class PointData(TypedDict):
    """A point in JSON: `time` is the start of its window, ISO 8601 in the metric's zone."""

    time: str
    key: dict[str, str | None]
    value: float | None
    count: int
    status: str


class FrameData(TypedDict):
    """A frame in JSON."""

    metric: str
    unit: str | None
    grain: str
    timezone: str
    dimensions: list[str]
    points: list[PointData]


class Status(enum.IntEnum):
    """What is known of a point; the larger one is the worse.

    FINAL: its window is over. REVISED: it changed after it was. OPEN: events may still come. ABSENT: there is no value.
    """

    FINAL = 0
    REVISED = 1
    OPEN = 2
    ABSENT = 3

    @property
    def word(self) -> str:
        """Its name in reports."""
        return self.name.lower()


@dataclass(frozen=True)
class SeriesFrame:
    """Points of one metric, sorted by key and time; all arrays have the same length.

    Attributes
    ----------
    keys : dimension -> object array
        The dimension's value as text, None where it is NULL.
    time : int64 array
        Start of the window, microseconds since 1970 in UTC.
    value : float64 array
        NaN where there is no value.
    count : int64 array
        Rows of the source or model that the value stands on; for a formula the fewest of its inputs.
    status : uint8 array
        See `Status`.
    """

    metric: str
    unit: str | None
    grain: Grain
    zone: str
    keys: Mapping[str, npt.NDArray[np.object_]]
    time: npt.NDArray[np.int64]
    value: npt.NDArray[np.float64]
    count: npt.NDArray[np.int64]
    status: npt.NDArray[np.uint8]
    label: str | None = None

    @property
    def dimensions(self) -> tuple[str, ...]:
        """What it is split by."""
        return tuple(self.keys)

    def __len__(self) -> int:
        return len(self.time)

    def rows(self) -> Iterator[tuple[int, tuple[str | None, ...], float | None, str]]:
        """The points as (time, key, value or None, status word)."""
        columns = list(self.keys.values())
        for index in range(len(self.time)):
            value = float(self.value[index])
            key = tuple(column[index] for column in columns)
            yield int(self.time[index]), key, None if np.isnan(value) else value, Status(int(self.status[index])).word

    def series(self) -> Iterator[tuple[tuple[str | None, ...], SeriesFrame]]:
        """The frame cut by key, in the order of the keys."""
        columns = list(self.keys.values())
        start = 0
        size = len(self.time)
        for index in range(1, size + 1):
            if index == size or any(column[index] != column[start] for column in columns):
                cut = slice(start, index)
                yield tuple(column[start] for column in columns), self.cut(cut)
                start = index

    def cut(self, where: slice | npt.NDArray[np.bool_] | npt.NDArray[np.intp]) -> SeriesFrame:
        """Some of its points, in the order of their places where these are given."""
        keys = {name: column[where] for name, column in self.keys.items()}
        return SeriesFrame(
            self.metric,
            self.unit,
            self.grain,
            self.zone,
            keys,
            self.time[where],
            self.value[where],
            self.count[where],
            self.status[where],
            self.label,
        )

    def to_pandas(self) -> pd.DataFrame:
        """A data frame with the columns time (UTC), the dimensions, value, count, status."""
        import pandas as pd

        time = pd.to_datetime(self.time, unit="us", utc=True)
        words = [Status(code).word for code in self.status.tolist()]
        return pd.DataFrame({"time": time, **self.keys, "value": self.value, "count": self.count, "status": words})

    def to_dict(self) -> FrameData:
        """Plain data: the points as objects, times as ISO 8601 in the metric's zone."""
        points: list[PointData] = []
        counts = self.count.tolist()
        for index, (time, key, value, status) in enumerate(self.rows()):
            points.append(
                {
                    "time": to_iso(time, self.zone),
                    "key": dict(zip(self.dimensions, key, strict=True)),
                    "value": plain(value),
                    "count": counts[index],
                    "status": status,
                }
            )
        return {
            "metric": self.metric,
            "unit": self.unit,
            "grain": str(self.grain),
            "timezone": self.zone,
            "dimensions": list(self.dimensions),
            "points": points,
        }

    def _repr_html_(self) -> str:
        from metricsctl.core.html import number, paragraph, table

        def cells(index: int) -> list[Any]:
            value = None if np.isnan(self.value[index]) else number(float(self.value[index]))
            keys = (column[index] for column in self.keys.values())
            status = Status(int(self.status[index])).word
            return [to_iso(int(self.time[index]), self.zone), *keys, value, int(self.count[index]), status]

        title = f"{self.metric} by {self.grain}" + (f", in {self.unit}" if self.unit else "")
        columns = ("time", *self.dimensions, "value", "count", "status")
        return paragraph(title, "h4") + (table(columns, range(len(self)), cells) or paragraph("no points"))


@dataclass(frozen=True, slots=True)
class QueryReport:
    """The frames of a query, one a metric, in the order asked.

    `ordered`: their points are in another order than that of key and time. `left_off`: how many points a limit has cut off. `plotted`:
    whether a table has curves.
    """

    name: ClassVar[str] = "query"
    version: ClassVar[int] = 1

    frames: tuple[SeriesFrame, ...]
    diagnostics: tuple[Diagnostic, ...] = field(default=())
    ordered: bool = False
    left_off: int = 0
    plotted: bool = False

    @property
    def stats(self) -> dict[str, int]:
        """Counts of the result."""
        counts = {"metrics": len(self.frames), "points": sum(len(frame) for frame in self.frames)}
        return counts | ({"left_off": self.left_off} if self.left_off else {})

    def to_dict(self) -> list[FrameData]:
        """Plain data."""
        return [frame.to_dict() for frame in self.frames]

    def items(self) -> Iterator[dict[str, Any]]:
        """Each point by itself, for JSON lines."""
        for frame in self.frames:
            for point in frame.to_dict()["points"]:
                yield {"metric": frame.metric, **point}

    def to_parquet(self) -> bytes:
        """All points as one Parquet file: metric, time (UTC), the dimensions, value, count, status."""
        from metricsctl.engine.duckdb.parquet import parquet_bytes

        by = list(dict.fromkeys(name for frame in self.frames for name in frame.dimensions))
        parts: dict[str, list[Any]] = {
            "metric": [],
            "time": [],
            **{f"key {name}": [] for name in by},
            "value": [],
            "count": [],
            "status": [],
        }
        for frame in self.frames:
            parts["metric"].append(np.full(len(frame), frame.metric, dtype=object))
            parts["time"].append(frame.time.view("datetime64[us]"))
            for name in by:
                parts[f"key {name}"].append(frame.keys.get(name, np.full(len(frame), None, dtype=object)))
            parts["value"].append(frame.value)
            parts["count"].append(frame.count)
            parts["status"].append(np.array([Status(code).word for code in frame.status.tolist()], dtype=object))
        return parquet_bytes({name.removeprefix("key "): np.concatenate(columns) for name, columns in parts.items()})

    def to_pandas(self) -> pd.DataFrame:
        """All points under one another, with the metric's name in the first column."""
        import pandas as pd

        parts = []
        for frame in self.frames:
            part = frame.to_pandas()
            part.insert(0, "metric", frame.metric)
            parts.append(part)
        return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()

    def _repr_html_(self) -> str:
        from metricsctl.core.html import notes

        return "".join(frame._repr_html_() for frame in self.frames) + notes(self.diagnostics)
