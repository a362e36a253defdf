"""The scale of the score, fitted to a repository's own past: git's history is replayed without a checkout."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from metricsctl.core.diagnostics import Diagnostic, Severity, Skipped
from metricsctl.core.errors import MetricsctlError, UsageError
from metricsctl.definition.project import Project
from metricsctl.diff.base import load_commit
from metricsctl.diff.git import Commit, find_repository, history
from metricsctl.impact.run import impact_of_difference
from metricsctl.impact.score import fitted_k, level_of, score_of
from metricsctl.lineage.nodes import NodeKind

__all__ = ["CalibrationReport", "Scored", "calibrate"]

MIN_COMMITS = 30
"""Fewer commits with a score leave the default scale as it is."""
QUANTILE = 0.95
_UNITS = {"mo": "months", "w": "weeks", "d": "days", "y": "years"}


@dataclass(frozen=True, slots=True)
class Scored:
    """A commit of the past: how many metrics it reached, `raw` as in the score, and the score and level by the fitted scale."""

    commit: str
    moved: int
    raw: float
    score: float
    level: str


@dataclass(frozen=True, slots=True)
class CalibrationReport:
    """The fitted scale `k`; None where there are too few commits with a score, `reason` then says so.

    `commits` are those with a score (a new metric has a small one), oldest first; `quiet` counts the others; `skipped` those that cannot
    be read.
    """

    name: ClassVar[str] = "impact-calibrate"
    version: ClassVar[int] = 1
    k: float | None
    reason: str | None
    commits: tuple[Scored, ...]
    quiet: int
    skipped: tuple[Skipped, ...]

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """The commits whose definitions cannot be read."""
        return tuple(Diagnostic("skipped", Severity.INFO, f"{item.kind} {item.name}: {item.reason}", None) for item in self.skipped)

    @property
    def stats(self) -> dict[str, int]:
        """Counts."""
        return {"commits": len(self.commits), "quiet": self.quiet, "skipped": len(self.skipped)}

    @property
    def levels(self) -> dict[Literal["low", "medium", "high", "critical"], int]:
        """How many commits are of each level by the fitted scale."""
        found: dict[Any, int] = dict.fromkeys(("low", "medium", "high", "critical"), 0)
        for item in self.commits:
            found[item.level] = found.get(item.level, 0) + 1
        return found

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {"k": self.k, "reason": self.reason, "commits": self.commits, "quiet": self.quiet, "levels": self.levels}


def calibrate(
    paths: Sequence[Path], since: str, *, check: Callable[[Project], Project], keep: Callable[[Path], bool] = lambda _: True
) -> CalibrationReport:
    """Replay the commits that touched the definitions at `paths`, and put the 95th percentile at the lower edge of `high`.

    Raises UsageError: no repository, no commit, a period that cannot be read.
    """
    top = find_repository(paths[0] if paths[0].is_dir() else paths[0].parent)
    replay = _Replay(paths, check, keep)
    raws: list[tuple[Commit, int, float]] = []
    quiet = 0
    skipped = []
    for commit, parent in history(top, _since(since), paths):
        try:
            report = impact_of_difference(replay.project(parent), replay.project(commit), str(parent))
        except MetricsctlError as error:
            skipped.append(Skipped("commit", commit.ref, error.message, None))
            continue
        if report.raw > 0:
            reached = sum(item.kind is NodeKind.METRIC for item in report.impacted)
            raws.append((commit, reached, report.raw))
        else:
            quiet += 1
    k = fitted_k([raw for _, _, raw in raws], QUANTILE) if len(raws) >= MIN_COMMITS else None
    reason = None if k is not None else f"{len(raws)} commits have a score; {MIN_COMMITS} are needed"
    scored = [
        Scored(commit.ref, moved, raw, score, level_of(score))
        for commit, moved, raw in raws
        for score in (score_of(raw) if k is None else score_of(raw, k),)
    ]
    return CalibrationReport(k, reason, tuple(scored), quiet, tuple(skipped))


class _Replay:
    """The projects of commits one after the other; a commit is the parent of the next, so the last two are kept."""

    def __init__(self, paths: Sequence[Path], check: Callable[[Project], Project], keep: Callable[[Path], bool]) -> None:
        self.paths, self.check, self.keep = paths, check, keep
        self.known: dict[str, Project] = {}

    def project(self, commit: Commit) -> Project:
        if commit.sha not in self.known:
            like = next(reversed(self.known.values()), None)
            found = load_commit(commit, self.paths, check=self.check, keep=self.keep, like=like).project
            self.known = {**dict(list(self.known.items())[-1:]), commit.sha: found}
        return self.known[commit.sha]


def _since(text: str) -> str:
    found = re.fullmatch(r"(\d+)(mo|w|d|y)", text.strip())
    if found is None:
        raise UsageError(f"'{text}' is no period", hint="for example 24mo, 26w, 90d, 2y")
    return f"{found[1]} {_UNITS[found[2]]} ago"
