"""A random shop: services, sources with dimensions and seasons, and the metrics that are made of them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["DAYS", "DIMENSIONS", "SERVICES", "START", "FloatArray", "Source", "World", "make_world", "rates"]

START = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)  # a Monday
DAYS = 30
DIMENSIONS = {"country": ("DE", "FR", "GB", "US", "IN"), "platform": ("android", "ios", "web"), "plan": ("free", "pro")}
SERVICES = ("checkout", "search", "mailer", "gateway", "catalog", "billing", "profile")
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Source:
    """Events of one service: their dimensions, mean number an hour, share of each cell, and the chance that one succeeds, by cell."""

    name: str
    service: str
    dimensions: tuple[str, ...]
    hourly: float
    shares: FloatArray
    success: FloatArray
    amount: float
    has_model: bool

    @property
    def cells(self) -> list[tuple[str, ...]]:
        """The values of the dimensions, one tuple a cell, in the order of `shares`."""
        found: list[tuple[str, ...]] = [()]
        for name in self.dimensions:
            found = [(*cell, value) for cell in found for value in DIMENSIONS[name]]
        return found


@dataclass(frozen=True)
class World:
    """Sources and the definitions over them."""

    sources: tuple[Source, ...]
    definitions: str
    inputs: dict[str, tuple[str, ...]]  # metric -> the sources that it is made of


def make_world(chance: np.random.Generator) -> World:
    """Two to four sources, each with three to five metrics, and metrics across them."""
    services = chance.permutation(SERVICES).tolist()
    sources = tuple(_source(chance, f"{services[place]}_log", services[place]) for place in range(int(chance.integers(2, 5))))
    metrics: list[str] = []
    models: list[str] = []
    inputs: dict[str, tuple[str, ...]] = {}
    usual = "on_zero: absent, direction: up"
    for source in sources:
        short = source.service
        base = f"source: {source.name}"
        if source.has_model:
            names = ", ".join(source.dimensions)
            models.append(
                f"  - name: {short}_done\n    description: What succeeded.\n    columns: [{{name: amount, unit: eur}}]\n"
                f"    time: {{column: at}}\n    dimensions: [{names}]\n"
                f"    sql: SELECT at, amount, {names} FROM {source.name} WHERE ok"
            )
        done = f"source: {short}_done" if source.has_model else f"{base}, filter: ok"
        metrics += [
            f"{{name: {short}_events, description: Events., type: simple, {base}, agg: count, direction: up}}",
            f"{{name: {short}_ok, description: Successes., type: simple, {done}, agg: count, direction: up}}",
            f"{{name: {short}_value, description: Value., type: simple, {done}, agg: sum, expr: amount, unit: eur, direction: up}}",
            f"{{name: {short}_rate, description: Rate., type: ratio, numerator: {short}_ok, denominator: {short}_events, {usual}}}",
        ]
        inputs |= {f"{short}_{end}": (source.name,) for end in ("events", "ok", "value", "rate")}
        if chance.random() < 0.5:
            metrics.append(f"{{name: {short}_mean, description: Mean value., type: simple, {base}, agg: avg, expr: amount, unit: eur}}")
            inputs[f"{short}_mean"] = (source.name,)
    first, second = sources[0].service, sources[1].service
    metrics.append(
        f"{{name: across, description: Value an event., type: derived, expr: {first}_value / {second}_events * 100, unit: eur, {usual}}}"
    )
    inputs["across"] = (sources[0].name, sources[1].name)
    if len(sources) > 2:
        metrics.append(
            "{name: total, description: All value., type: derived, unit: eur, direction: up, expr: "
            + " + ".join(f"{source.service}_value" for source in sources)
            + "}"
        )
        inputs["total"] = tuple(source.name for source in sources)
    text = "version: 1\ndefaults: {owner: team, grain: 1h, timezone: UTC}\nsources:\n" + "".join(_source_text(source) for source in sources)
    text += ("models:\n" + "\n".join(models) + "\n" if models else "") + "metrics:\n" + "".join(f"  - {metric}\n" for metric in metrics)
    return World(sources, text, inputs)


def _source(chance: np.random.Generator, name: str, service: str) -> Source:
    names = list(DIMENSIONS)
    chosen = tuple(name for name in names if name in set(chance.permutation(names)[: int(chance.integers(2, 4))].tolist()))
    shape = [len(DIMENSIONS[name]) for name in chosen]
    shares = np.ones(1)
    for size in shape:
        shares = np.outer(shares, chance.dirichlet(np.full(size, 4.0))).ravel()
    success = np.clip(chance.uniform(0.3, 0.9) * np.exp(chance.normal(0, 0.1, len(shares))), 0.05, 0.97)
    return Source(
        name, service, chosen, float(chance.uniform(40, 110)), shares, success, float(chance.uniform(10, 60)), bool(chance.random() < 0.4)
    )


def _source_text(source: Source) -> str:
    columns = "".join(f", {{name: {name}, type: string}}" for name in source.dimensions)
    return (
        f"  - name: {source.name}\n    description: Events of {source.service}.\n    time: {{column: at, lateness: 1h}}\n"
        f"    produced_by: {{service: {source.service}}}\n    dimensions: [{', '.join(source.dimensions)}]\n"
        f"    columns: [{{name: at, type: timestamp}}, {{name: amount, type: double, unit: eur}}, {{name: ok, type: boolean}}{columns}]\n"
    )


def rates(chance: np.random.Generator, source: Source) -> FloatArray:
    """Expected events by hour and cell, with a day, a week, a slow wander and some noise beyond Poisson's."""
    hours = np.arange(DAYS * 24)
    day = 1 + 0.35 * np.cos(2 * np.pi * (hours / 24 - chance.uniform(0, 1)))
    week = np.exp(chance.normal(0, 0.08, 7))[(hours // 24) % 7]
    wander = np.cumsum(chance.normal(0, 0.004, len(hours)))
    noise = np.exp(chance.normal(0, 0.02, len(hours)) + 0.3 * (wander - wander.mean()))
    level = day * week * noise
    return source.hourly * (level / level.mean())[:, None] * source.shares
