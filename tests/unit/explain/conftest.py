"""A small shop with an outage in one country, and a source that falls silent."""

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from metricsctl.changes.report import add
from metricsctl.workspace import Workspace
from metricsctl.workspace import open as open_workspace

METRICS = """\
version: 1
defaults: {owner: team-shop, grain: 1d}
sources:
  - name: orders
    description: One row an order.
    time: {column: at}
    produced_by: {service: shop}
    dimensions: [country, device]
    columns:
      - {name: at, type: timestamp}
      - {name: amount, type: double, unit: eur}
      - {name: country, type: string}
      - {name: device, type: string}
  - name: visits
    description: One row a visit.
    time: {column: at}
    produced_by: {service: web}
    dimensions: [country, device]
    columns: [{name: at, type: timestamp}, {name: country, type: string}, {name: device, type: string}]
metrics:
  - {name: revenue, description: Value., type: simple, source: orders, agg: sum, expr: amount, unit: eur, direction: up, tier: 0}
  - {name: sales, description: Orders., type: simple, source: orders, agg: count, direction: up}
  - {name: largest_order, description: Most., type: simple, source: orders, agg: max, expr: amount, unit: eur}
  - {name: mean_order, description: Mean., type: simple, source: orders, agg: avg, expr: amount, unit: eur}
  - {name: flat, description: Nothing., type: simple, source: orders, agg: count, filter: country = 'XX'}
  - {name: traffic, description: Visits., type: simple, source: visits, agg: count}
  - {name: conversion, description: Orders a visit., type: ratio, numerator: sales, denominator: traffic, on_zero: absent, direction: up}
  - name: revenue_wow
    description: Growth.
    type: derived
    expr: (cur - prev) / prev
    inputs: {cur: revenue, prev: {metric: revenue, offset: 7d}}
    on_zero: absent
"""
CHANGES = (
    {"id": "guilty", "time": "2026-02-12T00:00:00Z", "kind": "deploy", "service": "shop", "title": "New checkout"},
    {"id": "older", "time": "2026-02-08T10:00:00Z", "kind": "deploy", "service": "shop", "title": "Search by colour"},
    {"id": "elsewhere", "time": "2026-02-11T23:50:00Z", "kind": "deploy", "service": "mail", "title": "New footer"},
    {"id": "late", "time": "2026-02-13T09:00:00Z", "kind": "rollback", "service": "shop", "title": "Old checkout again"},
)
START = dt.date(2026, 1, 5)


def lines(days: int, *, after: float = 1.0) -> tuple[str, str]:
    """Orders and visits of some days: on day 38 and 39 Germany hardly buys, on day 41 nobody visits, day 36 has one huge order.

    From day 40 on everything is `after` times as much.
    """
    chance = np.random.default_rng(3)
    orders, visits = [], []
    for day in range(days):
        at = dt.datetime.combine(START + dt.timedelta(days=day), dt.time())
        for country, base in (("DE", 160), ("FR", 80), ("GB", 50)):
            for device, share in (("app", 0.6), ("web", 0.4)):
                weekend = 0.7 if at.weekday() >= 5 else 1.0
                count = int(chance.poisson(base * share * weekend * (after if day >= 40 else 1.0)))
                seen = int(chance.poisson(2 * base * share * weekend))
                bought = count // 12 if country == "DE" and day in {38, 39} else count
                key = {"country": country, "device": device}
                orders += [{"at": stamp(at, n), "amount": 30.0 + n % 5, **key} for n in range(bought)]
                visits += [{"at": stamp(at, n), **key} for n in range(0 if day == 41 else seen)]
        if day == 36:
            orders.append({"at": stamp(at, 7), "amount": 19000.0, "country": "FR", "device": "web"})
    return tuple("".join(json.dumps(row) + "\n" for row in rows) for rows in (orders, visits))


def stamp(at: dt.datetime, number: int) -> str:
    return (at + dt.timedelta(minutes=5 * (number % 280))).isoformat() + "Z"


def make(folder: Path, days: int = 43, **options: float) -> Workspace:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "metrics.yml").write_text(METRICS, encoding="utf-8")
    for name, text in zip(("orders", "visits"), lines(days, **options), strict=True):
        (folder / f"{name}.ndjson").write_text(text, encoding="utf-8")
    (folder / "changes.jsonl").write_text("".join(json.dumps(item) + "\n" for item in CHANGES), encoding="utf-8")
    workspace = open_workspace(folder / "metrics.yml")
    for name in ("orders", "visits"):
        workspace.ingest(folder / f"{name}.ndjson", source=name, final=True)
    add(workspace.project, workspace.store, folder / "changes.jsonl")
    return workspace


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return make(tmp_path_factory.mktemp("shop"))


@pytest.fixture
def make_shop() -> Callable[..., Workspace]:
    return make
