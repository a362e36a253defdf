"""A real history of metric definitions through `impact`: every commit against its parent, each in a process of its own, timed.

    git clone https://github.com/mozilla/metric-hub
    python benchmarks/replay.py metric-hub            # or a bundle of it; --branch, --last 50

Each state is written as definitions of ours (`metric_hub.py`) into a new repository with the same commits. A run that ends in anything but
an answer is printed with the last line that it said. Times are user and system CPU of the whole process. What the SQL parser said is kept
from run to run, as for somebody who works there; results are not.
"""

from __future__ import annotations

import argparse
import collections
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from metric_hub import convert


def git(folder: Path, *arguments: str, given: bytes | None = None) -> str:
    """What git says."""
    done = subprocess.run(["git", "-C", str(folder), *arguments], input=given, capture_output=True, check=True)
    return done.stdout.decode("utf-8", "replace")


def state(folder: Path, commit: str, texts: dict[str, str]) -> dict[str, str]:
    """The TOML files of a commit by path; `texts` are blobs that were read before."""
    found = {}
    for line in git(folder, "ls-tree", "-r", commit).splitlines():
        about, path = line.split("\t", 1)
        sha = about.split()[2]
        if path.endswith(".toml"):
            if sha not in texts:
                texts[sha] = git(folder, "cat-file", "blob", sha)
            found[path] = texts[sha]
    return found


def rewritten(source: Path, branch: str, place: Path) -> list[tuple[str, str]]:
    """Write the history as definitions of ours into a repository at `place`; its commits with their first parents, oldest first."""
    order = [line.split() for line in git(source, "rev-list", "--topo-order", "--reverse", "--parents", branch).splitlines()]
    marks = {line[0]: number for number, line in enumerate(order, 1)}
    texts: dict[str, str] = {}
    states: dict[str, dict[str, str]] = {}
    stream: list[str] = []
    for commit, *parents in order:
        states[commit] = convert(state(source, commit, texts))
        before = states[parents[0]] if parents else {}
        when = git(source, "show", "-s", "--format=%ct", commit).strip()
        stream.append(
            f"commit refs/heads/main\nmark :{marks[commit]}\ncommitter a <a@example.org> {when} +0000\ndata {len(commit)}\n{commit}\n"
        )
        stream += [f"{word} :{marks[parent]}\n" for word, parent in zip(("from", *["merge"] * 9), parents, strict=False)]
        stream += [f"D {path}\n" for path in before if path not in states[commit]]
        for path, text in states[commit].items():
            if before.get(path) != text:
                stream.append(f"M 100644 inline {path}\ndata {len(text.encode())}\n{text}\n")
    subprocess.run(["git", "init", "-q", "-b", "main", str(place)], check=True)
    git(place, "fast-import", "--quiet", f"--export-marks={place}/marks", given="".join(stream).encode())
    git(place, "checkout", "-q", "-f", "main")
    made = dict(line.split() for line in (place / "marks").read_text().splitlines())
    ours = {commit: made[f":{mark}"] for commit, mark in marks.items()}
    return [(ours[commit], ours[parents[0]]) for commit, *parents in order if parents]


def ask(place: Path, commit: str, parent: str) -> tuple[dict[str, Any] | None, str, float]:
    """The report of a commit against its parent (None where there is none), the last line of what was said, and the CPU seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    line = [sys.executable, "-m", "metricsctl", "impact", "--base", parent, "--head", commit, "-p", str(place), "--format", "json"]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    shutil.rmtree(place / ".metricsctl", ignore_errors=True)
    said = (done.stderr.strip().splitlines() or [""])[-1]
    try:
        return json.loads(done.stdout)["data"] if done.returncode == 0 else None, said, spent
    except ValueError:
        return None, said, spent


def spread(values: list[float], form: str) -> str:
    """Median, 95th percentile and largest."""
    ordered = sorted(values)
    return ", ".join(format(value, form) for value in (statistics.median(ordered), ordered[int(0.95 * (len(ordered) - 1))], ordered[-1]))


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("repository", type=Path)
    parser.add_argument("--branch", default="HEAD")
    parser.add_argument("--last", type=int, default=None, help="only so many commits, the latest")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CACHE_HOME"] = f"{folder}/user"
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed program has its bytecode
        source, place = Path(folder) / "source", Path(folder) / "place"
        subprocess.run(["git", "clone", "-q", "--no-checkout", str(asked.repository), str(source)], check=True)
        pairs = rewritten(source, asked.branch if asked.branch == "HEAD" else f"origin/{asked.branch}", place)
        times, moved, categories, silent, failed = [], [], collections.Counter[str](), 0, 0
        for commit, parent in pairs[-(asked.last or len(pairs)) :]:
            report, said, spent = ask(place, commit, parent)
            times.append(spent)
            if report is None:
                failed += 1
                print(f"{git(place, 'show', '-s', '--format=%s', commit).strip()}: {said}", flush=True)
                continue
            metrics = {item["name"] for item in report["impacted"] if item["kind"] == "metric" and not item["name"].endswith("_rows")}
            moved.append(float(len(metrics)))
            categories.update(change["category"] for change in report["changes"])
            silent += not metrics
        print(f"{len(times)} commits, {failed} without an answer; CPU-s (median, 95th percentile, largest): {spread(times, '.2f')}")
        print(f"{silent} commits move no metric; of the others (the same): {spread([count for count in moved if count], '.0f')}")
        print(f"changes by category: {', '.join(f'{name} {count}' for name, count in categories.most_common())}")
        subprocess.run([sys.executable, "-m", "metricsctl", "impact", "calibrate", "--history", "10y", "-p", str(place)], check=True)


if __name__ == "__main__":
    main()
