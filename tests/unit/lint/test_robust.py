"""Whatever stands in the files, linting ends in findings, each with a place that is there."""

import re
from pathlib import Path

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metricsctl.definition.discover import unix_lines
from metricsctl.definition.load import load_text
from metricsctl.definition.schema import SECTIONS
from metricsctl.lint.engine import run

SPEC = (Path(__file__).parents[2] / "fixtures" / "spec" / "metrics.yml").read_text(encoding="utf-8")
LINES = SPEC.splitlines()
WORDS = sorted(set(re.findall(r"\w+", SPEC)))
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=12),
    st.sampled_from([*WORDS, "sum(amount)", "a / b", "7d", "50%"]),
    st.dates(),
    st.binary(max_size=4),
)
VALUES = st.recursive(
    LEAVES, lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.sampled_from(WORDS), inner, max_size=5)), max_leaves=12
)
SECTION = st.one_of(VALUES, st.lists(st.dictionaries(st.sampled_from(WORDS), VALUES, max_size=8), max_size=4))
DOCUMENTS = st.dictionaries(
    st.one_of(st.sampled_from(["version", "defaults", "namespace", *SECTIONS]), st.text(max_size=6)), SECTION, max_size=6
).map(lambda made: yaml.dump({"version": 1, **made}, allow_unicode=True))
TEXTS = st.one_of(st.text(max_size=200), st.text(alphabet="-:{}[]'\"\n\t #&*!|>%@`?,~<a1", max_size=120), DOCUMENTS)


@st.composite
def mangled(draw: st.DrawFn) -> str:
    """The specification with lines taken out and words put in the place of others."""
    gone = draw(st.sets(st.integers(0, len(LINES) - 1), max_size=4))
    text = "\n".join(line for number, line in enumerate(LINES) if number not in gone)
    for old, new in draw(st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from([*WORDS, "null", "[]", "{}", "'", "*"])), max_size=4)):
        text = re.sub(rf"\b{re.escape(old)}\b", new, text, count=draw(st.integers(1, 3)))
    return text + "\n"


def check(text: str) -> None:
    lines = unix_lines(text).split("\n")
    for item in run(load_text(text)).findings:
        assert item.span is not None
        assert 1 <= item.span.line <= len(lines)
        assert item.span.end_line > item.span.line or item.span.column <= item.span.end_column <= len(lines[item.span.line - 1]) + 2
        assert "\n" not in item.message


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(mangled())
def test_lint_never_breaks(text: str) -> None:
    check(text)


@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(TEXTS)
def test_any_text_at_all_is_a_project_or_findings(text: str) -> None:
    check(text)
