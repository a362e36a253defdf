"""Detectors by name; a module is imported when its detector is asked for."""

from __future__ import annotations

import importlib
from typing import Any

from metricsctl.core.errors import UnknownName
from metricsctl.detect.base import Detector

__all__ = ["AUTO", "NAMES", "create", "names"]

AUTO = "auto"
_HOMES = {
    AUTO: "Auto",
    "ar_residual": "ArResidual",
    "change_point": "ChangePoint",
    "cusum": "Cusum",
    "decomposition": "Decomposition",
    "ewma": "Ewma",
    "flat_line": "FlatLine",
    "histogram_novelty": "HistogramNovelty",
    "isolation_forest": "IsolationForest",
    "jump": "Jump",
    "knn": "Knn",
    "lof": "Lof",
    "missing_data": "MissingData",
    "nearest_past": "NearestPast",
    "range_novelty": "RangeNovelty",
    "robust_z": "RobustZ",
    "seasonal_median": "SeasonalMedian",
    "seasonal_robust_z": "SeasonalRobustZ",
    "zscore": "ZScore",
}
NAMES = tuple(_HOMES)


def names() -> tuple[str, ...]:
    """What `--detector` may be, `auto` first."""
    return NAMES


def create(name: str, **parameters: Any) -> Detector:
    """The detector called `name`, with defaults for all that is not given; UnknownName if there is none.

    >>> create("robust_z", window=50).window
    50
    """
    if name not in _HOMES:
        raise UnknownName.of("detector", name, names())
    module = importlib.import_module(f"metricsctl.detect.detectors.{name}")
    detector: Detector = getattr(module, _HOMES[name])(**parameters)
    return detector
