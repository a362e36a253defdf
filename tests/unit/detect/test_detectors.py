"""Detectors against plain formulas of what they say they are."""

import math

import numpy as np
import pytest

from metricsctl.detect.checks import series_for_checks
from metricsctl.detect.detectors.cusum import Cusum
from metricsctl.detect.detectors.ewma import Ewma
from metricsctl.detect.detectors.knn import Knn
from metricsctl.detect.detectors.robust_z import RobustZ
from metricsctl.detect.rolling import median_and_mad, over_past


def plain_ewma(values: np.ndarray, weight: float, minimum: int) -> list[float]:
    """Point by point, as Roberts (1959) and West (1979) write it."""
    found, mean, variance, known = [], math.nan, 0.0, 0
    for value in values:
        found.append(abs(value - mean) / math.sqrt(variance) if known >= minimum and not math.isnan(value) else math.nan)
        if math.isnan(value):
            continue
        apart = 0.0 if known == 0 else value - mean
        mean = value if known == 0 else mean + weight * apart
        variance = 0.0 if known == 0 else (1 - weight) * (variance + weight * apart**2)
        known += 1
    return found


@pytest.mark.parametrize("weight", [0.05, 0.3])
def test_ewma_is_the_recursion(weight: float) -> None:
    values = series_for_checks(1500)
    values[[0, 1, 700, 701, 702, 1400]] = np.nan
    found, plain = Ewma(weight=weight).score(values), plain_ewma(values, weight, 20)
    np.testing.assert_allclose(found, plain, rtol=1e-6)
    np.testing.assert_allclose(Ewma(weight=weight).band(values[None]).score(values[None])[0], plain, rtol=1e-9)


def test_ewma_finds_its_way_back_from_a_huge_value() -> None:
    values = np.concatenate([series_for_checks(300), [1e200], series_for_checks(1500)])
    late = Ewma(weight=0.3).score(values)[-200:]
    assert np.isfinite(late).all()
    assert late.max() < 20


@pytest.mark.parametrize("window", [288, 100, 7])
def test_robust_z_is_the_distance_from_its_band_wherever_blocks_begin(window: int) -> None:
    values = series_for_checks(1500)
    detector = RobustZ(window=window, minimum=5)
    np.testing.assert_array_equal(detector.score(values), detector.band(values[None]).score(values[None])[0])


def test_robust_z_of_a_series_that_mostly_stands_still_takes_the_standard_deviation() -> None:
    values = np.where(np.arange(300) % 7 == 3, 5.0, 0.0)
    values[[50, 51]] = np.nan
    median, spread = median_and_mad(20)(values[None])[0]
    assert (median, spread) == (0.0, pytest.approx(np.sqrt(np.nanmean(values**2))))
    moving = np.arange(40.0)
    assert median_and_mad(20)(moving[None])[0].tolist() == [19.5, pytest.approx(14.826)]  # the median of the distances is 10


def test_the_nearest_stretch_is_the_nearest_one() -> None:
    """While all stretches of the past are kept, the distance is that of a plain search."""
    values = series_for_checks(400)
    values[:] = np.where(np.isnan(values), 100.0, values)
    width, first, last = 12, 192, 230  # a block
    windows = np.lib.stride_tricks.sliding_window_view(values, width + 1)[:, 1:]
    steps = np.abs(np.diff(np.lib.stride_tricks.sliding_window_view(values, width + 1), axis=1)).mean(axis=1)
    features = np.column_stack([windows[:, -1], windows.mean(axis=1), windows.std(axis=1), steps])
    features = np.concatenate([np.full((width, 4), np.nan), features])
    past = features[width:first]
    early = np.lib.stride_tricks.sliding_window_view(values[:first], width)  # a step needs one point more
    spread = np.array([values[:first].std(), early.mean(axis=1).std(), early.std(axis=1).std(), past[:, 3].std()])
    plain = [np.sqrt((((past - own) / spread) ** 2).sum(axis=1)).min() for own in features[first:last]]
    np.testing.assert_allclose(Knn(neighbours=1, sample=512).score(values)[first:last], plain, atol=2e-6)


def test_cusum_is_the_recursion() -> None:
    """Page (1954), of distances that are cut at four standard deviations."""
    values = series_for_checks(1500)
    values[[0, 700, 701]] = np.nan
    values[900] = 1e9
    detector = Cusum()
    median, deviation = over_past(values[None], detector.window, detector.window // 24, median_and_mad(detector.minimum))[:, 0]
    above = below = 0.0
    plain = []
    for away in np.clip((values - median) / (deviation + detector.floor * np.abs(median)), -4.0, 4.0):
        if not np.isnan(away):
            above, below = max(0.0, above + away - detector.slack), max(0.0, below - away - detector.slack)
        plain.append(math.nan if np.isnan(away) else max(above, below))
    np.testing.assert_allclose(detector.score(values), plain, rtol=1e-9, atol=1e-9)
