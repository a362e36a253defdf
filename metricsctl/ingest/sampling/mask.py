"""Personal data made unreadable, the same value always by the same stand-in, so that distinct counts, sessions and joins survive.

A stand-in is cut from SHA-256 of the seed and the value's text: 16 hexadecimal digits for text, a number of 52 bits for a bigint and of 28
for an integer. Other types have no stand-in that means anything: their values become null.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

__all__ = ["HEX_DIGITS", "Masker"]

HEX_DIGITS = {"string": 16, "bigint": 13, "integer": 7}
"""By type: how many digits of the hash a stand-in is made of."""

_BLANK = " \t\n\r"
_DECODER = json.JSONDecoder(strict=False)


@dataclass(frozen=True, slots=True)
class Masker:
    """Hides the values of some columns; `types` gives each column's declared type, `salt` is put before a value before it is hashed.

    A column of a nested field is written with points (`user.email`).
    """

    salt: str
    types: Mapping[str, str] = field(default_factory=dict)

    def stand_in(self, column: str, text: str) -> str | int | None:
        """What stands for a value of a column.

        >>> Masker("0", {"user": "string", "born": "date"}).stand_in("user", "ann")
        '6649bf09c34ddacf'
        """
        digits = HEX_DIGITS.get(self.types[column])
        if digits is None:
            return None
        found = hashlib.sha256((self.salt + text).encode()).hexdigest()[:digits]
        return found if self.types[column] == "string" else int(found, 16)

    def fields(self, header: Sequence[str], values: Sequence[str]) -> list[str]:
        """The fields of a CSV record with stand-ins; an empty one stays empty."""
        return [self._cell(name, value) if value and name in self.types else value for name, value in zip(header, values, strict=True)]

    def _cell(self, name: str, value: str) -> str:
        found = self.stand_in(name, value)
        return "" if found is None else str(found)

    def line(self, text: str) -> str:
        """A JSON object with stand-ins, all else as it was written; null stays null.

        >>> Masker("0", {"user.id": "bigint"}).line('{"n": 1.50, "user": {"id": 7, "x": [1]}}')
        '{"n": 1.50, "user": {"id": 451968178287196, "x": [1]}}'
        """
        out, done = [], 0
        for path, start, end in self._spans(text, 0, ""):
            value = text[start:end]
            if value == "null":
                continue
            shown = self.stand_in(path, _DECODER.decode(value) if value.startswith('"') else value)
            out += [text[done:start], json.dumps(shown)]
            done = end
        return "".join([*out, text[done:]])

    def _spans(self, text: str, at: int, prefix: str) -> Iterator[tuple[str, int, int]]:
        """Where the values to be hidden stand in the object that begins at `at`, which parses."""
        at = _skip(text, at) + 1
        while text[at := _skip(text, at)] != "}":
            if text[at] == ",":
                at = _skip(text, at + 1)
            name, at = _DECODER.raw_decode(text, at)
            start = _skip(text, _skip(text, at) + 1)
            _, at = _DECODER.raw_decode(text, start)
            path = prefix + name
            if path in self.types:
                yield path, start, at
            elif text[start] == "{" and any(known.startswith(path + ".") for known in self.types):
                yield from self._spans(text, start, path + ".")


def _skip(text: str, at: int) -> int:
    while text[at] in _BLANK:
        at += 1
    return at
