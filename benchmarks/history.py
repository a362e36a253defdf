"""A generated repository of 200 commits of which it is known what each moves: precision and recall of `impact`, and `calibrate` on it.

python benchmarks/history.py [--commits 200] [--metrics 200] [--models 40]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from warehouse import Warehouse, commits

from metricsctl.definition.project import Project
from metricsctl.diff.base import load_commit
from metricsctl.diff.git import find_repository, history
from metricsctl.impact.calibrate import calibrate
from metricsctl.impact.run import impact_of_difference
from metricsctl.lint.engine import check


def repository(folder: Path, house: Warehouse, count: int) -> list[tuple[str, set[str]]]:
    """Write the history with `git fast-import`; returns what each commit after the first does and moves."""
    subprocess.run(["git", "init", "-q", "-b", "main", str(folder)], check=True)
    steps = [("start", house.files(), set[str]()), *commits(house, count)]
    begin = int(time.time()) - 3600 * len(steps)
    stream = []
    known: dict[str, str] = {}
    for number, (name, files, _) in enumerate(steps):
        stream.append(f"commit refs/heads/main\ncommitter a <a@example.org> {begin + 3600 * number} +0000\ndata {len(name)}\n{name}\n")
        for path, text in files.items():
            if known.get(path) != text:
                stream.append(f"M 100644 inline {path}\ndata {len(text.encode())}\n{text}\n")
        known = files
    subprocess.run(["git", "-C", str(folder), "fast-import", "--quiet"], input="".join(stream).encode(), check=True)
    subprocess.run(["git", "-C", str(folder), "checkout", "-q", "-f", "main"], check=True)
    return [(name, moved) for name, _, moved in steps[1:]]


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--commits", type=int, default=200)
    parser.add_argument("--metrics", type=int, default=200)
    parser.add_argument("--models", type=int, default=40)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        truth = repository(folder, Warehouse(asked.metrics, asked.models), asked.commits)
        pairs = history(find_repository(folder), "10 years ago", [folder])
        assert len(pairs) == len(truth), "each commit changes a file"
        hits = told = moved = exact = 0
        begin = time.process_time()
        known: dict[str, Project] = {}
        for (commit, parent), (_, expected) in zip(pairs, truth, strict=True):
            for one in (parent, commit):
                like = next(reversed(known.values()), None)
                known[one.sha] = known.get(one.sha) or load_commit(one, [folder], check=check, like=like).project
            report = impact_of_difference(known[parent.sha], known[commit.sha], "parent")
            known.pop(parent.sha)
            found = {item.name for item in report.impacted if item.kind == "metric"}
            hits, told, moved, exact = hits + len(found & expected), told + len(found), moved + len(expected), exact + (found == expected)
        spent = time.process_time() - begin
        print(f"{len(truth)} commits on {asked.metrics} metrics and {asked.models} models, {spent:.1f} CPU-s")
        print(f"metrics moved {moved}, reported {told}, of them right {hits}")
        print(f"precision {hits / told:.3f}, recall {hits / moved:.3f}; exactly right commits {exact} of {len(truth)}")
        report = calibrate([folder], "10y", check=check)
        k = "as it was" if report.k is None else f"{report.k:.1f}"
        print(f"calibrate: k {k} from {len(report.commits)} commits that move something; levels {report.levels}")


if __name__ == "__main__":
    main()
