"""How often `explain` is right: published segment incidents, and incidents of a simulator, each against simple methods in the same table.

    python benchmarks/explain.py [--data DIR] [--cases N] [--half report|tune] [--only segments|incidents]

`--data` is a folder with `rca_segments/` (default: METRICSCTL_TEST_DATA, else ../shared/data). CPU is user and system time of the search
alone.
"""

from __future__ import annotations

import argparse
import itertools
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

sys.path.insert(0, str(Path(__file__).parent))
from incidents.baselines import adtributor, largest_deviation
from incidents.cases import Case, make_case

from metricsctl import explain
from metricsctl.changes.report import add
from metricsctl.workspace import open as open_workspace

Named = frozenset[str]
Answer = tuple[list[Named], list[Named]]  # the set, and the ranking
Method = Callable[[pd.DataFrame, Sequence[str]], Answer]
BINS = (0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0)


@dataclass
class Score:
    """Counts over cases."""

    right: int = 0
    wrong: int = 0
    missed: int = 0
    exact: int = 0
    first: int = 0
    third: int = 0
    causes: int = 0
    cases: int = 0
    cpu: float = 0.0

    def add(self, answer: Answer, truth: set[Named], cpu: float) -> None:
        """Count one case."""
        named, ranked = set(answer[0]), answer[1]
        self.right, self.wrong, self.missed = (
            self.right + len(named & truth),
            self.wrong + len(named - truth),
            self.missed + len(truth - named),
        )
        self.exact += named == truth
        self.first += sum(cause in ranked[:1] for cause in truth)
        self.third += sum(cause in ranked[:3] for cause in truth)
        self.causes, self.cases, self.cpu = self.causes + len(truth), self.cases + 1, self.cpu + cpu

    def row(self, name: str) -> str:
        """A line of the table."""
        f1 = 2 * self.right / max(2 * self.right + self.wrong + self.missed, 1)
        return (
            f"{name:<42} {f1:>6.3f} {self.exact / self.cases:>6.2f} {self.first / self.causes:>9.3f} {self.third / self.causes:>9.3f}"
            f" {self.cpu / self.cases:>9.4f}"
        )


def named(segment: Any) -> Named:
    """A segment in a form that can be compared."""
    return frozenset(f"{name}={value}" for name, value in segment.items())


def ours(actual: Any, expected: Any) -> Method:
    """The library."""

    def search(frame: pd.DataFrame, dimensions: Sequence[str]) -> Answer:
        found = explain.segments(frame, dimensions, actual, expected)
        return [named(item) for item in found.set], [named(item.segment) for item in found.ranked]

    return search


def simple(method: Any, actual: str, expected: str) -> Method:
    """A baseline, whose set is its ranking."""

    def search(frame: pd.DataFrame, dimensions: Sequence[str]) -> Answer:
        found = method(frame, dimensions, actual, expected)
        return found, found

    return search


def synth(folder: Path) -> Iterator[tuple[pd.DataFrame, list[str], set[Named]]]:
    """Cases of RiskLoc's generator."""
    for row in pd.read_csv(folder / "injection_info.csv").itertuples():
        yield pd.read_csv(folder / f"{row.timestamp}.csv.gz"), list("abcd"), {frozenset(part.split("&")) for part in row.set.split(";")}


def real(folder: Path) -> Iterator[tuple[pd.DataFrame, list[str], set[Named]]]:
    """The published protocol: the mean of the four minutes before is what was to be expected."""
    for item in yaml.safe_load((folder / "anomaly.yaml").read_text(encoding="utf-8")):
        rows = pd.read_csv(folder / f"{item['data']}.csv")
        names = [name for name in rows.columns if name not in {"min", "value", "cnt"}]
        causes = item["cause"] if isinstance(item["cause"], list) else [item["cause"]]
        now, past = (
            rows[rows["min"] == item["timestamp"]],
            rows[(rows["min"] < item["timestamp"]) & (rows["min"] >= item["timestamp"] - 240)],
        )
        usual = past.groupby(names)[["value", "cnt"]].sum() / max(past["min"].nunique(), 1)
        frame = now.groupby(names)[["value", "cnt"]].sum().join(usual.add_prefix("usual_"), how="outer").fillna(0.0).reset_index()
        yield frame, names, {named(cause) for cause in causes}


def table(title: str, cases: list[tuple[pd.DataFrame, list[str], set[Named]]], methods: dict[str, Method]) -> None:
    """Every method on the same cases."""
    print(f"\n{title}, {len(cases)} cases\n{'':<42} {'F1':>6} {'exact':>6} {'recall@1':>9} {'recall@3':>9} {'CPU-s':>9}")
    for name, method in methods.items():
        score = Score()
        for frame, dimensions, truth in cases:
            start = time.process_time()
            answer = method(frame, dimensions)
            score.add(answer, truth, time.process_time() - start)
        print(score.row(name), flush=True)


def segments(data: Path) -> None:
    """Both sets of segment incidents."""
    methods = {
        "explain.segments": ours("real", "predict"),
        "Adtributor (ours)": simple(adtributor, "real", "predict"),
        "largest deviation": simple(largest_deviation, "real", "predict"),
    }
    table("rca_segments/synth (RiskLoc published: F1 0.76)", list(synth(data / "synth")), methods)
    methods = {
        "explain.segments, stalled viewers": ours("value", "usual_value"),
        "explain.segments, ratio": ours(("value", "cnt"), ("usual_value", "usual_cnt")),
        "Adtributor (ours)": simple(adtributor, "value", "usual_value"),
        "largest deviation": simple(largest_deviation, "value", "usual_value"),
    }
    table("rca_segments/rs (RobustSpot published: F1 0.42, recall@3 0.85)", list(real(data / "rs")), methods)


@dataclass
class Tally:
    """Right answers of what was asked, by question."""

    counts: dict[str, list[bool]] = field(default_factory=dict)

    def add(self, name: str, right: bool | None) -> None:
        """Count an answer; None: it was not asked."""
        if right is not None:
            self.counts.setdefault(name, []).append(right)

    def rows(self) -> Iterator[str]:
        """A line a question."""
        for name, found in self.counts.items():
            yield f"{name:<52} {sum(found):>4} of {len(found):>4} {sum(found) / len(found):>7.2f}"


def incidents(half: str, count: int) -> None:
    """Cases of the simulator, one after the other, through the whole of ingest and explain."""
    tally, sure = Tally(), []
    cpu = 0.0
    for number in range(count):
        with tempfile.TemporaryDirectory() as folder:
            case = make_case(Path(folder) / "case", 2 * number + (half == "report"))
            workspace = open_workspace(case.folder / "metrics.yml")
            late = case.fault is not None and case.fault.kind == "late source"
            workspace.ingest(case.folder / "events", final=not late)
            add(workspace.project, workspace.store, case.folder / "changes.jsonl")
            start = time.process_time()
            found = workspace.explain(case.metric, at=case.at)
            cpu += time.process_time() - start
            sure += judge(case, found, tally)
    print(f"\nsimulator, {half} half, {count} cases, {cpu / count:.2f} CPU-s a case (explain alone)")
    print("\n".join(tally.rows()))
    print("\nconfidence of the first hypothesis against how often it is right")
    for low, high in itertools.pairwise(BINS):
        inside = [(value, right) for value, right in sure if low <= value < high or (value == high == 1.0)]
        if inside:
            mean = sum(value for value, _ in inside) / len(inside)
            print(
                f"  {low:.1f} to {high:.1f}: {len(inside):>4} said {mean:.2f}, right {sum(right for _, right in inside) / len(inside):.2f}"
            )


def judge(case: Case, found: Any, tally: Tally) -> list[tuple[float, bool]]:
    """Count what was right; gives the confidence of the first hypothesis, if there is one, and whether it was right."""
    first = found.hypotheses[0] if found.hypotheses else None
    if case.fault is None:
        tally.add("quiet: nobody accused with confidence over 0.5", first is None or first.confidence <= 0.5)
        return [(first.confidence, False)] if first is not None else []
    node = None if case.node is None else first is not None and case.node in first.nodes
    wanted, got = ({named(item) for item in items} for items in (case.segments, first.segments if first is not None else ()))
    changes = [item.change for item in found.hypotheses if item.change is not None]
    untold = case.change is None and fault_by_change(case)
    if case.change is not None:
        tally.add(f"guilty change first of six, {'steps' if case.fault.is_step else 'drifts'}", changes[:1] == [case.change])
        tally.add("  baseline: the latest change before the asked time", latest(case) == case.change)
    elif untold:
        accused = any(item.change is not None and item.confidence > 0.5 for item in found.hypotheses)
        tally.add("cause not written down: no change accused with over 0.5", not accused)
    tally.add("right node first", None if untold and case.segments else node)
    scores = {item.subject: float(item.numbers["score"].value) for item in found.evidence if item.kind == "upstream"}
    if scores and case.node is not None:
        tally.add("  baseline: largest z", max(scores, key=lambda name: (scores[name], name)) == case.node)
        moved = [name for name in scores if scores[name] >= 4 and name.startswith("source:")]
        tally.add("  baseline: deepest anomalous node", bool(moved) and moved[0] == case.node)
    if not case.fault.is_data:
        tally.add("right segment set", wanted == got)
    if case.change is not None:
        right = first is not None and first.change == case.change
    elif untold:  # a place is all that can be known
        right = first is not None and first.change is None and (wanted == got if case.segments else bool(node))
    else:
        right = first is not None and first.kind == "data" and bool(node)
    tally.add("first line right, in all that happened", right)
    return [(first.confidence, right)] if first is not None else []


def fault_by_change(case: Case) -> bool:
    """Whether it was a change, told or not."""
    return case.fault is not None and case.fault.has_change


def latest(case: Case) -> str | None:
    """The change that came last before the asked time."""
    import datetime as dt
    import json

    events = [json.loads(line) for line in (case.folder / "changes.jsonl").read_text(encoding="utf-8").splitlines()]
    before = [item for item in events if dt.datetime.fromisoformat(item["time"]).timestamp() * 1e6 <= case.at]
    return max(before, key=lambda item: item["time"])["id"] if before else None


def main() -> None:
    """Parse the arguments and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    shared = Path(__file__).parents[2] / "shared" / "data"
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("METRICSCTL_TEST_DATA") or shared))
    parser.add_argument("--cases", type=int, default=64)
    parser.add_argument("--half", choices=("report", "tune"), default="report")
    parser.add_argument("--only", choices=("segments", "incidents"))
    asked = parser.parse_args()
    if asked.only != "incidents":
        if (asked.data / "rca_segments").is_dir():
            segments(asked.data / "rca_segments")
        else:
            print(f"no data at {asked.data / 'rca_segments'}: segments are skipped")
    if asked.only != "segments":
        incidents(asked.half, asked.cases)


if __name__ == "__main__":
    main()
