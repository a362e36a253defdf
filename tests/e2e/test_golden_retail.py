"""What `detect` and `explain` say about a year of a real shop, kept as it was: `golden_retail/`, rewritten by `pytest --update-golden`.

`detect.csv` holds every episode of every metric with four significant digits; `REVENUE-DAY.txt` and the like are what a terminal shows.
"""

import csv
import io
import sys
from pathlib import Path

import pytest

from metricsctl.cli.app import run
from metricsctl.detect.report import AnomalyReport
from metricsctl.workspace import Workspace

HERE = Path(__file__).parent
GOLDEN = HERE / "golden_retail"
EXAMPLE = HERE.parents[1] / "examples" / "retail"
COLUMNS = ("onset", "end", "windows", "metric", "country", "kind", "direction", "effect", "value", "expected", "score")


def compact(found: AnomalyReport) -> str:
    """The episodes as CSV."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in found.episodes:
        numbers = ["" if number is None else f"{number:.4g}" for number in (one.value, one.expected, one.score)]
        words = (one.metric, one.key.get("country", ""), one.kind, one.direction, one.effect)
        writer.writerow([one.onset, one.end, one.windows, *words, *numbers])
    return out.getvalue()


def assert_golden(name: str, found: str, request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--update-golden"):
        (GOLDEN / name).write_text(found, encoding="utf-8", newline="\n")
    assert found == (GOLDEN / name).read_text(encoding="utf-8"), name


def test_detect_over_all_metrics(year: AnomalyReport, request: pytest.FixtureRequest) -> None:
    assert_golden("detect.csv", compact(year), request)


@pytest.mark.parametrize("metric", ["revenue", "gross_revenue"])
@pytest.mark.parametrize("day", ["2011-01-18", "2011-12-09", "2010-12-27"])
def test_explain(metric: str, day: str, retail: Workspace, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    out, err = io.StringIO(), io.StringIO()
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", out)
        patched.setattr(sys, "stderr", err)
        code = run(["explain", metric, "--at", day, "-p", str(EXAMPLE), "--store", str(retail.store)])
    assert (code, err.getvalue()) == (0, "")
    assert_golden(f"{metric}-{day}.txt", out.getvalue(), request)
