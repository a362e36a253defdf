"""Evidence: numbers with the sentence they make, so that no text says a number that was not measured."""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypedDict

from metricsctl.core.serial import plain

__all__ = ["Collection", "Evidence", "EvidenceData", "EvidenceKind", "Form", "Quantity", "say"]

Form = Literal["amount", "share", "signed_amount", "signed_share", "points", "count", "duration", "score", "text"]


class EvidenceKind(enum.StrEnum):
    """What a piece of evidence is about, in the order in which things are ruled out."""

    SIZE = "size"
    QUALITY = "quality"
    INPUT = "input"
    MIX = "mix"
    SEGMENT = "segment"
    UPSTREAM = "upstream"
    CHANGE = "change"
    DEFINITION = "definition"
    COMPANY = "company"
    CONFIDENCE = "confidence"


@dataclass(frozen=True, slots=True)
class Quantity:
    """A measured value and how it is written: an amount with its unit, a share (0.25 is 25 %), seconds, or a text such as a time."""

    value: float | str
    form: Form = "amount"
    unit: str | None = None

    def __str__(self) -> str:
        if isinstance(self.value, str):
            return self.value
        return _WRITTEN[self.form](self.value) + (f" {self.unit}" if self.unit and self.form in {"amount", "signed_amount"} else "")


class EvidenceData(TypedDict):
    """Evidence in JSON; `query` is the command that shows the numbers again."""

    id: str
    kind: str
    subject: str
    says: str
    numbers: dict[str, float | str | None]
    query: str | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """A fact about `subject` (a node of the lineage graph, a segment, a change): `template` with its numbers and names filled in."""

    id: str
    kind: EvidenceKind
    subject: str
    template: str
    numbers: Mapping[str, Quantity] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)
    query: str | None = None

    @property
    def says(self) -> str:
        """The sentence."""
        return say(self.template, self)

    def to_dict(self) -> EvidenceData:
        """Plain data."""
        return {
            "id": self.id,
            "kind": self.kind.value,
            "subject": self.subject,
            "says": self.says,
            "numbers": {name: plain(number.value) for name, number in self.numbers.items()},
            "query": self.query,
        }


def say(template: str, *evidence: Evidence) -> str:
    """A template with the numbers and words of some evidence; of two with the same name the later counts.

    >>> say("{actual} clicks", Evidence("E1", EvidenceKind.SIZE, "metric:clicks", "", {"actual": Quantity(1234.0)}))
    '1,234 clicks'
    """
    values: dict[str, str] = {}
    for item in evidence:
        values |= {name: str(number) for name, number in item.numbers.items()} | dict(item.words)
    return template.format_map(values)


@dataclass(slots=True)
class Collection:
    """Evidence as it is gathered; gives each piece its id."""

    items: list[Evidence] = field(default_factory=list)

    def add(
        self,
        kind: EvidenceKind,
        subject: str,
        template: str,
        numbers: Mapping[str, Quantity] | None = None,
        words: Mapping[str, str] | None = None,
        query: str | None = None,
    ) -> Evidence:
        """One more piece."""
        found = Evidence(f"E{len(self.items) + 1}", kind, subject, template, dict(numbers or {}), dict(words or {}), query)
        self.items.append(found)
        return found

    def __iter__(self) -> Iterator[Evidence]:
        return iter(self.items)


def _amount(value: float) -> str:
    if not math.isfinite(value):
        return "unknown"
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    size = abs(value)
    if size >= 1e15:
        return f"{value:.3g}"
    digits = 0 if size >= 1000 else 1 if size >= 100 else 2 if size >= 1 else min(2 - math.floor(math.log10(size)), 9)
    return f"{value:,.{digits}f}"


def _share(value: float) -> str:
    size = abs(value * 100)
    if not math.isfinite(value):
        return "unknown"
    if size >= 1e15:
        return f"{value * 100:.3g} %"
    return f"{value * 100:,.{0 if size >= 99.95 or size == 0 else 1 if size >= 1 else 2}f} %"


def _duration(seconds: float) -> str:
    """The larger of two neighbouring units, whole."""
    for length, one, many in ((86_400, "day", "days"), (3_600, "hour", "hours"), (60, "minute", "minutes")):
        if seconds >= 2 * length or (seconds >= length and seconds % length == 0):
            count = round(seconds / length)
            return f"{count:,} {one if count == 1 else many}"
    return f"{round(seconds)} seconds"


_WRITTEN: dict[Form, Callable[[float], str]] = {
    "amount": _amount,
    "signed_amount": lambda value: ("+" if value > 0 else "") + _amount(value),
    "share": _share,
    "signed_share": lambda value: ("+" if value > 0 else "") + _share(value),
    "points": lambda value: f"{'+' if value > 0 else ''}{value * 100:,.{1 if abs(value) >= 0.01 else 2}f} points",
    "count": lambda value: f"{round(value):,}",
    "duration": _duration,
    "score": lambda value: f"{value:.1f}" if abs(value) < 1e4 else f"{value:.1e}",
    "text": str,
}
