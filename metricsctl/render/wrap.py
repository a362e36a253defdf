"""Long lines of text, folded at the width of the terminal."""

from __future__ import annotations

import textwrap

__all__ = ["wrapped"]


def wrapped(text: str, width: int, indent: str = "  ") -> list[str]:
    """A text in lines of at most `width` columns, all but the first indented; a word that is longer stays whole.

    >>> wrapped("gate unit-changed: usd became eur", 20)
    ['gate unit-changed:', '  usd became eur']
    """
    return textwrap.wrap(text, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
