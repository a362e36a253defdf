"""Small pieces of HTML, for results that a notebook shows; whatever comes from a project or its data is escaped."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from metricsctl.core.diagnostics import Diagnostic

__all__ = ["draw_with", "drawing", "escape", "notes", "number", "paragraph", "table"]

_Item = TypeVar("_Item")
_LIMIT = 20  # rows of a table; of a longer one the first and the last ten
_UNSHOWABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_drawings: dict[str, Callable[[Any], str]] = {}


def escape(value: Any) -> str:
    """A value as text that HTML shows as it stands; nothing for None, a replacement character for what cannot be shown.

    >>> escape("a < b & 'c'"), escape(None)
    ('a &lt; b &amp; &#x27;c&#x27;', '')
    """
    return "" if value is None else _UNSHOWABLE.sub("\N{REPLACEMENT CHARACTER}", html.escape(str(value)))


def number(value: float | None) -> str | None:
    """A number with six digits that count.

    >>> number(1234.56789), number(None)
    ('1234.57', None)
    """
    return None if value is None else f"{value:.6g}"


def paragraph(text: Any, tag: str = "p") -> str:
    """Text in a paragraph, or in another element.

    >>> paragraph("x > 1", "b")
    '<b>x &gt; 1</b>'
    """
    return f"<{tag}>{escape(text)}</{tag}>"


def table(columns: Sequence[str], items: Sequence[_Item], cells: Callable[[_Item], Iterable[Any]]) -> str:
    """A table with a row for each item, `cells` being asked for shown rows alone; nothing where there are no items.

    >>> table(["n"], range(2, 3), lambda n: [n])
    '<table><thead><tr><th>n</th></tr></thead><tbody><tr><td>2</td></tr></tbody></table>'
    """
    if not len(items):
        return ""
    cut = len(items) > _LIMIT
    rows = [_row(cells(item)) for item in (items[: _LIMIT // 2] if cut else items)]
    if cut:
        rows += [_row("…" for _ in columns), *(_row(cells(item)) for item in items[-(_LIMIT // 2) :])]
    shown = f"<table><thead>{_row(columns, 'th')}</thead><tbody>{''.join(rows)}</tbody></table>"
    return shown + (paragraph(f"{len(items):,} rows") if cut else "")


def notes(diagnostics: Iterable[Diagnostic]) -> str:
    """What was noticed on the way, a paragraph each."""
    return "".join(paragraph(f"{item.severity}: {item.message}" + (f" ({item.hint})" if item.hint else "")) for item in diagnostics)


def draw_with(name: str, draw: Callable[[Any], str]) -> None:
    """From now on results called `name` are shown by `draw`: they cannot draw themselves, since renderers stand above them."""
    _drawings[name] = draw


def drawing(name: str) -> Callable[[Any], str] | None:
    """What `draw_with` was given for `name`."""
    return _drawings.get(name)


def _row(cells: Iterable[Any], tag: str = "td") -> str:
    return "<tr>" + "".join(paragraph(cell, tag) for cell in cells) + "</tr>"
