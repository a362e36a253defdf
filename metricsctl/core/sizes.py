"""Sizes of memory as people write them: `600MB`, `2GiB`."""

from __future__ import annotations

import re

__all__ = ["parse_size"]

_FORM = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)b?\Z", re.IGNORECASE)


def parse_size(text: str) -> int:
    """Bytes; ValueError says what is allowed.

    >>> parse_size("600MB"), parse_size("1.5 GiB"), parse_size("4096")
    (600000000, 1610612736, 4096)
    """
    match = _FORM.match(text.strip())
    if match is None:
        message = f"'{text}' is not a size (600MB, 2GiB)"
        raise ValueError(message)
    base = 1024 if match[3] else 1000
    return int(float(match[1]) * base ** " kmgt".index(match[2].lower() or " "))
