"""What every file has, and the forms that several records share."""

from __future__ import annotations

from dataclasses import dataclass

from metricsctl.core.timegrid import Grain
from metricsctl.definition.forms import Choice, ListOf, MapOf, Name, Number
from metricsctl.definition.records import Placed, key
from metricsctl.definition.values import FREE, GRAIN, TEXT, ZONE

__all__ = ["COUNT", "DIMENSIONS", "META", "TIER", "WEEKDAYS", "Defaults"]

TIER = Number(0, 3, whole=True)
COUNT = Number(1, whole=True)
DIMENSIONS = ListOf(Name("dimension"))
META = MapOf(FREE)
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Defaults(Placed):
    """`defaults:` of a file: what holds for its definitions unless they say otherwise."""

    owner: str | None = key(TEXT, "Owner of what names none.")
    tier: int = key(TIER, "Tier of what names none: 0 = the company stops, 3 = nice to know.", default=2)
    timezone: str = key(ZONE, "Zone of naive event times, and of days, weeks and months.", default="UTC")
    grain: Grain = key(GRAIN, "Length of the windows that metrics are stored in.", default=Grain(1, "h"))
    dialect: str = key(TEXT, "SQL dialect of expressions and models, as sqlglot names it.", default="duckdb")
    week_start: str = key(Choice(WEEKDAYS), "First day of the week; ISO weeks begin on Monday.", default="monday")
