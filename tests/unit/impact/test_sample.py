"""Both versions of the affected metrics on sample events: by how much they move, where, and the rows that show it."""

import csv
import json
import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from metricsctl.core.errors import DataError, UsageError
from metricsctl.definition.load import load_text
from metricsctl.definition.project import Project
from metricsctl.impact.ask import affected, as_tests
from metricsctl.impact.report import ImpactReport
from metricsctl.impact.run import impact_of_difference
from metricsctl.impact.sample.report import Move, SampleDiff
from metricsctl.impact.sample.run import sample_diff
from metricsctl.testing.run import run_tests
from metricsctl.testing.write import with_tests

SHOP = """
version: 1
defaults: {grain: 1h}
dimensions: [{name: size, expr: "CASE WHEN amount < 50 THEN 's' ELSE 'l' END"}]
sources:
  - name: log
    time: ts
    dimensions: [country, kind]
    columns:
      - {name: ts, type: timestamp}
      - {name: amount, type: integer}
      - {name: user, type: string, pii: true}
      - {name: kind, type: string}
      - {name: country, type: string}
  - {name: clicks, time: ts, dimensions: [country], columns: [{name: ts, type: timestamp}, {name: country, type: string}]}
models:
  - {name: paid, sql: "SELECT ts, amount, user, country, kind FROM log WHERE kind = 'paid'", time: ts, dimensions: [country]}
metrics:
  - {name: revenue, type: simple, source: paid, agg: sum, expr: amount}
  - {name: orders, type: simple, source: paid, agg: count}
  - {name: buyers, type: simple, source: paid, agg: count_distinct, expr: user}
  - {name: visits, type: simple, source: clicks, agg: count}
  - {name: per_visit, type: derived, expr: revenue / visits}
  - {name: week_on_week, type: derived, expr: revenue / before, inputs: {revenue: revenue, before: {metric: revenue, offset: 7d}}}
  - {name: turnover, alias_of: revenue}
"""
ROWS = [
    {"ts": "2026-01-05T09:00:00Z", "amount": 10, "user": "ann", "kind": "paid", "country": "DE"},
    {"ts": "2026-01-05T09:10:00Z", "amount": 20, "user": "bob", "kind": "paid", "country": "FR"},
    {"ts": "2026-01-05T10:10:00Z", "amount": 5, "user": "ann", "kind": "back", "country": "DE"},
    {"ts": "2026-01-12T09:30:00Z", "amount": 7, "user": "cid", "kind": "paid", "country": "FR"},
    {"ts": "2026-01-12T09:40:00Z", "amount": 7, "user": "cid", "kind": "paid", "country": "FR"},
]
CLICKS = [{"ts": "2026-01-05T09:00:00Z", "country": "DE"}, {"ts": "2026-01-05T10:00:00Z", "country": "DE"}]
Diff = Callable[..., SampleDiff]


def load(text: str) -> Project:
    found = load_text(text)
    assert [str(item) for item in found.findings if item.severity == "error"] == []
    return found


def edited(*edits: tuple[str, str]) -> Project:
    text = SHOP
    for before, after in edits:
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    return load(text)


def write(path: Path, rows: list[dict[str, Any]]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


@pytest.fixture
def diff(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Diff:
    """Both versions of the shop on some rows; `witnesses` is how many are looked for, which is what takes long."""

    def ask(
        *edits: tuple[str, str],
        log: list[dict[str, Any]] | None = ROWS,
        clicks: list[dict[str, Any]] | None = CLICKS,
        witnesses: int = 5,
    ) -> SampleDiff:
        monkeypatch.setattr("metricsctl.impact.sample.run._WITNESSES", witnesses)
        base, head = load(SHOP), edited(*edits)
        files = {"log": log, "clicks": clicks}
        paths = [write(tmp_path / f"{name}.ndjson", rows) for name, rows in files.items() if rows is not None]
        return sample_diff(base, head, "main", affected(impact_of_difference(base, head, "main")), paths)

    return ask


def said(found: SampleDiff) -> dict[str, str]:
    return {item.name: item.words for item in found.moves}


REFUNDS = ("WHERE kind = 'paid'", "WHERE kind IN ('paid', 'back')")


def test_by_how_much_and_where(diff: Diff) -> None:
    found = diff(REFUNDS, witnesses=0)
    assert said(found) == {
        "revenue": "+11.4 %, country DE +50.0 %, rest equal",
        "orders": "+25.0 %, country DE +100.0 %, rest equal",
        "buyers": "equal in total, 1 of 4 points differs",
        "per_visit": "+11.4 %",
        "week_on_week": "no difference on the sample",
    }
    assert found.rows == {"clicks": 2, "log": 5}


def test_the_fewest_rows_that_show_it(diff: Diff) -> None:
    found = diff(REFUNDS)
    first, second = found.witnesses[:2]
    assert (first.metric, first.origin, first.minimal, first.size) == ("buyers", "sample", True, 1)
    assert first.shows == ("buyers", "orders", "revenue")
    assert first.rows == {"log": ({"ts": "2026-01-05T10:10:00Z", "amount": 5, "user": "user-1", "kind": "back", "country": "DE"},)}
    assert (first.time, first.base, first.head) == ("2026-01-05T10:00:00Z", None, 1.0)
    assert (second.metric, second.size, second.rows["log"]) == ("per_visit", 2, first.rows["log"])
    assert "week_on_week" in found.witnesses[-1].shows  # generated where the sample shows none
    assert {witness.origin for witness in found.witnesses} == {"sample", "generated"}


def test_no_difference_is_never_called_equal_unless_it_is_proven(diff: Diff) -> None:
    no_proof = diff(("agg: sum, expr: amount}", "agg: sum, expr: amount * 2 / 2}"))
    found = {item.name: item for item in no_proof.moves}
    assert found["revenue"].outcome == "no-difference"
    assert no_proof.witnesses == ()
    assert no_proof.generated > 0
    proven = diff(
        ("{name: orders, type: simple, source: paid, agg: count}", "{name: orders, type: simple, source: paid, agg: count, unit: x}")
    )
    assert [item.outcome for item in proven.moves] in ([], ["proven-equal"])


def test_a_metric_that_is_gone_or_cannot_be_compared(diff: Diff) -> None:
    edits = (("  - {name: visits, type: simple, source: clicks, agg: count}\n", ""), ("revenue / visits", "revenue / orders"))
    gone = diff(*edits, witnesses=0)
    assert next(item for item in gone.moves if item.name == "visits").outcome == "gone"
    without = diff(REFUNDS, clicks=None, witnesses=0)
    found = {item.name: item for item in without.moves}
    assert (found["per_visit"].outcome, found["per_visit"].reason) == ("no-data", "the sample has no events of clicks")
    assert found["revenue"].outcome == "moved"


def test_without_a_sample_rows_are_generated() -> None:
    base, head = load(SHOP), edited(REFUNDS)
    found = sample_diff(base, head, "main", {"revenue": "WHERE"}, [])
    assert found.rows == {}
    assert found.witnesses[0].origin == "generated"
    assert found.witnesses[0].rows["log"][0]["kind"] == "back"


@pytest.mark.parametrize("ending", ["csv", "ndjson"])
def test_a_sample_that_lacks_a_column(tmp_path: Path, ending: str) -> None:
    base, head = load(SHOP), edited(("WHERE kind = 'paid'", "WHERE kind = 'paid' AND country <> 'XX'"))
    rows = [{name: value for name, value in row.items() if name != "country"} for row in ROWS]
    path = tmp_path / f"log.{ending}"
    if ending == "ndjson":
        write(path, rows)
    else:
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    with pytest.raises(DataError, match="the sample has no column 'country' of source 'log', which the new definitions read") as caught:
        sample_diff(base, head, "main", {"revenue": ""}, [str(path)])
    assert caught.value.exit_code == 3
    assert "ts, amount, user, kind" in str(caught.value.hint)


def test_personal_data_is_replaced_and_never_shown(diff: Diff) -> None:
    found = diff(("expr: user}", "expr: UPPER(user)}"), log=[*ROWS, {**ROWS[0], "user": "ANN"}], witnesses=1)
    assert said(found)["buyers"].startswith("-20.0 %") or found.move("buyers") is not None
    text = json.dumps([witness.rows for witness in found.witnesses], default=str)
    assert not any(name in text for name in ("ann", "ANN", "bob", "cid"))


def test_what_personal_data_decides_is_hidden(diff: Diff) -> None:
    found = diff(("WHERE kind = 'paid'", "WHERE kind = 'paid' AND user <> 'ann'"), clicks=None, witnesses=1)
    masked = [witness for witness in found.witnesses if witness.masked]
    assert masked
    assert {row["user"] for witness in masked for rows in witness.rows.values() for row in rows} == {"***"}


def test_a_file_of_no_source(tmp_path: Path) -> None:
    path = tmp_path / "other.ndjson"
    path.write_text("{}\n")
    with pytest.raises(UsageError, match="which source is it of"):
        sample_diff(load(SHOP), edited(REFUNDS), "main", {"revenue": ""}, [str(path)])


def total(rows: list[dict[str, Any]], kinds: set[str], country: str | None = None) -> float:
    return sum(row["amount"] for row in rows if row["kind"] in kinds and country in {None, row["country"]})


def test_the_shares_are_those_of_the_rows(diff: Diff) -> None:
    chance = random.Random(4)
    rows = [
        {
            "ts": f"2026-02-0{chance.randrange(1, 8)}T{chance.randrange(24):02}:00:00Z",
            "amount": chance.randrange(1, 90),
            "user": "u",
            "kind": chance.choice(["paid", "paid", "back", "lost"]),
            "country": chance.choice(["DE", "FR", "IT"]),
        }
        for _ in range(200)
    ]
    move = diff(REFUNDS, log=rows, witnesses=0).move("revenue")
    assert isinstance(move, Move)
    before, after = total(rows, {"paid"}), total(rows, {"paid", "back"})
    assert (move.base, move.head, move.change) == (before, after, pytest.approx((after - before) / before))
    segment = move.segment
    assert segment is not None
    moved = {country: total(rows, {"back"}, country) for country in ("DE", "FR", "IT")}
    assert segment.value == max(moved, key=lambda country: moved[country])
    assert (segment.base, segment.head) == (total(rows, {"paid"}, segment.value), total(rows, {"paid", "back"}, segment.value))


def test_a_witness_becomes_a_test_that_the_old_version_fails(tmp_path: Path) -> None:
    new, old = tmp_path / "new.yml", tmp_path / "old.yml"
    new.write_text(SHOP.replace(*REFUNDS), encoding="utf-8")
    old.write_text(SHOP, encoding="utf-8")
    log = write(tmp_path / "log.ndjson", ROWS)
    clicks = write(tmp_path / "clicks.ndjson", CLICKS)
    import metricsctl
    from metricsctl.impact.ask import ask
    from metricsctl.lint.engine import check

    project = metricsctl.load(new)
    report: ImpactReport = ask(lambda: project, [new], check=check, base=str(_folder(old)), sample=[log, clicks])
    tests = as_tests(report, project)
    assert len(tests) == len(report.sample.witnesses) > 0 if report.sample else False
    texts: Mapping[Path, str] = with_tests(project, tests)
    assert list(texts) == [new]
    new.write_text(texts[new], encoding="utf-8")
    assert run_tests(metricsctl.load(new)).summary() == f"{len(tests)} passed"
    assert not any(item.outcome == "passed" for item in run_tests(load_text(texts[new].replace(*reversed(REFUNDS)))).results)
    assert with_tests(metricsctl.load(new), tests) == {}  # they are there already


def _folder(file: Path) -> Path:
    folder = file.parent / "base"
    folder.mkdir()
    (folder / "m.yml").write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
    return folder


def test_each_set_of_rows_is_counted_afresh(diff: Diff) -> None:
    """Keys that a run keeps are no part of the next one."""
    found = diff(
        ("  - name: log\n    time: ts\n", "  - name: log\n    time: ts\n    key: user\n    dedup: 30d\n"), clicks=None, witnesses=1
    )
    assert said(found)["orders"] == "-25.0 %, country FR -33.3 %, rest equal"
    witness = found.witnesses[0]
    assert witness.size == 2
    assert [row["user"] for row in witness.rows["log"]] == ["user-1", "user-1"]


def test_lengths_of_time_are_tried_too() -> None:
    text = """
version: 1
sources: [{name: log, time: ts, entities: {user: u}, columns: [{name: ts, type: timestamp}, {name: u}]}]
models: [{name: visits, session: {source: log, entity: user, gap: 30m}}]
metrics: [{name: visits_made, type: simple, source: visits, agg: count}]
"""
    found = sample_diff(load(text), load(text.replace("30m", "20m")), "main", {"visits_made": "gap"}, [])
    assert (found.witnesses[0].base, found.witnesses[0].head, found.witnesses[0].size) == (1.0, 2.0, 2)
