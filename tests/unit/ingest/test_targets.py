"""Which rollups look at the events: a heartbeat is made of a rollup of the same rows and windows where there is one."""

import pytest

from metricsctl.definition.load import load_text
from metricsctl.ingest.targets import targets
from metricsctl.plan.build import build
from metricsctl.store.head import Head

HEAD = """\
version: 1
sources: [{name: log, time: at, dimensions: [c], columns: [{name: at, type: timestamp}, {name: c}]}]
models: [{name: some, sql: "SELECT at, c FROM log WHERE c = 'a'", time: at, dimensions: [c]}]
metrics:
"""
METRIC = "  - {{name: m{0}, type: simple, agg: count, {1}}}\n"


@pytest.mark.parametrize(
    ("metrics", "saved"),
    [
        (["source: log, grain: 1h"], True),
        (["source: log, grain: 1h", "source: some, grain: 1h"], True),
        (["source: log, grain: 1h", "source: log, grain: 1d"], False),  # a day begins at any quarter of an hour
        (["source: log, grain: 1h, rollup: final_only"], False),  # it keeps what the heartbeat is to publish
        (["source: log, grain: 1d"], False),
        (["source: some, grain: 1h"], False),  # a model has not all rows
    ],
)
def test_the_heartbeat_looks_at_the_events_only_where_no_other_does(metrics: list[str], saved: bool) -> None:
    plan = build(load_text(HEAD + "".join(METRIC.format(number, metric) for number, metric in enumerate(metrics))))
    found = targets(plan, Head(2, "id", "g0001", 0, {}, {}), ["log"])["log"]
    beats = [target for target in found if not target.rollup.keys]
    assert [target.rollup.id for target in beats] == [plan.sources["log"].heartbeat.id]
    assert (beats[0].within is not None) == saved
    assert all(target.within is None for target in found if target.rollup.keys)
