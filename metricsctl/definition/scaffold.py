"""A first project: commented definitions, configuration, and sample events that give numbers at once."""

from __future__ import annotations

import datetime as dt
import json
import math
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from metricsctl.core.diagnostics import Diagnostic
from metricsctl.core.errors import UsageError

__all__ = ["Scaffold", "sample_events", "write"]

_METRICS = """\
# What the numbers of this project mean. `metricsctl lint` checks it, `metricsctl schema project` says what may stand here.
version: 1
defaults: {owner: team-shop, timezone: UTC, grain: 1h}

sources:                                   # raw events: the roots of the graph
  - name: order_log
    description: One row per order event.
    time: {column: at, lateness: 15m}      # event time, and how late an event may come
    produced_by: {service: checkout}       # what a deploy is joined on
    dimensions: [country]                  # what its metrics can be split by
    columns:                               # only these are read
      - {name: at, type: timestamp}
      - {name: order_id, type: string}
      - {name: user_id, type: string, pii: true}
      - {name: country, type: string}
      - {name: status, type: string, accepted: [paid, refused]}
      - {name: amount, type: double, unit: usd}

models:                                    # intermediate tables, plain SQL
  - name: paid_orders
    description: One row per paid order.
    sql: |
      SELECT at, order_id, user_id, country, amount
      FROM order_log
      WHERE status = 'paid'
    time: at
    grain: [order_id]
    dimensions: [country]

metrics:
  - name: orders
    description: Orders placed, paid or not.
    type: simple                           # an aggregate over the rows of a source or a model
    source: order_log
    agg: count
    direction: up
  - name: orders_paid
    description: Orders that were paid.
    type: simple
    source: paid_orders
    agg: count
    direction: up
  - name: payment_rate
    description: Share of the orders that were paid.
    type: ratio                            # computed from its inputs at the asked grain, never an average of averages
    numerator: orders_paid
    denominator: orders
    on_zero: absent                        # no orders, no rate: neither 0 nor an error
    direction: up
    bounds: {min: 0, max: 1}
  - name: revenue
    description: Value of the paid orders.
    type: simple
    source: paid_orders
    agg: sum
    expr: amount
    unit: usd
    direction: up
    tier: 0
  - name: average_order
    description: Mean value of a paid order.
    type: derived                          # an expression over other metrics
    expr: revenue / orders_paid
    on_zero: absent
    unit: usd
  - name: buyers
    description: People who paid.
    type: simple
    source: paid_orders
    agg: count_distinct
    expr: user_id

exposures:                                 # who looks at them
  - name: weekly-review
    kind: dashboard
    description: What the team looks at on Mondays.
    uses: [revenue, payment_rate, buyers]
    by: [country]
    grain: 1d

tests:                                     # what they must give for given events
  - name: refused orders are no revenue
    metric: revenue
    given:
      order_log:
        - {at: "2026-01-05T09:10:00Z", order_id: a, amount: 20, status: paid}
        - {at: "2026-01-05T09:40:00Z", order_id: b, amount: 99, status: refused}
    expect: [{time: "2026-01-05T09:00:00Z", value: 20}]
"""

_CONFIG = """\
# Marks the root of the project. `metricsctl config` shows every setting and where it comes from.

# store = ".metricsctl/store"     # where numbers are kept
# exclude = ["drafts/*"]          # files that are no definitions

[lint]
fail_on = "error"                 # error | warning | info
# ignore = ["M106"]
"""

IGNORED = ".metricsctl/"
EVENTS = "events/order_log.ndjson"
STEPS = (
    "metricsctl lint",
    "metricsctl lineage",
    "metricsctl ingest events/ --final",
    "metricsctl query revenue payment_rate --by country --grain 1d",
)


def sample_events(count: int = 400, seed: int = 7) -> Iterator[dict[str, Any]]:
    """Two days of orders from 2026-01-05 on, more of them in the evening; the same ones each time."""
    chance = random.Random(seed)  # noqa: S311 - sample data
    start = dt.datetime(2026, 1, 5, tzinfo=dt.UTC)
    for number in range(count):
        hours = 48 * number / count
        hours += 1.5 * math.sin(hours * math.pi / 12)  # busier evenings
        yield {
            "at": (start + dt.timedelta(seconds=round(max(hours, 0) * 3600))).isoformat().replace("+00:00", "Z"),
            "order_id": f"o{number:04}",
            "user_id": f"u{chance.randrange(90):02}",
            "country": chance.choices(("DE", "FR", "US"), (5, 3, 2))[0],
            "status": "paid" if chance.random() < 0.9 else "refused",
            "amount": round(chance.lognormvariate(3.4, 0.5), 2),
        }


@dataclass(frozen=True, slots=True)
class Scaffold:
    """What was written, and what to run next."""

    name: ClassVar[str] = "init"
    version: ClassVar[int] = 1
    folder: str
    files: tuple[str, ...]
    steps: tuple[str, ...]

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """None."""
        return ()

    @property
    def stats(self) -> Mapping[str, Any]:
        """How many files."""
        return {"files": len(self.files)}

    def to_dict(self) -> dict[str, Any]:
        """All of it."""
        return {"folder": self.folder, "files": self.files, "steps": self.steps}


def write(folder: Path) -> Scaffold:
    """Write the project into a folder; UsageError if one of its files is there already. An existing .gitignore gets a line more."""
    texts = {
        "metrics.yml": _METRICS,
        "metricsctl.toml": _CONFIG,
        EVENTS: "".join(json.dumps(event) + "\n" for event in sample_events()),
    }
    there = [name for name in texts if (folder / name).exists()]
    if there:
        raise UsageError(f"{folder / there[0]} is there already", hint="name an empty folder: `metricsctl init DIR`")
    try:
        for name, text in texts.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
        _ignore(folder / ".gitignore")
    except OSError as error:
        raise UsageError(f"cannot write into {folder}: {error.strerror}", hint="check the folder and its permissions") from error
    change = () if folder.resolve() == Path.cwd() else (f"cd {folder}",)
    return Scaffold(folder.as_posix(), (*texts, ".gitignore"), (*change, *STEPS))


def _ignore(path: Path) -> None:
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    if IGNORED not in text.splitlines():
        path.write_text(text + ("" if not text or text.endswith("\n") else "\n") + IGNORED + "\n", encoding="utf-8")
