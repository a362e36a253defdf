"""The shop's traffic as columns: Poisson counts with daily and weekly seasons, a little noise, and the incidents put into single events."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from metricsctl.demo.story import DAYS, INCIDENTS, START, Incident

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Columns = Mapping[str, NDArray[Any]]

__all__ = ["COUNTRIES", "PLATFORMS", "ads", "payments"]

COUNTRIES = ("DE", "GB", "IN", "US")
PLATFORMS = ("android", "ios", "web")
STATUSES = ("paid", "failed", "refunded")

_ADS, _PAYMENTS = 213_000, 87_000  # events expected in the six weeks
_SHARE = (0.38, 0.14, 0.10, 0.38)  # of the events, by country
_SHIFT = (2.0, 1.0, 5.5, -6.0)  # hours of local time before UTC, by country
_PLATFORM_SHARE = (0.60, 0.25, 0.15)
_CLICK_RATE = (0.32, 0.33, 0.05, 0.50)  # by country
_PLATFORM_CLICKS = (1.0, 1.08, 0.88)  # factor on the click rate
_LOAD_MS = (140.0, 110.0, 90.0)  # by platform
_WEEKDAY = (1.0, 0.98, 0.97, 0.99, 1.02, 1.12, 1.1)  # Monday first
_STATUS_SHARE = (0.92, 0.03, 0.05)
_USERS = 30_000
_NOISE = 0.02  # sd of the logarithm of an hour's traffic, beyond Poisson


def _hourly_rates(chance: np.random.Generator, total: int) -> NDArray[np.float64]:
    """Expected events by hour, country and platform; they sum up to `total`."""
    import numpy as np

    hours = np.arange(DAYS * 24)
    local = (hours[:, None] + np.array(_SHIFT)) / 24
    day = 1 + 0.4 * np.cos(2 * np.pi * (local - 19 / 24)) + 0.1 * np.cos(4 * np.pi * (local - 12 / 24))
    week = np.array(_WEEKDAY)[(hours // 24) % 7]
    noise = np.exp(chance.normal(0, _NOISE, (hours.size, len(COUNTRIES))))
    rates = (day * noise * _SHARE * week[:, None])[:, :, None] * np.array(_PLATFORM_SHARE)
    scaled: NDArray[np.float64] = rates * (total / rates.sum())
    return scaled


def _arrivals(chance: np.random.Generator, total: int) -> dict[str, NDArray[Any]]:
    """Events in the order of time: seconds since the start, country and platform by number, user."""
    import numpy as np

    counts = chance.poisson(_hourly_rates(chance, total))
    hour, country, platform = (np.repeat(place.ravel(), counts.ravel()) for place in np.indices(counts.shape))
    second = hour * 3600 + chance.integers(0, 3600, hour.size)
    order = np.argsort(second, kind="stable")
    user = chance.integers(0, _USERS, hour.size)
    return {"second": second[order], "country": country[order], "platform": platform[order], "user": user}


def _hit(events: Columns, incident: Incident, chance: np.random.Generator) -> NDArray[np.bool_]:
    """Which events an incident strikes."""
    dimension, value = incident.segment
    number = {"country": COUNTRIES, "platform": PLATFORMS}[dimension].index(value)
    second = events["second"]
    during = (second >= _seconds(incident.onset)) & (second < _seconds(incident.end))
    struck: NDArray[np.bool_] = during & (events[dimension] == number) & (chance.random(second.size) < incident.share)
    return struck


def _seconds(time: dt.datetime) -> float:
    return (time - START).total_seconds()


def ads(chance: np.random.Generator) -> Columns:
    """The ads shown: second, country, platform, user, click, load_ms."""
    import numpy as np

    lost, shifted = (next(item for item in INCIDENTS if item.kind == kind) for kind in ("lost_clicks", "mix_shift"))
    events = _arrivals(chance, _ADS)
    country = events["country"]
    country[_hit(events, shifted, chance)] = COUNTRIES.index(str(shifted.moved_to))  # before the clicks: they are the new country's
    rate = np.array(_CLICK_RATE)[country] * np.array(_PLATFORM_CLICKS)[events["platform"]]
    click = chance.random(country.size) < rate
    click &= ~_hit(events, lost, chance)
    load = chance.gamma(6.0, np.array(_LOAD_MS)[events["platform"]] / 6.0)
    return events | {"click": click, "load_ms": load.astype(np.int64) + 1}


def payments(chance: np.random.Generator) -> Columns:
    """The payments: second, country, platform, user, amount in cents, status by number."""
    import numpy as np

    failing = next(item for item in INCIDENTS if item.kind == "failed_payments")
    events = _arrivals(chance, _PAYMENTS)
    amount = chance.lognormal(3.5, 0.45, events["second"].size)
    status = chance.choice(len(STATUSES), events["second"].size, p=_STATUS_SHARE)
    status[_hit(events, failing, chance)] = STATUSES.index("failed")
    return events | {"cents": np.rint(amount * 100).astype(np.int64), "status": status}
