"""The search itself: each kind of evidence in the order that rules things out."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from metricsctl.changes.event import ChangeEvent
from metricsctl.changes.log import ChangeLog
from metricsctl.core.diagnostics import Diagnostic
from metricsctl.core.timegrid import to_iso
from metricsctl.explain import narrate
from metricsctl.explain.baseline import Move
from metricsctl.explain.case import Case
from metricsctl.explain.decompose import split
from metricsctl.explain.definitions import Redefinition, redefinitions
from metricsctl.explain.evidence import Collection, Evidence, EvidenceKind, say
from metricsctl.explain.headline import budgets_of, headline, trend_of
from metricsctl.explain.hypotheses import Findings, cancelled, hypotheses
from metricsctl.explain.locate import Located, dimensions_of, left_out, locate
from metricsctl.explain.quality import Health, health
from metricsctl.explain.read import Totals, leaf_totals
from metricsctl.explain.report import Explanation, NotLookedAt, RuledOut, Subject
from metricsctl.explain.sharpen import sharp_onset
from metricsctl.explain.surroundings import curve_of, surroundings_of
from metricsctl.explain.suspects import Judged, earliest, judge_changes
from metricsctl.explain.walk import Upstream, furthest, moves_of_metrics, walk
from metricsctl.lineage.graph import LineageGraph, build
from metricsctl.plan.types import Base, Computation

__all__ = ["investigate", "ruled_out"]

_UNREMARKABLE = 2.5  # standard deviations within which a metric is as usual
_COMPANY = 6
_TOLD = 8  # events of one verdict that are told one by one
_LEAST_ROW = 0.5


def investigate(case: Case, store: Path, facts: Collection, diagnostics: tuple[Diagnostic, ...], *, with_changes: bool) -> Explanation:
    """Explain a case."""
    move = case.move()
    if move is None:
        message = f"'{case.name}' has no expected value at this time: nothing like it is known from before"
        return Explanation(None, message, diagnostics=diagnostics)
    totals = leaf_totals(case.algebra, case.reader, case.axis, case.inside)
    move = _of_totals(case, move, totals)
    size = narrate.size_evidence(facts, case, move)
    graph = build(case.project)
    states = tuple((item, narrate.health_evidence(facts, item)) for item in health(case.reader, case.computation, case.axis, case.inside))
    skipped: list[NotLookedAt] = []
    if any(item.has_rejects for item, _ in states):
        skipped.append(NotLookedAt("when events were rejected", "the store keeps their number, not their times"))
    if abs(move.score) < _UNREMARKABLE and not any(item.is_broken for item, _ in states):
        return dataclasses.replace(_as_usual(case, move, facts, size, states, diagnostics, skipped), curve=curve_of(case))
    budgets = budgets_of(case, totals, facts)
    parts, inputs = _split(case, totals, facts)
    located = _located(case, totals if parts else None, parts, skipped)
    upstream = walk(graph, case.node, case.reader, case.axis, case.inside)
    company = _company(case)
    judged = _judged(case, graph, store, located, company, skipped) if with_changes else ()
    told, untold = _told(case, judged)
    top = furthest(upstream)
    said = {item.node: narrate.move_evidence(facts, EvidenceKind.UPSTREAM, case, item) for item in upstream}
    found = Findings(
        node=case.node,
        key=case.reader.key,
        move=move,
        health=states,
        inputs=inputs,
        located=located,
        carrier=narrate.carrier_evidence(facts, case, located) if located is not None else None,
        mix=narrate.mix_evidence(facts, case, located.mix) if located is not None and located.mix is not None else None,
        upstream=said[top.node] if top is not None else None,
        row=_one_row(case, case.computation, move, facts),
        changes=tuple((item, narrate.change_evidence(facts, case, item)) for item in told),
        other_fits=tuple(item.fit for item in untold if item.verdict == "candidate"),
        others=narrate.others_evidence(facts, [item.verdict for item in untold]),
        with_changes=with_changes,
    )
    made = hypotheses(found, facts)
    sure = {item.change: item.confidence for item in made}
    moves = {f"metric:{name}": one for name, one in company.items()} | {item.node: item.move for item in upstream} | {case.node: move}
    return Explanation(
        subject=_subject(case, move, states),
        headline=_headline(case, move, size, states, budgets),
        hypotheses=made,
        company=_others(case, company, facts, said),
        ruled_out=ruled_out(found, upstream, said, {item.change for item in made}),
        not_looked_at=tuple(skipped),
        next=_next(case, found, bool(made and made[0].change)),
        evidence=tuple(facts),
        diagnostics=diagnostics,
        surroundings=surroundings_of(case, graph, moves, [(item, sure[item.event.id]) for item in judged if item.event.id in sure]),
        curve=curve_of(case),
    )


def _of_totals(case: Case, move: Move, totals: Totals | None) -> Move:
    """The move of a formula over the whole episode: computed from its inputs' totals, as at a coarser grain, not averaged over windows."""
    if case.adds_up or case.is_mean or totals is None:
        return move
    actual, usual = (case.algebra.one(case.reader.states, point) for point in (totals.actual, totals.expected))
    return dataclasses.replace(move, actual=actual, expected=usual) if np.isfinite(actual) and np.isfinite(usual) else move


def _split(case: Case, totals: Totals | None, facts: Collection) -> tuple[dict[str, float], tuple[Evidence, ...]]:
    """The change split over the inputs; a simple metric is its own only input."""
    if totals is None:
        return {}, ()
    states = case.reader.states
    parts = split(lambda columns: case.algebra.value(states, columns), case.algebra.powers, totals.expected, totals.actual)
    if not all(np.isfinite(part) for part in parts.values()):
        return {}, ()
    return parts, narrate.input_evidence(facts, case, totals, parts) if len(parts) > 1 else ()


def _located(case: Case, totals: Totals | None, parts: dict[str, float], skipped: list[NotLookedAt]) -> Located | None:
    if totals is None:
        skipped.append(NotLookedAt("inputs and segments", "there is no window in which all inputs have a value and an expected one"))
        return None
    skipped += [NotLookedAt(f"segments of {name}", why) for name, why in left_out(case).items()]
    if not dimensions_of(case):
        if left_out(case):
            return None
        skipped.append(NotLookedAt("segments", "its inputs have no dimension in common"))
        return None
    single = sorted({leaf.base.aggregate for leaf in case.algebra.leaves.values() if not leaf.adds_up})
    if single:
        skipped.append(NotLookedAt("segments", f"a {single[0]} does not add up over segments"))
        return None
    return locate(case, totals, parts)


def _company(case: Case) -> dict[str, Move]:
    """Every simple metric that moved in the same windows."""
    return {name: move for name, move in moves_of_metrics(case.reader, case.axis, case.inside).items() if move.is_moved}


def _judged(
    case: Case, graph: LineageGraph, store: Path, located: Located | None, company: dict[str, Move], skipped: list[NotLookedAt]
) -> tuple[Judged, ...]:
    log = ChangeLog(store).read()
    if not log.events:
        skipped.append(NotLookedAt("change events", "the store has none: `metricsctl changes add FILE`"))
    onset = sharp_onset(case, located)
    upstream = graph.upstream(case.node) | {case.node}
    commits = redefinitions(case.project, upstream, earliest(onset), case.end)
    if commits.not_seen is not None:
        skipped.append(NotLookedAt("changes of the definitions", commits.not_seen))
    moved = {f"metric:{name}" for name in company} | {case.node}
    events: list[ChangeEvent | Redefinition] = [*(item for item in log.events if item.time < case.end), *commits.found]
    return judge_changes(case.project, graph, case.node, onset, events, moved)


def _told(case: Case, judged: tuple[Judged, ...]) -> tuple[list[Judged], list[Judged]]:
    """The events that are told one by one, the best of each verdict, and those that are only counted."""
    told: list[Judged] = []
    untold: list[Judged] = []
    counts: dict[str, int] = {}
    for item in judged:
        if item.verdict == "candidate" or _is_near(case, item):
            counts[item.verdict] = counts.get(item.verdict, 0) + 1
            (told if counts[item.verdict] <= _TOLD else untold).append(item)
    return told, untold


def _is_near(case: Case, item: Judged) -> bool:
    """Whether an event that is no candidate is near enough to be worth saying why."""
    return item.verdict != "long before" and item.lag * 1e6 < 24 * case.axis.grain.microseconds


def _one_row(case: Case, base: Computation, move: Move, facts: Collection) -> Evidence | None:
    """The largest (or smallest) single row of a sum, where another metric of the project tells it and it makes the change."""
    if not isinstance(base, Base) or base.aggregate != "sum" or not move.change:
        return None
    wanted = "max" if move.change > 0 else "min"
    for name, other in case.reader.plan.computations.items():
        same = (
            isinstance(other, Base)
            and other.rollup == base.rollup
            and other.aggregate == wanted
            and other.measure.expr == base.measure.expr
        )
        if same:
            values = case.reader.metric(other, case.axis).values[0][case.inside]
            value = float(np.nanmax(values * np.sign(move.change), initial=-np.inf) * np.sign(move.change))
            share = value / move.change
            return narrate.row_evidence(facts, case, base.metric, name, value, share) if _LEAST_ROW <= share < np.inf else None
    return None


def _by_size(case: Case, company: dict[str, Move]) -> list[str]:
    """The metrics that moved, those that add up first, the furthest out first."""
    adds_up = {name for name in company if getattr(case.reader.plan.computations[name], "additive", False)}
    return sorted((name for name in company if name != case.name), key=lambda name: (name not in adds_up, -abs(company[name].score), name))


def _others(case: Case, company: dict[str, Move], facts: Collection, said: dict[str, Evidence]) -> tuple[str, ...]:
    """The metrics that moved along, the furthest out first."""
    names = _by_size(case, company)
    known = [
        said.get(f"metric:{name}") or narrate.move_evidence(facts, EvidenceKind.COMPANY, case, (f"metric:{name}", company[name]))
        for name in names[:_COMPANY]
    ]
    return tuple(say("{name} {relative}" if "relative" in item.numbers else "{name}", item) for item in known)


def _subject(case: Case, move: Move, states: tuple[tuple[Health, Evidence], ...]) -> Subject:
    good = case.metric.direction
    direction = "up" if move.change > 0 else "down"
    return Subject(
        metric=case.name,
        unit=case.metric.unit,
        key=dict(case.reader.key),
        onset=to_iso(int(case.axis.times[case.first]), case.axis.zone),
        end=to_iso(case.end, case.axis.zone),
        state="none" if abs(move.score) < _UNREMARKABLE else "over" if _is_over(case) else "open",
        complete=not any(item.is_incomplete for item, _ in states),
        of="total" if case.adds_up else "mean",
        actual=move.actual,
        expected=move.expected,
        change=move.change,
        relative=move.relative,
        score=move.score,
        trend=trend_of(case) if abs(move.score) >= _UNREMARKABLE else None,
        effect="neutral" if good not in {"up", "down"} else "good" if good == direction else "bad",
    )


def _is_over(case: Case) -> bool:
    """Whether there are windows after the episode."""
    computation = case.computation
    span = case.reader.span(computation, case.axis.grain, case.axis.zone)
    return span is not None and span[1] >= case.end


def _headline(
    case: Case, move: Move, size: Evidence, states: tuple[tuple[Health, Evidence], ...], budgets: tuple[Evidence, ...] = ()
) -> str:
    silent = any(item.is_broken for item, _ in states)
    usual = abs(move.score) < _UNREMARKABLE and not silent
    state = "as usual" if usual else "over" if _is_over(case) else "still going on"
    return headline(size, budgets, state=state, trend=trend_of(case), incomplete=any(item.is_incomplete for item, _ in states))


def ruled_out(found: Findings, upstream: tuple[Upstream, ...], said: dict[str, Evidence], named: set[str | None]) -> tuple[RuledOut, ...]:
    """What is not the reason: sources without a gap, calm nodes upstream, and changes that are not `named`."""
    out = [RuledOut(evidence.says, (evidence.id,)) for item, evidence in found.health if not item.silent and not item.is_broken]
    quiet = [item for item in upstream if not item.move.is_moved and not item.node.startswith("metric:")]
    out += [RuledOut(said[item.node].says, (said[item.node].id,)) for item in quiet]
    out += [RuledOut(evidence.says, (evidence.id,)) for item, evidence in found.changes if item.event.id not in named]
    out += [RuledOut(evidence.says, (evidence.id,)) for evidence in found.others]
    return tuple(out)


def _next(case: Case, found: Findings, explained: bool) -> tuple[str, ...]:
    by = found.located.carrier.dimensions if found.located is not None and found.located.carrier is not None else ()
    target = found.inputs[0].subject.partition(":")[2] if found.inputs else case.name
    commands = [narrate.query_of(case, target, by)]
    if not explained:
        commands.append(f"metricsctl lineage {case.name} --upstream")
    return tuple(commands)


def _as_usual(
    case: Case,
    move: Move,
    facts: Collection,
    size: Evidence,
    states: tuple[tuple[Health, Evidence], ...],
    diagnostics: tuple[Diagnostic, ...],
    skipped: list[NotLookedAt],
) -> Explanation:
    """Nothing to explain; what else moved is said."""
    company = _company(case)
    others = _others(case, company, facts, {})
    names = _by_size(case, company)
    at = to_iso(int(case.axis.times[case.first]), case.axis.zone)
    cousins = (_one_row(case, case.reader.plan.computations[name], company[name], facts) for name in names)
    row = next((item for item in cousins if item is not None), None)
    return Explanation(
        subject=_subject(case, move, states),
        headline=_headline(case, move, size, states),
        hypotheses=() if row is None else cancelled(case.node, company[row.words["metric"]], row, facts),
        company=others,
        ruled_out=tuple(RuledOut(evidence.says, (evidence.id,)) for item, evidence in states if not item.silent),
        not_looked_at=tuple(skipped),
        next=(f"metricsctl explain {names[0]} --at {at}",) if names else (narrate.query_of(case, case.name),),
        evidence=tuple(facts),
        diagnostics=diagnostics,
    )
