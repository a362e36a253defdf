"""`--late drop` rejects what a stream would; `--atomic` publishes a run whole or not at all."""

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metricsctl.core.errors import DataError
from metricsctl.core.timegrid import Grain
from metricsctl.definition.load import load_text
from metricsctl.engine.reference import Reference, accept
from metricsctl.ingest.run import IngestOptions, ingest
from metricsctl.plan.build import build
from metricsctl.query.run import QueryOptions, query
from metricsctl.store.reader import StoreReader

PROJECT = load_text(
    """
version: 1
sources:
  - name: log
    time: {column: at, lateness: 20m}
    key: id
    entities: {user: id}
    columns: [{name: at, type: timestamp}, {name: id}, {name: x, type: double}]
models:
  - {name: visits, session: {source: log, entity: user, gap: 30m}}
metrics:
  - {name: n, type: simple, source: log, agg: count, grain: 10m}
  - {name: sum, type: simple, source: log, agg: sum, expr: x, grain: 1h}
  - {name: visits_n, type: simple, source: visits, agg: count, grain: 1h}
"""
)
FIRST = 1_790_000_000_000_000
NOW = FIRST + 10**12
rows = st.fixed_dictionaries(
    {
        "at": st.integers(0, 120).map(lambda minute: (FIRST + minute * 60_000_000) // 1000) | st.just("never"),
        "id": st.sampled_from(["a", "b", "c", None]),
        "x": st.sampled_from([1, 2.5, None]),
    }
)


def values(store: Path) -> dict[str, dict[int, float | None]]:
    frames = query(PROJECT, store, ["n", "sum", "visits_n"], QueryOptions(grain=Grain.parse("1h"))).frames
    return {frame.metric: {time: value for time, _, value, _ in frame.rows()} for frame in frames}


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.lists(rows, min_size=1, max_size=20), min_size=1, max_size=2), st.sampled_from([100, 1 << 20]), st.booleans(), st.booleans()
)
def test_late_rows_are_rejected_as_in_the_reference(runs: list[list[dict[str, Any]]], batch: int, drop: bool, atomic: bool) -> None:
    with tempfile.TemporaryDirectory() as name:
        store, late = Path(name) / "store", 0
        for number, found in enumerate(runs):
            file = Path(name) / f"log-{number}.ndjson"
            file.write_text("".join(json.dumps({**row, "n": f"{number}.{index}"}) + "\n" for index, row in enumerate(found)))
            options = IngestOptions(
                now=NOW, final=True, batch_bytes=batch, group_bytes=2 * batch, max_rejects="100%", drop_late=drop, atomic=atomic
            )
            report = ingest(PROJECT, [str(file)], store, options)
            late += sum(item.count for item in report.rejects if item.reason == "late")
            assert report.groups <= 1 or not atomic
        events = [row for found in runs for row in found]
        rejected = accept(build(PROJECT).sources["log"], events, NOW, drop_late=drop).rejected
        assert late == sum(reason == "late" for _, reason in rejected)
        reference = Reference(PROJECT, {"log": events}, NOW, drop_late=drop)
        for metric, actual in values(store).items():
            expected = reference.evaluate(metric, grain=Grain.parse("1h"))
            assert actual == pytest.approx({time: value for (time, _), value in expected.items()})


def write(folder: Path, name: str, lines: list[str]) -> str:
    (folder / name).write_text("".join(line + "\n" for line in lines))
    return str(folder / name)


def test_too_many_rejects_leave_nothing_behind(tmp_path: Path) -> None:
    good = [json.dumps({"at": FIRST // 1000 + number, "id": f"u{number}"}) for number in range(50)]
    first = write(tmp_path, "a.ndjson", good)
    bad = [write(tmp_path, "b.ndjson", [line.replace('"u', '"v') for line in good]), write(tmp_path, "c.ndjson", ["rubbish"] * 3)]
    ingest(PROJECT, [first], tmp_path / "store", IngestOptions(now=NOW))
    before, answer = StoreReader.open(tmp_path / "store").head, values(tmp_path / "store")
    options = IngestOptions(now=NOW, atomic=True, batch_bytes=300, group_bytes=300, rejects=tmp_path / "rejects.jsonl")
    report = ingest(PROJECT, bad, tmp_path / "store", options)
    assert (report.over_limit, report.groups, dict(report.published)) == (True, 0, {})
    assert len((tmp_path / "rejects.jsonl").read_text().splitlines()) == 3
    assert StoreReader.open(tmp_path / "store").head == before
    assert values(tmp_path / "store") == answer
    assert not list((tmp_path / "store").glob("*/staged/*"))
    whole = ingest(
        PROJECT, bad, tmp_path / "store", IngestOptions(now=NOW, atomic=True, batch_bytes=300, group_bytes=300, max_rejects="50%")
    )
    assert whole.groups == 1
    assert values(tmp_path / "store")["n"] == dict.fromkeys(answer["n"], 100.0)


def test_a_failure_half_way_leaves_nothing_behind(tmp_path: Path) -> None:
    good = write(tmp_path, "a.ndjson", [json.dumps({"at": FIRST // 1000 + number, "id": f"u{number}"}) for number in range(50)])
    (tmp_path / "b.parquet").write_bytes(b"PAR1 this is none PAR1")
    with pytest.raises(DataError):
        ingest(
            PROJECT,
            [good, str(tmp_path / "b.parquet")],
            tmp_path / "store",
            IngestOptions(now=NOW, atomic=True, group_bytes=300, batch_bytes=300),
        )
    assert not list((tmp_path / "store").glob("*/staged/*"))
    report = ingest(PROJECT, [good], tmp_path / "store", IngestOptions(now=NOW, atomic=True))
    assert report.sources[0].accepted == 50
