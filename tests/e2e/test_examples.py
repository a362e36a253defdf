"""The examples do what their READMEs show, and give what they expect."""

import csv
import gzip
import io
import re
import shlex
import shutil
import sys
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from metricsctl.cli.app import run

RETAIL = Path(__file__).parents[2] / "examples" / "retail"
QUERIES = {
    "weekly": "revenue orders customers average_order_value items_per_order cancellation_rate revenue_wow --grain 1w",
    "daily-by-country": "revenue customers --by country --where \"country IN ('Germany', 'France', 'EIRE')\" --grain 1d --since 2011-11-21",
    "hourly": "orders line_value_p95 line_value_median line_value_stddev last_price --grain 1h --since 2011-12-01 --until 2011-12-03",
}
BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
SIZE = re.compile(r"\b\d+(\.\d)? [kM]?B\b")


def call(line: str, columns: int = 80) -> tuple[int, str, str]:
    """A command line as one would type it; its exit code, stdout and stderr."""
    with pytest.MonkeyPatch.context() as patched:
        out, err = io.StringIO(), io.StringIO()
        patched.setattr(sys, "stdout", out)
        patched.setattr(sys, "stderr", err)
        patched.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
        patched.setenv("COLUMNS", str(columns))
        program, *arguments = shlex.split(line)
        assert program == "metricsctl"
        return run(arguments), out.getvalue(), err.getvalue()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of the example with its events read, as the working folder."""
    path = tmp_path_factory.mktemp("examples") / "retail"
    shutil.copytree(RETAIL, path, ignore=shutil.ignore_patterns(".metricsctl", "expected"))
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(path)
        code, _, err = call("metricsctl ingest events --final")
        assert code == 0, err
        yield path


def expected_rows(name: str) -> list[dict[str, str]]:
    with (RETAIL / "expected" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.usefixtures("folder")
def test_the_definitions_have_no_finding_at_all() -> None:
    code, out, err = call("metricsctl lint --fail-on info")
    assert (code, out) == (0, "")
    assert err.startswith("All checks passed: 21 metrics")


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("name", QUERIES)
def test_queries_give_what_is_expected(name: str, request: pytest.FixtureRequest) -> None:
    code, out, err = call(f"metricsctl query {QUERIES[name]} --format csv")
    assert (code, err) == (0, "")
    target = RETAIL / "expected" / f"{name}.csv"
    if request.config.getoption("--update-golden"):
        target.write_text(out, encoding="utf-8", newline="\n")
    found, expected = list(csv.DictReader(io.StringIO(out))), expected_rows(name)
    values = [[row.pop("value") for row in rows] for rows in (found, expected)]
    assert found == expected
    mine, theirs = ([float(value or "nan") for value in column] for column in values)
    assert mine == pytest.approx(theirs, rel=1e-9, nan_ok=True)


def test_parquet_has_what_csv_has(folder: Path) -> None:
    import duckdb

    code, out, err = call(f"metricsctl query {QUERIES['weekly']} --format parquet -o weekly.parquet")
    assert (code, out, err) == (0, "", "")
    columns = "metric, strftime(time, '%Y-%m-%d') AS day, value, status"
    found = duckdb.sql(f"SELECT {columns} FROM read_parquet('{folder / 'weekly.parquet'}')").fetchall()
    expected = [(row["metric"], row["time"][:10], float(row["value"] or "nan"), row["status"]) for row in expected_rows("weekly")]
    assert [(*row[:2], row[3]) for row in found] == [(*row[:2], row[3]) for row in expected]
    values = [float("nan") if row[2] is None else row[2] for row in found]
    assert values == pytest.approx([row[2] for row in expected], rel=1e-9, nan_ok=True)


def test_all_expectations_are_asked_for() -> None:
    assert {path.stem for path in (RETAIL / "expected").glob("*")} == set(QUERIES)


def test_expected_weeks_are_those_of_the_rows() -> None:
    """Plain Python over the files, so that the expectations do not only repeat what the tool once said."""
    revenue: dict[str, float] = defaultdict(float)
    orders: dict[str, set[str]] = defaultdict(set)
    customers: dict[str, set[str]] = defaultdict(set)
    for path in sorted((RETAIL / "events").glob("*.csv.gz")):
        with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                day = date.fromisoformat(row["InvoiceDate"][:10])
                week = (day - timedelta(days=day.weekday())).isoformat()
                quantity, price = int(row["Quantity"]), float(row["UnitPrice"])
                revenue[week] += quantity * price
                if not row["InvoiceNo"].startswith("C") and quantity > 0 and price > 0:
                    orders[week].add(row["InvoiceNo"])
                    if row["CustomerID"]:
                        customers[week].add(row["CustomerID"])
    found: dict[str, dict[str, float]] = defaultdict(dict)
    for row in expected_rows("weekly"):
        if row["metric"] in {"revenue", "orders", "customers"}:
            found[row["metric"]][row["time"][:10]] = float(row["value"])
    assert found["revenue"] == pytest.approx(dict(revenue), rel=1e-9)
    assert found["orders"] == {week: len(known) for week, known in orders.items()}
    assert found["customers"] == {week: len(known) for week, known in customers.items()}


def shown(readme: str) -> Iterator[tuple[str, str]]:
    """The commands of a README and what stands below each."""
    for block in BLOCK.findall(readme):
        for part in block.split("$ ")[1:]:
            line, _, output = part.partition("\n")
            yield line, output


def without_sizes(text: str) -> str:
    """Sizes of files and the width of their column belong to the engine's version; the store's folder to this run."""
    return re.sub(r" +|─+", " ", SIZE.sub("SIZE", text)).replace(str(Path.cwd()), "...").strip()


def test_the_readme_shows_what_one_gets(folder: Path, request: pytest.FixtureRequest) -> None:
    shutil.rmtree(folder / ".metricsctl")
    text = (RETAIL / "README.md").read_text(encoding="utf-8")
    commands = list(shown(text))
    verbs = [shlex.split(line)[1] for line, _ in commands]
    assert list(dict.fromkeys(verbs)) == ["lint", "lineage", "ingest", "query", "store"]
    outputs = []
    for line, _ in commands:
        code, out, err = call(line)
        assert code == 0, err
        outputs.append("\n".join(part.rstrip() for part in out.splitlines()) + "\n" if out else "")
    if request.config.getoption("--update-golden"):
        (RETAIL / "README.md").write_text(filled(text, outputs), encoding="utf-8", newline="\n")
        return
    for (line, output), found in zip(commands, outputs, strict=True):
        assert without_sizes(found) == without_sizes(output), line


def test_the_tour_of_the_project_shows_what_one_gets(folder: Path) -> None:
    shutil.rmtree(folder / ".metricsctl")
    definitions = folder / "metrics.yml"
    sound = definitions.read_text(encoding="utf-8")
    tour = (RETAIL.parents[1] / "README.md").read_text(encoding="utf-8").partition("## A tour in two minutes")[2]
    commands = list(shown(tour))
    assert [shlex.split(line)[1] for line, _ in commands] == ["lint", "lineage", "ingest", "query", "query"]
    for line, output in commands:
        slip = "numerator: cancelations" if "cancelations" in output else "numerator: cancellations"
        definitions.write_text(sound.replace("numerator: cancellations", slip), encoding="utf-8")
        assert without_sizes(call(line, columns=120)[1]) == without_sizes(output), line
    assert definitions.read_text(encoding="utf-8") == sound


def filled(text: str, outputs: list[str]) -> str:
    """The README with fresh outputs."""
    fresh = iter(outputs)

    def block(match: re.Match[str]) -> str:
        parts = [part.partition("\n")[0] for part in match[1].split("$ ")[1:]]
        return "```console\n" + "\n".join(f"$ {line}\n{next(fresh)}" for line in parts).replace(str(Path.cwd()), "...") + "```"

    return BLOCK.sub(block, text)
