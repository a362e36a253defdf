"""Small random projects, random edits of them, and what both versions give on random events: the oracle of `impact`.

A world is a few models over two sources (projections, filters, joins, grouping, unions, DISTINCT, windows, LIMIT, CTEs, sub-queries) and a
few metrics over them. Every part is drawn again now and then, or written otherwise without a change of meaning. Both versions are
executed by DuckDB as plain SQL; nothing of metricsctl is used. Numbers are small and texts of few letters, so that an edit is felt.
"""

from __future__ import annotations

import copy
import functools
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import duckdb

__all__ = ["Model", "World", "draw", "edit", "values"]

COLUMNS = ("ts", "u", "g", "x", "y")
NUMBERS = ("x", "y", "x + y", "x * 2", "COALESCE(x, 0)", "CASE WHEN y > 1 THEN x ELSE y END", "x - y", "ABS(y)", "NULLIF(x, 1)", "1")
TEXTS = ("g", "UPPER(g)", "COALESCE(g, 'a')", "CASE WHEN x > 1 THEN g ELSE 'b' END")
TERMS = ("x > 1", "g = 'a'", "g IN ('a', 'b')", "y IS NOT NULL", "x BETWEEN 0 AND 2", "NOT (g = 'b')", "x < y", "u <> 2", "u = u")
KINDS = ("plain", "plain", "join", "group", "union", "distinct", "window", "nested", "within", "limit")
STARS = ("side", "side", "starred", "excepted")  # of sources that do not say which columns they have
AGGREGATES = ("sum", "avg", "min", "max", "count", "count_distinct")
Row = tuple[Any, ...]


@dataclass
class Model:
    """A model as parts; which of them its SQL uses depends on `kind`."""

    kind: str
    tables: list[str]
    columns: dict[str, str]
    where: list[str]
    word: str = "AND"
    join: str = "LEFT JOIN"
    on: str = "a.u = b.u"
    folds: dict[str, str] = field(default_factory=dict)
    keys: list[str] = field(default_factory=lambda: ["u", "g"])
    window: str = "SUM(x) OVER (PARTITION BY g)"
    limit: int = 6
    side: str = "a"  # whose columns a `*` takes
    style: int = 0  # another way of writing the same

    def sql(self) -> str:
        """Its statement."""
        text = getattr(self, f"_{self.kind}")()
        if self.style == 1:
            return f"-- a comment\nSELECT * FROM ({text}) AS q"
        if self.style == 2:
            return f"WITH q AS ({text}) SELECT ts, u, g, x, y FROM q"
        return text

    def _condition(self, prefix: str = "") -> str:
        terms = [f"({term})" if self.style == 3 else term for term in self.where]
        if self.style == 4:
            terms.reverse()
        return f"{prefix}{f' {self.word} '.join(terms)}" if terms else ""

    def _list(self, **other: str) -> str:
        return ", ".join(f"{text} AS {name}" for name, text in {**self.columns, **other}.items())

    def _plain(self) -> str:
        return f"SELECT {self._list()} FROM {self.tables[0]}{self._condition(' WHERE ')}"

    def _nested(self) -> str:
        return f"WITH n AS (SELECT * FROM {self.tables[0]}{self._condition(' WHERE ')}) SELECT {self._list()} FROM n"

    def _join(self) -> str:
        right = f"(SELECT * FROM {self.tables[1]}{self._condition(' WHERE ')})"
        head = "SELECT a.ts AS ts, a.u AS u, COALESCE(a.g, b.g) AS g, a.x AS x, b.y AS y"
        return f"{head} FROM {self.tables[0]} AS a {self.join} {right} AS b ON {self.on}"

    def _side(self) -> str:
        return f"SELECT {self.side}.* FROM {self.tables[0]} AS a {self.join} {self.tables[1]} AS b ON {self.on}"

    def _starred(self) -> str:
        return f"SELECT *, {self.columns['x']} AS z FROM {self.tables[0]}{self._condition(' WHERE ')}"

    def _excepted(self) -> str:
        return f"SELECT * EXCLUDE (x), {self.columns['x']} AS x FROM {self.tables[0]}{self._condition(' WHERE ')}"

    def _group(self) -> str:
        folds = ", ".join(f"{fold} AS {name}" for name, fold in self.folds.items())
        keys = {name: name if name in self.keys else f"MIN({name})" for name in ("u", "g")}
        head = ", ".join(f"{text} AS {name}" for name, text in keys.items())
        return f"SELECT MIN(ts) AS ts, {head}, {folds} FROM {self.tables[0]}{self._condition(' WHERE ')} GROUP BY {', '.join(self.keys)}"

    def _union(self) -> str:
        parts = [f"SELECT {self._list()} FROM {self.tables[0]}{self._condition(' WHERE ')}", f"SELECT ts, u, g, x, y FROM {self.tables[1]}"]
        return " UNION ALL ".join(parts)

    def _distinct(self) -> str:
        return f"SELECT DISTINCT {self._list()} FROM {self.tables[0]}{self._condition(' WHERE ')}"

    def _window(self) -> str:
        return f"SELECT ts, u, g, x, {self.window} AS y FROM {self.tables[0]}{self._condition(' WHERE ')}"

    def _within(self) -> str:
        inner = f"SELECT u FROM {self.tables[1]}{self._condition(' WHERE ')}"
        return f"SELECT {self._list()} FROM {self.tables[0]} WHERE u IN ({inner})"

    def _limit(self) -> str:
        inner = f"SELECT {self._list()} FROM {self.tables[0]}{self._condition(' WHERE ')}"
        return f"SELECT * FROM ({inner} ORDER BY ts, u, g, x, y LIMIT {self.limit}) AS l"


@dataclass
class World:
    """Models by name, in the order in which they read each other, and metrics by name: the keys of their YAML.

    `bare`: the sources do not say which columns they have.
    """

    models: dict[str, Model]
    metrics: dict[str, dict[str, Any]]
    bare: bool = False

    def text(self) -> str:
        """The definitions."""
        columns = ", ".join(
            f"{{name: {name}, type: {kind}}}"
            for name, kind in zip(COLUMNS, ("timestamp", "bigint", "string", "bigint", "bigint"), strict=True)
        )
        sources = [f"  - {{name: {name}, time: ts, columns: [{columns}]}}" for name in ("s0", "s1")]
        lines = ["version: 1", *([] if self.bare else ["sources:", *sources]), "models:"]
        for name, model in self.models.items():
            lines += [f"  - name: {name}", "    time: ts", "    sql: |", *("      " + line for line in model.sql().splitlines())]
        lines.append("metrics:")
        if self.bare:  # a compact metric names a source of which no more is known
            lines += [f"  - {{name: rows_{name}, type: counter, source_event: {name}, aggregation_field: '1'}}" for name in ("s0", "s1")]
        for name, said in self.metrics.items():
            lines += [f"  - name: {name}", *(f"    {key}: {_yaml(value)}" for key, value in said.items())]
        return "\n".join(lines) + "\n"


def _yaml(value: Any) -> str:
    return f"[{', '.join(value)}]" if isinstance(value, list) else f'"{value}"'


def _some(chance: random.Random, items: tuple[str, ...], most: int) -> list[str]:
    return chance.sample(items, chance.randrange(most + 1))


def _model(chance: random.Random, tables: list[str], kinds: tuple[str, ...] = KINDS) -> Model:
    columns = {"ts": "ts", "u": "u", "g": chance.choice(TEXTS), "x": chance.choice(NUMBERS), "y": chance.choice(NUMBERS)}
    folds = {name: f"{chance.choice(['SUM', 'MIN', 'MAX', 'COUNT'])}({chance.choice(['x', 'y'])})" for name in ("x", "y")}
    chosen = [chance.choice(tables[-3:]), chance.choice(tables)]
    found = Model(chance.choice(kinds), chosen, columns, _some(chance, TERMS, 2), folds=folds)
    found.join = chance.choice(["LEFT JOIN", "JOIN", "FULL JOIN"])
    return found


def _metric(chance: random.Random, tables: list[str], simple: list[str]) -> dict[str, Any]:
    if len(simple) > 1 and chance.random() < 0.3:
        above, below = chance.sample(simple, 2)
        if chance.random() < 0.5:
            return {"type": "ratio", "numerator": above, "denominator": below}
        return {"type": "derived", "expr": f"{above} - 2 * {below}"}
    agg = chance.choice(AGGREGATES)
    said: dict[str, Any] = {"type": "simple", "source": chance.choice(tables), "agg": agg, "dimensions": chance.choice([[], ["g"]])}
    if agg != "count":
        said["expr"] = chance.choice(NUMBERS[:-1])
    if chance.random() < 0.4:
        said["filter"] = chance.choice(TERMS)
    return said


def draw(chance: random.Random, *, bare: bool = False) -> World:
    """A random world."""
    models: dict[str, Model] = {}
    kinds = (*KINDS, *STARS) if bare else KINDS
    for number in range(chance.randrange(2, 6)):
        models[f"m{number}"] = _model(chance, ["s0", "s1", *models], kinds)
    metrics: dict[str, dict[str, Any]] = {}
    for number in range(chance.randrange(4, 9)):
        simple = [name for name, said in metrics.items() if said["type"] == "simple"]
        metrics[f"k{number}"] = _metric(chance, [*([] if bare else ["s0"]), *list(models)[-3:]], simple)
    return World(models, metrics, bare)


def edit(world: World, chance: random.Random) -> World:
    """The same with one to three edits, some of which change nothing."""
    found = copy.deepcopy(world)
    for _ in range(chance.choice([1, 1, 1, 2, 3])):
        chance.choice((_edit_model, _edit_model, _edit_metric, _write_otherwise, _split))(found, chance)
    return found


def _edit_model(world: World, chance: random.Random) -> None:
    name = chance.choice(list(world.models))
    place = list(world.models).index(name)
    drawn = _model(chance, ["s0", "s1", *list(world.models)[:place]])
    model = world.models[name]
    part = chance.choice(
        ("columns", "columns", "where", "where", "word", "join", "on", "folds", "keys", "window", "limit", "kind", "tables")
    )
    if model.kind == "side" and part in {"columns", "where"}:
        model.side = "b" if model.side == "a" else "a"
    elif part == "columns":
        column = chance.choice(["g", "x", "y"])
        model.columns[column] = drawn.columns[column]
    elif part == "word":
        model.word = "OR" if model.word == "AND" else "AND"
    elif part == "on":
        model.on = chance.choice(["a.u = b.u", "a.u = b.u AND a.g = b.g", "a.g = b.g", "b.u = a.u"])
    elif part == "keys":
        model.keys = chance.choice([["u"], ["g"], ["u", "g"], ["g", "u"]])
    elif part == "window":
        model.window = chance.choice(["SUM(y) OVER (PARTITION BY g)", "RANK() OVER (PARTITION BY u ORDER BY ts)", "COUNT(*) OVER ()"])
    elif part == "limit":
        model.limit = chance.randrange(3, 9)
    else:
        setattr(model, part, getattr(drawn, part))


def _edit_metric(world: World, chance: random.Random) -> None:
    simple = [name for name, said in world.metrics.items() if said["type"] == "simple"]
    if not simple:
        return
    name = chance.choice(list(world.metrics))
    said = world.metrics[name]
    if said["type"] == "ratio":
        said["denominator"] = chance.choice(simple)
    elif said["type"] == "derived":
        said["expr"] = f"{chance.choice(simple)} + {chance.choice(simple)}"
    else:
        kept = {key: said[key] for key in ("type", "dimensions")}
        drawn = _metric(chance, [said["source"], *list(world.models)[-2:]], [])
        world.metrics[name] = (
            {**drawn, **kept} if chance.random() < 0.5 else {**said, **({"filter": drawn["filter"]} if "filter" in drawn else {})}
        )


def _write_otherwise(world: World, chance: random.Random) -> None:
    chance.choice(list(world.models.values())).style = chance.randrange(5)


def _split(world: World, chance: random.Random) -> None:
    """A model becomes two with the same meaning: the filters of the first, the columns of the second."""
    name = chance.choice(list(world.models))
    model = world.models[name]
    if model.kind not in {"plain", "nested"} or f"{name}_rows" in world.models:
        return
    plain = {column: column for column in COLUMNS}
    first = Model("plain", model.tables, plain, model.where, model.word)
    second = copy.deepcopy(model)
    second.tables, second.where = [f"{name}_rows", model.tables[1]], []
    world.models = {
        key: value
        for old, one in world.models.items()
        for key, value in ([(f"{name}_rows", first), (name, second)] if old == name else [(old, one)])
    }


def events(chance: random.Random) -> list[list[Row]]:
    """Rows for each of the two sources."""

    def row() -> Row:
        numbers = [chance.choice([None, 0, 1, 2, 3, -1]) for _ in range(2)]
        day, hour = chance.randrange(1, 4), chance.randrange(24)
        return (f"2026-01-0{day} {hour:02}:00:00", chance.choice([1, 2, 3, None]), chance.choice(["a", "b", "c", None]), *numbers)

    return [[row() for _ in range(chance.randrange(4, 25))] for _ in range(2)]


def values(world: World, rows: list[list[Row]]) -> dict[str, dict[Row, Any]]:
    """What every metric gives on some events, by day and dimensions: run as SQL, with the models as views."""
    connection = _connection()
    for name, some in zip(("s0", "s1"), rows, strict=True):
        listed = ", ".join(f"({', '.join('NULL' if value is None else repr(value) for value in row)})" for row in some)
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} (ts TIMESTAMP, u BIGINT, g VARCHAR, x BIGINT, y BIGINT)")
        connection.execute(f"INSERT INTO {name} VALUES {listed}")
    for name, model in world.models.items():
        connection.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS {model.sql()}")
    found: dict[str, dict[Row, Any]] = {}
    for name, said in world.metrics.items():
        if said["type"] == "simple":
            found[name] = _simple(connection, said)
    return {name: found[name] if said["type"] == "simple" else _made(said, found) for name, said in world.metrics.items()}


@functools.cache
def _connection() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(":memory:", config={"threads": 1})


def _simple(connection: duckdb.DuckDBPyConnection, said: dict[str, Any]) -> dict[Row, Any]:
    what = {"count": "COUNT(*)", "count_distinct": f"COUNT(DISTINCT {said.get('expr')})"}.get(
        said["agg"], f"{said['agg']}({said.get('expr')})"
    )
    where = f" WHERE {said['filter']}" if "filter" in said else ""
    keys = ["CAST(DATE_TRUNC('day', ts) AS VARCHAR)", *said["dimensions"]]
    sql = (
        f"SELECT {', '.join(keys)}, {what} FROM {said['source']}{where} GROUP BY {', '.join(str(place + 1) for place in range(len(keys)))}"
    )
    return {row[:-1]: None if row[-1] is None else round(float(row[-1]), 9) for row in connection.execute(sql).fetchall()}


def _made(said: dict[str, Any], found: dict[str, dict[Row, Any]]) -> dict[Row, Any]:
    """A ratio or derived metric moves where the pairs of its inputs do; what it makes of them is part of the pair."""
    names = (
        [said["numerator"], said["denominator"]] if said["type"] == "ratio" else [word for word in said["expr"].split() if word in found]
    )
    rows = {row for name in names for row in found[name]}
    compute: Callable[[list[Any]], Any] = _ratio if said["type"] == "ratio" else lambda inputs: _sum(said["expr"], inputs)
    return {row: compute([found[name].get(row) for name in names]) for row in rows}


def _ratio(inputs: list[Any]) -> Any:
    above, below = inputs
    return None if above is None or not below else round(above / below, 9)


def _sum(text: str, inputs: list[Any]) -> Any:
    if None in inputs:
        return None
    return round(inputs[0] - 2 * inputs[1] if "-" in text else inputs[0] + inputs[-1], 9)
