"""Whatever stands in the files, linting ends in findings, each with a place that is there."""

import re
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metricsctl.definition.load import load_text
from metricsctl.lint.engine import run

SPEC = (Path(__file__).parents[2] / "fixtures" / "spec" / "metrics.yml").read_text(encoding="utf-8")
LINES = SPEC.splitlines()
WORDS = sorted(set(re.findall(r"\w+", SPEC)))


@st.composite
def mangled(draw: st.DrawFn) -> str:
    """The specification with lines taken out and words put in the place of others."""
    gone = draw(st.sets(st.integers(0, len(LINES) - 1), max_size=4))
    text = "\n".join(line for number, line in enumerate(LINES) if number not in gone)
    for old, new in draw(st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from([*WORDS, "null", "[]", "{}", "'", "*"])), max_size=4)):
        text = re.sub(rf"\b{re.escape(old)}\b", new, text, count=draw(st.integers(1, 3)))
    return text + "\n"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(mangled())
def test_lint_never_breaks(text: str) -> None:
    lines = text.split("\n")
    for item in run(load_text(text)).findings:
        assert item.span is not None
        assert 1 <= item.span.line <= len(lines)
        assert item.span.end_line > item.span.line or item.span.column <= item.span.end_column <= len(lines[item.span.line - 1]) + 2
        assert "\n" not in item.message
