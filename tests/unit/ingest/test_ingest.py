"""What an ingest does to a store, seen through its report, its rejects and the queries after it."""

import gzip
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from metricsctl.core.errors import DataError, MetricsctlError, ProjectError, StoreError, UnknownName, UsageError
from metricsctl.core.timegrid import Grain, to_iso
from metricsctl.definition.load import load_text
from metricsctl.definition.project import Project
from metricsctl.engine.duckdb.connection import connect
from metricsctl.ingest.report import IngestReport
from metricsctl.ingest.run import IngestOptions, ingest
from metricsctl.query.run import QueryOptions, query
from metricsctl.store.reader import StoreReader
from metricsctl.store.writer import StoreWriter

NOW = 1_800_000_000_000_000  # January 2027
HOUR = 3_600_000_000
SOURCES = """
version: 1
defaults: {timezone: UTC, grain: 1h}
sources:
  - name: pays
    time: {column: at, lateness: 1h}
    dimensions: [country]
    columns:
      - {name: at, type: timestamp}
      - {name: country, type: string}
      - {name: amount, type: double}
      - {name: user, type: string, pii: true}
  - name: views
    time: {column: at}
    columns: [{name: at, type: timestamp}]
metrics:
"""
METRICS = {
    "n": "{name: n, type: simple, source: pays, agg: count}",
    "total": "{name: total, type: simple, source: pays, agg: sum, expr: amount}",
    "users": "{name: users, type: simple, source: pays, agg: count_distinct, expr: user}",
    "shown": "{name: shown, type: simple, source: views, agg: count}",
}


def project(*names: str, **more: str) -> Project:
    metrics = [METRICS[name] for name in names or ("n", "total", "users")] + list(more.values())
    return load_text(SOURCES + "".join(f"  - {text}\n" for text in metrics))


def pay(when: str = "10:00", amount: Any = 1, **more: Any) -> dict[str, Any]:
    return {"at": f"2026-05-01T{when}:00Z" if len(when) == 5 else when, "amount": amount, "country": "DE", "user": "ann", **more}


class Place:
    """A folder with event files and a store."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.store = root / "store"

    def write(self, name: str, rows: Sequence[dict[str, Any] | str]) -> Path:
        path = self.root / name
        lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
        data = "".join(f"{line}\n" for line in lines).encode()
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return path

    def ingest(self, *paths: Path, of: Project | None = None, **options: Any) -> IngestReport:
        options = {"now": NOW, "max_rejects": "100%", "source": "pays"} | options
        return ingest(of or project(), [str(path) for path in paths], self.store, IngestOptions(**options))

    def values(self, metric: str, of: Project | None = None, **options: Any) -> dict[str, float | None]:
        frame = query(of or project(), self.store, [metric], QueryOptions(grain=Grain.parse("1h"), **options)).frames[0]
        return {to_iso(time)[11:16]: value for time, _, value, _ in frame.rows()}

    def statuses(self, metric: str = "n") -> dict[str, str]:
        frame = query(project(), self.store, [metric], QueryOptions(grain=Grain.parse("1h"))).frames[0]
        return {to_iso(time)[11:16]: status for time, _, _, status in frame.rows()}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


# -- exactly once


def test_the_same_files_again_change_nothing(place: Place) -> None:
    file = place.write("a.ndjson", [pay(), pay("11:00", 2)])
    first = place.ingest(file)
    assert (first.rows, first.changed, first.stats["files_read"]) == (2, True, 1)
    head = StoreReader.open(place.store).head
    again = place.ingest(file)
    assert (again.rows, again.groups, again.changed, again.stats["files_unchanged"]) == (0, 0, False, 1)
    assert StoreReader.open(place.store).head == head
    assert again.to_dict()["files"] == []


def test_a_renamed_copy_is_known_and_a_grown_file_goes_on(place: Place) -> None:
    file = place.write("a.ndjson", [pay()])
    place.ingest(file)
    copy = file.rename(place.root / "b.ndjson")
    assert place.ingest(copy).groups == 0
    grown = place.write("a.ndjson", [pay(), pay("11:00", 5)])
    report = place.ingest(grown)
    assert (report.rows, report.files[0].status) == (1, "grown")
    assert place.values("total") == {"10:00": 1, "11:00": 5}


def test_files_twice_in_one_run_count_once(place: Place) -> None:
    file = place.write("a.ndjson", [pay()])
    twin = place.write("b.ndjson", [pay()])
    place.ingest(file, twin)
    assert place.values("n") == {"10:00": 1}


def test_an_empty_file(place: Place) -> None:
    report = place.ingest(place.write("a.ndjson", []), place.write("b.csv", []))
    assert (report.rows, report.groups) == (0, 0)
    assert [file.status for file in report.files] == ["empty", "empty"]


def test_a_truncated_gz_and_its_repair(place: Place) -> None:
    rows = [pay(amount=number / 7, user=f"user {number * 7919}") for number in range(400)]
    file = place.write("a.ndjson.gz", rows)
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) * 2 // 3])
    broken = place.ingest(file)
    assert broken.incomplete
    assert broken.files[0].status == "truncated"
    assert 0 < broken.rows < 400
    assert any("gzip" in finding.message for finding in broken.diagnostics)
    file.write_bytes(whole)
    repaired = place.ingest(file)
    assert not repaired.incomplete
    assert broken.rows + repaired.rows == 400
    assert place.values("n") == {"10:00": 400}


def test_small_groups_give_the_same(place: Place, tmp_path: Path) -> None:
    rows = [pay(f"{10 + number % 3}:00", number) for number in range(60)]
    file = place.write("a.ndjson", rows)
    report = place.ingest(file, batch_bytes=300, group_bytes=600)
    assert report.groups > 3
    whole = Place(tmp_path / "whole")
    whole.ingest(file)
    assert place.values("total") == whole.values("total")


# -- definitions that change


def test_a_new_metric_waits_for_a_rebuild(place: Place) -> None:
    file = place.write("a.ndjson", [pay(amount=3)])
    place.ingest(file, of=project("n"))
    more = place.write("b.ndjson", [pay("11:00", 4)])
    report = place.ingest(more)
    assert report.waiting == ("total", "users")
    assert [finding.code for finding in report.diagnostics] == ["needs-rebuild"]
    assert place.values("n") == {"10:00": 1, "11:00": 1}
    assert place.values("total") == {}
    rebuilt = place.ingest(file, more, rebuild=True)
    assert (rebuilt.waiting, rebuilt.rebuilt) == ((), True)
    assert place.values("total") == {"10:00": 3, "11:00": 4}


def test_a_changed_metric_is_a_new_one(place: Place) -> None:
    file = place.write("a.ndjson", [pay(amount=3)])
    place.ingest(file)
    changed = project("n", total="{name: total, type: simple, source: pays, agg: sum, expr: amount * 2}")
    assert place.ingest(file, of=changed).waiting == ("total",)
    assert place.values("total", changed) == {}


def test_a_dropped_metric_that_comes_back_is_never_silently_old(place: Place) -> None:
    place.ingest(place.write("a.ndjson", [pay(amount=3)]))
    place.ingest(place.write("b.ndjson", [pay("11:00", 4)]), of=project("n"))
    report = place.ingest(place.write("c.ndjson", [pay("12:00", 5)]))
    assert report.waiting == ("total", "users")
    assert place.values("total") == {}
    assert place.values("n") == {"10:00": 1, "11:00": 1, "12:00": 1}


def test_a_metric_that_was_gone_while_nothing_came_is_still_whole(place: Place) -> None:
    file = place.write("a.ndjson", [pay(amount=3)])
    place.ingest(file)
    place.ingest(file, of=project("n"))
    assert place.ingest(file).waiting == ()
    assert place.values("total") == {"10:00": 3}


def test_a_rebuild_without_one_of_the_sources_is_refused(place: Place) -> None:
    both = project("n", "shown")
    pays, views = place.write("pays.ndjson", [pay()]), place.write("views.ndjson", [{"at": "2026-05-01T10:00:00Z"}])
    place.ingest(pays, views, of=both, source=None)
    with pytest.raises(UsageError, match="without files of views would lose") as error:
        place.ingest(pays, of=both, source=None, rebuild=True)
    assert error.value.hint
    assert place.values("shown", both) == {"10:00": 1}
    assert place.ingest(pays, views, of=both, source=None, rebuild=True).rebuilt
    assert place.values("shown", both) == {"10:00": 1}


def test_a_rebuild_that_fails_leaves_the_store_as_it_was(place: Place) -> None:
    file = place.write("a.ndjson", [pay(amount=3)])
    place.ingest(file)
    with pytest.raises(DataError):
        place.ingest(file, place.write("b.csv", ["country,amount,user", "DE,1,x"]), rebuild=True)
    assert place.values("total") == {"10:00": 3}


# -- rejects

BAD: list[tuple[dict[str, Any] | str, str]] = [
    (pay(amount="many"), "bad_value: amount"),
    ({"amount": 1, "user": "ann"}, "missing_time"),
    (pay("yesterday"), "bad_time"),
    (pay("2099-01-01T00:00:00Z"), "future_time"),
    (pay("1950-01-01T00:00:00Z"), "past_time"),
    ("not json", "malformed"),
    ("[1, 2]", "malformed"),
]


def test_rejects_are_counted_by_reason_with_their_place(place: Place) -> None:
    file = place.write("a.ndjson", [pay(), *(row for row, _ in BAD), pay("11:00")])
    report = place.ingest(file, rejects=place.root / "rejects.jsonl")
    assert (report.rows, report.rejected, report.sources[0].accepted) == (9, 7, 2)
    assert {item.reason: item.count for item in report.rejects} == {
        "malformed": 2,
        **{reason: 1 for _, reason in BAD if reason != "malformed"},
    }
    firsts = {item.reason: (item.first.file, item.first.line) for item in report.rejects}
    assert firsts["bad_value: amount"] == (str(file), 2)
    assert firsts["malformed"] == (str(file), 7)
    assert report.files[0].rejected == 7
    written = [json.loads(line) for line in (place.root / "rejects.jsonl").read_text().splitlines()]
    assert [(row["line"], row["reason"]) for row in written] == [(number, reason) for number, (_, reason) in enumerate(BAD, 2)]
    assert {(row["file"], row["source"]) for row in written} == {(str(file), "pays")}
    assert place.values("n") == {"10:00": 1, "11:00": 1}


def test_personal_data_never_stand_in_rejects(place: Place) -> None:
    rows = [pay(amount="many", user="ann@secret"), 'broken {"user": "ann@secret"']
    report = place.ingest(place.write("a.ndjson", rows), rejects=place.root / "rejects.jsonl")
    csv = place.write("b.csv", ["at,amount,country,user", "2026-05-01,many,DE,ann@secret", "2026-05-01,1,DE,ann@secret,more"])
    table = place.ingest(csv, rejects=place.root / "more.jsonl")
    assert (report.rejected, table.rejected) == (2, 2)
    shown = (place.root / "rejects.jsonl").read_text() + (place.root / "more.jsonl").read_text()
    assert "secret" not in shown
    assert "secret" not in json.dumps([report.to_dict(), table.to_dict()])
    assert '\\"user\\": \\"***\\"' in shown
    assert '\\"amount\\": \\"many\\"' in shown


def test_lines_of_a_table_count_its_header_and_quoted_line_ends(place: Place) -> None:
    file = place.write("a.csv", ["at,country,amount,user", '2026-05-01,"two\nlines",1,x', "2026-05-01,DE,many,x"])
    report = place.ingest(file)
    assert [(item.reason, item.first.line) for item in report.rejects] == [("bad_value: amount", 4)]


def test_a_run_without_rejects_leaves_an_empty_file_of_them(place: Place) -> None:
    place.ingest(place.write("a.ndjson", [pay()]), rejects=place.root / "rejects.jsonl")
    assert (place.root / "rejects.jsonl").read_text() == ""
    assert not list(place.root.glob(".*.part"))


@pytest.mark.parametrize(("limit", "over"), [("1%", True), ("10%", False), ("0", True), ("1", False)])
def test_the_limit_on_rejects(place: Place, limit: str, over: bool) -> None:
    report = place.ingest(place.write("a.ndjson", [pay()] * 19 + ["rubbish"]), max_rejects=limit)
    assert report.over_limit is over
    assert place.values("n") == {"10:00": 19}


def test_a_limit_that_is_none(place: Place) -> None:
    with pytest.raises(UsageError, match="'few' is not a limit"):
        place.ingest(place.write("a.ndjson", [pay()]), max_rejects="few")


def test_an_absurd_time_does_not_move_the_watermark(place: Place) -> None:
    report = place.ingest(place.write("a.ndjson", [pay(), pay("2099-01-01T00:00:00Z")]))
    source = report.sources[0]
    assert to_iso(source.max_time or 0) == "2026-05-01T10:00:00Z"
    assert to_iso(source.watermark or 0) == "2026-05-01T09:00:00Z"
    assert [item.reason for item in report.rejects] == ["future_time"]
    later = place.ingest(place.write("b.ndjson", [pay("2099-01-01T00:00:00Z", 2)]), now=5_000_000_000_000_000)
    assert later.rejected == 0


# -- dry run


def test_a_dry_run_counts_and_writes_nothing(place: Place) -> None:
    file = place.write("a.ndjson", [pay(), "rubbish"])
    report = place.ingest(file, dry_run=True, rejects=place.root / "rejects.jsonl")
    assert (report.rows, report.rejected, report.dry_run, report.groups, report.rebuilt) == (2, 1, True, 0, False)
    assert sum(report.published.values()) > 0
    assert not place.store.exists()
    assert place.ingest(file).rows == 2


# -- statuses


def test_windows_behind_the_watermark_are_final_and_those_before_it_open(place: Place) -> None:
    place.ingest(place.write("a.ndjson", [pay("10:00"), pay("11:00"), pay("12:30")]))
    assert place.statuses() == {"10:00": "final", "11:00": "open", "12:00": "open"}


def test_final_closes_all_that_the_files_reach(place: Place) -> None:
    file = place.write("a.ndjson", [pay("10:00"), pay("12:30")])
    place.ingest(file)
    report = place.ingest(file, final=True)
    assert report.sources[0].closed_until == report.sources[0].max_time
    assert place.statuses() == {"10:00": "final", "12:00": "final"}
    assert place.ingest(file, final=True).groups == 0


def test_a_window_that_changes_after_it_was_final_is_revised(place: Place) -> None:
    place.ingest(place.write("a.ndjson", [pay("10:00"), pay("12:30")]))
    place.ingest(place.write("b.ndjson", [pay("10:30"), pay("12:40")]))
    assert place.statuses() == {"10:00": "revised", "12:00": "open"}
    assert place.values("n") == {"10:00": 2, "12:00": 2}


def test_a_closed_window_that_changes_is_revised(place: Place) -> None:
    place.ingest(place.write("a.ndjson", [pay("12:30")]), final=True)
    place.ingest(place.write("b.ndjson", [pay("12:40", 2)]))
    assert place.statuses() == {"12:00": "revised"}


def test_the_order_of_files_within_a_run_says_nothing(place: Place) -> None:
    late, early = place.write("a.ndjson", [pay("18:00")]), place.write("b.ndjson", [pay("10:00")])
    report = place.ingest(late, early, batch_bytes=100, group_bytes=100)
    assert report.groups > 1
    assert place.statuses() == {"10:00": "final", "18:00": "open"}


def test_the_watermark_never_falls(place: Place) -> None:
    first = place.ingest(place.write("a.ndjson", [pay("18:00")]))
    second = place.ingest(place.write("b.ndjson", [pay("10:00", 2)]))
    assert second.sources[0].watermark == first.sources[0].watermark
    assert place.statuses() == {"10:00": "revised", "18:00": "open"}


# -- what cannot be read


def test_a_table_without_the_time_column(place: Place) -> None:
    file = place.write("a.csv", ["country,amount,user", "DE,1,x"])
    with pytest.raises(DataError, match=r"a\.csv:1: no time column 'at', which source 'pays' needs") as error:
        place.ingest(file)
    assert "country, amount, user" in str(error.value.hint)


def test_a_table_without_another_column(place: Place) -> None:
    with pytest.raises(DataError, match="no column 'amount'"):
        place.ingest(place.write("a.csv", ["at,country,user", "2026-05-01,DE,x"]))


def test_a_file_that_is_no_parquet(place: Place) -> None:
    file = place.root / "a.parquet"
    file.write_bytes(b"PAR1 something else PAR1")
    with pytest.raises(DataError, match=r"a\.parquet"):
        place.ingest(file)


def test_parquet(place: Place) -> None:
    file = place.root / "a.parquet"
    with connect(None) as connection:
        values = "unnest(['1', 'x', '3']) t(x)"
        rows = f"SELECT TIMESTAMP '2026-05-01 10:00' AS at, 'DE' AS country, x::VARCHAR AS amount, 'ann' AS \"user\" FROM {values}"
        connection.execute(f"COPY ({rows}) TO '{file}'")
        connection.execute(f"COPY (SELECT 1 AS amount) TO '{place.root / 'b.parquet'}'")
    report = place.ingest(file)
    assert (report.rows, report.rejected) == (3, 1)
    assert [(item.reason, item.first.line) for item in report.rejects] == [("bad_value: amount", 2)]
    assert place.values("total") == {"10:00": 4}
    assert place.ingest(file).groups == 0
    with pytest.raises(DataError, match=r"b\.parquet:1: no time column 'at'"):
        place.ingest(place.root / "b.parquet")


def test_what_was_committed_before_a_broken_file_stays(place: Place) -> None:
    good = place.write("a.ndjson", [pay()])
    broken = place.write("b.csv", ["nothing", "x"])
    with pytest.raises(DataError):
        place.ingest(good, broken, group_bytes=10)
    assert place.values("n") == {"10:00": 1}
    broken.unlink()
    assert place.ingest(good).rows == 0
    assert place.values("n") == {"10:00": 1}


def test_a_store_that_is_locked(place: Place) -> None:
    file = place.write("a.ndjson", [pay()])
    place.ingest(file)
    with StoreWriter.open(place.store), pytest.raises(StoreError, match="locked"):
        place.ingest(file)
    assert place.values("n") == {"10:00": 1}


# -- what is asked wrongly


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        ("{name: bad, type: simple, source: pays, agg: sum, expr: amuont}", "amuont"),
        ("{name: bad, type: simple, source: pays, agg: sum, expr: country}", "sum needs numbers"),
        ("{name: bad, type: simple, source: pays, agg: count, filter: nonsense(amount)}", "nonsense"),
    ],
)
def test_a_definition_that_the_engine_refuses_is_told_before_anything_is_read(place: Place, metric: str, message: str) -> None:
    with pytest.raises(ProjectError) as error:
        place.ingest(place.write("a.ndjson", [pay()]), of=project("n", bad=metric))
    (found,) = error.value.diagnostics
    assert message in found.message
    assert found.span is not None
    with pytest.raises(MetricsctlError, match="no store"):
        StoreReader.open(place.store)


def test_files_are_given_to_sources_by_their_names(place: Place) -> None:
    both = project("n", "shown")
    (place.root / "views").mkdir()
    files = [place.write("pays-2026.ndjson", [pay()]), place.write("views/a.ndjson", [{"at": "2026-05-01T10:00:00Z"}] * 2)]
    report = place.ingest(*files, of=both, source=None)
    assert {source.name: source.rows for source in report.sources} == {"pays": 1, "views": 2}
    with pytest.raises(UsageError, match="which source is it of"):
        place.ingest(place.write("other.ndjson", [pay()]), of=both, source=None)
    with pytest.raises(UnknownName, match="unknown source 'pay'") as error:
        place.ingest(files[0], of=both, source="pay")
    assert error.value.hint == "did you mean 'pays'?"


def test_a_failure_leaves_no_half_written_rejects(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    fail: Callable[..., None] = lambda *_, **__: (_ for _ in ()).throw(DataError("the disk is full"))  # noqa: E731
    monkeypatch.setattr("metricsctl.ingest.session.Session._commit_group", fail)
    with pytest.raises(DataError, match="the disk is full"):
        place.ingest(place.write("a.ndjson", ["rubbish"]), rejects=place.root / "rejects.jsonl")
    assert not (place.root / "rejects.jsonl").exists()
    assert not list(place.root.glob(".*.part"))
