"""The search finds the segments that were hurt, and says when none was."""

import itertools

import numpy as np
import pytest

from metricsctl.explain.carriers import Cells, search

COUNTRIES, PLATFORMS, SIZES = ("DE", "FR", "GB", "US"), ("android", "ios", "web"), ("small", "large")
KEYS = list(itertools.product(COUNTRIES, PLATFORMS, SIZES))
DIMENSIONS = ("country", "platform", "size")


def cells(hurt, *, noise=0.03, seed=1):
    """Cells that lose the share `hurt(key)` of their size, with some noise."""
    chance = np.random.default_rng(seed)
    size = chance.uniform(50, 500, len(KEYS))
    lost = np.array([hurt(dict(zip(DIMENSIONS, key, strict=True))) for key in KEYS])
    return Cells(DIMENSIONS, KEYS, -size * lost + size * chance.normal(0, noise, len(KEYS)), size)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("hurt", "members"),
    [
        (lambda key: 0.6 * (key["platform"] == "android"), ({"platform": "android"},)),
        (lambda key: 0.9 * (key["country"] == "FR"), ({"country": "FR"},)),
        (lambda key: 0.7 * (key["country"] == "DE" and key["platform"] == "web"), ({"country": "DE", "platform": "web"},)),
        (lambda key: 0.5 * (key["country"] in {"DE", "US"}), ({"country": "DE"}, {"country": "US"})),
        (lambda _: 0.4, ()),
    ],
)
def test_what_was_hurt_is_found(hurt, members, seed):
    best = search(cells(hurt, seed=seed))[0]
    assert sorted(best.members, key=str) == sorted(members, key=str)
    assert best.fit > 0.5
    assert best.share == pytest.approx(1.0, abs=0.25)


def test_a_shorter_description_of_the_same_cells_wins():
    both = Cells(("country", "region"), [("DE", "EU"), ("US", "NA")], np.array([-50.0, 0.0]), np.array([100.0, 100.0]))
    assert len(search(both)[0].members[0]) == 1


def test_null_is_a_value():
    found = search(Cells(("country",), [(None,), ("DE",)], np.array([30.0, 0.5]), np.array([40.0, 400.0])))
    assert found[0].members == ({"country": None},)


def test_without_any_change_there_is_nothing_to_find():
    assert search(Cells(("country",), [("DE",), ("US",)], np.zeros(2), np.ones(2))) == ()
