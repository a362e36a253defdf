"""The log lives in the store's folder, and neither minds the other."""

from pathlib import Path

import metricsctl
from metricsctl.changes.event import ChangeEvent
from metricsctl.changes.log import ChangeLog
from metricsctl.store.info import verify

TEXT = """
version: 1
sources: [{name: log, time: ts, columns: [{name: ts, type: timestamp}]}]
metrics: [{name: rows, type: simple, source: log, agg: count}]
"""


def test_events_before_and_after_the_first_ingest(tmp_path: Path) -> None:
    (tmp_path / "m.yml").write_text(TEXT, encoding="utf-8")
    (tmp_path / "log.ndjson").write_text('{"ts": "2026-01-01T00:00:00Z"}\n', encoding="utf-8")
    workspace = metricsctl.open(tmp_path)
    log = ChangeLog(workspace.store)
    log.append([ChangeEvent("before", 1, "deploy")])
    workspace.ingest(tmp_path / "log.ndjson", final=True)
    log.append([ChangeEvent("after", 2, "deploy")])
    workspace.ingest(tmp_path / "log.ndjson", final=True, rebuild=True)
    assert [event.id for event in log.read().events] == ["before", "after"]
    assert verify(workspace.store).ok
    assert workspace.query("rows", grain="1d").stats["points"] == 1
