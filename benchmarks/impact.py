"""What `impact` finds, and how fast, on a generated project.

    python benchmarks/impact.py            # the table of edits, and the times against their limits
    python benchmarks/impact.py --large    # 5,000 metrics and 750 models too
    python benchmarks/impact.py --dbt      # the same edits under `dbt ls --select state:modified+`, where dbt is on the PATH

Times are user and system CPU of the whole process, the median of three; "cold" begins with nothing kept, neither in the project nor for the
user.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from warehouse import EDITS, Warehouse
from warehouse_dbt import DbtProject

LIMITS = {"impact cold": 1.5, "impact warm": 0.6, "large impact cold": 6.0, "large lineage cold": 1.0, "large lineage": 0.5}
MEMORY = 300  # MB
RUNS = 3


def write(files: dict[str, str], folder: Path) -> None:
    """Write definition files, all others in the folder removed."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("*.yml"):
        path.unlink()
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")


def run(*arguments: str) -> tuple[str, float, float]:
    """What metricsctl prints, its CPU seconds, and the largest memory of any run so far, dbt's too, in MB."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([sys.executable, "-m", "metricsctl", *arguments, "-q"], capture_output=True, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return done.stdout, spent, after.ru_maxrss / (1024 if sys.platform != "darwin" else 1024**2)


def found(base: Path, head: Path) -> set[str]:
    """The metrics that `impact` reports."""
    text, _, _ = run("impact", "--base", str(base), "-p", str(head), "--format", "json")
    return {item["name"] for item in json.loads(text)["data"]["impacted"] if item["kind"] == "metric"}


def edits(house: Warehouse, place: Path, dbt: DbtProject | None) -> None:
    """The table: an edit, how many metrics it moves, what is found."""
    base, head = place / "base", place / "head"
    write(house.files(), base)
    peer = " dbt `state:modified+` |" if dbt else ""
    print(f"| edit | metrics it moves | reported | exactly those |{peer}")
    print(f"|---|---|---|---|{'---|' if dbt else ''}")
    for edit in EDITS:
        copy = house.copy()
        moved = edit.apply(copy)
        write(copy.files(), head)
        told = found(base, head)
        theirs = f" {dbt.modified(copy)} |" if dbt else ""
        print(f"| {edit.name} | {len(moved)} | {len(told)} | {'yes' if told == moved else 'NO'} |{theirs}", flush=True)


def times(house: Warehouse, place: Path, prefix: str) -> None:
    """CPU seconds against the limits."""
    base, head = place / "base", place / "head"
    write(house.files(), base)
    copy = house.copy()
    EDITS[1].apply(copy)
    write(copy.files(), head)
    user = place / "user"
    os.environ["XDG_CACHE_HOME"] = str(user)
    questions = {"impact": ("impact", "--base", str(base), "-p", str(head)), "lineage": ("lineage", "m_1", "-p", str(base))}
    for name, line in questions.items():
        cold, warm = [], []
        for _ in range(RUNS):
            for kept in (user, head / ".metricsctl", base / ".metricsctl"):
                shutil.rmtree(kept, ignore_errors=True)
            cold.append(run(*line)[1])
            warm.append(run(*line)[1])
        show(f"{prefix}{name} cold", cold)
        show(f"{prefix}{name}{' warm' if name == 'impact' else ''}", warm)
    memory = run(*questions["impact"])[2]
    print(f"{prefix + 'largest memory':22} {memory:7.0f} MB    limit {MEMORY}, ratio {memory / MEMORY:.2f}")


def show(name: str, seconds: list[float]) -> None:
    """A line: the median, and its ratio to the limit."""
    middle = statistics.median(seconds)
    limit = LIMITS.get(name)
    against = f"limit {limit:.1f}, ratio {middle / limit:.2f}" if limit else ""
    print(f"{name:22} {middle:7.2f} CPU-s {against}", flush=True)


def main() -> None:
    """Print the table and the times."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--dbt", action="store_true")
    parser.add_argument("--no-edits", action="store_true")
    asked = parser.parse_args()
    os.environ.pop("METRICSCTL_PROJECT", None)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed program has its bytecode
    house = Warehouse(1000, 150)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        dbt = DbtProject(house, place / "dbt") if asked.dbt and shutil.which("dbt") else None
        if asked.dbt and dbt is None:
            print("dbt is not on the PATH: not measured")
        if not asked.no_edits:
            edits(house, place, dbt)
        times(house, place, "")
        if asked.large:
            times(Warehouse(5000, 750), place / "large", "large ")


if __name__ == "__main__":
    main()
