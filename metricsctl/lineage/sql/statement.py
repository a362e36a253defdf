"""One SELECT statement: for each output column the columns of tables that it comes from, and what decides its rows.

sqlglot qualifies the names (stars, aliases, USING); `scopes.py` then walks its scopes. Where the names cannot be qualified the statement
goes down a ladder, and each edge says how sure it is.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from metricsctl.definition.sql import parse_select
from metricsctl.lineage.kinds import EdgeKind

if TYPE_CHECKING:
    from sqlglot import exp

__all__ = ["GUESS", "Known", "Origin", "StatementLineage", "read_statement", "table_mentions"]

Known = tuple[tuple[str, tuple[str, ...] | None], ...]
GUESS = 0.5

# (how sure, options of sqlglot's qualify), best first; measured on 400 real queries: 84 %, 8 %, 9 %
_LADDER: tuple[tuple[float, Mapping[str, Any]], ...] = (
    (1.0, {}),
    (0.9, {"expand_alias_refs": False}),
    (0.7, {"qualify_columns": False}),
)


@dataclass(frozen=True, slots=True)
class Origin:
    """A column of a table (None: the table as a whole) that an output comes from; `start:end` is where the SQL names it, -1 if nowhere."""

    relation: str
    column: str | None
    kind: EdgeKind
    confidence: float
    start: int = field(default=-1, compare=False)
    end: int = field(default=-1, compare=False)


@dataclass(frozen=True, slots=True)
class StatementLineage:
    """What a statement says. `columns` are its outputs in order; `complete` is False where a `*` hides some.

    `rows` decide which rows there are (filter, join, group), and so touch every output. `tables` are all that it mentions.
    `unknown` are names that no table has: (name, start, end).
    """

    columns: Mapping[str, tuple[Origin, ...]]
    rows: tuple[Origin, ...]
    tables: tuple[str, ...]
    complete: bool
    confidence: float
    unknown: tuple[tuple[str, int, int], ...] = ()


def _enclosing_names(table: exp.Table) -> set[str]:
    """The CTEs that a mention of a table can see: those before it, and all once it stands in the body."""
    seen: set[str] = set()
    below: exp.Expr = table
    above = table.parent
    while above is not None:
        with_ = above.args.get("with_")
        if with_ is not None and below is not with_:
            seen.update(cte.alias for cte in with_.expressions)
        if type(above).__name__ == "With":
            position = above.expressions.index(below)
            seen.update(cte.alias for cte in above.expressions[: position + bool(above.args.get("recursive"))])
        below, above = above, above.parent
    return seen


@functools.lru_cache(maxsize=4096)
def table_mentions(text: str, dialect: str) -> tuple[tuple[str, int, int], ...]:
    """The tables that a statement reads, its own CTEs left out, in the order of the text: (name, start, end offset of the name)."""
    from sqlglot import exp

    found = []
    for table in parse_select(text, dialect).find_all(exp.Table):
        if table.name and isinstance(table.this, exp.Identifier) and (table.db or table.name not in _enclosing_names(table)):
            meta = table.this.meta
            found.append((table.name, meta.get("start", -1), meta.get("end", -2) + 1))
    return tuple(sorted(found, key=lambda mention: mention[1]))


@functools.lru_cache(maxsize=4096)
def read_statement(text: str, dialect: str, known: Known) -> StatementLineage:
    """The lineage of one statement. `known` gives the columns of the tables it reads, None where they are not known.

    Never fails on a statement that parses: what cannot be resolved is an edge of the whole table. Raises SqlSyntaxError else.

    >>> found = read_statement("SELECT a + b AS c FROM t WHERE d", "duckdb", (("t", ("a", "b", "d")),))
    >>> [(origin.column, origin.kind.value) for origin in found.columns["c"]], [origin.column for origin in found.rows]
    ([('a', 'derived'), ('b', 'derived')], ['d'])
    """
    from sqlglot.errors import SqlglotError

    from metricsctl.lineage.sql.scopes import walk_scopes

    tree = parse_select(text, dialect)
    tables = tuple(sorted({name for name, _, _ in table_mentions(text, dialect)}))
    names = _Names(tree, dialect, known, tables)
    for confidence, options in _LADDER:
        try:
            return names.spelled(walk_scopes(_qualified(tree, dialect, names.schema(), options), names.columns, confidence))
        except (SqlglotError, RecursionError, ValueError, KeyError, AttributeError, TypeError):
            continue  # whatever sqlglot trips over, the next rung asks less of it
    origins = tuple(Origin(name, None, EdgeKind.TABLE, GUESS) for name in tables)
    named = {name: origins for name in tree.named_selects if name and name != "*"}
    return names.spelled(StatementLineage(named, (), tables, not tree.is_star, GUESS))


def _qualified(tree: exp.Query, dialect: str, schema: Any, options: Mapping[str, Any]) -> exp.Query:
    """A copy of the tree with every column under its table's name."""
    from sqlglot.optimizer.qualify import qualify

    asked = {"validate_qualify_columns": False, "quote_identifiers": False, **options}
    return qualify(_copied(tree), dialect=dialect, schema=schema, **asked)


def _copied(tree: exp.Query) -> exp.Query:
    """A copy; `tree.copy()` also looks into every node's place in the text, which nobody changes, and so takes twice as long."""
    from sqlglot import exp

    root = type(tree)()
    waiting: list[tuple[exp.Expr, exp.Expr]] = [(tree, root)]
    while waiting:
        node, copy = waiting.pop()
        if node._meta:  # noqa: SLF001 - asking by `meta` would make one for every node
            copy.meta.update(node._meta)  # noqa: SLF001
        for name, value in node.args.items():
            if isinstance(value, exp.Expr):
                copy.set(name, type(value)())
                waiting.append((value, copy.args[name]))
            elif isinstance(value, list):
                copy.set(name, [type(item)() if isinstance(item, exp.Expr) else item for item in value])
                waiting += [(one, other) for one, other in zip(value, copy.args[name], strict=True) if isinstance(one, exp.Expr)]
            else:
                copy.args[name] = value
    return root


class _Names:
    """Names as the dialect compares them, and as they were written."""

    def __init__(self, tree: exp.Query, dialect: str, known: Known, tables: tuple[str, ...]) -> None:
        self.dialect = dialect
        self.tables = tables
        self.columns: dict[str, tuple[str, ...] | None] = {}
        self.relations = {self.fold(name): name for name, _ in known}
        self.written: dict[tuple[str, str], str] = {}
        self.outputs = {self.fold(name): name for name in tree.named_selects}
        for relation, columns in known:
            self.columns[self.fold(relation)] = None if columns is None else tuple(self.fold(column) for column in columns)
            self.written.update({(relation, self.fold(column)): column for column in columns or ()})

    def fold(self, name: str) -> str:
        return _folded(name, self.dialect)

    def schema(self) -> Any:
        """What is known of the tables, as sqlglot wants it; names are folded already."""
        from sqlglot import exp
        from sqlglot.schema import MappingSchema

        schema = MappingSchema(dialect=self.dialect, normalize=False)
        for relation, columns in self.columns.items():
            if columns:
                schema.add_table(exp.table_(relation), dict.fromkeys(columns, "UNKNOWN"))
        return schema

    def spelled(self, found: StatementLineage) -> StatementLineage:
        """The same with the names that the project has for them, each origin once, and in a fixed order."""
        columns = {self._output(name, origins): self._origins(origins) for name, origins in found.columns.items()}
        return replace(found, columns=columns, rows=self._origins(found.rows), tables=self.tables)

    def _output(self, name: str, origins: tuple[Origin, ...]) -> str:
        if name in self.outputs:
            return self.outputs[name]
        taken = [origin for origin in origins if origin.kind is EdgeKind.IDENTITY and origin.column == name]
        return self._column(taken[0]) if taken else name

    def _column(self, origin: Origin) -> str:
        relation = self.relations.get(origin.relation, origin.relation)
        return self.written.get((relation, origin.column or ""), origin.column or "")

    def _origins(self, origins: tuple[Origin, ...]) -> tuple[Origin, ...]:
        best: dict[tuple[str, str, str], Origin] = {}
        for origin in sorted(origins, key=lambda item: (-item.confidence, item.start)):
            relation, column = self.relations.get(origin.relation, origin.relation), self._column(origin) or None
            best.setdefault((relation, column or "", origin.kind), replace(origin, relation=relation, column=column))
        return tuple(best[key] for key in sorted(best))


@functools.lru_cache(maxsize=65536)
def _folded(name: str, dialect: str) -> str:
    from sqlglot import exp
    from sqlglot.dialects.dialect import Dialect

    return Dialect.get_or_raise(dialect).normalize_identifier(exp.to_identifier(name)).name
