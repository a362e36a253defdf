"""What was seen of the metrics after changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

__all__ = ["Observation", "Observed", "Verdict", "shift_words"]

Verdict = Literal["moved-as-predicted", "not-moved", "moved-unpredicted", "still", "too-early"]


def shift_words(shift: float | None, relative: float | None) -> str:
    """A shift in words: as a share of what was expected, in the metric's unit where such a share says nothing.

    >>> shift_words(-3.0, -0.312), shift_words(1234.5, None)
    ('-31.2 %', '+1,234')
    """
    return f"{shift:+,.4g}" if relative is None else f"{100 * relative:+,.1f} %"


@dataclass(frozen=True, slots=True)
class Observed:
    """What one metric did after a change.

    `predicted` is the probability with which the change reaches it, None where it does not. `still`: not predicted, and not moved.
    `shift` is in the metric's unit, `relative` to what was expected, `effect` in spreads of single windows, `distance` that of Kolmogorov
    and Smirnov, `p` of both tests, `q` the false discovery rate at which it is found among all that were looked at; `detectable` is the
    smallest relative shift that would have been found by itself. `before` and `after` count windows, `early`: of
    the first 8 hours. `reason` says what stands in the
    way of a verdict, or made it.
    """

    id: str
    name: str
    verdict: Verdict
    predicted: float | None
    shift: float | None = None
    relative: float | None = None
    effect: float | None = None
    distance: float | None = None
    p: float | None = None
    q: float | None = None
    detectable: float | None = None
    before: int = 0
    after: int = 0
    early: bool = False
    reason: str | None = None

    @property
    def words(self) -> str:
        """As in "moved as predicted: -31.2 %"."""
        said = self.verdict.replace("-", " ") + (" to tell" if self.verdict == "too-early" else "")
        if self.reason is not None:
            return f"{said}: {self.reason}"
        moved = shift_words(self.shift, self.relative)
        if self.verdict == "not-moved":
            return f"{said}: {moved}" + ("" if self.detectable is None else f"; {100 * self.detectable:,.1f} % would have been seen")
        return f"{said}: {moved}" + (" in the first 8 hours" if self.early else "")


@dataclass(frozen=True, slots=True)
class Observation:
    """The metrics after one change: `change` in words, its time and the end of the period that was looked at (ISO 8601, UTC)."""

    change: str
    time: str
    until: str
    metrics: tuple[Observed, ...]

    def count(self, verdict: Verdict) -> int:
        """How many metrics there are of a verdict."""
        return sum(item.verdict == verdict for item in self.metrics)

    @property
    def words(self) -> str:
        """As in "1 of 3 predicted metrics moved, 1 moved unpredicted, 12 looked at"."""
        predicted = sum(item.predicted is not None for item in self.metrics)
        parts = [f"{self.count('moved-as-predicted')} of {predicted} predicted metrics moved"]
        named: Mapping[Verdict, str] = {"moved-unpredicted": "moved unpredicted", "too-early": "too early to tell"}
        parts += [f"{self.count(verdict)} {word}" for verdict, word in named.items() if self.count(verdict)]
        return ", ".join([*parts, f"{len(self.metrics)} looked at"])
