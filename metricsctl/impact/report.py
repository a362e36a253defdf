"""The impact of a change as a result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypedDict

from metricsctl.core.diagnostics import Diagnostic, Span
from metricsctl.core.suites import Suite
from metricsctl.diff.change import Category, Change
from metricsctl.impact.annotate import PAGES, Page, findings_of, fingerprints_of, suites_of
from metricsctl.impact.observe.report import Observation
from metricsctl.impact.parts import Gate, Impacted, Link, Path, Summary, Unknown, WhyNot
from metricsctl.impact.sample.report import SampleDiff
from metricsctl.lineage.graph import Coverage

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ImpactReport", "Question"]

Question = Literal["base", "change", "metric", "source"]


class ImpactData(TypedDict):
    """The impact in JSON."""

    question: Question
    subject: str
    summary: Summary
    score: float
    raw: float
    k: float
    level: Literal["none", "low", "medium", "high", "critical"]
    gates: tuple[Gate, ...]
    changes: tuple[Change, ...]
    impacted: tuple[Impacted, ...]
    unknown: tuple[Unknown, ...]
    unmatched: tuple[str, ...]
    why: str | None
    paths: tuple[Path, ...]
    why_not: WhyNot | None
    coverage: Coverage
    sample: SampleDiff | None
    observed: tuple[Observation, ...] | None


@dataclass(frozen=True)
class ImpactReport:
    """What a change moves.

    Attributes
    ----------
    question, subject
        What was asked: the difference to a `base`, or what a `change` event, a `metric` or a `source` would move; and which one.
    changes
        The changes themselves, the worst first.
    impacted
        Every node that they reach, consumers first, then by how likely they are hit. What is not here is proven untouched, or `unknown`.
    raw, k, score, level
        The sum of p * weight, the scale, `100 * (1 - exp(-raw / k))`, and its level.
    gates
        Rules that fail whatever the score.
    unmatched
        Change events that are about nothing in the project, in words.
    why, paths
        The metric or consumer that was asked about, and every way to it (at most 100).
    why_not
        What of which it was asked why it does not move.
    coverage
        How exactly the columns of the models are traced.
    malformed
        What could not be read of a file of change events.
    threshold
        What `--fail-on` asked for.
    links
        What passes the change on to what, for drawing.
    sample
        By how much the metrics move on sample events, where that was asked.
    observed
        What the metrics did after the change events, where that was asked.
    """

    name: ClassVar[str] = "impact"
    version: ClassVar[int] = 1

    question: Question
    subject: str
    changes: tuple[Change, ...]
    impacted: tuple[Impacted, ...]
    summary: Summary
    raw: float
    score: float
    k: float
    level: Literal["none", "low", "medium", "high", "critical"]
    gates: tuple[Gate, ...] = ()
    unknown: tuple[Unknown, ...] = ()
    unmatched: tuple[str, ...] = ()
    why: str | None = None
    paths: tuple[Path, ...] = ()
    why_not: WhyNot | None = None
    coverage: Coverage = field(default_factory=Coverage)
    links: tuple[Link, ...] = field(default=(), repr=False)
    malformed: tuple[Diagnostic, ...] = ()
    threshold: str | None = None
    sample: SampleDiff | None = None
    observed: tuple[Observation, ...] | None = None

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """What could not be read of a file of change events."""
        return self.malformed

    @property
    def findings(self) -> tuple[Diagnostic, ...]:
        """The impact as findings at the lines that were changed: gates, and what moves something."""
        return findings_of(self)

    def fingerprints(self) -> list[str]:
        """What makes each of the findings the same tomorrow."""
        return fingerprints_of(self.findings)

    def rule_pages(self) -> tuple[Page, ...]:
        """What the codes of the findings stand for."""
        return PAGES

    def line(self, span: Span | None) -> str | None:
        """None: a report does not keep the lines that its places stand on."""
        del span
        return None

    def suites(self) -> tuple[Suite, ...]:
        """Gates and score as checks."""
        return suites_of(self)

    @property
    def stats(self) -> Mapping[str, Any]:
        """Counts."""
        return {"changes": len(self.changes), "impacted": len(self.impacted), "gates": len(self.gates)}

    @property
    def verdict(self) -> str:
        """The result in one line."""
        found = self.summary
        verb = "moves" if found.moved == 1 else "move"
        if self.question != "base":
            verb = "may move"
        words = f"{found.moved:,} metric{'' if found.moved == 1 else 's'} {verb}, {found.untouched:,} proven untouched"
        if found.unknown:
            reasons = list(dict.fromkeys(item.reason for item in self.unknown))
            words += f", {found.unknown:,} unknown: {reasons[0]}" + (f" (and {len(reasons) - 1} other reasons)" if len(reasons) > 1 else "")
        return words

    def failure(self, threshold: str) -> str | None:
        """Why the change fails at a threshold (a level, "breaking", or "score:N"), in words; None if it does not."""
        if self.gates:
            names = ", ".join(dict.fromkeys(gate.name for gate in self.gates))
            fired = f"gate {names} fired" if len(self.gates) == 1 else f"{len(self.gates):,} gates fired ({names})"
            return f"{fired}; a gate fails at any threshold" + ("" if self.reaches(threshold) else f", {threshold} is not reached")
        return f"{threshold} is reached" if self.reaches(threshold) else None

    def reaches(self, threshold: str) -> bool:
        """Whether the change is at or over a threshold, gates aside."""
        if threshold == "breaking":
            return any(change.category is Category.BREAKING for change in self.changes)
        if threshold.startswith("score:"):
            return self.score >= float(threshold.removeprefix("score:"))
        order = ("none", "low", "medium", "high", "critical")
        return order.index(self.level) >= order.index(threshold)

    def fails(self, threshold: str) -> bool:
        """Whether the change is at or over a threshold, or a gate is fired."""
        return self.failure(threshold) is not None

    def to_dict(self) -> ImpactData:
        """The impact as plain data."""
        return {
            "question": self.question,
            "subject": self.subject,
            "summary": self.summary,
            "score": self.score,
            "raw": self.raw,
            "k": self.k,
            "level": self.level,
            "gates": self.gates,
            "changes": self.changes,
            "impacted": self.impacted,
            "unknown": self.unknown,
            "unmatched": self.unmatched,
            "why": self.why,
            "paths": self.paths,
            "why_not": self.why_not,
            "coverage": self.coverage,
            "sample": self.sample,
            "observed": self.observed,
        }

    def to_pandas(self) -> pd.DataFrame:
        """A row for each node that is reached, consumers first: id, kind, name, category, p, weight, owner, detail, reason, via."""
        import pandas as pd

        columns = ("id", "kind", "name", "category", "p", "weight", "owner", "detail", "reason", "via")
        rows = [[getattr(item, name) for name in columns] for item in self.impacted]
        frame = pd.DataFrame(rows, columns=list(columns))
        return frame.assign(kind=[item.kind.value for item in self.impacted], category=[item.category.value for item in self.impacted])

    def _repr_html_(self) -> str:
        from metricsctl.core.html import notes, paragraph, table

        changes = table(("changed", "category", "reason"), self.changes, lambda item: (item.id, item.category.value, item.reason))
        moved = [item for item in self.impacted if item.category.moves]
        reached = table(("reaches", "owner", "category", "probability", "reason"), moved, _impacted_cells)
        gates = table(("gate", "broken by", "reason"), self.gates, lambda item: (item.name, item.id, item.reason))
        unknown = table(("unknown", "reason"), self.unknown, lambda item: (item.id, item.reason))
        headline = paragraph(f"{self.verdict}; {self.level}, score {self.score:.0f} of 100")
        sampled = () if self.sample is None else self.sample.moves
        values = table(("metric", "on the sample"), sampled, lambda item: (item.name, item.words))
        seen = [(found.change, item) for found in self.observed or () for item in found.metrics if item.verdict != "still"]
        after = table(("metric", "after", "did"), seen, lambda row: (row[1].name, row[0], row[1].words))
        return headline + changes + values + after + reached + gates + unknown + notes(self.diagnostics)


def _impacted_cells(item: Impacted) -> tuple[str | None, ...]:
    return item.id, item.owner, item.category.value, f"{item.p:.2f}", item.reason
