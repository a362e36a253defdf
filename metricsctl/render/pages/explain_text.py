"""An explanation on one screen."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from metricsctl.render.sparkline import sparkline
from metricsctl.render.style import Style, paint

if TYPE_CHECKING:
    from metricsctl.explain.evidence import Evidence
    from metricsctl.explain.report import Curve, Explanation, Hypothesis

__all__ = ["page"]

_COLOR = {"high": "bold green", "medium": "bold yellow", "low": "dim"}


def page(report: Explanation, style: Style) -> str:
    """Headline, hypotheses, company, what was ruled out, what could not be looked at, what to run next, the evidence cited."""
    lines = [*_filled(report.headline, "", style, "bold")]
    if report.plotted and report.curve is not None:
        lines += ["", *_curve(report.curve, style)]
    if report.subject is not None and not report.hypotheses and report.subject.state != "none":
        lines += ["", "No reason was found."]
    listed = _listed(report)
    for item in report.hypotheses:
        lines += ["", *_hypothesis(item, [one.id for one in report.find(item.evidence) if one in listed], style)]
    sections = (
        ("Moved in the same windows", [", ".join(report.company)] if report.company else []),
        ("Ruled out", [item.says for item in report.ruled_out]),
        ("Not looked at", [f"{item.what}: {item.reason}" for item in report.not_looked_at]),
        ("Evidence", [f"{item.id} {item.says}" for item in listed]),
        ("Next", list(report.next)),
    )
    for title, texts in sections:
        if texts:
            lines += ["", paint(title, "dim", style)]
            lines += [line for text in texts for line in (_filled(text, "  ", style) if title != "Next" else [f"  {text}"])]
    text = "\n".join(lines) + "\n"
    return text.encode("ascii", "replace").decode() if style.ascii else text


def _listed(report: Explanation) -> list[Evidence]:
    """The evidence that the text does not say elsewhere: what is cited, and what was found of the data but rules nothing out."""
    cited = {name for item in report.hypotheses for name in item.evidence}
    left = {item.id for item in report.evidence if item.kind == "quality"}.difference(*(item.evidence for item in report.ruled_out))
    told = " ".join(f"{item.cause} {item.where} {item.reason}" for item in report.hypotheses)
    return [item for item in report.evidence if item.id in cited | left and item.says not in told]


def _curve(curve: Curve, style: Style) -> Iterator[str]:
    """The metric and what was to be expected, as bars of one scale; the episode is underlined."""
    width = max(style.width - 12, 10)
    series = [[math.nan if value is None else value for value in values] for values in (curve.values, curve.expected)]
    known = [value for values in series for value in values if math.isfinite(value)]
    if not known:
        return
    low, high = min(known), max(known)
    for title, values in zip(("actual", "expected"), series, strict=True):
        bars = sparkline([low, high, *values], len(values) + 2, ascii_only=style.ascii)[2:] if len(values) <= width else None
        if bars is None:
            step = len(values) / width
            means = [_mean(values[int(place * step) : max(int((place + 1) * step), int(place * step) + 1)]) for place in range(width)]
            bars = sparkline([low, high, *means], width + 2, ascii_only=style.ascii)[2:]
        yield f"  {title:<9} {bars}"
    shown = min(len(curve.values), width)
    start = curve.onset * shown // len(curve.values)
    yield " " * 12 + " " * start + ("^" if style.ascii else "‾") * (shown - start)
    yield f"  from {curve.since}, a window is {curve.grain}; {low:.4g} to {high:.4g}"


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if math.isfinite(value)]
    return sum(known) / len(known) if known else math.nan


def _hypothesis(item: Hypothesis, listed: Sequence[str], style: Style) -> Iterator[str]:
    sure = paint(f"{item.level} {item.confidence:.2f}", _COLOR[item.level], style)
    yield f"{item.rank}. [{sure}] " + "\n".join(_filled(item.cause, "   ", style, first=len(item.level) + 11)).lstrip()
    for title, text in (("where", item.where), ("without it", item.counterfactual), ("confidence", item.reason)):
        if text:
            yield from _filled(f"{title}: {text}", "   ", style)
    if listed:
        yield f"   evidence: {' '.join(listed)}"


def _filled(text: str, indent: str, style: Style, color: str = "", first: int = 0) -> list[str]:
    start = " " * first if first else indent
    whole = text.replace(" %", "\0%")  # a number stays with its sign
    wrapped = textwrap.wrap(whole, style.width, initial_indent=start, subsequent_indent=indent + "  ", break_on_hyphens=False)
    lines = [line.replace("\0", " ") for line in wrapped]
    return [paint(line, color, style) if color else line for line in lines]
