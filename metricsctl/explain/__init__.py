"""From a metric that moved to the reason: evidence in the order that rules things out, then ranked hypotheses.

The library on any data: `explain.segments`, `explain.upstream`, `explain.changes` take pandas frames and directed graphs; they are imported
when they are first asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from metricsctl.explain.foreign.changes import changes
    from metricsctl.explain.foreign.segments import segments
    from metricsctl.explain.foreign.upstream import upstream

__all__ = ["changes", "segments", "upstream"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(importlib.import_module(f"metricsctl.explain.foreign.{name}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
