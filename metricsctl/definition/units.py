"""Units of numbers, carried through expressions: usd / ms is a rate, usd + ms is nothing.

Counts are dimensionless, and so are shares. A literal factor ends what can be known: `* 1000` may convert, or not.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from metricsctl.definition.formula import Term

__all__ = ["DIMENSIONLESS", "Mismatch", "Unit", "is_known_unit", "known_units", "mismatches", "parse_unit", "unit_of"]

Unit = tuple[tuple[str, int], ...]
"""Base units with their powers, by name; empty for a number without dimension."""

DIMENSIONLESS: Unit = ()
_NONE = ("count", "1", "%", "percent", "ratio", "share")
_TIME = ("ns", "us", "ms", "s", "min", "h", "d", "w")
_DATA = ("bit", "b", "kb", "mb", "gb", "tb", "pb", "kib", "mib", "gib", "tib")
_THINGS = ("mg", "g", "kg", "t", "oz", "lb", "mm", "cm", "km", "in", "ft", "mi", "ml", "l", "wh", "kwh", "mwh", "kw", "mw")
_CURRENCIES = re.findall(
    r"\w+",
    """
aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bhd bif bmd bnd bob brl bsd btn bwp byn bzd cad cdf chf clp cny cop crc
cup cve czk djf dkk dop dzd egp ern etb eur fjd fkp gbp gel ghs gip gmd gnf gtq gyd hkd hnl htg huf idr ils inr iqd irr isk jmd
jod jpy kes kgs khr kmf kpw krw kwd kyd kzt lak lbp lkr lrd lsl lyd mad mdl mga mkd mmk mnt mop mru mur mvr mwk mxn myr mzn nad
ngn nio nok npr nzd omr pab pen pgk php pkr pln pyg qar ron rsd rub rwf sar sbd scr sdg sek sgd shp sle sos srd ssp stn svc syp
szl thb tjs tmt tnd top try ttd twd tzs uah ugx usd uyu uzs ves vnd vuv wst xaf xcd xof xpf yer zar zmw zwl btc eth
""",
)
_SAME = {
    "second": "s", "seconds": "s", "sec": "s", "minute": "min", "minutes": "min", "hour": "h", "hours": "h", "day": "d", "days": "d",
    "week": "w", "weeks": "w", "millisecond": "ms", "milliseconds": "ms", "byte": "b", "bytes": "b", "dollar": "usd", "dollars": "usd",
    "euro": "eur", "euros": "eur", "$": "usd", "€": "eur", "£": "gbp", "gram": "g", "grams": "g",
}  # fmt: skip
_BASES = frozenset((*_TIME, *_DATA, *_THINGS, *_CURRENCIES))


@functools.lru_cache(maxsize=1024)
def parse_unit(text: str) -> Unit | None:
    """What a unit means; None for words that are not known, which may then fit anything.

    >>> parse_unit("USD"), parse_unit("usd/h"), parse_unit("count"), parse_unit("furlong")
    ((('usd', 1),), (('h', -1), ('usd', 1)), (), None)
    """
    above, *below = text.lower().split("/")
    found: Unit | None = DIMENSIONLESS
    for power, part in ((1, above), *((-1, part) for part in below)):
        for word in part.split("*"):
            one = _base(word.strip())
            found = None if found is None or one is None else _times(found, one, power)
    return found


def _base(word: str) -> Unit | None:
    word = _SAME.get(word, word)
    return DIMENSIONLESS if word in _NONE else ((word, 1),) if word in _BASES else None


def is_known_unit(text: str) -> bool:
    """Whether all words of a unit are known."""
    return parse_unit(text) is not None


def shown(unit: Unit) -> str:
    """A unit as people write it.

    >>> shown((("h", -1), ("usd", 1))), shown(())
    ('usd/h', 'no unit')
    """
    above = "*".join(name if power == 1 else f"{name}^{power}" for name, power in unit if power > 0)
    below = "".join(f"/{name}" if power == -1 else f"/{name}^{-power}" for name, power in unit if power < 0)
    return f"{above or '1'}{below}" if unit else "no unit"


def _times(one: Unit, other: Unit, power: int) -> Unit:
    powers = dict(one)
    for name, exponent in other:
        powers[name] = powers.get(name, 0) + power * exponent
    return tuple(sorted((name, exponent) for name, exponent in powers.items() if exponent))


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Two terms that are added or compared and have different units."""

    left: Term
    right: Term
    left_unit: Unit
    right_unit: Unit
    compared: bool


Leaf = Callable[[str], Unit | None]
_ALIKE = {"coalesce", "greatest", "least", "nullif", "ifnull", "abs", "round", "floor", "ceil", "trunc"}
_COMPARED = {"=", "<>", "<", "<=", ">", ">="}


def unit_of(term: Term, leaf: Leaf) -> Unit | None:
    """The unit of a term; None where it cannot be known. `leaf` gives the units of names."""
    if term.kind == "name":
        return leaf(str(term.value))
    if term.kind in {"+", "-", "%", "neg", "cast", "case"} or (term.kind == "call" and term.value in _ALIKE):
        found = {unit_of(part, leaf) for part in term.parts if part.kind not in {"number", "null", "when"}}
        literal = any(part.kind == "number" for part in term.parts) and term.kind in {"+", "-"}
        return found.pop() if len(found) == 1 and not literal else None
    if term.kind in {"*", "/"}:
        left, right = (unit_of(part, leaf) for part in term.parts)
        return None if left is None or right is None else _times(left, right, 1 if term.kind == "*" else -1)
    return None


def mismatches(term: Term, leaf: Leaf) -> Iterator[Mismatch]:
    """Every place in an expression where units do not fit."""
    for part in term.walk():
        if part.kind in {"+", "-"} or part.kind in _COMPARED:
            left, right = part.parts
            units = unit_of(left, leaf), unit_of(right, leaf)
            if units[0] is not None and units[1] is not None and units[0] != units[1]:
                yield Mismatch(left, right, units[0], units[1], part.kind in _COMPARED)


def known_units() -> list[str]:
    """The words that units are made of."""
    return sorted({*_NONE, *_BASES})
