"""Dimensions with more values than they may have are noticed, whatever the size of the groups."""

import json
from pathlib import Path

import pytest

from metricsctl.definition.load import load_text
from metricsctl.ingest.run import IngestOptions, ingest

PROJECT = """
version: 1
dimensions: [{name: country, max_values: 3}]
sources:
  - {name: clicks, time: {column: at}, dimensions: [country], columns: [{name: at, type: timestamp}, {name: country, type: string}]}
metrics:
  - {name: n, type: simple, source: clicks, agg: count, dimensions: [country]}
"""


@pytest.mark.parametrize("options", [{}, {"atomic": True}, {"batch_bytes": 100, "group_bytes": 1}], ids=["whole", "atomic", "in groups"])
@pytest.mark.parametrize(("values", "crowded"), [("ABC", False), ("ABCD", True)])
def test_more_values_than_a_dimension_may_have(tmp_path: Path, values: str, options: dict[str, int], *, crowded: bool) -> None:
    file = tmp_path / "clicks.ndjson"
    rows = [{"at": f"2026-01-05T0{hour}:00:00Z", "country": value} for hour in range(3) for value in values]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    report = ingest(load_text(PROJECT), [str(file)], tmp_path / "store", IngestOptions(now=1_800_000_000_000_000, **options))
    found = [item for item in report.diagnostics if item.code == "many-values"]
    assert [item.message for item in found] == ["dimension 'country' has more than 3 values in these events, its `max_values`"] * crowded
    assert all(item.span and item.span.line == 3 for item in found)
