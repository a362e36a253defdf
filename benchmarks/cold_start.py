"""What the commands cost before they do any work: CPU of a whole process on something tiny, against the limits.

    python benchmarks/cold_start.py

The limits hold for a machine on which `python -c pass` takes 11 ms of CPU; they are scaled by what it takes here. Each figure is the least
of several runs, with the bytecode that an installed program has. "nothing kept": as in a fresh clone of a new user.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import lint

PYTHON = 11.0  # CPU-milliseconds of `python -c pass` where the limits were set
METRICSCTL = (sys.executable, "-m", "metricsctl")
INGEST = ("ingest", "tiny/events/order_log.ndjson", "-p", "tiny")
LIMITS = {  # what: (arguments, what to remove before, limit in CPU-milliseconds)
    "--version": (("--version",), (), 70),
    "--help": (("--help",), (), 180),
    "lint, 100 metrics, nothing kept": (("lint", "hundred"), ("hundred/.metricsctl", "kept"), 250),
    "lint, 100 metrics, again": (("lint", "hundred"), (), 250),
    "lineage, nothing kept": (("lineage", "-p", "tiny"), ("tiny/.metricsctl/cache", "kept"), 400),
    "lineage": (("lineage", "-p", "tiny"), (), 400),
    "impact, nothing kept": (("impact", "--source", "order_log", "-p", "tiny"), ("tiny/.metricsctl/cache", "kept"), 400),
    "impact": (("impact", "--source", "order_log", "-p", "tiny"), (), 400),
    "ingest, nothing kept": (INGEST, ("tiny/.metricsctl", "kept"), 600),
    "ingest": (INGEST, ("tiny/.metricsctl/store",), 600),
    "query": (("query", "revenue", "-p", "tiny"), (), 600),
    "detect": (("detect", "-p", "tiny"), (), 600),
}


def cpu(command: tuple[str, ...], folder: Path) -> float:
    """CPU-milliseconds of a process; it must not fail (1 says that something was found)."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode > 1:
        sys.exit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return 1000 * (after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--runs", type=int, default=10)
    runs = parser.parse_args().runs
    for name in ("PYTHONDONTWRITEBYTECODE", "METRICSCTL_PROJECT"):
        os.environ.pop(name, None)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["XDG_CACHE_HOME"] = str(folder / "kept")
        (folder / "hundred").mkdir()
        lint.generate(folder / "hundred", 100)
        subprocess.run([*METRICSCTL, "init", "tiny", "-q"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        python = min(cpu((sys.executable, "-c", "pass"), folder) for _ in range(runs))
        print(f"python alone: {python:.0f} CPU-ms, so limits are scaled by {python / PYTHON:.2f}\n")
        print(f"{'':33}{'CPU-ms':>8}{'limit':>8}{'of limit':>10}")
        for what, (arguments, stale, limit) in LIMITS.items():
            found = []
            for _ in range(runs):
                for item in stale:
                    shutil.rmtree(folder / item, ignore_errors=True)
                found.append(cpu((*METRICSCTL, *arguments), folder))
            scaled = limit * python / PYTHON
            print(f"{what:33}{min(found):>8.0f}{scaled:>8.0f}{min(found) / scaled:>10.2f}", flush=True)


if __name__ == "__main__":
    main()
