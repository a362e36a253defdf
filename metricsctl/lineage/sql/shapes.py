"""What shape a model's SQL has: which outputs are aggregates, which joins multiply rows, where stars and fleeting functions stand."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from metricsctl.definition.sql import SqlSyntaxError, parse_select, walk_tree

if TYPE_CHECKING:
    from sqlglot import exp

__all__ = ["FLEETING", "Join", "Output", "Shape", "Star", "Unqualified", "fleeting", "plain_columns", "shape_of"]

FLEETING = frozenset(
    re.findall(
        r"\w+",
        """
now today current_date current_time current_timestamp localtime localtimestamp getdate sysdate systimestamp random rand uuid
gen_random_uuid newid generate_uuid transaction_timestamp statement_timestamp clock_timestamp
""",
    )
)
"""Functions that give something else each time, by their names in lower case."""

_BARE = frozenset({"current_date", "current_time", "current_timestamp", "localtime", "localtimestamp", "sysdate"})


@dataclass(frozen=True, slots=True)
class Output:
    """An output column: what it is made of.

    `aggregate` is the outermost aggregate (`avg`, `count_distinct`, `percentile`, `sum`, ... or None). A column that is passed on as it is
    has its `table` (the relation, not its alias; "" where that is not clear) and `column`. `mentions` are the names of the columns that
    anything else is computed from.
    """

    aggregate: str | None = None
    table: str = ""
    column: str = ""
    mentions: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Join:
    """A join of tables by equal columns: the relation on its right side, and the columns of it that must be equal to something."""

    table: str
    columns: frozenset[str]


@dataclass(frozen=True, slots=True)
class Star:
    """A `*` among the outputs: where it stands (with its qualifier), and the alias that qualifies it ("" if none)."""

    start: int
    end: int
    qualifier: str
    is_plain: bool  # nothing is left out of it or replaced in it


@dataclass(frozen=True, slots=True)
class Unqualified:
    """A column that is named without its table where several tables are joined, and those tables."""

    name: str
    start: int
    end: int
    tables: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shape:
    """The shape of the outermost SELECT; empty where it is none (a union)."""

    outputs: Mapping[str, Output]
    joins: tuple[Join, ...]
    first: str  # the relation after FROM
    aliases: Mapping[str, str]  # alias or name -> relation
    stars: tuple[Star, ...]
    is_plain: bool  # one SELECT without CTEs, sub-queries in FROM, laterals
    unqualified: tuple[Unqualified, ...] = ()


_PERCENTILES = {"percentilecont", "percentiledisc", "quantile", "approxquantile", "median", "approxpercentile"}


@functools.lru_cache(maxsize=4096)
def shape_of(text: str, dialect: str) -> Shape:
    """The shape of a statement that parses."""
    from sqlglot import exp

    tree = parse_select(text, dialect)
    stars = _stars(text, dialect)
    if not isinstance(tree, exp.Select):
        return Shape({}, (), "", {}, stars, is_plain=False)
    tables = [table for table in _tables(tree) if table is not None]
    plain = all(table is not None for table in _tables(tree)) and not tree.args.get("with_") and not tree.args.get("laterals")
    aliases = {table.alias_or_name: table.name for table in tables}
    joins = tuple(_join(join, aliases) for join in tree.args.get("joins") or ())
    outputs = {item.alias_or_name: _output(item, aliases) for item in tree.expressions if item.alias_or_name not in {"", "*"}}
    loose = _unqualified(tree, tuple(table.name for table in tables)) if plain and len(tables) > 1 else ()
    return Shape(outputs, joins, tables[0].name if tables else "", aliases, stars, plain, loose)


def plain_columns(text: str, dialect: str, known: Mapping[str, tuple[str, ...] | None]) -> tuple[str, ...] | None:
    """The outputs of a statement that is one SELECT from one table and uses only columns `known` of it; None for any other."""
    from sqlglot import exp

    shape = shape_of(text, dialect)
    columns = known.get(shape.first)
    if not shape.is_plain or shape.stars or len(shape.aliases) != 1 or columns is None:
        return None
    tree = parse_select(text, dialect)
    for part in walk_tree(tree):
        if isinstance(part, exp.Column) and (part.name not in columns or part.table not in {"", *shape.aliases}):
            return None
        if isinstance(part, exp.Query) and part is not tree:
            return None
    outputs = tuple(shape.outputs)
    fits = len(outputs) == len(tree.expressions) and all(name == name.lower() for name in outputs)
    return outputs if fits else None


def _unqualified(tree: exp.Select, tables: tuple[str, ...]) -> tuple[Unqualified, ...]:
    """The columns without a table; those of USING belong to both sides, and ORDER BY may name an output."""
    from sqlglot import exp

    shared = {item.name for join in tree.args.get("joins") or () for item in join.args.get("using") or ()}
    outputs = {item.alias for item in tree.expressions if isinstance(item, exp.Alias)}
    found = []
    for column in tree.find_all(exp.Column):
        inside = column.find_ancestor(exp.Query)
        meta = column.this.meta
        if not column.table and inside is tree and column.name not in shared | outputs and "start" in meta:
            found.append(Unqualified(column.name, meta["start"], meta["end"] + 1, tables))
    return tuple(sorted(found, key=lambda use: use.start))


def _tables(tree: exp.Select) -> list[exp.Table | None]:
    """What stands after FROM and JOIN: tables, None for anything else."""
    from sqlglot import exp

    clause = tree.args.get("from_")
    found = [clause.this] if clause is not None else []
    found += [join.this for join in tree.args.get("joins") or ()]
    return [item if isinstance(item, exp.Table) and isinstance(item.this, exp.Identifier) else None for item in found]


def _join(join: exp.Join, aliases: Mapping[str, str]) -> Join:
    from sqlglot import exp

    alias = join.this.alias_or_name
    using = {item.name for item in join.args.get("using") or ()}
    condition = join.args.get("on")
    for part in condition.flatten() if isinstance(condition, exp.And) else [condition]:
        if isinstance(part, exp.EQ):
            using |= {side.name for side in (part.this, part.expression) if isinstance(side, exp.Column) and side.table == alias}
    return Join(aliases.get(alias, ""), frozenset(using))


def _output(item: exp.Expr, aliases: Mapping[str, str]) -> Output:
    from sqlglot import exp

    tree = item.unalias()
    while isinstance(tree, exp.Paren | exp.Cast | exp.Coalesce | exp.Round):
        tree = tree.this
    if isinstance(tree, exp.Column):
        table = aliases.get(tree.table, "") if tree.table else next(iter(aliases.values())) if len(aliases) == 1 else ""
        return Output(None, table, tree.name)
    return Output(_aggregate(tree), mentions=frozenset(part.name for part in walk_tree(tree) if isinstance(part, exp.Column)))


def _aggregate(tree: exp.Expr) -> str | None:
    from sqlglot import exp

    if isinstance(tree, exp.Window | exp.WithinGroup | exp.Filter):
        return _aggregate(tree.this)
    if isinstance(tree, exp.Count) and isinstance(tree.this, exp.Distinct):
        return "count_distinct"
    if isinstance(tree, exp.Div):
        sides = [_aggregate(side.unnest()) for side in (tree.this, tree.expression)]
        return "ratio" if None not in sides else None
    if not isinstance(tree, exp.AggFunc):
        return None
    if tree.key in _PERCENTILES:
        return "percentile"
    return {"avg": "avg", "approxdistinct": "count_distinct", "hll": "count_distinct"}.get(tree.key, tree.key)


def _stars(text: str, dialect: str) -> tuple[Star, ...]:
    """The `*` of SELECT lists, found among the tokens, since trees do not know where they stand."""
    if "*" not in text:
        return ()
    import sqlglot

    tokens = sqlglot.tokenize(text, dialect=dialect)
    found = []
    for place, token in enumerate(tokens):
        if token.text != "*" or not place:
            continue
        before, after = tokens[place - 1], tokens[place + 1].text.upper() if place + 1 < len(tokens) else ""
        qualified = before.text == "." and place > 1
        start = tokens[place - 2].start if qualified else token.start
        leads = tokens[place - 3] if qualified and place > 2 else before
        if leads.text.upper() in {"SELECT", "DISTINCT", "ALL", ","} and after in {
            "",
            "FROM",
            ",",
            "EXCEPT",
            "EXCLUDE",
            "REPLACE",
            "RENAME",
            ")",
        }:
            qualifier = tokens[place - 2].text if qualified else ""
            found.append(Star(start, token.end + 1, qualifier, after in {"", "FROM", ",", ")"}))
    return tuple(found)


def fleeting(text: str, dialect: str) -> list[tuple[str, int, int]]:
    """The functions in an SQL text that give something else each time: name as written, start, end."""
    lowered = text.lower()
    if not any(name in lowered for name in FLEETING):
        return []
    import sqlglot
    from sqlglot.errors import SqlglotError

    try:
        tokens = sqlglot.tokenize(text, dialect=dialect)
    except (SqlglotError, SqlSyntaxError):
        return []
    found = []
    for place, token in enumerate(tokens):
        word = token.text.lower()
        called = place + 1 < len(tokens) and tokens[place + 1].text == "("
        before = tokens[place - 1].text.upper() if place else ""
        if word in FLEETING and (called or word in _BARE) and before not in {".", "AS"} and text[token.start] not in "'\"`":
            found.append((token.text, token.start, token.end + 1))
    return found
