"""YAML with places: meanings of YAML 1.2, exact spans, errors where they are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metricsctl.definition.source import ListNode, MapNode, ScalarNode, parse, plain_value, to_plain


def mapping(text: str) -> MapNode:
    node, findings = parse(text, "m.yml")
    assert not findings
    assert isinstance(node, MapNode)
    return node


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("NO", "NO"),
        ("on", "on"),
        ("yes", "yes"),
        ("2026-01-01", "2026-01-01"),
        ("012", 12),
        ("0o17", 15),
        ("1e3", 1000.0),
        ("~", None),
        ("True", True),
        ("tRue", "tRue"),
    ],
)
def test_plain_scalars_follow_yaml_1_2(text: str, value: object) -> None:
    assert plain_value(text) == value


@given(st.integers(min_value=-(10**12), max_value=10**12))
def test_whole_numbers_are_read_back(number: int) -> None:
    assert plain_value(str(number)) == number


def test_a_quoted_scalar_is_text() -> None:
    assert to_plain(mapping("a: '1'\nb: \"no\"\n")) == {"a": "1", "b": "no"}


def test_places_of_keys_and_values() -> None:
    node = mapping("a:\n  b: [x, yy]\n")
    inner = node.get("a")
    assert isinstance(inner, MapNode)
    assert str(inner.entries[0].key.span) == "m.yml:2:3"
    items = inner.get("b")
    assert isinstance(items, ListNode)
    assert [(item.span.column, item.span.end_column) for item in items.items] == [(7, 8), (10, 12)]


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [("e: a + bb", 1, 8), ("e: 'a + bb'", 1, 9), ("e: |\n  a +\n  bb\n", 3, 3), ("k: 1\ne: |\n    a + bb\n", 3, 9)],
)
def test_the_place_of_a_part_of_a_scalar(text: str, line: int, column: int) -> None:
    scalar = mapping(text).get("e")
    assert isinstance(scalar, ScalarNode)
    start = scalar.text.index("bb")
    span = scalar.span_of(start, start + 2)
    assert (span.line, span.column, span.end_column) == (line, column, column + 2)
    assert text.splitlines()[line - 1][column - 1 : column + 1] == "bb"


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ("a: 1\n\tb: 2\n", "a tab in the indentation", 2),
        ("a: 'x\n", "does not parse", 2),
        ("a: 1\na: 2\n", "duplicate key 'a'", 2),
        ("a: &x [*x]\n", "alias that contains itself", 1),
        ("a: " + "[" * 3000 + "]" * 3000, "nested too deeply", 1),
    ],
)
def test_what_is_broken_is_said_with_its_place(text: str, message: str, line: int) -> None:
    _, findings = parse(text, "m.yml")
    assert findings[0].code == "M001"
    assert message in findings[0].message
    assert findings[0].span is not None
    assert findings[0].span.line == line


def test_an_empty_file_is_nothing() -> None:
    assert parse("", "m.yml") == (None, [])
    assert parse("# only words\n", "m.yml") == (None, [])
