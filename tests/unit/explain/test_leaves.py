"""From the cells of a metric to the segments that were hurt, and none where all moved alike."""

import itertools

import numpy as np
import pytest

from metricsctl.explain.algebra import Algebra
from metricsctl.explain.leaves import leaves_of
from metricsctl.explain.read import Breakdown
from metricsctl.explain.search import find_segments

COUNTRIES, PLATFORMS, SIZES = ("DE", "FR", "GB", "US"), ("android", "ios", "web"), ("small", "large")
KEYS = tuple(itertools.product(COUNTRIES, PLATFORMS, SIZES))
DIMENSIONS = ("country", "platform", "size")
HURT = [
    (lambda key: 0.6 * (key["platform"] == "android"), ({"platform": "android"},)),
    (lambda key: 0.9 * (key["country"] == "FR"), ({"country": "FR"},)),
    (lambda key: 0.7 * (key["country"] == "DE" and key["platform"] == "web"), ({"country": "DE", "platform": "web"},)),
    (lambda key: 0.5 * (key["country"] in {"DE", "US"}), ({"country": "DE"}, {"country": "US"})),
    (lambda _: 0.4, ({},)),
]
SUM = Algebra({}, None, {"sold": 1.0})
RATE = Algebra({}, None, {"sold": 1.0, "seen": -1.0})
WEEKS = 6


def broken_down(hurt, *, noise=0.04, seed=1):
    """Cells that lose the share `hurt(key)` of what is sold in them, with noise; what is seen only has noise."""
    chance = np.random.default_rng(seed)
    size = chance.uniform(50, 500, len(KEYS))
    lost = np.array([hurt(dict(zip(DIMENSIONS, key, strict=True))) for key in KEYS])

    def week(lost):
        seen = 2 * size * np.exp(chance.normal(0, noise, len(KEYS)))
        return {"sold": seen / 2 * (1 - lost) * np.exp(chance.normal(0, noise, len(KEYS))), "seen": seen}

    return Breakdown(DIMENSIONS, KEYS, week(lost), {"sold": size, "seen": 2 * size}, tuple(week(0.0) for _ in range(WEEKS)))


def carried(found, algebra, **slopes):
    leaves, labels = leaves_of(algebra, found, slopes, "sold")
    chosen, _ = find_segments(leaves, whole=True)
    return [{DIMENSIONS[place]: labels[place][code] for place, code in zip(item.dimensions, item.codes, strict=True)} for item in chosen]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("hurt", "members"), HURT)
def test_what_was_hurt_is_found(hurt, members, seed):
    for algebra, slopes in ((SUM, {"sold": 1.0}), (RATE, {"sold": 0.002, "seen": -0.001})):
        assert sorted(carried(broken_down(hurt, seed=seed), algebra, **slopes), key=str) == sorted(members, key=str)


def test_a_shorter_description_of_the_same_cells_wins():
    found = Breakdown(
        ("country", "region"), (("DE", "EU"), ("US", "NA")), {"sold": np.array([50.0, 101.0])}, {"sold": np.array([100.0, 100.0])}
    )
    (chosen,) = find_segments(leaves_of(SUM, found, {"sold": 1.0}, "sold")[0], whole=True)[1][:1]
    assert len(chosen.dimensions) == 1


def test_null_is_a_value():
    keys = ((None,), *((name,) for name in COUNTRIES))
    usual, now = np.full(5, 400.0), np.array([40.0, 399.0, 402.0, 404.0, 398.0])
    weeks = tuple({"sold": usual + size * np.array([1, -1, 1, -1, 1.0])} for size in (5, -4, 3))
    found = Breakdown(("country",), keys, {"sold": now}, {"sold": usual}, weeks)
    leaves, labels = leaves_of(SUM, found, {"sold": 1.0}, "sold")
    (chosen,) = find_segments(leaves, whole=True)[0]
    assert labels[0][chosen.codes[0]] is None


def test_noise_as_before_is_no_segment():
    found = broken_down(lambda _: 0.0, noise=0.2)
    assert carried(found, SUM, sold=1.0) in ([], [{}])


def test_without_any_change_there_is_nothing_to_find():
    found = broken_down(lambda _: 0.0, noise=0.0)
    assert carried(found, SUM, sold=1.0) == []
