"""The same job for several engines, one a process: `python ingest_jobs.py ENGINE JOB FILE`. Prints how many groups it made."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

PROJECT = """
version: 1
defaults: {timezone: UTC, grain: 1m}
sources:
  - name: ad_log
    description: One row per ad shown.
    time: {column: ts, lateness: 15m}
    dimensions: [country, platform]
    columns:
      - {name: ts, type: timestamp}
      - {name: user_id, type: string}
      - {name: country, type: string}
      - {name: platform, type: string}
      - {name: amount, type: double}
      - {name: latency_ms, type: double}
      - {name: is_click, type: boolean}
metrics:
  - {name: shown, description: Ads shown., type: simple, source: ad_log, agg: count}
  - {name: revenue, description: Paid for them., type: simple, source: ad_log, agg: sum, expr: amount}
"""
HEAVY = """\
  - {name: users, description: People who saw one., type: simple, source: ad_log, agg: count_distinct, expr: user_id}
  - {name: latency_p95, description: Slow ones., type: simple, source: ad_log, agg: percentile, p: 0.95, expr: latency_ms}
  - {name: clicks, description: Clicks., type: simple, source: ad_log, agg: count, filter: is_click}
  - {name: ctr, description: Click rate., type: ratio, numerator: clicks, denominator: shown}
"""
TYPES = {"ts": "TIMESTAMPTZ", "country": "VARCHAR", "platform": "VARCHAR", "amount": "DOUBLE"}
HEAVY_TYPES = {"user_id": "VARCHAR", "latency_ms": "DOUBLE", "is_click": "BOOLEAN"}


def metricsctl(job: str, file: str, store: str | None = None) -> int:
    """Our own: reads, keeps states, publishes them."""
    from metricsctl.__main__ import main

    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "metrics.yml"
        project.write_text(PROJECT + (HEAVY if job == "heavy" else ""))
        sys.argv = [
            "metricsctl",
            "ingest",
            file,
            "-p",
            str(project),
            "--store",
            store or f"{folder}/store",
            "--final",
            "-q",
            "--format",
            "json",
        ]
        try:
            main()
        except SystemExit as done:
            return int(done.code or 0)
    return 0


def duckdb(job: str, file: str) -> int:
    """One SQL statement, which keeps and writes nothing."""
    import duckdb as engine

    columns = TYPES | (HEAVY_TYPES if job == "heavy" else {})
    described = "{" + ", ".join(f"{name}: '{kind}'" for name, kind in columns.items()) + "}"
    scan = (
        f"read_parquet('{file}')"
        if file.endswith(".parquet")
        else f"read_json('{file}', format = 'newline_delimited', columns = {described})"
    )
    more = ", count(DISTINCT user_id), quantile_cont(latency_ms, 0.95), count(*) FILTER (is_click) / count(*)" if job == "heavy" else ""
    text = f"SELECT date_trunc('minute', ts) AS m, country, platform, count(*), sum(amount){more} FROM {scan} GROUP BY ALL"
    connection = engine.connect()
    connection.execute("SET TimeZone = 'UTC'")
    return len(connection.execute(f"SELECT epoch_us(m) AS m, * EXCLUDE (m) FROM ({text})").fetchnumpy()["m"])


def polars(job: str, file: str) -> int:
    """Polars' streaming engine."""
    import polars as pl

    kinds = {"TIMESTAMPTZ": pl.String, "VARCHAR": pl.String, "DOUBLE": pl.Float64, "BOOLEAN": pl.Boolean}
    columns = {name: kinds[kind] for name, kind in (TYPES | (HEAVY_TYPES if job == "heavy" else {})).items()}
    if file.endswith(".parquet"):
        frame = pl.scan_parquet(file).select(list(columns))
    else:
        frame = pl.scan_ndjson(file, schema=columns).with_columns(pl.col("ts").str.to_datetime("%Y-%m-%dT%H:%M:%S%.fZ"))
    wanted = [pl.len(), pl.col("amount").sum()]
    if job == "heavy":
        wanted += [pl.col("user_id").n_unique(), pl.col("latency_ms").quantile(0.95, "linear"), pl.col("is_click").mean().alias("ctr")]
    keys = [pl.col("ts").dt.truncate("1m").alias("m"), "country", "platform"]
    return frame.group_by(keys).agg(wanted).collect(engine="streaming").height


def pandas(job: str, file: str) -> int:
    """The way of pandas: in chunks, states of sums and counts, sets and lists of each group."""
    import pandas as pd

    parts: dict[tuple[object, ...], list[object]] = {}
    for chunk in _pandas_chunks(file):
        keys = [chunk["ts"].dt.floor("min"), chunk["country"], chunk["platform"]]
        grouped = chunk.groupby(keys, observed=True, sort=False)
        simple = grouped.agg(n=("amount", "size"), amount=("amount", "sum"), clicks=("is_click", "sum"))
        if job == "heavy":
            simple["users"] = grouped["user_id"].agg(set)
            simple["latency"] = grouped["latency_ms"].agg(list)
        for key, row in zip(simple.index, simple.to_numpy(dtype=object), strict=True):
            known = parts.get(key)
            if known is None:
                parts[key] = list(row)
                continue
            for number in range(3):
                known[number] += row[number]
            if job == "heavy":
                known[3] |= row[3]
                known[4] += row[4]
    if job == "heavy":
        for row in parts.values():
            row[3], row[4] = len(row[3]), pd.Series(row[4]).quantile(0.95) if len(row[4]) > 1 else row[4][0]
    return len(parts)


def _pandas_chunks(file: str):  # noqa: ANN202 - an iterator of frames, whose type wants pandas
    import pandas as pd

    if file.endswith(".parquet"):
        import pyarrow.parquet as pq

        for batch in pq.ParquetFile(file).iter_batches(500_000):
            yield batch.to_pandas()
        return
    for chunk in pd.read_json(file, lines=True, chunksize=500_000, convert_dates=False):
        chunk["ts"] = pd.to_datetime(chunk["ts"], utc=True, format="ISO8601")
        yield chunk


ENGINES = {"metricsctl": metricsctl, "duckdb": duckdb, "polars": polars, "pandas": pandas}

if __name__ == "__main__":
    name, *arguments = sys.argv[1:]
    result = ENGINES[name](*arguments)
    if name == "metricsctl":
        raise SystemExit(result)
    print(result)
