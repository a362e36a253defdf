"""What `explain` says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal, TypedDict

from metricsctl.core.diagnostics import Diagnostic
from metricsctl.explain.evidence import Evidence, EvidenceData

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "Curve",
    "Explanation",
    "ExplanationData",
    "Hypothesis",
    "NotLookedAt",
    "RuledOut",
    "SeenNode",
    "Subject",
    "Surroundings",
    "Trend",
]

Segment = Mapping[str, str | None]
Trend = Literal["growing", "recovering", "steady"]


@dataclass(frozen=True, slots=True)
class Subject:
    """What is explained: a metric or one segment of it (`key`) from `onset` to `end` (ISO 8601 in its zone, the end exclusive).

    `actual` and `expected` are totals over the episode where the metric adds up (`of` "total"), else means. `score` is how far out it is,
    in standard deviations. `complete`: no window of it is still open. `state`: whether it was still going on in the last window there is.
    `trend`: whether the last quarter of its windows is further out than the rest; None for fewer than four.
    """

    metric: str
    unit: str | None
    key: Segment
    onset: str
    end: str
    state: Literal["open", "over", "none"]
    complete: bool
    of: Literal["total", "mean"]
    actual: float | None
    expected: float | None
    change: float | None
    relative: float | None
    score: float | None
    effect: Literal["good", "bad", "neutral"]
    trend: Trend | None = None


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A cause with what speaks for it; `share` of the change is what it accounts for, `confidence` is explained in `docs/explain.md`.

    `kind`: "data" (a fault of the data, not of the world), "change" (a deploy, config ...), "definition" (a commit that changed what the
    number means), "row" (one event), "segment" and "input" (where it happened, the reason being unknown). `change` is the id of the event,
    or the commit. `segments` is the smallest set that carries it; of a shift of mix first those that lost weight.
    """

    rank: int
    kind: Literal["data", "change", "definition", "row", "segment", "input"]
    cause: str
    where: str | None
    segments: tuple[Segment, ...]
    change: str | None
    nodes: tuple[str, ...]
    share: float | None
    counterfactual: str | None
    confidence: float
    level: Literal["high", "medium", "low"]
    reason: str
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RuledOut:
    """What was looked at and is not the reason, and the evidence for that."""

    says: str
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NotLookedAt:
    """What could not be looked at, and why."""

    what: str
    reason: str


@dataclass(frozen=True, slots=True)
class SeenNode:
    """A node around the metric: `state` worse, better, moved (neither good nor bad), usual, unknown (no numbers), or suspected (a change).

    `size` is its relative change, of a suspected change its confidence; `says` what a change was.
    """

    id: str
    kind: str
    state: str
    size: float | None = None
    says: str | None = None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the metric is made of, and what is made of it; edges lead from cause to effect."""

    nodes: tuple[SeenNode, ...] = ()
    edges: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Curve:
    """The metric window by window from `since` on, up to the end of the episode, which begins with window `onset`; None: no value."""

    since: str
    grain: str
    onset: int
    values: tuple[float | None, ...]
    expected: tuple[float | None, ...]


class ExplanationData(TypedDict):
    """An explanation in JSON."""

    subject: Subject | None
    headline: str
    hypotheses: tuple[Hypothesis, ...]
    company: tuple[str, ...]
    ruled_out: tuple[RuledOut, ...]
    not_looked_at: tuple[NotLookedAt, ...]
    next: tuple[str, ...]
    evidence: list[EvidenceData]
    surroundings: Surroundings
    curve: Curve | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """One episode with its ranked hypotheses; `subject` is None where there is nothing to explain, and the headline says why.

    `plotted`: whether its text begins with the curve.
    """

    name: ClassVar[str] = "explain"
    version: ClassVar[int] = 1

    subject: Subject | None
    headline: str
    hypotheses: tuple[Hypothesis, ...] = ()
    company: tuple[str, ...] = ()
    ruled_out: tuple[RuledOut, ...] = ()
    not_looked_at: tuple[NotLookedAt, ...] = ()
    next: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = field(default=())
    surroundings: Surroundings = field(default_factory=Surroundings)
    curve: Curve | None = None
    plotted: bool = False

    @property
    def stats(self) -> dict[str, int]:
        """Counts."""
        return {"hypotheses": len(self.hypotheses), "evidence": len(self.evidence)}

    def find(self, ids: tuple[str, ...]) -> Iterator[Evidence]:
        """Evidence by its ids, in their order."""
        known = {item.id: item for item in self.evidence}
        return (known[name] for name in ids)

    def to_dict(self) -> ExplanationData:
        """Plain data."""
        return {
            "subject": self.subject,
            "headline": self.headline,
            "hypotheses": self.hypotheses,
            "company": self.company,
            "ruled_out": self.ruled_out,
            "not_looked_at": self.not_looked_at,
            "next": self.next,
            "evidence": [item.to_dict() for item in self.evidence],
            "surroundings": self.surroundings,
            "curve": self.curve,
        }

    def to_pandas(self) -> pd.DataFrame:
        """A row for each hypothesis, the likeliest first, with the fields of `Hypothesis` as columns."""
        import dataclasses

        import pandas as pd

        columns = [item.name for item in dataclasses.fields(Hypothesis)]
        return pd.DataFrame([[getattr(item, name) for name in columns] for item in self.hypotheses], columns=columns)

    def _repr_html_(self) -> str:
        from metricsctl.core.html import notes, paragraph

        items = "".join(f"<li>{_shown(item)}</li>" for item in self.hypotheses)
        ruled_out = "".join(paragraph(item.says, "li") for item in self.ruled_out)
        parts = (f"<ol>{items}</ol>" if items else "", f"<p>Ruled out:</p><ul>{ruled_out}</ul>" if ruled_out else "")
        return paragraph(self.headline) + "".join(parts) + notes(self.diagnostics)


def _shown(item: Hypothesis) -> str:
    from metricsctl.core.html import escape, paragraph

    told = (item.where, item.counterfactual, item.reason)
    head = f"{paragraph(item.cause, 'b')} ({escape(item.level)}, {item.confidence:.2f})"
    return "<br/>".join([head, *(escape(text) for text in told if text)])
