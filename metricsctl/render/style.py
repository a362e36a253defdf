"""What a renderer must know of the place it writes to."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Style", "paint"]

_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "blue": "34", "cyan": "36"}


@dataclass(frozen=True, slots=True)
class Style:
    """Width in columns, whether colour is wanted, whether only ASCII can be shown."""

    width: int = 120
    color: bool = False
    ascii: bool = False


def paint(text: str, color: str, style: Style) -> str:
    r"""`text` in one or more colours ("bold red"), if `style` wants any.

    >>> paint("x", "red", Style()), paint("x", "bold red", Style(color=True))
    ('x', '\x1b[1;31mx\x1b[0m')
    """
    if not style.color or not text:
        return text
    codes = ";".join(_CODES[word] for word in color.split())
    return f"\x1b[{codes}m{text}\x1b[0m"
