"""The walk over the scopes of a qualified statement: every column mention is followed down to the tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from sqlglot import exp
from sqlglot.errors import OptimizeError
from sqlglot.optimizer.scope import Scope, build_scope, find_all_in_scope

from metricsctl.lineage.kinds import EdgeKind, combined
from metricsctl.lineage.sql.statement import GUESS, Origin, StatementLineage

__all__ = ["walk_scopes"]

Origins = frozenset[Origin]
Columns = Mapping[str, tuple[str, ...] | None]
Place = exp.Table | Scope
_NONE: Origins = frozenset()
AMBIGUOUS = 0.7  # how sure an edge is whose name several tables have
_CLAUSES = {
    "where": EdgeKind.FILTER,
    "having": EdgeKind.FILTER,
    "qualify": EdgeKind.FILTER,
    "group": EdgeKind.GROUP,
    "distinct": EdgeKind.GROUP,
}


def walk_scopes(tree: exp.Query, columns: Columns, confidence: float) -> StatementLineage:
    """The lineage of a qualified statement, in the dialect's own spelling of names. Raises OptimizeError where it has no scope."""
    root = build_scope(tree)
    if root is None:
        message = "no scope"
        raise OptimizeError(message)
    walk = _Walk(columns, confidence, root)
    found = walk.result(root)
    unknown = tuple(sorted({*walk.unknown}, key=lambda item: item[1]))
    named = {name: tuple(origins) for name, origins in found.columns.items()}
    return StatementLineage(named, tuple(found.rows), tuple(sorted(found.tables)), not found.stars, confidence, unknown)


@dataclass(frozen=True, slots=True)
class _Result:
    """What a scope gives to the one around it."""

    columns: Mapping[str, Origins]
    rows: Origins = _NONE
    tables: frozenset[str] = frozenset()
    stars: tuple[Place, ...] = ()  # places all of whose columns pass through, which ones is not known
    rest: Origins | None = None  # what any other column comes from, where that can be said


class _Walk:
    def __init__(self, columns: Columns, confidence: float, root: Scope) -> None:
        self.known = columns
        self.confidence = confidence
        self.scopes = {id(scope.expression): scope for scope in root.traverse()}  # inside itself a recursive CTE has a hollow copy
        self.unknown: list[tuple[str, int, int]] = []
        self.done: dict[int, _Result] = {}
        self.open_aliases: set[int] = set()

    def result(self, scope: Scope) -> _Result:
        """The result of a scope; one that contains itself (WITH RECURSIVE) sees itself empty."""
        key = id(scope.expression)
        if key not in self.done:
            self.done[key] = _Result({}, rest=_NONE)
            self.done[key] = self._read(self.scopes.get(key, scope))
        return self.done[key]

    def _read(self, scope: Scope) -> _Result:
        if isinstance(scope.expression, exp.SetOperation):
            return self._set_operation(scope)
        if isinstance(scope.expression, exp.Select):
            return self._select(scope)
        if isinstance(scope.expression, exp.Subquery | exp.Lateral) and scope.subquery_scopes:
            return self.result(scope.subquery_scopes[0])
        return _Result({}, rest=self._mentions(scope, scope.expression, EdgeKind.DERIVED))  # a table function, UNNEST, VALUES

    def _set_operation(self, scope: Scope) -> _Result:
        """Columns meet by position and have the names of the first part."""
        parts = [self.result(part) for part in scope.set_operation_scopes]
        if not parts:
            return _Result({}, rest=_NONE)
        rows = frozenset[Origin]().union(*(part.rows for part in parts))
        tables = frozenset[str]().union(*(part.tables for part in parts))
        if any(part.stars or part.rest is not None for part in parts):
            named: dict[str, Origins] = {}
            for part in parts:
                for name, origins in part.columns.items():
                    named[name] = named.get(name, _NONE) | origins
            return _Result(named, rows, tables, tuple(star for part in parts for star in part.stars), _union(part.rest for part in parts))
        columns: dict[str, Origins] = {}
        for position, name in enumerate(parts[0].columns):
            across = (list(part.columns.values()) for part in parts)
            columns[name] = _NONE.union(*(values[position] for values in across if position < len(values)))
        return _Result(columns, rows, tables)

    def _select(self, scope: Scope) -> _Result:
        select = scope.expression
        assert isinstance(select, exp.Select)  # noqa: S101 - for the type checker: the caller has asked
        places = self._places(scope)
        rows, tables = set[Origin](), set[str]()
        for place in places.values():
            if isinstance(place, Scope):
                rows |= self.result(place).rows
            tables |= self._tables(place)
        for kind, part in _clauses(select):
            rows |= self._mentions(scope, part, kind)
        for join in select.args.get("joins") or []:
            for name in join.args.get("using") or []:
                rows |= self._bare(scope, name, EdgeKind.JOIN)
        columns: dict[str, Origins] = {}
        stars: list[Place] = []
        for projection in select.selects:
            if projection.is_star:
                stars.extend(self._star(projection, places, columns))
            else:
                columns[projection.alias_or_name] = self._projection(scope, projection)
        return _Result(columns, frozenset(rows), frozenset(tables), tuple(stars))

    def _places(self, scope: Scope) -> dict[str, Place]:
        return {name: place for name, (_, place) in scope.selected_sources.items()}

    def _tables(self, place: Place) -> frozenset[str]:
        if isinstance(place, Scope):
            return self.result(place).tables
        return frozenset({place.name}) if place.name else frozenset()

    def _star(self, projection: exp.Expr, places: Mapping[str, Place], columns: dict[str, Origins]) -> Iterator[Place]:
        """Fill in the columns of a star; yields the places whose columns are not known."""
        star = projection.find(exp.Star)
        left_out = {column.name for column in (star.args.get("except_") or [])} if star else set()
        chosen = [places[projection.table]] if isinstance(projection, exp.Column) and projection.table in places else places.values()
        for place in chosen:
            names = self._names(place)
            if names is None:
                yield place
            for name in names or ():
                if name not in left_out:
                    columns[name] = self._from(place, name, None, EdgeKind.IDENTITY)

    def _names(self, place: Place) -> tuple[str, ...] | None:
        """The columns of a place, None where they are not all known."""
        if isinstance(place, Scope):
            found = self.result(place)
            return None if found.stars or found.rest is not None else tuple(found.columns)
        return self.known.get(place.name)

    def _projection(self, scope: Scope, projection: exp.Expr) -> Origins:
        found = set(self._mentions(scope, projection, None))
        for star in find_all_in_scope(projection, exp.Star):
            if star.find_ancestor(exp.AggFunc):  # count(*): of the rows themselves
                found |= {
                    Origin(table, None, EdgeKind.AGGREGATE, self.confidence)
                    for place in self._places(scope).values()
                    for table in self._tables(place)
                }
        return frozenset(found)

    def _mentions(self, scope: Scope, part: exp.Expr, kind: EdgeKind | None) -> Origins:
        """The origins of every column and sub-query in a part of a scope; `kind` None: by the place of the mention in the part."""
        found: set[Origin] = set()
        for column in find_all_in_scope(part, exp.Column):
            if isinstance(column.this, exp.Identifier):
                found |= self._column(scope, column, kind or _kind_of(column, part))
        inner = {id(each.expression): each for each in scope.subquery_scopes}
        for query in find_all_in_scope(part, *exp.UNWRAPPED_QUERIES):
            if id(query) in inner:
                result = self.result(inner[id(query)])
                outer = kind or EdgeKind.DERIVED
                values = _NONE.union(*result.columns.values(), result.rest or _NONE)
                found |= {replace(origin, kind=combined(outer, origin.kind)) for origin in values}
                found |= result.rows
                found |= {Origin(table, None, outer, self.confidence) for table in result.tables}
        return frozenset(found)

    def _column(self, scope: Scope, column: exp.Column, kind: EdgeKind) -> Origins:
        parts = [part for part in column.parts if isinstance(part, exp.Identifier)]
        if len(parts) == 1:
            return self._bare(scope, column.this, kind)
        for table, name in ((parts[-2], parts[-1]), (parts[0], parts[1])):  # `db.table.column`, `table.struct.field`
            place = _place(scope, table.name)
            if place is not None:
                return self._from(place, name.name, name, kind)
        if scope.pivots:
            return self._guess(self._places(scope).values())
        return self._bare(scope, parts[0], kind)  # `struct.field`

    def _from(self, place: Place, name: str, mention: exp.Identifier | None, kind: EdgeKind) -> Origins:
        """The origins of a column of a place."""
        start, end = _offsets(mention)
        if isinstance(place, exp.Table):
            columns = self.known.get(place.name)
            if not place.name:
                return _NONE
            if columns is None or name in columns:
                return frozenset({Origin(place.name, name, kind, self.confidence, start, end)})
            return self._missing(name, mention, [place])
        found = self.result(place)
        if name in found.columns:
            return frozenset(replace(origin, kind=combined(kind, origin.kind)) for origin in found.columns[name])
        if len(found.stars) == 1:
            return frozenset(
                replace(origin, kind=combined(kind, origin.kind)) for origin in self._from(found.stars[0], name, mention, EdgeKind.IDENTITY)
            )
        if found.stars:
            return self._guess(found.stars)
        if found.rest is not None:
            return frozenset(replace(origin, kind=combined(kind, origin.kind)) for origin in found.rest)
        return self._missing(name, mention, [place])

    def _bare(self, scope: Scope, mention: exp.Identifier, kind: EdgeKind) -> Origins:
        """A column without its table's name, where sqlglot could not tell: the table that has it, else the only one that may."""
        places = list(self._places(scope).values())
        names = [self._names(place) for place in places]
        having = [place for place, known in zip(places, names, strict=True) if known is not None and mention.name in known]
        if having:
            found = _NONE.union(*(self._from(place, mention.name, mention, kind) for place in having))
            sure = self.confidence if len(having) == 1 else min(AMBIGUOUS, self.confidence)
            return frozenset(replace(origin, confidence=min(sure, origin.confidence)) for origin in found)
        alias = next((item for item in _selects(scope) if isinstance(item, exp.Alias) and item.alias == mention.name), None)
        if alias is not None and id(alias) not in self.open_aliases:
            self.open_aliases.add(id(alias))
            aliased = self._projection(scope, alias)
            self.open_aliases.discard(id(alias))
            return frozenset(replace(origin, kind=combined(kind, origin.kind)) for origin in aliased)
        possible = [place for place, known in zip(places, names, strict=True) if known is None]
        if len(possible) == 1:
            return self._from(possible[0], mention.name, mention, kind)
        if possible or scope.pivots:
            return self._guess(possible or places)
        if scope.parent is not None and scope.can_be_correlated:
            return self._bare(scope.parent, mention, kind)
        return self._missing(mention.name, mention, places)

    def _missing(self, name: str, mention: exp.Identifier | None, places: Iterable[Place]) -> Origins:
        start, end = _offsets(mention)
        if start >= 0:
            self.unknown.append((name, start, end))
        return self._guess(places)

    def _guess(self, places: Iterable[Place]) -> Origins:
        """No closer than the tables."""
        return frozenset(Origin(table, None, EdgeKind.TABLE, GUESS) for place in places for table in self._tables(place))


def _place(scope: Scope, name: str) -> Place | None:
    """What a table's name stands for, here or in a query around this one."""
    around: Scope | None = scope
    while around is not None:
        if name in around.sources:
            return around.sources[name]
        around = around.parent
    return None


def _selects(scope: Scope) -> list[exp.Expr]:
    return scope.expression.selects if isinstance(scope.expression, exp.Query) else []


def _union(parts: Iterable[Origins | None]) -> Origins | None:
    said = [part for part in parts if part is not None]
    return _NONE.union(*said) if said else None


def _clauses(select: exp.Expr) -> Iterator[tuple[EdgeKind, exp.Expr]]:
    """The parts of a SELECT that decide its rows."""
    for name, kind in _CLAUSES.items():
        part = select.args.get(name)
        if isinstance(part, exp.Expr):
            yield kind, part
    for join in select.args.get("joins") or []:
        if join.args.get("on") is not None:
            yield EdgeKind.JOIN, join.args["on"]
    if select.args.get("limit") and select.args.get("order"):
        yield EdgeKind.FILTER, select.args["order"]


def _kind_of(column: exp.Column, projection: exp.Expr) -> EdgeKind:
    """How a column enters the projection in which it stands."""
    kind = EdgeKind.IDENTITY
    part: exp.Expr | None = column.parent
    while part is not None and part is not projection.parent:
        if isinstance(part, exp.Window):
            return EdgeKind.WINDOW
        if isinstance(part, exp.AggFunc):
            kind = EdgeKind.AGGREGATE
        elif kind is EdgeKind.IDENTITY and not isinstance(part, exp.Alias | exp.Paren):
            kind = EdgeKind.DERIVED
        part = part.parent if part is not projection else None
    return kind


def _offsets(mention: exp.Identifier | None) -> tuple[int, int]:
    if mention is None or "start" not in mention.meta:
        return -1, -1
    return mention.meta["start"], mention.meta["end"] + 1
