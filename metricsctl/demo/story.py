"""What happens in the six weeks: the incidents with their truth, and the change events, guilty and innocent."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

__all__ = ["CHANGES", "DAYS", "INCIDENTS", "START", "Change", "Incident"]

START = dt.datetime(2026, 9, 28, tzinfo=dt.UTC)  # a Monday
DAYS = 42


@dataclass(frozen=True, slots=True)
class Incident:
    """Something that went wrong, as it is known: from `onset` to `end` (UTC), in the one `segment` (dimension, value), by one `change`.

    `share` of the events of that segment is hit: their click is lost, their ad is shown in `moved_to` instead, or their payment fails.
    `metrics` moved by it, those that are most hit first.
    """

    id: str
    kind: Literal["lost_clicks", "mix_shift", "failed_payments"]
    source: str
    segment: tuple[str, str]
    share: float
    onset: dt.datetime
    end: dt.datetime
    change: str
    metrics: tuple[str, ...]
    moved_to: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """A change event, as it stands in a line of `changes.jsonl`."""

    id: str
    time: dt.datetime
    kind: str
    service: str
    repo: str
    sha: str
    actor: str
    title: str
    paths: tuple[str, ...] = ()
    env: str = "production"


def _at(month: int, day: int, hour: int, minute: int = 0) -> dt.datetime:
    return dt.datetime(2026, month, day, hour, minute, tzinfo=dt.UTC)


INCIDENTS = (
    Incident(
        id="lost-clicks",
        kind="lost_clicks",
        source="ad_log",
        segment=("platform", "android"),
        share=0.7,
        onset=_at(10, 27, 9, 15),
        end=_at(10, 27, 19, 30),
        change="chg-07",
        metrics=("ctr", "ad_clicks"),
    ),
    Incident(
        id="mix-shift",
        kind="mix_shift",
        source="ad_log",
        segment=("country", "US"),
        share=0.75,
        onset=_at(11, 2, 14),
        end=_at(11, 4, 2),
        change="chg-09",
        metrics=("ctr", "ad_clicks"),
        moved_to="IN",
    ),
    Incident(
        id="failed-payments",
        kind="failed_payments",
        source="payment_log",
        segment=("country", "DE"),
        share=0.98,
        onset=_at(11, 6, 12),
        end=_at(11, 6, 18),
        change="chg-12",
        metrics=("orders", "revenue", "payment_success", "buyers", "rpm", "revenue_wow"),
    ),
)

CHANGES = (
    Change("chg-01", _at(10, 1, 10, 15), "deploy", "payments", "shop/payments", "3f1c9ab", "mara", "Receipts by e-mail in English"),
    Change("chg-02", _at(10, 6, 14, 2), "deploy", "ad-server", "shop/ads", "b07d21e", "jonas", "Cache of creatives", ("src/cache.go",)),
    Change("chg-03", _at(10, 13, 8, 30), "deploy", "search", "shop/search", "91e44c0", "ines", "Synonyms for shoes"),
    Change(
        "chg-04", _at(10, 20, 13, 45), "config", "ad-server", "shop/ads", "c55e0f2", "amir", "Longer timeouts", ("config/timeouts.yml",)
    ),
    Change("chg-05", _at(10, 26, 15, 20), "deploy", "payments", "shop/payments", "7a90d13", "mara", "New version of the card library"),
    Change("chg-06", _at(10, 27, 8, 55), "deploy", "storefront", "shop/storefront", "40cd8a6", "lena", "Header in the new colours"),
    Change("chg-07", _at(10, 27, 9, 12), "deploy", "ad-server", "shop/ads", "e2b7714", "jonas", "Click beacon v2", ("src/beacon.go",)),
    Change("chg-08", _at(10, 27, 19, 28), "rollback", "ad-server", "shop/ads", "b07d21e", "jonas", "Back to before the click beacon v2"),
    Change(
        "chg-09",
        _at(11, 2, 13, 52),
        "config",
        "ad-server",
        "shop/ads",
        "5d3a9c8",
        "amir",
        "Targeting: more budget to new markets",
        ("config/targeting.yml",),
    ),
    Change("chg-10", _at(11, 5, 16, 40), "deploy", "ad-server", "shop/ads", "8fb02d7", "jonas", "Tidier logs", ("src/log.go",)),
    Change("chg-11", _at(11, 6, 11, 20), "deploy", "warehouse", "shop/warehouse", "d6e1f39", "ines", "Nightly export in Parquet"),
    Change("chg-12", _at(11, 6, 11, 54), "deploy", "payments", "shop/payments", "0b8c5e4", "mara", "Cards in Germany by the new provider"),
)
