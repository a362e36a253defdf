"""SQL expressions in the YAML: their text, their place, their tree. The one home of sqlglot outside column lineage."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from metricsctl.core.diagnostics import Severity, Span
from metricsctl.definition.forms import Bad, Reader
from metricsctl.definition.source import Node, ScalarNode
from metricsctl.definition.words import is_column_name

if TYPE_CHECKING:
    from sqlglot import exp


__all__ = ["ColumnUse", "Expression", "ExpressionForm", "SqlSyntaxError", "is_reserved", "parse_expression", "parse_select", "walk_tree"]


class SqlSyntaxError(ValueError):
    """SQL that does not parse; `start` and `end` are offsets into its text."""

    def __init__(self, message: str, start: int, end: int) -> None:
        super().__init__(message)
        self.start = start
        self.end = end


@dataclass(frozen=True, slots=True)
class ColumnUse:
    """A column that an expression reads, and where."""

    name: str
    table: str
    span: Span

    @property
    def path(self) -> str:
        """Its name with what stands before the dot: `first.country` of a session, `revenue.de` of a variant."""
        return f"{self.table}.{self.name}" if self.table else self.name


def _offset(text: str, line: int, column: int) -> int:
    lines = text.split("\n")
    return min(sum(len(part) + 1 for part in lines[: line - 1]) + max(column - 1, 0), len(text))


def _failure(error: Exception, text: str) -> SqlSyntaxError:
    found = (getattr(error, "errors", None) or [{}])[0]
    highlight = found.get("highlight") or ""
    end = _offset(text, found.get("line") or 1, found.get("col") or 1)
    start = max(end - len(highlight), 0)
    if highlight and text[start:end] != highlight and highlight in text:
        start = text.index(highlight)
    description = str(found.get("description") or "the SQL does not parse").split("<class")[0].strip().rstrip(".")
    if description.startswith("Required keyword"):
        description = "an operand is missing"
    return SqlSyntaxError(description, start, max(start + max(len(highlight), 1), 1))


@functools.cache
def _forbidden() -> tuple[type, ...]:
    """What a scalar expression must not hold."""
    from sqlglot import exp

    return (exp.Query, exp.AggFunc, exp.Window, exp.Star, exp.Placeholder, exp.Parameter)


def walk_tree(tree: exp.Expr) -> Iterator[exp.Expr]:
    """A tree and all its parts, in no order; a third of the time of sqlglot's own walk, which lint takes for every expression."""
    waiting = [tree]
    while waiting:
        part = waiting.pop()
        yield part
        for value in part.args.values():
            if isinstance(value, list):
                waiting += [item for item in value if hasattr(item, "args")]
            elif hasattr(value, "args"):
                waiting.append(value)


def _is_bare(text: str, dialect: str) -> bool:
    """Whether an expression is one column and nothing else, which most are; they need no parser."""
    return dialect == "duckdb" and is_column_name(text)


_MAX_DEPTH = 100
_MAX_CHARACTERS = 50_000


def _check_length(text: str) -> None:
    """Refuse a text that would keep a parser busy for seconds."""
    if len(text) > _MAX_CHARACTERS:
        message = f"SQL of {len(text):,} characters is too long ({_MAX_CHARACTERS:,} are the limit)"
        raise SqlSyntaxError(message, 0, 1)


def _check_depth(tree: exp.Expr, text: str) -> None:
    """Refuse a tree that is too deep for whoever walks it by recursion."""
    level, depth = [tree], 0
    while level:
        depth += 1
        if depth > _MAX_DEPTH:
            message = f"nested too deeply ({_MAX_DEPTH} levels are the limit)"
            raise SqlSyntaxError(message, 0, len(text))
        level = [child for part in level for child in part.iter_expressions()]


@functools.lru_cache(maxsize=65536)
def parse_expression(text: str, dialect: str) -> exp.Expr:
    """The tree of a scalar expression; never change it, copies are cheap. Raises SqlSyntaxError.

    >>> parse_expression("a / b", "duckdb").sql()
    'a / b'
    """
    import sqlglot
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    if _is_bare(text, dialect):
        name = exp.Identifier(this=text, quoted=False)
        name.meta.update({"line": 1, "col": len(text), "start": 0, "end": len(text) - 1})
        return exp.Column(this=name)
    _check_length(text)
    try:
        tree = sqlglot.parse_one(text, dialect=dialect)
    except (SqlglotError, RecursionError) as error:
        raise _failure(error, text) from error
    if isinstance(tree, exp.Query | exp.DDL | exp.DML | exp.Command | exp.Alias) or not isinstance(
        tree, exp.Condition | exp.Literal | exp.Boolean | exp.Null
    ):
        message = f"'{text.strip()}' is not a scalar expression"
        raise SqlSyntaxError(message, 0, len(text))
    _check_depth(tree, text)
    forbidden = next((part for part in walk_tree(tree) if isinstance(part, _forbidden())), None)
    if forbidden is not None:
        message = f"'{text.strip()}' is not a scalar expression: {forbidden.sql(dialect=dialect)} cannot stand in one"
        raise SqlSyntaxError(message, 0, len(text))
    return tree


@functools.lru_cache(maxsize=4096)
def parse_select(text: str, dialect: str) -> exp.Query:
    """The tree of one SELECT statement (or a union of some); never change it. Raises SqlSyntaxError."""
    import sqlglot
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    _check_length(text)
    try:
        trees = [tree for tree in sqlglot.parse(text, dialect=dialect) if tree is not None]
    except (SqlglotError, RecursionError) as error:
        raise _failure(error, text) from error
    if len(trees) != 1 or not isinstance(trees[0], exp.Query):
        message = "expected one SELECT statement"
        raise SqlSyntaxError(message, 0, len(text))
    _check_depth(trees[0], text)
    return trees[0]


def columns_of(tree: exp.Expr) -> list[tuple[str, str, int, int]]:
    """The columns that a tree reads: (table or "", name, start and end offset of the name in its text)."""
    from sqlglot import exp

    found = []
    for column in walk_tree(tree):
        if not isinstance(column, exp.Column):
            continue
        meta = column.this.meta
        start, end = meta.get("start", 0), meta.get("end", 0) + 1
        found.append((column.table, column.name, start, end))
    return sorted(found, key=lambda item: item[2])


@functools.lru_cache(maxsize=65536)
def _columns(text: str, dialect: str) -> tuple[tuple[str, str, int, int], ...]:
    if _is_bare(text, dialect):
        return (("", text, 0, len(text)),)
    return tuple(columns_of(parse_expression(text, dialect)))


# duckdb_keywords() where keyword_category = 'reserved', of DuckDB 2.0; it holds all that PostgreSQL reserves
_RESERVED = frozenset(
    """
all analyse analyze and any array as asc asymmetric both case cast check collate column constraint create default deferrable desc
describe distinct do else end except false fetch for foreign from group having in initially intersect into lambda lateral leading
limit not null offset on only or order pivot pivot_longer pivot_wider placing primary qualify references returning select show
some summarize symmetric table then to trailing true union unique unpivot using variadic when where window with
""".split()  # noqa: SIM905 - eighty words, a line each, are no clearer
)


def is_reserved(name: str) -> bool:
    """Whether SQL reads a name as a word of its own, so that it cannot be a column without quotes.

    >>> is_reserved("order"), is_reserved("orders")
    (True, False)
    """
    return name.lower() in _RESERVED


@dataclass(frozen=True, slots=True)
class Expression:
    """A scalar SQL expression as written in the YAML."""

    text: str
    dialect: str
    node: ScalarNode

    @property
    def span(self) -> Span:
        """Its place."""
        return self.node.span

    @property
    def tree(self) -> exp.Expr:
        """Its sqlglot tree; never change it."""
        return parse_expression(self.text, self.dialect)

    def columns(self) -> list[ColumnUse]:
        """The columns it reads, in the order of the text, each with its place."""
        return [ColumnUse(name, table, self.node.span_of(start, end)) for table, name, start, end in _columns(self.text, self.dialect)]

    def names(self) -> list[str]:
        """The distinct names of the columns it reads, in the order of the text."""
        return list(dict.fromkeys(name for _, name, _, _ in _columns(self.text, self.dialect)))

    def canonical(self) -> str:
        """The same text for the same tree, whatever its layout and comments, in its own dialect."""
        if _is_bare(self.text, self.dialect):
            return self.text
        return str(self.tree.sql(dialect=self.dialect, comments=False))

    def to_dict(self) -> str:
        """In reports an expression is its text."""
        return self.text


@dataclass(frozen=True, slots=True)
class ExpressionForm:
    """A scalar SQL expression; it is parsed at once, so that a fault is found where it stands."""

    def read(self, node: Node, reader: Reader) -> Expression:
        """Read and parse."""
        if not isinstance(node, ScalarNode) or node.value is None:
            raise reader.bad("expected an SQL expression", node)
        expression = Expression(node.text, reader.dialect, node)
        try:
            _ = _is_bare(node.text, reader.dialect) or expression.tree
        except SqlSyntaxError as error:
            reader.note("M501", Severity.ERROR, str(error), node.span_of(error.start, min(error.end, len(node.text)) or 1))
            raise Bad from error
        return expression

    def write(self, value: Expression) -> str:
        """Its text."""
        return value.text

    def says(self) -> str:
        """What is accepted."""
        return "SQL expression"

    def json_schema(self) -> dict[str, Any]:
        """Text, or a bare literal."""
        return {"type": ["string", "number", "boolean"]}


def _names_cte(table: exp.Table) -> bool:
    """Whether a table's name means a CTE of a query around it; inside a CTE only those before it count (`WITH t AS (SELECT * FROM t)`)."""
    from sqlglot import exp

    inside: exp.Expr = table
    passed: exp.Expr | None = None
    while (parent := inside.parent) is not None:
        visible: list[exp.Expr] = []
        if isinstance(parent, exp.With):
            passed = parent
            visible = parent.expressions[: next(place for place, cte in enumerate(parent.expressions) if cte is inside)]
        elif isinstance(parent, exp.Query) and (clause := parent.args.get("with_")) is not None and clause is not passed:
            visible = clause.expressions
        if any(cte.alias == table.name for cte in visible):
            return True
        inside = parent
    return False


@dataclass(frozen=True, slots=True)
class Statement:
    """The SELECT statement of a model, inline or from a file."""

    text: str
    dialect: str
    node: ScalarNode

    @property
    def span(self) -> Span:
        """Its place."""
        return self.node.span

    @property
    def tree(self) -> exp.Query:
        """Its sqlglot tree; never change it. Raises SqlSyntaxError."""
        return parse_select(self.text, self.dialect)

    def span_of(self, tree: exp.Expr) -> Span:
        """The place of a part of the statement, else of the whole."""
        metas = [part.meta for part in tree.walk() if "start" in part.meta]
        if not metas:
            return self.span
        return self.node.span_of(min(meta["start"] for meta in metas), max(meta["end"] for meta in metas) + 1)

    def tables(self) -> list[str]:
        """The sources and models that it reads, in the order of the text; its own CTEs are not among them."""
        return list(dict.fromkeys(table.name for table in self._tables()))

    def table_spans(self) -> list[tuple[str, Span]]:
        """The same with the place of each mention."""
        return [(table.name, self.span_of(table.this)) for table in self._tables()]

    def _tables(self) -> list[exp.Table]:
        from sqlglot import exp

        found = [table for table in self.tree.find_all(exp.Table) if table.name and not _names_cte(table)]
        return sorted(found, key=lambda table: table.this.meta.get("start", 0))

    def column_names(self) -> set[str]:
        """The names of all columns that stand in it."""
        from sqlglot import exp

        return {column.name for column in self.tree.find_all(exp.Column)}

    def has_star(self) -> bool:
        """Whether it takes every column of something."""
        from sqlglot import exp

        return self.tree.find(exp.Star) is not None

    def canonical(self) -> str:
        """The same text for the same tree, whatever its layout and comments, in its own dialect."""
        return str(self.tree.sql(dialect=self.dialect, comments=False))

    def check(self, reader: Reader) -> bool:
        """Whether it parses; the fault is noted (M501)."""
        try:
            _ = self.tree
        except SqlSyntaxError as error:
            reader.note("M501", Severity.ERROR, str(error), self.node.span_of(error.start, min(error.end, len(self.text))))
            return False
        return True

    def to_dict(self) -> str:
        """In reports a statement is its text."""
        return self.text


@dataclass(frozen=True, slots=True)
class StatementForm:
    """A SELECT statement; it is parsed at once."""

    def read(self, node: Node, reader: Reader) -> Statement:
        """Read and parse."""
        if not isinstance(node, ScalarNode) or not node.text.strip():
            raise reader.bad("expected a SELECT statement", node)
        statement = Statement(node.text, reader.dialect, node)
        if not statement.check(reader):
            raise Bad
        return statement

    def write(self, value: Statement) -> str:
        """Its text."""
        return value.text

    def says(self) -> str:
        """What is accepted."""
        return "SELECT statement"

    def json_schema(self) -> dict[str, Any]:
        """Text."""
        return {"type": "string"}


EXPRESSION = ExpressionForm()
STATEMENT = StatementForm()


@functools.lru_cache(maxsize=4096)
def transpile(text: str, source: str, target: str) -> str:
    """SQL from one dialect to another; `/` stays real division, whatever it means in `source`."""
    import sqlglot
    from sqlglot import exp

    tree = sqlglot.parse_one(text, dialect=source)
    for division in tree.find_all(exp.Div):
        division.set("typed", False)
        division.set("safe", False)
    return str(tree.sql(dialect=target))


@functools.lru_cache(maxsize=4096)
def quote_dotted(text: str, dialect: str) -> str:
    """Canonical text in which a dotted name is one name: `revenue.de / 2` is `"revenue.de" / 2`."""
    from sqlglot import exp

    def joined(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Column) and node.table:
            return exp.column(exp.to_identifier(f"{node.table}.{node.name}", quoted=True))
        return node

    return str(parse_expression(text, dialect).copy().transform(joined).sql(dialect=dialect, comments=False))


@functools.lru_cache(maxsize=4096)
def guard_divisions(text: str, dialect: str, on_zero: str) -> tuple[str, tuple[str, ...]]:
    """A formula with every division made safe, and the divisors in it, both as DuckDB's SQL.

    A division by zero gives NULL, or 0 where `on_zero` is "zero".
    """
    from sqlglot import exp

    tree = exp.paren(parse_expression(text, dialect).copy(), copy=False)  # a root that can be replaced under
    divisors = []
    for node in reversed(list(tree.find_all(exp.Div))):  # the innermost first, so that what is put around them is whole
        divisor = node.expression
        divisors.append(str(divisor.sql(dialect="duckdb")))
        safe: exp.Expr = exp.Div(
            this=node.this.copy(), expression=exp.func("NULLIF", divisor.copy(), exp.Literal.number(0)), typed=False, safe=False
        )
        if on_zero == "zero":
            is_zero = exp.EQ(this=exp.paren(divisor.copy()), expression=exp.Literal.number(0))
            safe = exp.Case().when(is_zero, "0").else_(safe)
        node.replace(safe)
    return str(tree.this.sql(dialect="duckdb")), tuple(divisors)


def substitute(text: str, dialect: str, columns: Mapping[str, str]) -> str:
    """An expression with its columns replaced by DuckDB SQL, as DuckDB's SQL."""
    import sqlglot
    from sqlglot import exp

    def replaced(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Column) and node.name in columns:
            return sqlglot.parse_one(columns[node.name], dialect="duckdb")
        return node

    return str(parse_expression(text, dialect).copy().transform(replaced).sql(dialect="duckdb"))
