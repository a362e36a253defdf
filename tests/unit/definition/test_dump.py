"""load -> dump -> load is the identity, for the specification and for whatever is left of it when it is mangled."""

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metricsctl.core.errors import UsageError
from metricsctl.definition.dump import dump
from metricsctl.definition.load import load_text, load_tree
from metricsctl.definition.project import Project
from metricsctl.definition.records import written
from metricsctl.definition.schema import SECTIONS

SPEC = (Path(__file__).parents[2] / "fixtures" / "spec" / "metrics.yml").read_text(encoding="utf-8")
LINES = SPEC.splitlines()
WORDS = sorted(set(re.findall(r"[\w.-]+", SPEC)))
ODD = [
    "null",
    "'~'",
    "'1'",
    '"0o17"',
    "NO",
    "'true'",
    "1e3",
    ".inf",
    "2026-01-01",
    "'a: b'",
    "'#'",
    '"a\\nb"',
    '"\\u2028"',
    "'  x '",
    "ü",
    '"\\x07"',
    "[a, 1]",
]


def said(project: Project) -> dict[str, Any]:
    """Everything that a project says, without places."""
    return {
        section: [(type(record).__name__, repr(written(record))) for record in getattr(project, section).values() if record.places]
        for section in SECTIONS
    }


def test_the_specification_comes_back() -> None:
    project = load_text(SPEC)
    again = load_text(dump(project))
    assert again.findings == ()
    assert said(again) == said(project)
    assert (again.files[0].namespace, written(again.files[0].defaults)) == ("commerce", written(project.files[0].defaults))
    assert dump(again) == dump(project)


def test_files_with_different_defaults_are_not_one_file() -> None:
    texts = {Path("/a.yml"): "version: 1\ndefaults: {owner: x}\n", Path("/b.yml"): "version: 1\n"}
    with pytest.raises(UsageError, match="different `defaults:`"):
        dump(load_tree(texts, str))


@st.composite
def mangled(draw: st.DrawFn) -> str:
    """The specification with lines taken out, and words and values put in the place of others."""
    gone = draw(st.sets(st.integers(0, len(LINES) - 1), max_size=3))
    text = "\n".join(line for number, line in enumerate(LINES) if number not in gone)
    for old, new in draw(st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from(WORDS + ODD)), max_size=3)):
        text = re.sub(rf"(?<![\w.-]){re.escape(old)}(?![\w.-])", lambda _, new=new: new, text, count=draw(st.integers(1, 3)))
    return text + "\n"


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(mangled())
def test_what_is_read_comes_back(text: str) -> None:
    project = load_text(text)
    again = load_text(dump(project))
    assert said(again) == said(project)
