"""Static tables: which files they may be, what is said of wrong ones, and that another content is another meaning."""

import json
from pathlib import Path

import pytest

from metricsctl.core.errors import DataError
from metricsctl.definition.load import load_text
from metricsctl.definition.project import Project
from metricsctl.engine.duckdb.connection import connect
from metricsctl.ingest.run import IngestOptions, ingest
from metricsctl.plan.build import build
from metricsctl.query.run import query

ROWS = [{"code": "DE", "rate": 2}, {"code": "it's", "rate": 3}]
EVENTS = [{"at": "2026-01-01T00:00:00Z", "country": code, "x": 10} for code in ("DE", "it's", "FR")]


def project(folder: Path, file: str) -> Project:
    found = load_text(
        f"""
version: 1
sources:
  - {{name: log, time: at, columns: [{{name: at, type: timestamp}}, {{name: country}}, {{name: x, type: double}}]}}
models:
  - {{name: rates, static: "{file}", columns: [{{name: code}}, {{name: rate, type: integer}}]}}
  - {{name: rated, sql: "SELECT l.at, l.x * r.rate AS y FROM log l JOIN rates r ON l.country = r.code", time: at}}
metrics:
  - {{name: sum, type: simple, source: rated, agg: sum, expr: y}}
  - {{name: rows, type: simple, source: log, agg: count}}
""",
        root=folder,
    )
    (folder / "log.ndjson").write_text("".join(json.dumps(event) + "\n" for event in EVENTS))
    return found


def write(file: Path, rows: list[dict[str, object]]) -> None:
    if file.suffix == ".parquet":
        with connect(None) as connection:
            values = ", ".join("('{}', {})".format(str(row["code"]).replace("'", "''"), row["rate"]) for row in rows)
            connection.execute(f"COPY (SELECT * FROM (VALUES {values}) t(code, rate)) TO '{file}' (FORMAT parquet)")
    elif file.suffix == ".ndjson":
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        mark = "\t" if file.suffix == ".tsv" else ","
        file.write_text(
            "".join(mark.join(line) + "\n" for line in [["code", "rate"], *([str(row["code"]), str(row["rate"])] for row in rows)])
        )


@pytest.mark.parametrize("name", ["a b.csv", "x.tsv", "x.ndjson", "x.parquet", "what?.csv"])
def test_a_file_of_each_form(tmp_path: Path, name: str) -> None:
    write(tmp_path / name, ROWS)
    shop = project(tmp_path, name)
    ingest(shop, [str(tmp_path / "log.ndjson")], tmp_path / "store", IngestOptions(final=True))
    (frame,) = query(shop, tmp_path / "store", ["sum"]).frames
    assert frame.value.tolist() == [10 * 2 + 10 * 3]


@pytest.mark.parametrize(
    ("text", "message"),
    [("code,rate\nDE,2\nFR,two\n", "x.csv: row 2: 'two' in column 'rate' is no integer"), ("code\nDE\n", "x.csv: no column 'rate'")],
)
def test_a_wrong_file_is_an_error(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "x.csv").write_text(text)
    with pytest.raises(DataError, match=message.replace(".", "\\.")):
        ingest(project(tmp_path, "x.csv"), [str(tmp_path / "log.ndjson")], tmp_path / "store")


def test_a_missing_file_leaves_its_metrics_out(tmp_path: Path) -> None:
    plan = build(project(tmp_path, "gone.csv"))
    assert set(plan.skipped) == {"sum"}
    assert "a static table whose file is missing (gone.csv)" in plan.skipped["sum"].reason


def test_another_content_needs_a_rebuild(tmp_path: Path) -> None:
    write(tmp_path / "x.csv", ROWS)
    shop = project(tmp_path, "x.csv")
    events = [str(tmp_path / "log.ndjson")]
    ingest(shop, events, tmp_path / "store")
    write(tmp_path / "x.csv", ROWS[:1])
    assert ingest(shop, events, tmp_path / "store").waiting == ("sum",)
    ingest(shop, events, tmp_path / "store", IngestOptions(rebuild=True))
    (frame,) = query(shop, tmp_path / "store", ["sum"]).frames
    assert frame.value.tolist() == [20]
