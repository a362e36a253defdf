"""Every registered detector passes every check, and so does what is made of its scores."""

from collections.abc import Callable

import numpy as np
import pytest

from metricsctl.detect.base import BandDetector, Detector, Status
from metricsctl.detect.calibrate import calibrate
from metricsctl.detect.checks import CHECKS, series_for_checks
from metricsctl.detect.detectors.seasonal_robust_z import Season
from metricsctl.detect.examine import verdicts_of
from metricsctl.detect.grid import Grid
from metricsctl.detect.judge import judge
from metricsctl.detect.registry import NAMES, create
from metricsctl.detect.series import Series, SeriesSet, Traits
from metricsctl.detect.stream import Stream

PARAMETERS = {
    "auto": {"season": 24},
    "decomposition": {"seasons": (24,)},
    "isolation_forest": {"trees": 10, "refit": 1000},
    "jump": {"season": 24},
    "lof": {"refit": 2000},
    "missing_data": {"season": Season(24, 8, 2)},
    "robust_z": {"window": 96},
    "seasonal_robust_z": {"seasons": (Season(48), Season(24, 14, 3))},
    "zscore": {"window": 96},
}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", NAMES)
def test_detector(name: str, check: Callable[[Detector], None]) -> None:
    check(create(name, **PARAMETERS.get(name, {})))


@pytest.mark.parametrize("name", NAMES)
def test_bit_by_bit_is_all_at_once(name: str) -> None:
    """Points that arrive in pieces, with the state saved and loaded in between, score as all of them together."""
    values = np.stack([series_for_checks(1500, seed=seed) for seed in range(2)])
    values[1, 600] = -5.0
    values[0, :3] = values[1, 700:760] = np.nan
    detector = create(name, **PARAMETERS.get(name, {}))
    stream, parts, place = Stream(detector, 2), [], 0
    for size in (1, 1, 30, 200, 1, 7, 500, 33, 1, 1, 400, 325):
        parts.append(stream.push(values[:, place : place + size]))
        place += size
        state = {key: np.array(part) for key, part in stream.save().items()}
        stream = Stream(detector, 2)
        stream.load(state)
    assert place == 1500
    whole = detector.trace(values) if name == "auto" else detector.score(values)
    np.testing.assert_array_equal(np.concatenate(parts, axis=1), whole)


@pytest.mark.parametrize("name", NAMES)
def test_detector_has_defaults_and_a_page(name: str) -> None:
    detector = create(name)
    assert isinstance(detector, Detector)
    text = type(detector).__doc__ or ""
    for part in ("$$", "Parameters\n", "References\n", "Examples\n"):
        assert part in text


@pytest.mark.parametrize("name", NAMES)
def test_verdicts_do_not_see_the_future(name: str) -> None:
    values = np.stack([series_for_checks(seed=seed) for seed in range(2)])
    detector = create(name, **PARAMETERS.get(name, {}))
    whole = judge(values, detector, 1e-3)
    for cut in (60, 201, 350):
        replaced = values.copy()
        replaced[:, cut:] = 1e6
        other = judge(replaced, detector, 1e-3)
        for part in ("score", "anomaly", "side", "deviation", "expected", "low", "high"):
            np.testing.assert_array_equal(getattr(other, part)[:, :cut], getattr(whole, part)[:, :cut], err_msg=part)


@pytest.mark.parametrize("name", [name for name in NAMES if isinstance(create(name), BandDetector)])
def test_a_band_holds_what_is_usual(name: str) -> None:
    values = series_for_checks(2000)[None]
    found = judge(values, create(name, **PARAMETERS.get(name, {})), 1e-3)
    known = ~np.isnan(found.low) & ~np.isnan(values)
    inside = (values[known] >= found.low[known]) & (values[known] <= found.high[known])
    assert 0.97 <= inside.mean() < 1.0


def test_calibration_does_not_see_the_future() -> None:
    scores = np.abs(np.random.default_rng(0).normal(size=(2, 3000)))
    whole = calibrate(scores)
    for cut in (1, 700, 2049):
        np.testing.assert_array_equal(calibrate(scores[:, :cut]).probability, whole.probability[:, :cut])


def test_the_default_does_not_see_the_future() -> None:
    """All of it together: the expected values, novelty, residuals, and the alarms that are counted."""
    values = np.stack([series_for_checks(700, seed=seed) for seed in range(2)])
    whole = _by_default(values)
    for cut in (300, 577):
        for future in (1e6, np.nan):
            replaced = np.where(np.arange(700) < cut, values, future)
            for old, new in zip(whole, _by_default(replaced), strict=True):
                np.testing.assert_array_equal(new[:, :cut], old[:, :cut])


def _by_default(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    hour, places = 3_600_000_000, np.arange(values.shape[1])
    status = np.full(values.shape[1], Status.WARMING_UP, dtype=np.uint8)
    series = tuple(Series({}, row, np.zeros(len(row)), status) for row in values)
    item = SeriesSet(Traits("value"), Grid.of(places * hour, places, hour), series)
    found = verdicts_of(item, values, "auto", 1e-3, (Season(48), Season(24, 14, 3)))
    return found.score, found.side, found.expected
