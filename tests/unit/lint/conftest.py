"""Lint a text in which the expected places are marked: «like this»."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from metricsctl.core.diagnostics import Diagnostic
from metricsctl.definition.load import load_text
from metricsctl.lint.engine import run
from metricsctl.lint.facts import Settings

SOURCES = """\
version: 1
sources:
  - name: log
    time: ts
    dimensions: [country]
    columns:
      - {name: ts, type: timestamp}
      - {name: amount, type: double}
      - {name: country, type: string}
      - {name: ok, type: boolean}
"""
_MARK = re.compile("[«»]")


def marked_places(text: str) -> list[tuple[int, int, int]]:
    """(line, column, end column) of each «stretch», as they are without the marks."""
    places = []
    for number, line in enumerate(text.splitlines(), 1):
        plain, start = 0, 0
        for char in line:
            if char == "«":
                start = plain + 1
            elif char == "»":
                places.append((number, start, plain + 1))
            else:
                plain += 1
    return places


@pytest.fixture
def check(tmp_path: Path) -> Callable[[str, str], list[Diagnostic]]:
    """Run one rule over the usual source plus a text, and hold its findings against the marks."""

    def lint(code: str, text: str, *, alone: bool = False, max_depth: int = 10) -> list[Diagnostic]:
        whole = text if alone else SOURCES + text
        project = load_text(_MARK.sub("", whole), root=tmp_path)
        found = list(run(project, select=[code], settings=Settings(max_depth=max_depth)).findings)
        assert all(item.code in {code, "M001"} for item in found)
        places = [(item.span.line, item.span.column, item.span.end_column) for item in found if item.span]
        assert places == marked_places(whole)
        for item, (line, start, end) in zip(found, places, strict=True):
            shown = _MARK.sub("", whole).splitlines()[line - 1][start - 1 : end - 1]
            assert shown in item.message, "the message quotes the text at its place"
        return found

    return lint
