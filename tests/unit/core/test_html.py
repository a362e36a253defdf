"""HTML of results: text from a project, its data or its files never becomes markup."""

import html
import xml.etree.ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from metricsctl.core.diagnostics import Diagnostic, Severity
from metricsctl.core.html import escape, notes, number, paragraph, table


def page(text: str) -> ET.Element:
    text.encode("utf-8")
    return ET.fromstring(f"<div>{text}</div>")


@given(st.text(st.characters(codec=None)))
def test_any_text_is_text(text):
    shown = page(f"<p title='{escape(text)}'>{escape(text)}</p>")
    assert len(list(shown.iter())) == 2


@given(st.text(st.characters(codec="utf-8", exclude_categories=["C"])))
def test_printable_text_is_read_as_it_was(text):
    assert html.unescape(escape(text)) == text


def test_what_no_page_may_hold_is_replaced():
    assert escape("a\x00b\x1b[31m\ud800") == "a\ufffdb\ufffd[31m\ufffd"


def test_a_long_table_shows_both_ends_and_asks_for_no_other_row():
    asked: list[int] = []

    def cells(item: int) -> list[int]:
        asked.append(item)
        return [item]

    shown = page(table(["n"], range(1_000_000), cells))
    texts = [cell.text for cell in shown.iter("td")]
    assert texts == [*map(str, range(10)), "…", *map(str, range(999_990, 1_000_000))]
    assert len(asked) == 20
    assert shown.findtext("p") == "1,000,000 rows"


def test_a_table_of_twenty_is_whole_and_one_of_none_is_nothing():
    shown = page(table(["n", "<b>"], range(20), lambda item: (item, None)))
    assert len(list(shown.iter("tr"))) == 21
    assert [head.text for head in shown.iter("th")] == ["n", "<b>"]
    assert table(["n"], [], lambda item: [item]) == ""


def test_paragraphs_numbers_and_findings():
    found = [Diagnostic("x", Severity.WARNING, "1 < 2", hint="<i>"), Diagnostic("y", Severity.INFO, "fine")]
    assert [item.text for item in page(notes(found))] == ["warning: 1 < 2 (<i>)", "info: fine"]
    assert paragraph(None) == "<p></p>"
    assert [number(1e-9), number(1234567.0), number(None)] == ["1e-09", "1.23457e+06", None]
