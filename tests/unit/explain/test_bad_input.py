"""What nobody planned for: times without data, thousands of changes, too many values, definitions that are broken."""

import json
import time

import pytest

from metricsctl.changes.report import add
from metricsctl.core.errors import ProjectError
from metricsctl.explain import locate
from metricsctl.explain.evidence import Quantity
from metricsctl.workspace import open as open_workspace

from .conftest import METRICS

OUTAGE = "2026-02-12T00:00Z"


@pytest.mark.parametrize(
    ("at", "said"), [("2031-01-01T00:00Z", "no events"), ("2019-01-01", "no events"), ("2026-01-05", "too little history")]
)
def test_a_time_without_data_is_said_with_the_times_that_have_some(at, said, shop):
    found = shop.explain("revenue", at=at)
    assert found.subject is None
    assert found.hypotheses == ()
    assert said in found.headline
    assert found.diagnostics[0].hint


def test_five_thousand_changes_are_judged_in_time_and_few_are_told(make_shop, tmp_path):
    busy = make_shop(tmp_path / "busy")
    rows = (
        {
            "id": f"n{number}",
            "time": f"2026-02-11T{number // 3600:02}:{number // 60 % 60:02}:{number % 60:02}Z",
            "kind": "deploy",
            "service": "mail",
        }
        for number in range(5_000)
    )
    (tmp_path / "many.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    add(busy.project, busy.store, tmp_path / "many.jsonl")
    start = time.process_time()
    found = busy.explain("revenue", at=OUTAGE)
    assert time.process_time() - start < 3
    assert found.hypotheses[0].change == "guilty"
    assert len(found.ruled_out) < 50
    assert any(item.says == "4,993 more changes do not reach the metric" for item in found.ruled_out)


def test_a_dimension_with_too_many_values_is_left_out_and_said(shop, monkeypatch):
    monkeypatch.setattr(locate, "_MOST_CELLS", 2)
    found = shop.explain("revenue", at=OUTAGE)
    (reason,) = [item.reason for item in found.not_looked_at if item.what == "segments of country"]
    assert "3 cells" in reason
    assert all("country" not in segment for segment in found.hypotheses[0].segments)


def test_broken_definitions_are_said_before_anything_is_read(shop, tmp_path):
    (tmp_path / "metrics.yml").write_text(METRICS.replace("source: orders, agg: sum", "source: ordres, agg: sum"), encoding="utf-8")
    with pytest.raises(ProjectError) as caught:
        open_workspace(tmp_path / "metrics.yml", store=shop.store).explain("revenue", at=OUTAGE)
    assert any("ordres" in item.message for item in caught.value.diagnostics)


@pytest.mark.parametrize(
    ("quantity", "text"),
    [
        (Quantity(1e300, unit="usd"), "1e+300 usd"),
        (Quantity(-1e300, "signed_amount", "usd"), "-1e+300 usd"),
        (Quantity(1.29e297, "signed_share"), "+1.29e+299 %"),
        (Quantity(9e14), "900,000,000,000,000"),
    ],
)
def test_a_huge_number_is_written_with_an_exponent(quantity, text):
    assert str(quantity) == text
