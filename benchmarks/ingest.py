"""Ingest against the engines: CPU, wall, peak memory of the same job in turn, as ratios to one DuckDB statement.

    python benchmarks/ingest.py                      10 million events, about 3 GB of disk
    python benchmarks/ingest.py --events 1000000     a quick look

heavy: count, sum, exact distinct, 95th percentile and a ratio by minute x country x platform. light: count and sum only.
metricsctl keeps mergeable states and publishes them; the others keep and write nothing.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
JOBS = [("heavy", "ndjson"), ("heavy", "parquet"), ("light", "ndjson"), ("light", "parquet")]


@dataclass(frozen=True)
class Run:
    """What a process took: seconds of both cores, seconds by the clock, bytes at its peak; `code` is 0 if it ended well."""

    cpu: float
    wall: float
    peak: int
    code: int


def measure(command: list[str], log: Path) -> Run:
    """Run a command and ask the system what it took."""
    began = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    scale = 1 if sys.platform == "darwin" else 1024
    return Run(usage.ru_utime + usage.ru_stime, time.monotonic() - began, usage.ru_maxrss * scale, process.returncode)


def events_of(size: int, folder: Path) -> dict[str, Path]:
    """The files of so many events, made if they are not there yet."""
    files = {kind: folder / f"ad_log-{size}.{kind}" for kind in ("ndjson", "parquet")}
    if not all(file.exists() for file in files.values()):
        print(f"making {size:,} events in {folder}", file=sys.stderr)
        # in a process of its own: a child's peak counts what its parent held when it began
        command = [sys.executable, str(HERE / "ingest_events.py"), str(size), str(files["ndjson"]), str(files["parquet"])]
        subprocess.run(command, check=True)
    return files


def runs(engines: list[str], files: dict[str, Path], jobs: list[tuple[str, str]], folder: Path) -> Iterator[tuple[str, str, str, Run, int]]:
    """Every engine on every job, in turn; with the bytes that our store takes."""
    for job, kind in jobs:
        for engine in engines:
            with tempfile.TemporaryDirectory(dir=folder) as scratch:
                command = [sys.executable, str(HERE / "ingest_jobs.py"), engine, job, str(files[kind])]
                store = Path(scratch, "store")
                command += [str(store)] if engine == "metricsctl" else []
                log = Path(scratch, "log")
                run = measure(command, log)
                if run.code:
                    print(f"{engine} failed: {log.read_text()[-500:]}", file=sys.stderr)
                tables = sum(file.stat().st_size for file in store.glob("*/tables/**/*.parquet"))
                yield job, kind, engine, run, tables


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--engines", default="duckdb,metricsctl,polars,pandas", help="some of them, DuckDB first")
    parser.add_argument("--jobs", default=",".join("-".join(job) for job in JOBS))
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "metricsctl-bench")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    files = events_of(options.events, options.folder)
    print(f"{options.events:,} events: " + ", ".join(f"{file.stat().st_size / 1e6:,.0f} MB {kind}" for kind, file in files.items()))
    print(f"{'job':<15}  {'engine':<10}  {'CPU s':>7}  {'ratio':>6}  {'wall s':>7}  {'peak MB':>8}  published")
    jobs = [tuple(job.split("-")) for job in options.jobs.split(",")]
    peers: dict[tuple[str, str], float] = {}
    for job, kind, engine, run, tables in runs(options.engines.split(","), files, jobs, options.folder):
        peers.setdefault((job, kind), run.cpu)
        ratio = f"{run.cpu / peers[job, kind]:.2f}x" if not run.code else "failed"
        stored = f"{tables / 1e6:,.1f} MB, {tables / options.events:.1f} bytes an event" if tables else ""
        print(
            f"{job + ' ' + kind:<15}  {engine:<10}  {run.cpu:>7.1f}  {ratio:>6}  {run.wall:>7.1f}  {run.peak / 1e6:>8,.0f}  {stored}",
            flush=True,
        )


if __name__ == "__main__":
    main()
