"""What two versions of metrics give on the same events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["Expected", "Move", "Outcome", "SampleDiff", "Segment", "Witness", "percent"]

Outcome = Literal["moved", "no-difference", "proven-equal", "gone", "new", "not-computed", "no-data"]


def percent(change: float) -> str:
    """A relative change as people write it, with as many digits as it needs to be told from none.

    >>> percent(-0.0312), percent(0.5), percent(-0.00004), percent(12)
    ('-3.1 %', '+50.0 %', '-0.004 %', '+1,200.0 %')
    """
    return f"{100 * change:+,.1f} %" if abs(change) >= 0.0005 else f"{100 * change:+.1g} %"


def number(value: float | None) -> str:
    """A value with six digits that count; a missing one is absent."""
    if value is None:
        return "absent"
    return f"{value:,.0f}" if value == int(value) and abs(value) < 1e15 else f"{value:,.6g}"


def _moved(base: float | None, head: float | None, change: float | None) -> str:
    return percent(change) if change is not None else f"from {number(base)} to {number(head)}"


@dataclass(frozen=True, slots=True)
class Segment:
    """The value of a dimension whose number moves most; `others` counts the other values that move too, `of` all the others."""

    dimension: str
    value: str | None
    base: float | None
    head: float | None
    change: float | None
    others: int
    of: int

    @property
    def words(self) -> str:
        """As in "country DE -9.8 %, rest equal"."""
        said = f"{self.dimension} {'NULL' if self.value is None else self.value} {_moved(self.base, self.head, self.change)}"
        if not self.of:
            return said
        if not self.others:
            return f"{said}, rest equal"
        return f"{said}, all others too" if self.others == self.of else f"{said}, {self.others:,} of {self.of:,} others too"


@dataclass(frozen=True, slots=True)
class Move:
    """What became of one affected metric.

    `outcome`: `moved`; `no-difference` was found, which proves nothing; `proven-equal` by the trees, whatever the sample; `gone` and
    `new` have no other side; `not-computed` by this version (`reason` says why); `no-data` of its sources in the sample. `base`, `head`
    and `change` are of the total over all events, None where a metric has none; `windows` counts its points (by time and all its
    dimensions), `differ` those of them that are not equal; `segment` is where most of it happens.
    """

    id: str
    name: str
    outcome: Outcome
    base: float | None = None
    head: float | None = None
    change: float | None = None
    windows: int = 0
    differ: int = 0
    segment: Segment | None = None
    reason: str | None = None

    @property
    def words(self) -> str:
        """As in "-3.1 %, country DE -9.8 %, rest equal"."""
        if self.outcome != "moved":
            none = "no difference on the sample" if self.windows else "no difference found"
            said = {"no-difference": none, "proven-equal": "proven equal"}.get(self.outcome, "")
            return said or f"{self.outcome.replace('-', ' ')}: {self.reason}" if self.reason else said or self.outcome.replace("-", " ")
        if not self.windows:
            return "differs on generated rows"
        if self.base == self.head:
            total = "equal in total" if self.base is not None else "differs"
            said = f"{total}, {self.differ:,} of {self.windows:,} points {'differ' if self.differ != 1 else 'differs'}"
        else:
            said = _moved(self.base, self.head, self.change)
        return f"{said}, {self.segment.words}" if self.segment is not None else said

    def to_dict(self) -> dict[str, Any]:
        """Plain data; `text` says it in words."""
        return {
            "id": self.id,
            "name": self.name,
            "outcome": self.outcome,
            "base": self.base,
            "head": self.head,
            "change": self.change,
            "windows": self.windows,
            "differ": self.differ,
            "segment": self.segment,
            "reason": self.reason,
            "text": self.words,
        }


@dataclass(frozen=True, slots=True)
class Expected:
    """A point that the new version gives for the rows of a witness."""

    time: str
    key: Mapping[str, str | None]
    value: float


@dataclass(frozen=True, slots=True)
class Witness:
    """The fewest rows found on which old and new differ: by source, with the columns that either version reads.

    `metric` gives `base` and `head` at `time` (start of the window, ISO 8601) and `key`; `shows` are all affected metrics that differ on
    these rows. `origin` says where they come from, `expect` are all points that the new version gives at `grain`. `minimal`: no row can
    be left out; `smallest`: no fewer of the rows under the point that was searched do it. `masked`: personal data is hidden, and the rows
    are no test.
    """

    metric: str
    shows: tuple[str, ...]
    rows: Mapping[str, tuple[Mapping[str, Any], ...]]
    time: str
    key: Mapping[str, str | None]
    base: float | None
    head: float | None
    expect: tuple[Expected, ...]
    grain: str
    origin: Literal["sample", "generated"]
    minimal: bool
    masked: bool
    smallest: bool = False

    @property
    def size(self) -> int:
        """How many rows there are."""
        return sum(len(rows) for rows in self.rows.values())

    @property
    def words(self) -> str:
        """As in "revenue at 2026-01-01T09:00:00Z, country DE: absent before, 20 now"."""
        key = "".join(f", {name} {'NULL' if value is None else value}" for name, value in self.key.items())
        return f"{self.metric} at {self.time}{key}: {number(self.base)} before, {number(self.head)} now"

    @property
    def title(self) -> str:
        """As in "smallest witness, 1 row of the sample"."""
        count = "1 row" if self.size == 1 else f"{self.size:,} rows"
        origin = "of the sample" if self.origin == "sample" else "generated"
        return f"{'smallest' if self.smallest else 'minimal' if self.minimal else 'small'} witness, {count} {origin}"


@dataclass(frozen=True, slots=True)
class SampleDiff:
    """Both versions of the affected metrics on the same events.

    `rows` counts the events of each source that was read, `rejected` those that the new definitions reject; `generated` is how many rows
    were made up besides.
    """

    rows: Mapping[str, int]
    rejected: int
    generated: int
    moves: tuple[Move, ...]
    witnesses: tuple[Witness, ...] = ()

    @property
    def words(self) -> str:
        """What was looked at, as in "12,000 events of payment_log"."""
        if not self.rows:
            return f"{self.generated:,} generated rows"
        return ", ".join(f"{count:,} events of {source}" for source, count in self.rows.items())

    def move(self, name: str) -> Move | None:
        """What became of the metric called `name`, if it is affected."""
        return next((item for item in self.moves if item.name == name), None)
