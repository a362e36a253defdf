"""`metricsctl test` as text: a line a test, and for each that failed its points as a diff."""

from __future__ import annotations

from typing import Any

from metricsctl.render.style import Style, paint

__all__ = ["page"]

_WORDS = {"passed": ("ok", "green"), "failure": ("FAILED", "bold red"), "error": ("ERROR", "bold red")}
_COLORS = {"-": "red", "+": "yellow", "~": "red", " ": "dim"}


def page(report: Any, style: Style) -> str:
    """The results in their order."""
    return "".join(_result(item, style) for item in report.results)


def _result(item: Any, style: Style) -> str:
    word, color = _WORDS[item.outcome]
    lines = [f"{paint(word, color, style)} {item.name}"]
    if item.outcome != "passed":
        lines.append(f"   {paint(str(item.span), 'bold', style)}: {item.message}")
    if item.hint:
        lines.append(f"   {paint('hint:', 'cyan', style)} {item.hint}")
    if item.outcome == "failure":
        lines += ["     " + paint(line, _COLORS[line[0]], style) for line in item.lines()]
    return "\n".join(lines) + "\n"
