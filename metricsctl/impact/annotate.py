"""The impact as findings at the lines that were changed, for code review (GitHub annotations, SARIF) and test dashboards (JUnit)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from metricsctl.core.diagnostics import Diagnostic, Severity, Span
from metricsctl.core.suites import Case, Suite
from metricsctl.diff.change import Category, Change

if TYPE_CHECKING:
    from metricsctl.impact.report import ImpactReport

__all__ = ["GATES", "PAGES", "Page", "findings_of", "fingerprints_of", "suites_of"]

_SHOWN = 5  # names that are listed
GATES = {
    "removed-with-consumers": "A metric is removed that an exposure used which is still there.",
    "unit-changed": "The unit of a metric under an exposure changes.",
    "type-changed": "The type of a metric under an exposure changes.",
    "meaning-without-version": "A metric of tier 0 gets another meaning, and its version is not raised.",
    "slo-input-broken": "An SLO stands on what is broken.",
    "coverage": "Fewer of the models' columns are traced exactly than is required.",
}
_CATEGORIES = {
    Category.BREAKING: "What was there is gone, or means another thing.",
    Category.SEMANTIC: "Values move.",
    Category.UNKNOWN: "Whether values move cannot be told.",
}


@dataclass(frozen=True, slots=True)
class Page:
    """What a code of a finding stands for."""

    code: str
    name: str
    summary: str
    severity: Severity

    @property
    def page(self) -> str:
        """Its text at length, which is no longer."""
        return self.summary


PAGES = (
    *(Page(f"impact-{name}", name, text, Severity.ERROR) for name, text in GATES.items()),
    *(Page(f"impact-{category.value}", category.value, text, Severity.WARNING) for category, text in _CATEGORIES.items()),
)


def findings_of(report: ImpactReport) -> tuple[Diagnostic, ...]:
    """A finding for each gate that is fired, and for each change that moves something."""
    places = {change.id: change.span for change in report.changes if change.span is not None}
    vias = {item.id: item.via[0] for item in report.impacted}
    gates = (
        Diagnostic(f"impact-{gate.name}", Severity.ERROR, gate.reason, places.get(gate.id) or places.get(vias.get(gate.id, "")))
        for gate in report.gates
    )
    return (*gates, *_moving(report))


def _moving(report: ImpactReport) -> Iterator[Diagnostic]:
    for change in report.changes:
        if change.category.moves:
            yield Diagnostic(f"impact-{change.category.value}", Severity.WARNING, _said(report, change), change.span)


def _said(report: ImpactReport, change: Change) -> str:
    mine = [item for item in report.impacted if item.via[0] == change.id and item.id != change.id]
    metrics = _names(_measured(report, item.name) for item in mine if item.kind.value == "metric")
    users = _names(item.name for item in mine if item.kind.value == "exposure")
    name = _measured(report, change.name) if change.kind.value == "metric" else change.name
    words = f"{change.kind.value} {name}: {change.reason}"
    return words + (f"; moves {metrics}" if metrics else "") + (f"; looked at by {users}" if users else "")


def _measured(report: ImpactReport, name: str) -> str:
    """A metric, and what became of it on the sample."""
    found = None if report.sample is None else report.sample.move(name)
    return name if found is None else f"{name} ({found.words})"


def _names(names: Iterable[str]) -> str:
    found = list(names)
    return ", ".join(found[:_SHOWN]) + (f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else "")


def fingerprints_of(findings: Iterable[Diagnostic]) -> list[str]:
    """What makes each finding the same tomorrow: its code, its file and its words, not the line that it stands on."""

    def one(item: Diagnostic) -> str:
        words = "\0".join((item.code, item.span.path if item.span else "", item.message))
        return hashlib.sha256(words.encode("utf-8", "surrogatepass")).hexdigest()[:16]

    return [one(item) for item in findings]


def suites_of(report: ImpactReport) -> tuple[Suite, ...]:
    """The gates as checks, and the score as one that fails at the threshold."""
    fired: dict[str, list[str]] = {}
    for gate in report.gates:
        fired.setdefault(gate.name, []).append(gate.reason)
    places = {finding.code: finding.span for finding in report.findings}
    gates = tuple(_case(name, fired.get(name, []), places.get(f"impact-{name}")) for name in GATES)
    over = report.threshold is not None and report.reaches(report.threshold)
    told = f"{report.verdict}; score {report.score:.0f} ({report.level})"
    return (Suite("gates", gates), Suite("score", (Case("score", "failure" if over else "passed", told, report.threshold or ""),)))


def _case(name: str, reasons: list[str], span: Span | None) -> Case:
    if not reasons:
        return Case(name, "passed")
    place = {"file": span.path, "line": span.line} if span else {}
    return Case(name, "failure", reasons[0], "gate", "\n".join(reasons), **place)  # type: ignore[arg-type]
