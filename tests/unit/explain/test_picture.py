"""The picture of an explanation, and its curve."""

import dataclasses
import xml.etree.ElementTree as ET

import pytest

from metricsctl.core.errors import UsageError
from metricsctl.explain.report import Explanation
from metricsctl.render import Style, render
from metricsctl.render.explain_picture import picture
from metricsctl.render.svg import draw

OUTAGE = "2026-02-12T00:00Z"


def test_what_moved_is_coloured_and_what_did_not_is_not(shop):
    found = shop.explain("conversion", at=OUTAGE)
    states = {node.id: node.state for node in found.surroundings.nodes}
    assert states["metric:conversion"] == states["metric:sales"] == "worse"
    assert states["metric:traffic"] == "usual"
    assert states["change:guilty"] == "suspected"
    assert ("change:guilty", "source:orders") in found.surroundings.edges
    assert ("metric:sales", "metric:conversion") in found.surroundings.edges
    text = str(picture(found, "dot"))
    lines = {line.split(" [")[0].strip().strip('"'): line for line in text.splitlines() if " [label=" in line}
    assert "#b3261e" in lines["metric:conversion"]
    assert "#b3261e" not in lines["metric:traffic"]
    assert "confidence" in lines["change:guilty"]


def test_it_can_be_drawn(shop):
    try:
        drawn = picture(shop.explain("conversion", at=OUTAGE), "svg")
    except UsageError as error:
        pytest.skip(str(error))
    assert isinstance(drawn, bytes)
    shown = "".join(ET.fromstring(drawn).itertext())
    assert all(name in shown for name in ("conversion", "sales", "traffic", "orders", "guilty", "moved, for the worse"))
    assert draw("digraph { a }", "svg", "").startswith(b"<?xml")


def test_there_is_no_picture_of_nothing():
    with pytest.raises(UsageError, match="nothing to draw"):
        picture(Explanation(None, "nothing"), "dot")


@pytest.mark.parametrize("width", [40, 60, 120])
def test_the_curve_fits_and_marks_the_episode(width, shop):
    found = shop.explain("sales", at=OUTAGE)
    assert found.curve is not None
    assert len(found.curve.values) == len(found.curve.expected)
    assert len(found.curve.values) - found.curve.onset == 2
    lines = str(render(dataclasses.replace(found, plotted=True), "text", Style(width, ascii=True))).splitlines()
    place = next(number for number, line in enumerate(lines) if line.startswith("  actual"))
    assert len(lines[place]) == len(lines[place + 1]) <= width
    assert set(lines[place + 2].strip()) == {"^"}
    assert str(render(found, "text", Style(width))).count("actual") == 0
