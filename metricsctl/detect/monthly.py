"""What comes back every month: the first, the fifteenth, the day on which bills are written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from metricsctl.core.durations import US
from metricsctl.detect.base import FloatArray

if TYPE_CHECKING:
    from metricsctl.detect.grid import Grid

__all__ = ["Monthly", "is_dated"]

Places = npt.NDArray[np.int64]
_MONTHS, _AGREE = 4, 3  # months that are looked at, and how many of them must agree
_LAST_DAYS = 3  # days that are counted from the end of the month


def is_dated(grid: Grid) -> bool:
    """Whether a window has a day of the month: an hour or longer, and a whole number of them a day."""
    return US["h"] <= grid.length <= US["d"] and US["d"] % grid.length == 0


@dataclass(frozen=True, slots=True)
class Monthly:
    r"""What the same day of the last months had in common: as far as three of the last four moved one way.

    $$ m_t = \max(r^{+}_{(3)}, 0) - \max(r^{-}_{(3)}, 0) $$

    where r+ and r- are the deviations of the last four months upwards and downwards, and (3) is the third largest of them. What was odd in
    one month or two is no season; one month without it does not end it. The last three days of a month are counted from its end, all
    others from its beginning, and windows shorter than a day are set against the same time of day.

    Parameters
    ----------
    grid : Grid
        The places of the deviations, of which `is_dated` is true.
    """

    grid: Grid

    @property
    def reach(self) -> int:
        """How many places back the deviations of the last months lie at most."""
        return 31 * _MONTHS * (US["d"] // self.grid.length)

    def common(self, apart: FloatArray, first: int) -> FloatArray:
        """What is to be expected of the deviations from place `first` on; 0 where nothing is known. Shape (series, n) in and out."""
        months = list(_months_before(self.grid, np.arange(first, first + apart.shape[1])))
        if not months[_AGREE - 1][1].any():
            return np.zeros_like(apart)
        before = np.stack([np.where(known, np.nan_to_num(apart[:, place]), 0.0) for place, known in months])
        up, down = (np.sort(np.maximum(side, 0.0), axis=0)[_MONTHS - _AGREE] for side in (before, -before))
        moved: FloatArray = up - down
        return moved


def _months_before(grid: Grid, places: Places) -> Iterator[tuple[Places, npt.NDArray[np.bool_]]]:
    """How far behind the first place the same day one, two ... months before each place lies, and whether that is not before it."""
    day = (grid.start + places * grid.length) // US["d"]
    month = day.view("datetime64[D]").astype("datetime64[M]")
    from_end = _first(month + 1) - day
    for back in range(1, _MONTHS + 1):
        same = np.where(from_end <= _LAST_DAYS, _first(month - back + 1) - from_end, _first(month - back) + day - _first(month))
        place = places - (day - same) * (US["d"] // grid.length)
        yield np.maximum(place - places[:1], 0), place >= places[:1]


def _first(month: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """The first day of each month, in days since 1970."""
    return month.astype("datetime64[D]").astype(np.int64)
