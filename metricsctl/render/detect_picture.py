"""A detection as a picture: of each series its values, where they should have been, its anomalies and its episodes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from metricsctl.core.errors import UsageError
from metricsctl.render.axes import number_marks, time_marks
from metricsctl.render.detect_curves import Curve, curves, title_of
from metricsctl.render.numbers import human
from metricsctl.render.plot import limits
from metricsctl.render.scene import Point, Scene
from metricsctl.render.views.detect import shown_size, when

if TYPE_CHECKING:
    from metricsctl.detect.report import AnomalyReport

__all__ = ["picture"]

MOST = 8  # series that are drawn
_WIDTH, _PANEL, _TOP, _FOOT = 960.0, 200.0, 40.0, 16.0
_LEFT, _RIGHT, _HEAD, _AXIS = 78.0, 14.0, 34.0, 22.0
_INK, _FAINT, _GRID = "#22303c", "#5c6b78", "#e6eaee"
_BAND, _EXPECTED, _VALUE, _ODD = "#d6e4f5", "#7d9cc0", "#1f3a5f", "#b3261e"
_EPISODES = {"bad": ("#fbe3e0", "#b3261e"), "neutral": ("#fdf0d2", "#8a5a00"), "good": ("#dff2e3", "#2b7d3c")}
_ANOMALY = 1  # the status of a point that is one
_DENSE = 2_000  # points of a stretch from which on a column shows the span of its points
_LETTER = 5.4  # points that a letter of a label takes


def picture(report: AnomalyReport, kind: str) -> str | bytes:
    """The picture as "svg" or "png": the series with the strongest episodes, one below the other. UsageError where there is none."""
    chosen, left = curves(report, MOST)
    if not chosen:
        raise UsageError("there is nothing to draw: no series", hint="leave --plot-file out, or ingest events first")
    scene = Scene(_WIDTH, _TOP + len(chosen) * _PANEL + _FOOT, f"{len(report.episodes):,} anomalies in {len(report.series):,} series")
    _legend(scene)
    for number, curve in enumerate(chosen):
        _Panel(scene, curve, _TOP + number * _PANEL).draw()
    if left:
        scene.text((_LEFT, scene.height - 5), f"{left:,} more series are not drawn", size=10, color=_FAINT)
    return scene.render(kind)


def _legend(scene: Scene) -> None:
    x, y = _LEFT, 20.0
    for name, color, shape in (
        ("value", _VALUE, "line"),
        ("expected", _EXPECTED, "dashed"),
        ("ninety-nine of a hundred values", _BAND, "area"),
        ("anomaly", _ODD, "dot"),
        ("alert", _ODD, "alert"),
        *((f"episode, {effect}" if effect != "neutral" else "episode", fill, "area") for effect, (fill, _) in _EPISODES.items()),
    ):
        if shape == "area":
            scene.area([(x, y - 9), (x + 18, y - 9), (x + 18, y + 1), (x, y + 1)], color)
        elif shape == "dot":
            scene.dot((x + 9, y - 4), 2.4, color)
        elif shape == "alert":
            scene.area(_triangle(x + 9, y), color)
        else:
            scene.line([(x, y - 4), (x + 18, y - 4)], color, 1.4, dashed=shape == "dashed")
        scene.text((x + 23, y), name, size=10, color=_FAINT)
        x += 38 + _LETTER * len(name)


def _triangle(x: float, y: float) -> list[Point]:
    return [(x - 4.5, y), (x + 4.5, y), (x, y - 8)]


class _Panel:
    """One series in its frame."""

    def __init__(self, scene: Scene, curve: Curve, top: float) -> None:
        self.scene, self.curve, self.series = scene, curve, curve.series
        self.top, self.bottom = top + _HEAD, top + _PANEL - _AXIS
        self.time = self.series.time.astype(np.float64)
        known = self.series.value[np.isfinite(self.series.value)].tolist()
        around = np.concatenate([self.series.expected_low, self.series.expected_high]).tolist()
        low, high = limits(known, around) if known else (0.0, 1.0)
        spare = (high - low) * 0.06 or abs(high) * 0.1 or 1.0
        self.low, self.high = low - (spare if low < 0 or low >= spare else low), high + spare

    def x(self, time: float) -> float:
        """The place of a time."""
        first, last = self.time[0], self.time[-1]
        share = (time - first) / (last - first) if last > first else 0.5
        return float(_LEFT + min(max(share, 0.0), 1.0) * (_WIDTH - _LEFT - _RIGHT))

    def y(self, value: float) -> float:
        """The place of a value; what lies outside of the frame is drawn at its edge."""
        return self.bottom - (min(max(value, self.low), self.high) - self.low) / (self.high - self.low) * (self.bottom - self.top)

    def draw(self) -> None:
        """Ground, episodes, band, curve, marks, then the texts."""
        self._episodes()
        self._axes()
        places = np.array([self.x(time) for time in self.time.tolist()])
        self._band(places)
        self._curve(places, self.series.expected, _EXPECTED, 1.0, dashed=True)
        self._curve(places, self.series.value, _VALUE, 1.2, dashed=False)
        for place in np.flatnonzero((self.series.status == _ANOMALY) & np.isfinite(self.series.value)).tolist():
            self.scene.dot((float(places[place]), self.y(float(self.series.value[place]))), 2.4, _ODD)
        for place in self.curve.alerts:
            self.scene.area(_triangle(float(places[place]), self.bottom), _ODD)

    def _axes(self) -> None:
        for value in number_marks(self.low, self.high):
            y = self.y(value)
            self.scene.line([(_LEFT, y), (_WIDTH - _RIGHT, y)], _GRID, 0.8)
            self.scene.text((_LEFT - 6, y + 3.5), human(float(f"{value:.6g}")), size=10, color=_FAINT, anchor="end")
        first, last = int(self.time[0]), int(self.time[-1])
        marks = _row_marks(first, last) if self.curve.by_row else time_marks(first, last, self.series.zone)
        end = -math.inf
        for time, label in marks:
            x = self.x(time)
            self.scene.line([(x, self.bottom), (x, self.bottom + 4)], _FAINT, 0.8)
            half = len(label) * _LETTER / 2
            middle = min(max(x, _LEFT + half), _WIDTH - half)
            if middle - half > end:
                self.scene.text((middle, self.bottom + 15), label, size=10, color=_FAINT, anchor="middle")
                end = middle + half + 8
        self.scene.line([(_LEFT, self.bottom), (_WIDTH - _RIGHT, self.bottom)], _FAINT, 0.8)
        self.scene.text((_LEFT, self.top - 18), title_of(self.series), size=12, color=_INK, bold=True)

    def _episodes(self) -> None:
        """A coloured ground, and as many labels as there is room for, the strongest first."""
        taken: list[tuple[float, float]] = []
        for episode, first, last in self.curve.episodes:
            left, right = self._span(first, last)
            fill, _ = _EPISODES[episode.effect]
            self.scene.area([(left, self.top), (right, self.top), (right, self.bottom), (left, self.bottom)], fill)
        for episode, first, last in sorted(self.curve.episodes, key=lambda item: -item[0].score):
            for label in (f"{episode.id}  {shown_size(episode)}  {when(episode)}", episode.id):
                half = len(label) * _LETTER / 2
                middle = min(max(sum(self._span(first, last)) / 2, _LEFT + half), _WIDTH - _RIGHT - half)
                if all(middle + half < start or middle - half > end for start, end in taken):
                    self.scene.text((middle, self.top - 4), label, size=10, color=_EPISODES[episode.effect][1], anchor="middle")
                    taken.append((middle - half - 6, middle + half + 6))
                    break

    def _span(self, first: int, last: int) -> tuple[float, float]:
        """The ground of some windows, at least three points wide."""
        left, right = self.x(float(self.time[first])), self.x(float(self.time[min(last + 1, len(self.time) - 1)]))
        spare = max(3.0 - (right - left), 0.0) / 2
        return left - spare, right + spare

    def _band(self, places: npt.NDArray[np.float64]) -> None:
        low, high = self.series.expected_low, self.series.expected_high
        for part in _runs(np.isfinite(low) & np.isfinite(high)):
            upper, lower = _thinned(places[part], high[part], np.maximum), _thinned(places[part], low[part], np.minimum)
            points = [(x, self.y(value)) for x, value in (*upper, *reversed(lower))]
            if len(points) > 2:
                self.scene.area(points, _BAND)

    def _curve(self, places: npt.NDArray[np.float64], values: npt.NDArray[np.float64], color: str, width: float, *, dashed: bool) -> None:
        for part in _runs(np.isfinite(values)):
            least, most = (_thinned(places[part], values[part], pick) for pick in (np.minimum, np.maximum))
            joined = zip(least, most, strict=True)
            points = [(x, self.y(value)) for low, high in joined for x, value in ((low, high) if low != high else (low,))]
            if len(points) == 1:
                self.scene.dot(points[0], 1.2, color)
            else:
                self.scene.line(points, color, width, dashed=dashed)


def _row_marks(first: int, last: int) -> list[tuple[int, str]]:
    return [(round(mark), f"row {round(mark) + 1:,}") for mark in number_marks(first, last, 6) if mark == round(mark)]


def _runs(known: npt.NDArray[np.bool_]) -> Iterator[slice]:
    """The stretches without a gap."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], known, [False]]).astype(np.int8)))
    for start, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        yield slice(start, end)


def _thinned(places: npt.NDArray[np.float64], values: npt.NDArray[np.float64], pick: np.ufunc) -> list[Point]:
    """The points, or where there are many more than the picture is wide, one a column: the least or the greatest."""
    if len(places) <= _DENSE:
        return list(zip(places.tolist(), values.tolist(), strict=True))
    starts = np.flatnonzero(np.diff(np.floor(places), prepend=-1.0))
    return list(zip(places[starts].tolist(), pick.reduceat(values, starts).tolist(), strict=True))
