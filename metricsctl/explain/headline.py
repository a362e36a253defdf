"""The first line: what happened, whether it goes on, grows or recovers, and what of which error budget it took."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from metricsctl.definition.schema import Exposure
from metricsctl.explain.case import Case
from metricsctl.explain.evidence import Collection, Evidence, EvidenceKind, Quantity, say
from metricsctl.explain.read import Totals
from metricsctl.explain.report import Trend
from metricsctl.plan.types import Base

__all__ = ["budgets_of", "headline", "trend_of"]

_FEWEST = 4  # windows of which a trend can be told
_TURN = 1.25  # by how much the last quarter must be further out, or less far, than what was before


def trend_of(case: Case) -> Trend | None:
    """Whether an episode grows or recovers: its last quarter against the rest, each window by its share; None for a short one."""
    out = np.abs(case.relative[case.inside])
    out = out[np.isfinite(out)]
    if len(out) < _FEWEST:
        return None
    last = max(len(out) // 4, 1)
    before, now = float(np.mean(out[:-last])), float(np.mean(out[-last:]))
    return "growing" if now > _TURN * before else "recovering" if now * _TURN < before else "steady"


def budgets_of(case: Case, totals: Totals | None, facts: Collection) -> tuple[Evidence, ...]:
    """What of the error budgets of service level objectives is lost so far, for each that counts an input of the metric as good events."""
    found = (_budget(case, totals, item, facts) for item in case.project.exposures.values() if item.kind == "slo") if totals else ()
    return tuple(item for item in found if item is not None)


def _budget(case: Case, totals: Totals | None, slo: Exposure, facts: Collection) -> Evidence | None:
    """Lost good events over those that may be lost: (1 - objective) of all events in its period up to the end of the episode."""
    if totals is None or slo.good is None or slo.total is None or slo.objective is None or slo.window is None:
        return None
    leaves = {leaf.base.metric: name for name, leaf in case.algebra.leaves.items() if leaf.offset is None and leaf.part == "value"}
    good, every = leaves.get(slo.good.name), leaves.get(slo.total.name)
    computation = case.reader.plan.computations.get(slo.total.name)
    if good is None or not isinstance(computation, Base) or not computation.additive or case.reader.key:
        return None
    usual = totals.expected[good]
    if every is not None and totals.expected[every] > 0:
        usual *= totals.actual[every] / totals.expected[every]
    events = case.reader.metric(computation, case.axis).values[0][case.axis.times >= case.end - slo.window.microseconds]
    allowed = (1 - slo.objective) * float(np.nansum(events))
    lost = usual - totals.actual[good]
    if lost <= 0 or allowed <= 0:
        return None
    numbers = {"lost": Quantity(lost, "count"), "used": Quantity(lost / allowed, "share"), "window": Quantity(str(slo.window), "text")}
    template = "{lost} good events lost: {used} of the {window} error budget of {slo}"
    return facts.add(EvidenceKind.SIZE, f"exposure:{slo.name.name}", template, numbers, {"slo": slo.name.name})


def headline(size: Evidence, budgets: Sequence[Evidence], *, state: str, trend: Trend | None, incomplete: bool) -> str:
    """The line; `state` says whether it is over."""
    parts = [state if trend is None or state != "still going on" else f"{state}, {trend}"]
    parts[0] += ", " + ("not complete: events may still come" if incomplete else "complete")
    parts += [say("{used} of the {window} error budget of {slo}", item) for item in budgets]
    return "; ".join([size.says, *parts])
