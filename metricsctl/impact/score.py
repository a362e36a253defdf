"""One number for how bad a change is: `100 * (1 - exp(-raw / K))`, where `raw` is the sum of p * weight over the nodes that are hit."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from metricsctl.definition.project import Project
from metricsctl.definition.schema import Exposure

__all__ = ["LEVELS", "K", "fitted_k", "level_of", "score_of", "weight_of"]

K = 20.0
"""Where `raw` makes a score of 63, until `calibrate` has fitted it to a repository's own past changes."""

LEVELS = ("low", "medium", "high", "critical")
_BOUNDS = (25, 50, 80)
_TIERS = {0: 8.0, 1: 4.0, 2: 2.0, 3: 1.0}
_KINDS = {"slo": 2.0, "alert": 2.0, "dashboard": 1.5, "experiment": 1.5}
_GUARDRAIL = 2.0
_TABLE = 0.25
_MAX_USAGE = 4.0


def score_of(raw: float, k: float = K) -> float:
    """The score of a sum, from 0 to 100.

    >>> round(score_of(24), 1)
    69.9
    """
    return 100 * (1 - math.exp(-raw / k))


def fitted_k(raws: Sequence[float], quantile: float) -> float:
    """The scale by which a quantile of past sums (of at least one, all above 0) lies at the lower edge of "high".

    The quantile is interpolated linearly, as by numpy's default.

    >>> round(score_of(10, fitted_k([1.0, 2.0, 10.0], 1.0)), 6)
    50.0
    """
    ordered = sorted(raws)
    place = quantile * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    at = ordered[low] + (place - low) * (ordered[high] - ordered[low])
    return at / -math.log(1 - _BOUNDS[1] / 100)


def level_of(score: float) -> str:
    """The level of a score; "none" where nothing is hit at all.

    >>> [level_of(score) for score in (0, 24, 25, 50, 80)]
    ['none', 'low', 'medium', 'high', 'critical']
    """
    if score <= 0:
        return "none"
    return LEVELS[sum(score >= bound for bound in _BOUNDS)]


def weight_of(project: Project, key: str, usage: Mapping[str, float]) -> float:
    """How much a node matters: by its tier, its kind, and how much an exposure is looked at (`usage`: views in 30 days, by its name).

    Columns and dimensions weigh nothing: they matter by what is made of them.
    """
    kind, _, name = key.partition(":")
    if kind == "metric" and name in project.all_metrics:
        return _TIERS[project.tier_of(project.all_metrics[name])]
    if kind == "series" and name in project.series:
        return _TIERS[project.tier_of(project.series[name])]
    if kind in {"source", "model"} and (relation := project.relation(name)) is not None:
        return _TIERS[project.tier_of(relation)] * _TABLE
    if kind == "exposure" and name in project.exposures:
        exposure = project.exposures[name]
        factor = _GUARDRAIL if exposure.role == "guardrail" else _KINDS[exposure.kind]
        return _TIERS[_exposure_tier(project, exposure)] * factor * min(1 + math.log2(1 + usage.get(name, 0)), _MAX_USAGE)
    return 0.0


def _exposure_tier(project: Project, exposure: Exposure) -> int:
    """Its own tier, else that of its most critical metric."""
    if exposure.tier is not None:
        return exposure.tier
    used = [project.tier_of(project.all_metrics[ref.name]) for ref in exposure.metrics() if ref.name in project.all_metrics]
    return min(used, default=project.defaults_of(exposure).tier)
