"""The picture of a detection: what is drawn, where, and that it stays as it was looked at."""

import datetime as dt
import shutil
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from metricsctl.core.errors import UsageError
from metricsctl.detect.report import AnomalyReport
from metricsctl.detect.run import DetectOptions, detect_frame
from metricsctl.render.axes import number_marks, time_marks
from metricsctl.render.detect_curves import curves
from metricsctl.render.detect_picture import picture

GOLDEN = Path(__file__).parents[2] / "golden" / "detect" / "plot-file.svg"
SVG = "{http://www.w3.org/2000/svg}"
ODD, VALUE, BAND = "#b3261e", "#1f3a5f", "#d6e4f5"


def found(size: int = 400, hosts: str = "ab") -> AnomalyReport:
    """Hours of some hosts; the first one jumps for a while, and has a gap."""
    hours = np.arange(size)
    rng = np.random.default_rng(5)
    parts = []
    for number, host in enumerate(hosts):
        load = 100 + 20 * np.sin(hours * np.pi / 12) + rng.normal(0, 2, size)
        if not number:
            load[size - 60 : size - 52] += 60
            load[150:160] = np.nan
        times = pd.Timestamp("2026-03-20", tz="UTC") + pd.to_timedelta(hours, unit="h")
        parts.append(pd.DataFrame({"time": times, "host": host, "load": load}))
    return detect_frame(pd.concat(parts), by=["host"])


@pytest.fixture(scope="module")
def report() -> AnomalyReport:
    return found()


def test_the_picture_is_as_it_was(report: AnomalyReport, request: pytest.FixtureRequest) -> None:
    drawn = str(picture(report, "svg"))
    if request.config.getoption("--update-golden"):
        GOLDEN.write_text(drawn, encoding="utf-8", newline="\n")
    assert drawn == GOLDEN.read_text(encoding="utf-8")


def test_it_shows_the_series_with_anomalies_and_every_mark(report: AnomalyReport) -> None:
    root = ET.fromstring(str(picture(report, "svg")))
    texts = [item.text or "" for item in root.iter(f"{SVG}text")]
    (curve,), left = curves(report, 8)
    assert (dict(curve.series.key), left) == ({"host": "a"}, 0)
    assert "load, host=a" in texts
    assert not any("host=b" in text for text in texts)
    (episode, first, last) = curve.episodes[0]
    assert any(text.startswith(episode.id) for text in texts)
    assert last - first + 1 == episode.windows
    dots = [item for item in root.iter(f"{SVG}circle") if item.get("fill") == ODD]
    assert len(dots) == 1 + int((curve.series.status == 1).sum())  # and one in the legend
    lines = [item for item in root.iter(f"{SVG}polyline") if item.get("stroke") == VALUE]
    assert len(lines) == 1 + 2  # the legend, and a curve on each side of the gap
    assert any(item.get("fill") == BAND for item in root.iter(f"{SVG}polygon"))


def test_nothing_is_drawn_outside_of_it(report: AnomalyReport) -> None:
    root = ET.fromstring(str(picture(report, "svg")))
    width, height = float(root.get("width", "0")), float(root.get("height", "0"))
    places = [
        tuple(map(float, pair.split(",")))
        for name in ("polyline", "polygon")
        for item in root.iter(f"{SVG}{name}")
        for pair in item.get("points", "").split()
    ]
    assert len(places) > 400
    assert all(0 <= x <= width and 0 <= y <= height for x, y in places)


def test_a_long_series_is_drawn_by_columns() -> None:
    frame = pd.DataFrame({"value": np.random.default_rng(0).normal(size=20_000)})
    drawn = str(picture(detect_frame(frame, options=DetectOptions(detector="jump")), "svg"))
    assert len(drawn) < 150_000
    (line,) = [
        item for item in ET.fromstring(drawn).iter(f"{SVG}polyline") if item.get("stroke") == VALUE and len(item.get("points", "")) > 99
    ]
    heights = [float(pair.split(",")[1]) for pair in line.get("points", "").split()]
    assert max(heights) - min(heights) > 100


def test_png_is_drawn_too(report: AnomalyReport) -> None:
    try:
        drawn = picture(report, "png")
    except UsageError as error:
        pytest.skip(str(error))
    assert isinstance(drawn, bytes)
    assert drawn.startswith(b"\x89PNG")
    width, height = (int.from_bytes(drawn[place : place + 4], "big") for place in (16, 20))
    assert (width / 2, height / 2) == pytest.approx((960, 256), abs=2)


def test_without_graphviz_the_way_out_is_svg(report: AnomalyReport, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    with pytest.raises(UsageError, match="drawing PNG needs Graphviz") as caught:
        picture(report, "png")
    assert "ends in .svg" in str(caught.value.hint)


def test_only_the_strongest_series_are_drawn() -> None:
    many = found(200, "abc")
    chosen, left = curves(many, 1)
    assert len(chosen) == 1
    assert left == max(len({str(one.key) for one in many.episodes}), 1) - 1


def test_nothing_to_draw_is_said() -> None:
    with pytest.raises(UsageError, match="nothing to draw"):
        picture(AnomalyReport("auto", "anomalies", (), (), ()), "svg")


@pytest.mark.parametrize(("low", "high"), [(0, 1), (-3, 17), (1e-9, 3e-9), (5, 5), (-2e9, 1e12)])
def test_marks_of_numbers_lie_inside(low: float, high: float) -> None:
    marks = number_marks(low, high)
    assert 1 <= len(marks) <= 7
    assert all(low * (1 - 1e-9) - 1e-12 <= mark <= high * (1 + 1e-9) for mark in marks)


@pytest.mark.parametrize(
    ("days", "labels"),
    [
        (0.1, ["2026-03-28", "00:30"]),
        (1.9, ["2026-03-28", "06:00", "12:00", "18:00", "2026-03-29", "06:00"]),
        (5, ["2026-03-28", "03-29", "03-30"]),
        (400, ["2026-03-01", "05-01"]),
    ],
)
def test_marks_of_times_follow_the_local_clock(days: float, labels: list[str]) -> None:
    first = int(dt.datetime(2026, 3, 27, 23, tzinfo=dt.UTC).timestamp() * 1e6)  # midnight in Berlin, a day before the clock changes
    marks = time_marks(first if days < 400 else first - 27 * 86_400_000_000, first + int(days * 86_400_000_000), "Europe/Berlin")
    assert [label for _, label in marks][: len(labels)] == labels
    assert len(marks) <= 10
