"""An explanation for a comment or an incident's page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metricsctl.render.markdown import code, escaped, row
from metricsctl.render.style import Style

if TYPE_CHECKING:
    from metricsctl.explain.report import Explanation, Hypothesis

__all__ = ["page"]


def page(report: Explanation, style: Style) -> str:  # noqa: ARG001 - a page's signature
    """Headline, hypotheses, what was ruled out, and the evidence folded."""
    lines = [f"### {escaped(report.headline)}", ""]
    if report.subject is not None and not report.hypotheses and report.subject.state != "none":
        lines += ["No reason was found.", ""]
    for item in report.hypotheses:
        lines += _hypothesis(item)
    for title, texts in (
        ("Moved in the same windows", [escaped(", ".join(report.company))] if report.company else []),
        ("Ruled out", [escaped(item.says) for item in report.ruled_out]),
        ("Not looked at", [escaped(f"{item.what}: {item.reason}") for item in report.not_looked_at]),
        ("Next", [code(item) for item in report.next]),
    ):
        if texts:
            lines += ["", f"**{title}**", "", *(f"- {text}" for text in texts)]
    if report.evidence:
        lines += [
            "",
            f"<details><summary>Evidence ({len(report.evidence)})</summary>",
            "",
            row("id", "kind", "says"),
            row("---", "---", "---"),
        ]
        lines += [row(item.id, item.kind.value, escaped(item.says)) for item in report.evidence]
        lines += ["", "</details>"]
    return "\n".join(lines) + "\n"


def _hypothesis(item: Hypothesis) -> list[str]:
    lines = [f"{item.rank}. **{escaped(item.cause)}** ({item.level}, {item.confidence:.2f})"]
    for title, text in (("where", item.where), ("without it", item.counterfactual), ("confidence", item.reason)):
        if text:
            lines.append(f"   - {title}: {escaped(text)}")
    return [*lines, f"   - evidence: {' '.join(item.evidence)}"]
