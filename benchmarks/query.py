"""What a query costs on many series, and an ingest for many metrics: `python benchmarks/query.py [--series N] [--metrics N ...]`.

Two kinds of store are made in a temporary folder: 10,000 series of a month of hours (7.2 million points), and up to 1,000 metrics over one
source. Each query runs in a process of its own that has imported all it needs; the figure is the CPU time (user and system) of the query
alone, the least of five. The metrics are counts, sums, means and extremes of eight expressions; they lie in one rollup, or in ten.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RUNS = 5
HOURS = 720
START = "2026-01-01"

ONE_SOURCE = """
version: 1
defaults: {{timezone: UTC, grain: 1h}}
sources:
  - name: events
    time: {{column: at}}
    dimensions: [k]
    columns: [{{name: at, type: timestamp}}, {{name: k, type: string}}, {{name: x, type: double}}, {{name: y, type: double}}]
metrics:
{metrics}
"""
ONE_METRIC = "  - {name: total, type: simple, source: events, agg: sum, expr: x}"
AGGREGATES = ("count", "sum", "avg", "min", "max")
EXPRESSIONS = ("x", "y", "x + y", "x * y", "x - y", "abs(x)", "abs(y)", "x * 2")
QUERIES = {
    "one series, the month": {"by": ("k",), "where": "k = 'k1234'"},
    "one series, the last day": {"by": ("k",), "where": "k = 'k1234'", "since": "1d"},
    "all series, the last day": {"by": ("k",), "since": "1d"},
    "the total, the month": {},
}
CHILD = """
import json, sys, time
from pathlib import Path
import deltalake, duckdb, numpy
from metricsctl.definition.expression import parse_expression
from metricsctl.definition.load import load
from metricsctl.plan.build import build
from metricsctl.query.run import QueryOptions, query
from metricsctl.render.csv import render
folder, options = Path(sys.argv[1]), json.loads(sys.argv[2])
options["by"] = tuple(options.get("by", ()))
project = load([folder / "metrics.yml"])
build(project)
parse_expression("k = 'x'", "duckdb")
duckdb.connect().execute("SELECT 1")
began = time.process_time()
report = query(project, folder / "store", ["total"], QueryOptions(**options))
print(json.dumps({"cpu": time.process_time() - began, "points": len(report.frames[0])}))
"""


def make_store(folder: Path, series: int) -> None:
    """A store of so many series of a month of hours, one event a point."""
    import duckdb

    from metricsctl.definition.load import load
    from metricsctl.ingest.run import IngestOptions, ingest

    (folder / "metrics.yml").write_text(ONE_SOURCE.format(metrics=ONE_METRIC))
    duckdb.execute(
        f"COPY (SELECT TIMESTAMPTZ '{START} 00:00:00Z' + INTERVAL (h) HOUR AS at, 'k' || s AS k, (s + h) % 97 AS x, 1.5 AS y "
        f"FROM range({HOURS}) t(h), range({series}) u(s)) TO '{folder / 'events.parquet'}' (FORMAT parquet)"
    )
    ingest(load([folder / "metrics.yml"]), [str(folder / "events.parquet")], folder / "store", IngestOptions(final=True))


def queries(folder: Path) -> None:
    """Print the CPU time of each query."""
    for name, options in QUERIES.items():
        found = [json.loads(subprocess.check_output([sys.executable, "-c", CHILD, str(folder), json.dumps(options)])) for _ in range(RUNS)]
        print(f"{name:<28} {min(item['cpu'] for item in found) * 1000:8.0f} CPU-ms   {found[0]['points']:>9,} points")


def many_metrics(folder: Path, events: int, counts: list[int]) -> None:
    """Print the CPU time of an ingest of the same events for more and more metrics, in one rollup and in ten."""
    import duckdb

    from metricsctl.definition.load import load_text
    from metricsctl.ingest.run import IngestOptions, ingest

    file = folder / "many.parquet"
    duckdb.execute(
        f"COPY (SELECT TIMESTAMPTZ '{START} 00:00:00Z' + INTERVAL (i % {HOURS}) HOUR AS at, 'k' || (i % 50) AS k, i % 97 AS x, i % 7 AS y "
        f"FROM range({events}) t(i)) TO '{file}' (FORMAT parquet)"
    )
    for rollups in (1, 10):
        for count in counts:
            metrics = "\n".join(_metric(number, number % rollups) for number in range(count))
            project = load_text(ONE_SOURCE.format(metrics=metrics))
            began = time.process_time()
            report = ingest(project, [str(file)], folder / f"store-{count}-{rollups}", IngestOptions(final=True))
            spent = time.process_time() - began
            print(f"{count:>6,} metrics in {min(rollups, count):>2} rollups {spent:8.2f} CPU-s   {report.rows:>9,} events")


def _metric(number: int, rollup: int) -> str:
    """One of many metrics; rollups differ by their grain."""
    grain = ("1h", "30m", "20m", "15m", "12m", "10m", "6m", "5m", "4m", "3m")[rollup]
    expr = EXPRESSIONS[number // 50 % len(EXPRESSIONS)]
    agg = AGGREGATES[number // 10 % len(AGGREGATES)]
    return f"  - {{name: m{number}, type: simple, source: events, agg: {agg}, expr: '{expr}', grain: {grain}}}"


def main() -> None:
    """Make the stores and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=10_000)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--metrics", type=int, nargs="*", default=[1, 10, 100, 1000])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="metricsctl-bench-") as name:
        folder = Path(name)
        began = time.process_time()
        make_store(folder, arguments.series)
        print(f"{arguments.series:,} series of {HOURS} hours, made in {time.process_time() - began:.1f} CPU-s")
        queries(folder)
        many_metrics(folder, arguments.events, arguments.metrics)


if __name__ == "__main__":
    main()
