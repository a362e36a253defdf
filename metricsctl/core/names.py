"""Names: what may be one, and which one was meant."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

__all__ = ["MAX_LENGTH", "close_match", "is_snake_case", "nearest"]

MAX_LENGTH = 63
_SNAKE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*\Z")


def is_snake_case(name: str) -> bool:
    """Whether a name is lower-case words joined by single underscores.

    >>> is_snake_case("ad_clicks"), is_snake_case("adClicks")
    (True, False)
    """
    return bool(_SNAKE.match(name))


def close_match(name: str, known: Iterable[str]) -> str | None:
    """The known name that was probably meant, or None.

    >>> close_match("ad_logs", ["ad_log", "payment_log"])
    'ad_log'
    """
    near = difflib.get_close_matches(name.lower(), list(known), n=1, cutoff=0.6)
    return near[0] if near else None


def nearest(name: str, known: Iterable[str]) -> str | None:
    """A hint for an unknown name: the one that was probably meant, or what there is."""
    names = sorted(set(known))
    near = close_match(name, names)
    if near is not None:
        return f"did you mean '{near}'?"
    if not names:
        return None
    shown = ", ".join(names[:8])
    return f"known: {shown}" + (f" and {len(names) - 8} more" if len(names) > 8 else "")
