"""From evidence to ranked hypotheses."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from metricsctl.explain.baseline import Move
from metricsctl.explain.evidence import Collection, Evidence, EvidenceKind, Quantity, say
from metricsctl.explain.locate import Located
from metricsctl.explain.quality import Health
from metricsctl.explain.rank import Place, clarity, level_of, of_changes, of_place, of_row, of_silence
from metricsctl.explain.report import Hypothesis
from metricsctl.explain.suspects import Judged

__all__ = ["Findings", "cancelled", "hypotheses"]

_LISTED = 0.03  # confidence below which a change is not named: it stands with what was ruled out
_LIKELY = 0.5  # confidence from which on a cause needs no place beside it
_MOST = 5


@dataclass(frozen=True)
class Findings:
    """What the search found, each with its evidence; `others` counts the events that are not in `changes`, `other_fits` are of rivals."""

    node: str
    key: Mapping[str, str | None]
    move: Move
    health: tuple[tuple[Health, Evidence], ...]
    inputs: tuple[Evidence, ...]
    located: Located | None
    carrier: Evidence | None
    mix: Evidence | None
    upstream: Evidence | None
    row: Evidence | None
    changes: tuple[tuple[Judged, Evidence], ...]
    with_changes: bool = True
    other_fits: tuple[float, ...] = ()
    others: tuple[Evidence, ...] = ()

    @property
    def is_rivalled(self) -> bool:
        """Whether there is a change that could be the reason."""
        return any(item.verdict == "candidate" for item, _ in self.changes)


def hypotheses(found: Findings, facts: Collection) -> tuple[Hypothesis, ...]:
    """Faults of the data first, then the most likely; the place where it happened is one of them if no cause is likely."""
    sure = clarity(found.move.score)
    made = [_data(found, item, evidence, facts) for item, evidence in found.health if item.is_broken]
    left = sure * (1 - min(sum(item.confidence for item in made), 1.0))
    causes = _changes(found, facts, left)
    taken = sum(item.confidence for item in causes)
    causes += [_row(found, facts, sure)] if found.row is not None else []
    if max((item.confidence for item in (*made, *causes)), default=0.0) < _LIKELY:
        causes += [item for item in _place(found, facts, left, taken) if item.confidence >= _LISTED]
    made += sorted(causes, key=lambda item: -item.confidence)
    return tuple(dataclasses.replace(item, rank=number) for number, item in enumerate(made[:_MOST], 1))


def _reason(facts: Collection, subject: str, template: str, numbers: Mapping[str, float]) -> Evidence:
    return facts.add(EvidenceKind.CONFIDENCE, subject, template, {name: Quantity(value, "share") for name, value in numbers.items()})


def _where(found: Findings, *, of_one_row: bool = False) -> str | None:
    parts = [say("{mix_text}", _texted(found.mix, "mix_text"))] if found.mix else []
    if found.carrier is not None and found.mix is None:
        parts.append(found.carrier.says.partition(";")[0])
    elif found.located is not None and found.located.everywhere and not of_one_row:
        parts.append("no segment moved out of proportion to its size")
    if len(found.inputs) > 1:
        parts.append(", ".join(say("{input} {share}", item) for item in found.inputs[:3]) + " of the change")
    return "; ".join(parts) or None


def _texted(evidence: Evidence, name: str) -> Evidence:
    return Evidence(evidence.id, evidence.kind, evidence.subject, "", {}, {name: evidence.says})


def _counterfactual(found: Findings) -> str | None:
    if found.carrier is None or "normal" not in found.carrier.numbers:
        return None
    if found.mix is not None:
        return say("with the usual mix of {dimension}: {normal}", found.mix, found.carrier)
    return say("with {names} at normal: {normal}", found.carrier)


def _segments(found: Findings) -> tuple[Mapping[str, str | None], ...]:
    """The segments that carry the change, within the one that was asked for."""
    if found.located is not None and found.located.carrier is not None:
        return tuple({**found.key, **member} for member in found.located.carrier.members)
    return (dict(found.key),) if found.key else ()


def _support(found: Findings, *first: Evidence) -> tuple[str, ...]:
    items: Sequence[Evidence | None] = (*first, found.carrier, found.mix, *found.inputs[:1], found.upstream)
    return tuple(dict.fromkeys(item.id for item in items if item is not None))


def _data(found: Findings, item: Health, evidence: Evidence, facts: Collection) -> Hypothesis:
    share = item.silent / max(item.windows, 1)
    reason = _reason(facts, f"source:{item.source}", "{missing} of the windows have no data at all", {"missing": share})
    confidence = of_silence(share, rose=found.move.change >= 0)
    return Hypothesis(
        rank=0,
        kind="data",
        cause=say("the source {source} is late" if item.is_late else "the source {source} fell silent", evidence),
        where=evidence.says,
        segments=(),
        change=None,
        nodes=(f"source:{item.source}",),
        share=share,
        counterfactual=None,
        confidence=confidence,
        level=level_of(confidence),
        reason=reason.says,
        evidence=(evidence.id, reason.id),
    )


def _changes(found: Findings, facts: Collection, sure: float) -> list[Hypothesis]:
    candidates = [(item, evidence) for item, evidence in found.changes if item.verdict == "candidate"]
    values = of_changes([*(item.fit for item, _ in candidates), *found.other_fits], sure)[: len(candidates)]
    made = []
    for place, ((item, evidence), confidence) in enumerate(zip(candidates, values, strict=True)):
        if confidence < _LISTED:
            continue
        numbers = {"near": item.near, "contrast": item.contrast, "clarity": sure, "confidence": confidence}
        template = "nearness in time {near}, it reaches {contrast} of the metrics that moved, clarity of the move {clarity}"
        template += ": no other change fits" if len(candidates) == 1 and not found.other_fits else ""
        reason = _reason(facts, evidence.subject, template, numbers)
        share = found.located.carrier.share if found.located is not None and found.located.carrier is not None else None
        made.append(
            Hypothesis(
                rank=0,
                kind="change" if item.what is None else "definition",
                cause=evidence.says,
                where=_where(found) if not place else None,
                segments=_segments(found),
                change=item.event.id,
                nodes=item.nodes,
                share=share,
                counterfactual=_counterfactual(found) if not place else None,
                confidence=confidence,
                level=level_of(confidence),
                reason=reason.says,
                evidence=(*_support(found, evidence), reason.id),
            )
        )
    return made


def _row(found: Findings, facts: Collection, sure: float) -> Hypothesis:
    assert found.row is not None  # noqa: S101 - asked by the caller
    share = float(found.row.numbers["share"].value)
    confidence = of_row(share, sure)
    reason = _reason(
        facts, found.row.subject, "one row is {share} of the change, clarity of the move {clarity}", {"share": share, "clarity": sure}
    )
    return Hypothesis(
        rank=0,
        kind="row",
        cause=say("one row: {extreme} was {value}", found.row),
        where=_where(found, of_one_row=True),
        segments=_segments(found),
        change=None,
        nodes=(found.node,),
        share=share,
        counterfactual=_counterfactual(found),
        confidence=confidence,
        level=level_of(confidence),
        reason=reason.says,
        evidence=(*_support(found, found.row), reason.id),
    )


def cancelled(node: str, move: Move, row: Evidence, facts: Collection) -> tuple[Hypothesis, ...]:
    """One row that moved another metric, and in the asked one is taken back."""
    share = float(row.numbers["share"].value)
    sure = clarity(move.score)
    confidence = of_row(share, sure)
    template = "one row is {share} of the change of the other metric, clarity of its move {clarity}"
    reason = _reason(facts, row.subject, template, {"share": share, "clarity": sure})
    cause = say("one row moved {metric} ({extreme} was {value}); in this metric it is taken back within the same windows", row)
    return (
        Hypothesis(
            rank=1,
            kind="row",
            cause=cause,
            where=None,
            segments=(),
            change=None,
            nodes=(node, f"metric:{row.words['metric']}"),
            share=None,
            counterfactual=None,
            confidence=confidence,
            level=level_of(confidence),
            reason=reason.says,
            evidence=(row.id, reason.id),
        ),
    )


def _place(found: Findings, facts: Collection, sure: float, taken: float) -> list[Hypothesis]:
    """Where it happened, for want of a cause."""
    located = found.located
    carried = located is not None and located.carrier is not None
    top = found.upstream
    if not carried and top is None and not found.inputs:
        return []
    kind: Place = "segments" if carried else "upstream" if top is not None else "input"
    confidence = of_place(kind, sure, taken)
    template = "it says where, not why; clarity of the move {clarity}" + (", of which changes took {taken}" if taken else "")
    reason = _reason(facts, found.node, template, {"clarity": sure, "taken": taken})
    if carried and found.carrier is not None:
        cause = say("about {names}", found.carrier)
    elif top is not None:
        cause = say("upstream, at {name}", top)
    else:
        cause = say("about {input}", found.inputs[0])
    share = located.carrier.share if located is not None and located.carrier is not None else None
    return [
        Hypothesis(
            rank=0,
            kind="segment" if carried else "input",
            cause=f"something else {cause}"
            if found.is_rivalled
            else f"something {cause}" + ("; no change event explains it" if found.with_changes else ""),
            where=_where(found),
            segments=_segments(found),
            change=None,
            nodes=(top.subject if top is not None else found.node,),
            share=share,
            counterfactual=_counterfactual(found),
            confidence=confidence,
            level=level_of(confidence),
            reason=reason.says,
            evidence=(*_support(found), reason.id),
        )
    ]
