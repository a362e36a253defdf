"""The normal form of a row-wise statement: which tables it reads, which of their rows it keeps, and each column from theirs.

Sub-queries and CTEs are dissolved, so that their names and nesting do not matter; a UNION ALL becomes a branch for each of its parts. A
statement that is not row-wise, or says what is not known here, has none.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from metricsctl.definition.expression import parse_select
from metricsctl.lineage.sql.canonical import conjuncts, folded, tree_key
from metricsctl.lineage.sql.statement import Known

if TYPE_CHECKING:
    from sqlglot import exp

__all__ = ["Branch", "Part", "normal_form"]

_READ = {"expressions", "from_", "where", "with_"}  # clauses of a SELECT that are understood


@dataclass(frozen=True, slots=True)
class Part:
    """An expression over a table's columns: the same key for the same meaning, and a text for people."""

    key: str
    text: str = field(compare=False, hash=False)


@dataclass(frozen=True, slots=True)
class Branch:
    """Rows of the table `base` for which all `filters` are true, and the columns made of each; `star`: and all its other columns."""

    base: str
    filters: tuple[Part, ...]
    columns: Mapping[str, Part]
    star: bool

    @property
    def rows(self) -> tuple[str, tuple[str, ...]]:
        """Which rows it has: the same for branches that have the same."""
        return self.base, tuple(part.key for part in self.filters)

    @property
    def key(self) -> tuple[str, tuple[str, ...], tuple[tuple[str, str], ...], bool]:
        """The same for branches that are the same."""
        return *self.rows, tuple(sorted((name, part.key) for name, part in self.columns.items())), self.star


class _Unclear(Exception):  # noqa: N818 - internal: the statement has no normal form
    pass


@dataclass(slots=True)
class _Rows:
    """A branch in the making; `rest` says that further columns are taken from the table under their own names."""

    base: str
    filters: list[exp.Expr]
    columns: list[tuple[str, exp.Expr]]
    rest: bool


@functools.lru_cache(maxsize=4096)
def normal_form(text: str, dialect: str, known: Known) -> tuple[Branch, ...] | None:
    """The branches of a statement in a fixed order, or None. `known` are the columns of the tables, None where they are not known."""
    try:
        found = _Dissolver(dialect, known).query(parse_select(text, dialect), {})
    except (_Unclear, RecursionError):
        return None
    return tuple(sorted((_finished(rows, dialect) for rows in found), key=lambda branch: branch.key))


def _finished(rows: _Rows, dialect: str) -> Branch:
    def part(tree: exp.Expr) -> Part:
        return Part(tree_key(tree, dialect), str(tree.sql(dialect=dialect, comments=False)))

    filters = {found.key: found for found in map(part, rows.filters)}
    return Branch(rows.base, tuple(filters[key] for key in sorted(filters)), {name: part(tree) for name, tree in rows.columns}, rows.rest)


class _Dissolver:
    def __init__(self, dialect: str, known: Known) -> None:
        from sqlglot import exp

        self.exp = exp
        self.dialect = dialect
        self.known = {self.fold(name): columns for name, columns in known}
        self.spelled = {self.fold(name): name for name, _ in known}

    def fold(self, name: str) -> str:
        return folded(name, self.dialect)

    def query(self, tree: exp.Expr, seen: Mapping[str, list[_Rows]]) -> list[_Rows]:
        """The rows of a query; `seen` are the CTEs that it can name."""
        if isinstance(tree, self.exp.Subquery):
            return self.query(tree.this, seen)
        if with_ := tree.args.get("with_"):
            seen = dict(seen)
            for cte in with_.expressions:
                if cte.args["alias"].args.get("columns"):
                    raise _Unclear
                seen[self.fold(cte.alias)] = self.query(cte.this, seen)
        if isinstance(tree, self.exp.Union):
            return self.union(tree, seen)
        if isinstance(tree, self.exp.Select):
            return [self.select(tree, rows) for rows in self.origin(tree, seen)]
        raise _Unclear

    def union(self, tree: exp.Union, seen: Mapping[str, list[_Rows]]) -> list[_Rows]:
        if tree.args.get("distinct") or any(tree.args.get(name) for name in ("by_name", "order", "limit", "offset")):
            raise _Unclear
        left, right = self.query(tree.this, seen), self.query(tree.expression, seen)
        if any(rows.rest for rows in (*left, *right)):
            raise _Unclear  # columns meet by position, and which they are is not known
        names = [name for name, _ in left[0].columns]
        if any(len(rows.columns) != len(names) for rows in right):
            raise _Unclear
        renamed = [
            _Rows(rows.base, rows.filters, [(name, part) for name, (_, part) in zip(names, rows.columns, strict=True)], rest=False)
            for rows in right
        ]
        return [*left, *renamed]

    def origin(self, tree: exp.Select, seen: Mapping[str, list[_Rows]]) -> list[_Rows]:
        """What a SELECT reads from."""
        if any(value for name, value in tree.args.items() if name not in _READ):
            raise _Unclear
        from_ = tree.args.get("from_")
        if from_ is None:
            return [_Rows("", [], [], rest=False)]
        table = from_.this
        if isinstance(table, self.exp.Subquery):
            return self.query(table.this, seen)
        if not isinstance(table, self.exp.Table) or not isinstance(table.this, self.exp.Identifier):
            raise _Unclear
        name = self.fold(table.name)
        if not table.db and name in seen:
            return seen[name]
        columns = self.known.get(name)
        own: list[tuple[str, exp.Expr]] = [(self.fold(column), self.exp.column(column)) for column in columns or ()]
        return [_Rows(self.spelled.get(name, table.name), [], own, rest=columns is None)]

    def select(self, tree: exp.Select, rows: _Rows) -> _Rows:
        """One branch of what is read, passed through a SELECT."""
        inner = dict(rows.columns)
        made: dict[str, exp.Expr] = {}
        columns: list[tuple[str, exp.Expr]] = []
        rest = False
        for projection in tree.expressions:
            if projection.is_star:
                columns += self.star(projection, rows)
                rest = rest or rows.rest
            else:
                value = self.over(projection.unalias(), inner, made, rest=rows.rest)
                name = self.fold(projection.alias_or_name or projection.sql(dialect=self.dialect))
                made.setdefault(name, value)
                columns.append((name, value))
        where = tree.args.get("where")
        kept = [self.over(term, inner, made, rest=rows.rest) for term in conjuncts(where.this)] if where else []
        return _Rows(rows.base, [*rows.filters, *kept], columns, rest)

    def star(self, projection: exp.Expr, rows: _Rows) -> Iterator[tuple[str, exp.Expr]]:
        star = projection.this if isinstance(projection, self.exp.Column) else projection
        if not isinstance(star, self.exp.Star) or star.args.get("replace") or star.args.get("rename"):
            raise _Unclear
        left_out = {self.fold(column.name) for column in star.args.get("except_") or ()}
        if left_out and rows.rest:
            raise _Unclear
        return ((name, part) for name, part in rows.columns if name not in left_out)

    def over(self, tree: exp.Expr, inner: Mapping[str, exp.Expr], made: Mapping[str, exp.Expr], *, rest: bool) -> exp.Expr:
        """An expression with each column replaced by what it is made of; a column of the table goes before an alias."""

        def replaced(node: exp.Expr) -> exp.Expr:
            if not isinstance(node, self.exp.Column):
                return node
            name = self.fold(node.name)
            found: exp.Expr | None = inner.get(name) or made.get(name)
            if found is None and not rest:
                raise _Unclear
            if found is None:
                found = self.exp.column(node.name)
            plain = isinstance(found, self.exp.Column | self.exp.Literal | self.exp.Func)
            copied: exp.Expr = found.copy()
            wrapped: exp.Expr = copied if plain or node is tree else self.exp.paren(copied)
            return wrapped

        dissolved: exp.Expr = tree.transform(replaced)
        return dissolved
