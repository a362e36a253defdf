"""What `metricsctl init` says."""

from __future__ import annotations

from typing import Any

from metricsctl.render.style import Style, paint
from metricsctl.render.views import Block

__all__ = ["view"]


def view(report: Any, style: Style) -> list[Block]:
    """The files, and what to run next."""
    files = "\n".join(f"  {name}" for name in report.files)
    steps = "\n".join(f"  {paint(step, 'bold', style)}" for step in report.steps)
    return [f"wrote into {report.folder}\n{files}", f"next\n{steps}"]
