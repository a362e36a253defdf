"""What every detector must pass; run it over one of your own with `for check in CHECKS: check(MyDetector())`.

A check raises AssertionError with the difference.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from metricsctl.detect.base import Detector, FloatArray
from metricsctl.detect.stream import BlockDetector, Stream

__all__ = ["CHECKS", "series_for_checks"]


def series_for_checks(size: int = 400, seed: int = 0) -> FloatArray:
    """A positive series with a season of 24, noise, a spike and a gap."""
    rng = np.random.default_rng(seed)
    values: FloatArray = 100 + 20 * np.sin(np.arange(size) * 2 * np.pi / 24) + rng.normal(0, 3, size)
    values[size // 2] += 80
    values[size // 3] = np.nan
    return values


def check_replaced_future(detector: Detector) -> None:
    """The scores of the past are the same, bit by bit, whatever comes after."""
    values = series_for_checks()
    whole = detector.score(values)
    for cut in (1, 57, 199, 333):
        np.testing.assert_array_equal(detector.score(values[:cut]), whole[:cut])
        for future in (1e9, -1e9, np.nan, 0.0):
            replaced = values.copy()
            replaced[cut:] = future
            np.testing.assert_array_equal(detector.score(replaced)[:cut], whole[:cut])


def check_repeatable(detector: Detector) -> None:
    """Two runs give the same."""
    values = series_for_checks()
    np.testing.assert_array_equal(detector.score(values), detector.score(values))


def check_input_is_kept(detector: Detector) -> None:
    """The values are not written to."""
    values = series_for_checks()
    before = values.copy()
    detector.score(values)
    np.testing.assert_array_equal(values, before)


def check_shapes(detector: Detector) -> None:
    """Each series of a table is scored as if it were alone."""
    table = np.stack([series_for_checks(seed=seed) for seed in range(3)])
    together = detector.score(table)
    np.testing.assert_equal(together.shape, table.shape)
    for row, alone in zip(together, table, strict=True):
        np.testing.assert_array_equal(row, detector.score(alone))


def check_invariance(detector: Detector) -> None:
    """Scores stay as they are where the detector claims that they do."""
    values = series_for_checks()
    plain = detector.score(values)
    if "scale" in detector.invariant:
        np.testing.assert_allclose(detector.score(values * 4096.0), plain, rtol=1e-7)
    if "shift" in detector.invariant:
        np.testing.assert_allclose(detector.score(values + 1024.0), plain, rtol=1e-6, atol=1e-9)


def check_warming_up(detector: Detector) -> None:
    """The first point has no score: there is nothing to judge it by."""
    np.testing.assert_equal(bool(np.isnan(detector.score(series_for_checks())[0])), True)


def check_scores_are_not_negative(detector: Detector) -> None:
    """A score is 0 or more, or NaN; never infinite where the past has noise."""
    scores = detector.score(series_for_checks())
    np.testing.assert_equal(bool(np.all((scores >= 0) | np.isnan(scores))), True)
    np.testing.assert_equal(bool(np.isinf(scores).any()), False)


def check_odd_series(detector: Detector) -> None:
    """Constant, all-missing, empty, very short and infinite series give an array of their length, and no warning."""
    with np.errstate(all="raise"):
        for values in (
            np.full(300, 5.0),
            np.zeros(300),
            np.full(300, np.nan),
            np.array([]),
            np.array([1.0]),
            np.array([1.0, 2.0]),
            np.where(np.arange(300) % 50 == 7, np.inf, series_for_checks(300)),
            np.where(np.arange(300) % 50 == 7, -np.inf, series_for_checks(300)),
            np.where(np.arange(300) == 250, 1e150, series_for_checks(300)),
        ):
            np.testing.assert_equal(detector.score(values).shape, values.shape)


def check_constant_is_quiet(detector: Detector) -> None:
    """A series that never moves has no odd point: all that is scored is scored alike."""
    scores = detector.score(np.full(300, 5.0))
    known = scores[~np.isnan(scores)]
    np.testing.assert_equal(len(known) == 0 or bool(np.ptp(known) < 1e-9), True)


def check_infinity_is_absent(detector: Detector) -> None:
    """An infinite value counts as none at all."""
    values = series_for_checks()
    infinite = values.copy()
    infinite[150] = np.inf
    values[150] = np.nan
    np.testing.assert_array_equal(detector.score(infinite), detector.score(values))


def check_long_series(detector: Detector) -> None:
    """A long series is scored in memory and time in proportion to its length."""
    values = np.tile(series_for_checks(), 50)
    np.testing.assert_equal(detector.score(values).shape, values.shape)


def check_goes_on(detector: Detector) -> None:
    """A detector that works block by block gives the same in pieces, its state saved and loaded in between, as all at once."""
    if not isinstance(detector, BlockDetector):
        return
    values = series_for_checks()[None]
    parts, stream = [], Stream(detector, 1)
    for first, last in ((0, 1), (1, 140), (140, 141), (141, 400)):
        parts.append(stream.push(values[:, first:last]))
        state, stream = stream.save(), Stream(detector, 1)
        stream.load(state)
    np.testing.assert_array_equal(np.concatenate(parts, axis=1), Stream(detector, 1).push(values))


CHECKS: tuple[Callable[[Detector], None], ...] = (
    check_replaced_future,
    check_repeatable,
    check_input_is_kept,
    check_shapes,
    check_invariance,
    check_warming_up,
    check_scores_are_not_negative,
    check_odd_series,
    check_constant_is_quiet,
    check_infinity_is_absent,
    check_long_series,
    check_goes_on,
)
