"""A year of a real shop, every metric of examples/retail against pandas over the raw rows.

Needs the data of UCI's "Online Retail" as 305 daily files; `METRICSCTL_TEST_DATA` names the folder that holds `online_retail/`.
"""

import functools
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from metricsctl.core.timegrid import Grain
from metricsctl.definition.load import load
from metricsctl.definition.project import Project
from metricsctl.ingest.report import IngestReport
from metricsctl.ingest.run import IngestOptions, ingest
from metricsctl.query.frame import SeriesFrame
from metricsctl.query.run import QueryOptions, query
from metricsctl.store.info import verify
from metricsctl.workspace import Workspace

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "retail"
DAYS = Path(os.environ.get("METRICSCTL_TEST_DATA") or ROOT.parent / "shared" / "data") / "online_retail" / "by-day"
ZONE = "Europe/London"
GRAINS = ("1h", "1d", "1w")
SPLITS: dict[str, tuple[str, ...]] = {"total": (), "country": ("country",)}
COUNTS = {"lines", "orders", "cancellations", "invoices", "customers", "items"}

Answers = Callable[[str, str], dict[str, SeriesFrame]]

pytestmark = pytest.mark.skipif(
    not DAYS.is_dir(), reason=f"no data at {DAYS}: METRICSCTL_TEST_DATA names a folder with online_retail/by-day"
)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "metricsctl", *arguments]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=120, check=False)


# -- what pandas says


def raw_rows() -> pd.DataFrame:
    text = {"InvoiceNo": "str", "CustomerID": "str", "Country": "str"}
    read = functools.partial(pd.read_csv, usecols=[*text, "Quantity", "InvoiceDate", "UnitPrice"], dtype=text, parse_dates=["InvoiceDate"])
    rows = pd.concat([read(path, keep_default_na=False, na_values={"CustomerID": [""]}) for path in sorted(DAYS.glob("*.csv.gz"))])
    rows["amount"] = rows["Quantity"] * rows["UnitPrice"]
    rows["mills"] = rows["Quantity"] * (rows["UnitPrice"] * 1000).round().astype("int64")  # prices have three decimals: exact
    return rows.rename(columns={"Country": "country"})


def floored(times: pd.Series, grain: str) -> pd.Series:
    """The local start of each window; the shop never trades while the clocks change."""
    if grain == "1h":
        return times.dt.floor("h")
    days = times.dt.normalize()
    return days if grain == "1d" else days - pd.to_timedelta(days.dt.day_of_week, unit="D")


@dataclass
class Truth:
    """Metrics by (country and) local time, straight from the rows."""

    rows: pd.DataFrame
    grain: str
    by: Sequence[str]
    groups: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self.rows = self.rows.assign(time=floored(self.rows["InvoiceDate"], self.grain))
        self.groups = [*self.by, "time"]
        sold = ~self.rows["InvoiceNo"].str.startswith("C") & (self.rows["Quantity"] > 0) & (self.rows["UnitPrice"] > 0)
        self.sales = self.rows[sold].groupby(self.groups)
        self.all = self.rows.groupby(self.groups)

    def cancellations(self) -> pd.Series:
        back = self.rows[self.rows["InvoiceNo"].str.startswith("C")].groupby(self.groups)["InvoiceNo"].nunique()
        return back.reindex(self.all.size().index, fill_value=0)

    def revenue(self) -> pd.Series:
        return self.all["mills"].sum() / 1000

    def a_week_before(self) -> pd.Series:
        earlier = self.revenue().rename("value").reset_index()
        earlier["time"] += pd.Timedelta(days=7)
        return earlier.set_index(self.groups)["value"].reindex(self.all.size().index)

    def wow(self) -> pd.Series:
        return divided(self.revenue(), self.a_week_before()) - 1

    def price(self, *, latest: bool) -> pd.Series:
        """Of several lines in the same minute the dearest one counts."""
        rows = self.sales.obj.sort_values(["InvoiceDate", "UnitPrice"], ascending=[not latest, False])
        return rows.groupby(self.groups)["UnitPrice"].first()


def divided(above: pd.Series, below: pd.Series) -> pd.Series:
    return above / below.where(below != 0)


TRUTHS: dict[str, Callable[[Truth], pd.Series]] = {
    "revenue": Truth.revenue,
    "lines": lambda t: t.all.size(),
    "invoices": lambda t: t.all["InvoiceNo"].nunique(),
    "cancellations": Truth.cancellations,
    "orders": lambda t: t.sales["InvoiceNo"].nunique(),
    "customers": lambda t: t.sales["CustomerID"].nunique(),
    "gross_revenue": lambda t: t.sales["amount"].sum(),
    "items": lambda t: t.sales["Quantity"].sum(),
    "line_value_p95": lambda t: t.sales["amount"].quantile(0.95),
    "line_value_median": lambda t: t.sales["amount"].median(),
    "line_value_avg": lambda t: t.sales["amount"].mean(),
    "line_value_stddev": lambda t: t.sales["amount"].std(),
    "largest_line": lambda t: t.sales["amount"].max(),
    "cheapest_price": lambda t: t.sales["UnitPrice"].min(),
    "first_price": lambda t: t.price(latest=False),
    "last_price": lambda t: t.price(latest=True),
    "average_order_value": lambda t: divided(t.sales["amount"].sum(), t.sales["InvoiceNo"].nunique()),
    "items_per_order": lambda t: divided(t.sales["Quantity"].sum(), t.sales["InvoiceNo"].nunique()),
    "cancellation_rate": lambda t: divided(t.cancellations(), t.all["InvoiceNo"].nunique()),
    "revenue_per_customer": lambda t: divided(t.sales["amount"].sum(), t.sales["CustomerID"].nunique()),
    "revenue_wow": Truth.wow,
}


Truths = Callable[[str, str], Truth]


# -- what the store says


@pytest.fixture(scope="module")
def project() -> Project:
    return load([EXAMPLE / "metrics.yml"])


@pytest.fixture(scope="module")
def store(retail: Workspace) -> Path:
    return retail.store


def frames_of(project: Project, store: Path, grain: str, by: tuple[str, ...]) -> dict[str, SeriesFrame]:
    report = query(project, store, list(TRUTHS), QueryOptions(by=by, grain=Grain.parse(grain)))
    assert report.diagnostics == ()
    return {frame.metric: frame for frame in report.frames}


@pytest.fixture(scope="module")
def answers(project: Project, store: Path) -> Answers:
    return functools.cache(lambda grain, split: frames_of(project, store, grain, SPLITS[split]))


@pytest.fixture(scope="module")
def truths() -> Truths:
    rows = raw_rows()
    assert len(rows) == 541_909
    return functools.cache(lambda grain, split: Truth(rows, grain, SPLITS[split]))


def test_every_metric_is_compared(project: Project) -> None:
    assert set(TRUTHS) == set(project.metrics)


def series_of(frame: SeriesFrame, by: Sequence[str]) -> pd.Series:
    """A frame as pandas has it: by (country and) local time."""
    time = pd.to_datetime(frame.time, unit="us", utc=True).tz_convert(ZONE).tz_localize(None)
    index = pd.MultiIndex.from_arrays([*(frame.keys[name] for name in by), time]) if by else time
    assert not index.has_duplicates
    return pd.Series(frame.value, index=index).sort_index()


@pytest.mark.parametrize("metric", TRUTHS)
@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("grain", GRAINS)
def test_it_equals_pandas(
    metric: str,
    grain: str,
    split: str,
    answers: Answers,
    truths: Truths,
) -> None:
    frame = answers(grain, split)[metric]
    found = series_of(frame, SPLITS[split])
    expected = TRUTHS[metric](truths(grain, split)).sort_index()
    assert list(found.index) == list(expected.index)
    if metric in COUNTS:
        assert found.tolist() == expected.tolist()
    if metric == "revenue_wow":  # undefined after a week of 0, which a sum of doubles may miss by its last digit
        real = truths(grain, split).a_week_before().sort_index() != 0
        found, expected = found[real], expected[real]
    np.testing.assert_allclose(found.to_numpy(), expected.to_numpy(dtype=float), rtol=1e-9, atol=1e-9)
    absent = np.isnan(frame.value)
    assert [point[3] for point in frame.rows()] == ["absent" if gone else "final" for gone in absent]
    if metric in {"revenue", "orders"}:
        rows = truths(grain, split).all if metric == "revenue" else truths(grain, split).sales
        assert frame.count.sum() == len(rows.obj)


# -- whatever the order


def assert_same(project: Project, answers: Answers, other: Path) -> None:
    """Hours by country, from which everything else is made, are the same."""
    theirs = frames_of(project, other, "1h", ("country",))
    for metric, frame in answers("1h", "country").items():
        if metric == "revenue_wow":  # divides by revenue, which may miss 0 by its last digit
            continue
        found = theirs[metric]
        assert found.time.tolist() == frame.time.tolist(), metric
        assert found.keys["country"].tolist() == frame.keys["country"].tolist(), metric
        assert found.count.tolist() == frame.count.tolist(), metric
        np.testing.assert_allclose(found.value, frame.value, rtol=0 if metric in COUNTS else 1e-9, atol=1e-9, err_msg=metric)


def files_in(order: str) -> list[str]:
    files = sorted(str(path) for path in DAYS.glob("*.csv.gz"))
    if order == "reversed":
        return files[::-1]
    random.Random(20111209).shuffle(files)
    return files


def add(project: Project, files: Sequence[str], store: Path, *, final: bool) -> IngestReport:
    report = ingest(project, files, store, IngestOptions(final=final))
    assert not report.rejects
    return report


def test_the_order_of_files_and_runs_does_not_matter(project: Project, answers: Answers, tmp_path: Path) -> None:
    """Shuffled, in four runs of which the third goes from the latest to the earliest; some files come twice."""
    files, other = files_in("shuffled"), tmp_path / "store"
    parts = [files[:3], files[3:180], sorted(files[150:290], reverse=True), files[280:]]
    reports = [add(project, part, other, final=part is parts[-1]) for part in parts]
    assert [report.stats["files_unchanged"] for report in reports] == [0, 0, 30, 10]
    assert sum(report.rows for report in reports) == 541_909
    assert verify(other).ok
    assert_same(project, answers, other)


@pytest.mark.slow
@pytest.mark.parametrize("order", ["reversed", "shuffled"])
def test_nor_does_it_in_one_command(order: str, project: Project, answers: Answers, tmp_path: Path) -> None:
    assert add(project, files_in(order), tmp_path / "store", final=True).rows == 541_909
    assert_same(project, answers, tmp_path / "store")


def test_the_same_files_again_change_nothing(store: Path, tmp_path: Path) -> None:
    copies = tmp_path / "renamed"
    copies.mkdir()
    for number, path in enumerate(sorted(DAYS.glob("2011-0*.csv.gz"))):
        shutil.copyfile(path, copies / f"{number}.csv.gz")
    head = (store / "head.json").read_bytes()
    for folder in (DAYS, copies):
        done = run("ingest", str(folder), "-p", str(EXAMPLE), "--store", str(store))
        assert done.returncode == 0
        assert "nothing new in " in done.stderr
        assert (store / "head.json").read_bytes() == head


# -- a new metric


def test_a_new_metric_is_noticed_and_comes_with_a_rebuild(tmp_path: Path) -> None:
    shutil.copytree(EXAMPLE, tmp_path / "shop", ignore=shutil.ignore_patterns("events", "expected", ".metricsctl"))
    where = ("-p", str(tmp_path / "shop" / "metrics.yml"))
    first, second, third = (str(path) for path in sorted(DAYS.glob("2011-11-1*.csv.gz"))[:3])
    assert run("ingest", first, "--final", *where).returncode == 0
    definitions = tmp_path / "shop" / "metrics.yml"
    text = definitions.read_text(encoding="utf-8")
    new = "  - {name: pieces_per_line, description: Mean pieces a line sold., type: simple, source: sales, agg: avg, expr: Quantity}\n"
    definitions.write_text(text.replace("\nexposures:", f"{new}\nexposures:"), encoding="utf-8")

    added = run("ingest", second, "--final", *where)
    assert added.returncode == 0
    assert "1 metric is new or changed since the store was filled: pieces_per_line" in added.stderr
    asked = run("query", "pieces_per_line", "revenue", "--grain", "1d", "--format", "csv", *where)
    assert "pieces_per_line" in asked.stderr
    assert "ingest --rebuild" in asked.stderr
    assert {line.split(",")[0] for line in asked.stdout.splitlines()} == {"metric", "revenue"}

    rebuilt = run("ingest", first, second, third, "--rebuild", "--final", *where)
    assert rebuilt.returncode == 0
    asked = run("query", "pieces_per_line", "--grain", "1d", "--format", "csv", *where)
    assert asked.stderr == ""
    rows = pd.concat([pd.read_csv(path, dtype={"InvoiceNo": "str"}) for path in (first, second, third)])
    sold = rows[~rows["InvoiceNo"].str.startswith("C") & (rows["Quantity"] > 0) & (rows["UnitPrice"] > 0)]
    expected = sold.groupby(sold["InvoiceDate"].str[:10])["Quantity"].mean()
    found = [line.split(",") for line in asked.stdout.splitlines()[1:]]
    assert [cells[1][:10] for cells in found] == list(expected.index)
    assert [float(cells[2]) for cells in found] == pytest.approx(expected.tolist(), rel=1e-9)
