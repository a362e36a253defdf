"""The documents tell the truth: what is made from the code is in step with it, and the examples in them work."""

import re
from pathlib import Path

import pytest

from metricsctl.cli.docs import page
from metricsctl.definition.docs import with_tables
from metricsctl.definition.load import load_text
from metricsctl.lint.docs import pages
from metricsctl.lint.engine import run

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


def test_commands_are_documented() -> None:
    assert (DOCS / "cli.md").read_text(encoding="utf-8") == page(), "run `python -m metricsctl.cli.docs > docs/cli.md`"


def test_keys_are_documented() -> None:
    text = (DOCS / "spec.md").read_text(encoding="utf-8")
    assert text == with_tables(text), "run `python -m metricsctl.definition.docs docs/spec.md`"


def test_rules_are_documented() -> None:
    found = {path.name: path.read_text(encoding="utf-8") for path in (DOCS / "rules").iterdir()}
    assert found == pages(), "run `python -m metricsctl.lint.docs docs/rules`"


def test_the_example_of_the_language_lints_clean() -> None:
    text = (DOCS / "spec.md").read_text(encoding="utf-8")
    match = re.search(r"```yaml\n(.*?)```", text, re.DOTALL)
    assert match is not None
    assert run(load_text(match[1])).findings == ()


@pytest.mark.parametrize("path", [ROOT / "README.md", *sorted(DOCS.glob("*.md"))], ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", path.read_text(encoding="utf-8"))
    missing = [link for link in links if not (path.parent / link).exists()]
    assert missing == []


def test_the_readme_begins_with_the_two_commands() -> None:
    blocks = re.findall(r"^```sh\n(.*?)^```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert len(blocks) >= 2
    assert all(len(block.strip().splitlines()) == 1 for block in blocks[:2])
    assert "metricsctl" in blocks[0]
    assert "pytest" in blocks[1]
