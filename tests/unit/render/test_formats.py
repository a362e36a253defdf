"""Renderers: carets under the right columns, escapes, tables that fold."""

import pytest

from metricsctl.core.diagnostics import Diagnostic, Severity, Span
from metricsctl.core.errors import UsageError
from metricsctl.definition.load import load_text
from metricsctl.lint.engine import run
from metricsctl.render import Style, render
from metricsctl.render.table import draw
from metricsctl.render.text import finding
from metricsctl.render.views import Column, Table


def at(column: int, end: int, hint: str | None = None) -> Diagnostic:
    return Diagnostic("M104", Severity.ERROR, "unknown source 'ad_logs'", Span("m.yml", 14, column, 14, end), hint)


def test_a_finding_looks_like_a_compilers() -> None:
    assert finding(at(13, 20, "did you mean 'ad_log'?"), "    source: ad_logs", Style()) == (
        "m.yml:14:13: M104 unknown source 'ad_logs'\n   14 |     source: ad_logs\n      |             ^^^^^^^ did you mean 'ad_log'?\n"
    )


@pytest.mark.parametrize(
    ("line", "column", "end"), [("\tab: x", 6, 7), ("名: xx", 4, 6), ("x" * 300 + " here " + "y" * 300, 302, 306), ("a" * 500, 1, 2)]
)
def test_the_caret_stands_under_its_text(line: str, column: int, end: int) -> None:
    import unicodedata

    _, shown, carets = finding(at(column, end), line, Style(width=80)).splitlines()
    assert len(shown) <= 80
    start = carets.index("^")
    widths = [2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in shown]
    index = next(number for number in range(len(shown) + 1) if sum(widths[:number]) == start)
    assert shown[index : index + carets.count("^")] == line[column - 1 : end - 1]


def test_a_finding_without_a_line_shows_its_hint() -> None:
    assert finding(Diagnostic("data", Severity.WARNING, "late", None, "wait"), None, Style()) == "data warning: late\n  hint: wait\n"


def test_github_escapes() -> None:
    report = run(
        load_text("version: 1\nmetrics:\n  - {name: a, type: simple, source: 's%,:', agg: count}\n", path="a,b.yml"), select=["M104"]
    )
    assert render(report, "github") == "::error file=a%2Cb.yml,line=3,endLine=3,col=38,endColumn=42,title=M104::unknown source 's%25,:'\n"


def test_unknown_format() -> None:
    with pytest.raises(UsageError, match="unknown format 'jsn'"):
        render(run(load_text("version: 1\nmetrics: []\n")), "jsn")


@pytest.mark.parametrize("width", [40, 80, 120])
def test_tables_fold_into_the_width(width: int) -> None:
    table = Table(
        "Things", (Column("name"), Column("text"), Column("n", justify="right")), [("a", "word " * 40, 1), ("b", None, 1234)], "two"
    )
    lines = draw([table, "done"], Style(width=width)).splitlines()
    assert max(map(len, lines)) <= width
    assert lines[0] == "Things"
    assert lines[-3:] == ["two", "", "done"]
    assert draw([table], Style(width=width, ascii=True)).isascii()
    assert "\x1b[" in draw([table], Style(width=width, color=True))


def test_markup_in_cells_is_text() -> None:
    assert "[bold]x[/bold]" in draw([Table("", (Column("a"),), [("[bold]x[/bold]",)])], Style())
