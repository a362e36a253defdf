"""`true` and `false` in a number column reject the row, however the chunk is read; in a boolean column they are values."""

from pathlib import Path

import pytest

from metricsctl.definition.load import load_text
from metricsctl.ingest.run import IngestOptions, ingest
from metricsctl.query.run import query

PROJECT = load_text(
    """
version: 1
sources:
  - name: log
    time: at
    columns: [{name: at, type: timestamp}, {name: x, type: double}, {name: n, type: bigint}, {name: ok, type: boolean}]
metrics:
  - {name: xs, type: simple, source: log, agg: sum, expr: x, filter: ok}
  - {name: ns, type: simple, source: log, agg: sum, expr: n}
"""
)
AT = '"at": "2026-01-01T00:00:00Z"'


@pytest.mark.parametrize("bad", ['"x": true', '"x":false', '"x"  :\ttrue', '"n":false', '"n": true', '"x": "true"'])
@pytest.mark.parametrize("beside", ["", '"x": "7",'])  # text among the numbers: the chunk is read again as text
def test_they_reject_the_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bad: str, beside: str) -> None:
    monkeypatch.setattr("metricsctl.engine.duckdb.parse._FEW", len(bad) % 2 * 1000)  # rows looked at one by one, or all at once
    number = beside or '"x": 1,'
    good = f'{{{AT}, {number} "n": 0, "ok": true}}\n'
    (tmp_path / "log.ndjson").write_text(f'{good}{{{AT}, {bad}, "ok": true}}\n{good}')
    report = ingest(PROJECT, [str(tmp_path / "log.ndjson")], tmp_path / "store", IngestOptions(max_rejects="100%"))
    assert [(item.reason, item.count, item.first.line) for item in report.rejects] == [(f"bad_value: {bad[1]}", 1, 2)]
    xs, ns = query(PROJECT, tmp_path / "store", ["xs", "ns"]).frames
    assert (xs.value.tolist(), ns.value.tolist()) == ([14.0 if beside else 2.0], [0.0])
