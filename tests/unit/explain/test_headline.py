"""Whether an episode grows or recovers."""

from types import SimpleNamespace

import numpy as np
import pytest

from metricsctl.explain.headline import trend_of


@pytest.mark.parametrize(
    ("relative", "trend"),
    [
        ([-0.1, -0.2, -0.3, -0.6], "growing"),
        ([0.5, 0.5, 0.4, 0.1], "recovering"),
        ([-0.5, -0.4, -0.5, -0.5], "steady"),
        ([-0.5, np.nan, -0.5, -0.5, -0.45], "steady"),
        ([-0.5, -0.5, -0.1], None),
        ([np.nan] * 5, None),
    ],
)
def test_the_last_quarter_is_held_against_the_rest(relative, trend):
    values = np.array([9.0, *relative])
    assert trend_of(SimpleNamespace(relative=values, inside=np.arange(len(values)) > 0)) == trend
