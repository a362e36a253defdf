"""From a statement to its relation: sub-queries and CTEs are dissolved, so that their names and nesting do not matter.

What is not understood (PIVOT, recursion, an ambiguous name ...) has no normal form.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from sqlglot import exp

from metricsctl.definition.sql import parse_select
from metricsctl.lineage.sql.canonical import Keys, conjuncts, folded
from metricsctl.lineage.sql.joins import Joined, conditions
from metricsctl.lineage.sql.relation import Clause, Part, Relation, Unclear, call, merged, tagged

__all__ = ["branches_of"]

Tables = Callable[[str], Relation]
_READ = {"expressions", "from_", "where", "with_", "joins", "group", "having", "qualify", "distinct", "limit", "offset", "order"}
_TABLE = {"this", "alias", "db", "catalog"}
_KINDS = {"": "inner", "INNER": "inner", "CROSS": "inner", "OUTER": "", "SEMI": "semi", "ANTI": "anti"}


def branches_of(text: str, dialect: str, tables: Tables, *, texts: bool = False) -> list[Relation]:
    """What a statement gives: a relation for each part of its UNION ALL. `tables` gives what a folded name stands for.

    With `texts` the parts keep trees to be shown to people. Raises Unclear.
    """
    try:
        return _Dissolver(dialect, tables, texts=texts).query(parse_select(text, dialect), {}, None, top=True)
    except (RecursionError, KeyError, AttributeError, ValueError) as error:  # a tree of a shape that was not thought of
        raise Unclear from error


Ctes = Mapping[str, list[Relation]]


@dataclass(slots=True)
class _Scope:
    """The relations that a SELECT reads by their aliases, and the scope around it."""

    sides: dict[str, Relation]
    around: _Scope | None
    seen: Ctes
    shared: dict[str, Part] = field(default_factory=dict)  # columns that USING has made one
    aliases: dict[str, exp.Expr] = field(default_factory=dict)
    open: set[str] = field(default_factory=set)  # aliases that are being read


class _Dissolver:
    def __init__(self, dialect: str, tables: Tables, *, texts: bool) -> None:
        self.dialect = dialect
        self.tables = tables
        self.texts = texts

    def fold(self, node: exp.Identifier | str) -> str:
        return folded(node, self.dialect) if isinstance(node, str) else folded(node.name, self.dialect, bool(node.quoted))

    def said(self, node: exp.Expr) -> str:
        return str(node.sql(dialect=self.dialect, comments=False)) if self.texts else ""

    def query(self, tree: exp.Expr, seen: Ctes, around: _Scope | None, *, top: bool = False) -> list[Relation]:
        """The parts of a query; `seen` are the CTEs that it can name."""
        if with_ := tree.args.get("with_"):
            if with_.args.get("recursive"):
                raise Unclear
            seen = dict(seen)
            for cte in with_.expressions:
                seen[self.fold(cte.args["alias"].this)] = _renamed(self.query(cte.this, seen, around), self.names(cte.args["alias"]))
        if isinstance(tree, exp.Subquery):
            return _renamed(self.query(tree.this, seen, around, top=top), self.names(tree.args.get("alias")))
        if isinstance(tree, exp.SetOperation):
            return self.set_operation(tree, seen, around)
        if isinstance(tree, exp.Select):
            return self.select(tree, seen, around, top=top)
        raise Unclear

    def names(self, alias: exp.Expr | None) -> list[str]:
        return [self.fold(name) for name in (alias.args.get("columns") or [])] if alias is not None else []

    def set_operation(self, tree: exp.SetOperation, seen: Ctes, around: _Scope | None) -> list[Relation]:
        if any(tree.args.get(name) for name in ("by_name", "order", "limit", "offset", "side", "kind", "on")):
            raise Unclear
        left, right = self.query(tree.this, seen, around), self.query(tree.expression, seen, around)
        if any(part.rest for part in (*left, *right)):
            raise Unclear  # columns meet by position, and which they are is not known
        if isinstance(tree, exp.Union):
            names = list(left[0].columns)
            if any(len(part.columns) != len(names) for part in right):
                raise Unclear
            parts = [*left, *_renamed(right, names)]
            if not tree.args.get("distinct"):
                return parts
            whole = merged(parts)
            base = call("distinct", whole.rows, *(part.key for part in whole.columns.values()))
            return [whole.made(base, [Clause("UNION", base, "distinct")])]
        sides = [merged(left), merged(right)]
        keys = [call("values", side.rows, *(part.key for part in side.columns.values())) for side in sides]
        base = call(type(tree).__name__.lower(), str(bool(tree.args.get("distinct"))), *keys)
        return [sides[0].made(base, [*sides[1].clauses, Clause(type(tree).__name__.upper(), base)])]

    def select(self, tree: exp.Select, seen: Ctes, around: _Scope | None, *, top: bool) -> list[Relation]:
        if any(value for name, value in tree.args.items() if name not in _READ):
            raise Unclear
        from_ = tree.args.get("from_")
        first = self.table(from_.this, seen, around) if from_ else [Relation("", {})]
        simple = not any(tree.args.get(name) for name in ("joins", "group", "having", "qualify", "distinct", "limit", "offset"))
        if len(first) > 1 and simple and not tree.find(exp.AggFunc, exp.Window):
            return [self.one(tree, part, from_, seen, around, top=top) for part in first]
        return [self.one(tree, merged(first), from_, seen, around, top=top)]

    def table(self, table: exp.Expr, seen: Ctes, around: _Scope | None) -> list[Relation]:
        """What stands after FROM or JOIN."""
        if isinstance(table, exp.Subquery):
            if any(value for name, value in table.args.items() if name not in {"this", "alias", "with_"}):
                raise Unclear
            return self.query(table, seen, around)
        if not isinstance(table, exp.Table) or any(value for name, value in table.args.items() if name not in _TABLE):
            raise Unclear
        names = self.names(table.args.get("alias"))
        if isinstance(table.this, exp.Identifier):
            name = self.fold(table.this)
            if not table.db and name in seen:
                return _renamed(seen[name], names)
            return _renamed([self.tables(name)], names)
        if names or not isinstance(table.this, exp.Func):
            raise Unclear
        base = self.keys(_Scope({}, around, seen)).of(table.this)
        return [Relation(base, {}, rest=base, leaves=frozenset({base}), clauses=(Clause("FROM", base, self.said(table)),))]

    def one(self, tree: exp.Select, first: Relation, from_: exp.From | None, seen: Ctes, around: _Scope | None, *, top: bool) -> Relation:
        """What a SELECT makes of one relation, and of those that it joins to it."""
        scope = _Scope({}, around, seen)
        if from_ is not None:
            scope.sides[self.fold(_alias(from_.this))] = first
        joined = Joined.of(first)
        for join in tree.args.get("joins") or []:
            self.join(join, joined, scope)
        scope.aliases = {
            self.fold(item.args["alias"]): item.this for item in tree.expressions if isinstance(item, exp.Alias) and item.args.get("alias")
        }
        if where := tree.args.get("where"):
            joined.filters |= conditions(self.part(term, scope) for term in conjuncts(where.this))
        found = self.grouped(tree, joined.relation({}, ""), scope)
        columns, rest = self.columns(tree, found, scope)
        found = replace(found, columns=columns, rest=rest)
        return self.cut(tree, found, scope, top=top)

    def join(self, join: exp.Join, joined: Joined, scope: _Scope) -> None:
        if join.args.get("method") or join.args.get("global") or join.args.get("hint"):
            raise Unclear
        side, kind = join.side.upper(), _KINDS.get(join.kind.upper())
        if kind is None:
            raise Unclear
        if isinstance(join.this, exp.Unnest | exp.Lateral):
            self.lateral(join, joined, scope)
            return
        other = self.apart(merged(self.table(join.this, scope.seen, scope.around)), joined)
        before = dict(scope.sides)
        name = self.fold(_alias(join.this))
        if name in scope.sides:
            raise Unclear
        if kind not in {"semi", "anti"}:
            scope.sides[name] = other
        near = _Scope({**before, name: other}, scope.around, scope.seen, dict(scope.shared))
        on: dict[str, Part] = {}
        if condition := join.args.get("on"):
            on = conditions(self.part(term, near) for term in conjuncts(condition))
        for column in join.args.get("using") or []:
            here = self.fold(column.this if isinstance(column, exp.Column) else column)
            left, right = scope.shared.get(here) or self.within(before, here), other.column(here)
            if left is None or right is None or side in {"RIGHT", "FULL"}:
                raise Unclear
            scope.shared[here] = left
            key = call("eq", *sorted((left.key, right.key)))
            on[key] = Part(key)
        joined.add(side.lower() or kind, other, on, self.said(join).strip())

    def lateral(self, join: exp.Join, joined: Joined, scope: _Scope) -> None:
        """UNNEST and LATERAL: what they give depends on the row before them."""
        table, alias = join.this, join.this.args.get("alias")
        name = self.fold(alias.this) if alias is not None and alias.this is not None else ""
        near = _Scope(dict(scope.sides), scope.around, scope.seen, dict(scope.shared))
        if isinstance(table, exp.Lateral):
            if not isinstance(table.this, exp.Subquery):
                raise Unclear
            other = merged(_renamed(self.query(table.this, scope.seen, near), self.names(alias)))
        else:
            if not alias or not alias.args.get("columns"):
                raise Unclear
            base = call("unnest", *(self.keys(near).of(item) for item in table.expressions), str(bool(table.args.get("offset"))))
            names = [
                *self.names(alias),
                *([self.fold(table.args["offset"])] if isinstance(table.args.get("offset"), exp.Identifier) else []),
            ]
            columns = {column: Part(call("of", base, str(place)), exp.column(column)) for place, column in enumerate(names)}
            other = Relation(base, columns, leaves=frozenset({base}))
        other = self.apart(other, joined)
        on = conditions(self.part(term, _Scope({**scope.sides, name: other}, scope.around, scope.seen)) for term in _terms(join))
        scope.sides[name or f"lateral {len(scope.sides)}"] = other
        outer = "left" if join.side.upper() == "LEFT" else "lateral"
        inner = replace(other, base=call(outer, other.base), filters=other.filters)
        joined.add("lateral", inner, on, self.said(join).strip())

    def apart(self, other: Relation, joined: Joined) -> Relation:
        """A relation told apart from those that are joined already, where it may speak of the same columns."""
        number, found = 2, other
        while (found.leaves | {found.base}) & joined.leaves:
            found = tagged(other, str(number))
            number += 1
        return found

    def grouped(self, tree: exp.Select, found: Relation, scope: _Scope) -> Relation:
        group, having = tree.args.get("group"), tree.args.get("having")
        parts = [*tree.expressions, *([having] if having else []), *([tree.args["qualify"]] if tree.args.get("qualify") else [])]
        if group is None and not any(_aggregates(part) for part in parts):
            return found
        keys: list[Part] = []
        if group is not None:
            if any(group.args.get(name) for name in ("rollup", "cube", "grouping_sets", "totals")):
                raise Unclear
            items = group.expressions
            if group.args.get("all"):
                items = [item.unalias() for item in tree.expressions if not _aggregates(item)]
            keys = [self.part(self.group_item(item, tree), scope) for item in items]
        filters = [Clause("WHERE", key, part.text(self.dialect)) for key, part in found.filters.items()]
        base = call("group", found.rows, *sorted({part.key for part in keys}))
        by = call("by", *sorted({part.key for part in keys}))
        grouped = found.made(base, [*filters, Clause("GROUP BY", by, ", ".join(part.text(self.dialect) for part in keys))])
        if having is None:
            return grouped
        terms = conditions(self.part(term, scope, grouped.rows) for term in conjuncts(having.this))
        return replace(grouped, filters=terms)

    def group_item(self, item: exp.Expr, tree: exp.Select) -> exp.Expr:
        if isinstance(item, exp.Literal) and not item.is_string:
            chosen: exp.Expr = tree.expressions[int(item.this) - 1].unalias()
            return chosen
        return item

    def columns(self, tree: exp.Select, rows: Relation, scope: _Scope) -> tuple[dict[str, Part], str]:
        columns: dict[str, Part] = {}
        rest = ""
        for item in tree.expressions:
            if item.is_star and not isinstance(item, exp.Alias):
                more = self.star(item, scope, columns)
                if rest and more and rest != more:
                    raise Unclear
                rest = more or rest
                continue
            named = item.args.get("alias") if isinstance(item, exp.Alias) else item.this if isinstance(item, exp.Column) else None
            name = self.fold(named) if isinstance(named, exp.Identifier) else self.fold(item.sql(dialect=self.dialect, comments=False))
            columns.setdefault(name, self.part(item.unalias(), scope, rows.rows))
        return columns, rest

    def star(self, item: exp.Expr, scope: _Scope, columns: dict[str, Part]) -> str:
        """Fill in the columns of a star; returns where further ones come from."""
        star = item.this if isinstance(item, exp.Column) else item
        if not isinstance(star, exp.Star) or star.args.get("rename"):
            raise Unclear
        table = item.args.get("table") if isinstance(item, exp.Column) else None
        chosen = [scope.sides[self.fold(table)]] if table is not None else list(scope.sides.values())
        left_out = {self.fold(column.this if isinstance(column, exp.Column) else column) for column in star.args.get("except_") or ()}
        replaced = {self.fold(each.args["alias"]): each.this for each in star.args.get("replace") or ()}
        rest = [side.rest for side in chosen if side.rest]
        if rest and (replaced or len(chosen) > 1):
            raise Unclear
        for side in chosen:
            for name, part in side.columns.items():
                if name not in left_out:
                    columns.setdefault(name, self.part(replaced[name], scope) if name in replaced else part)
        if not rest:
            return ""
        return call("except", rest[0], *sorted(left_out)) if left_out else rest[0]

    def cut(self, tree: exp.Select, found: Relation, scope: _Scope, *, top: bool) -> Relation:
        """QUALIFY, DISTINCT, ORDER BY and LIMIT, in the order in which they are done."""
        if qualify := tree.args.get("qualify"):
            terms = conditions(self.part(term, scope, found.rows) for term in conjuncts(qualify.this))
            found = replace(found, filters={**found.filters, **terms})
        if distinct := tree.args.get("distinct"):
            if found.rest:
                raise Unclear
            on = distinct.args.get("on")
            what = self.keys(scope, found.rows).of(on) if on else call("all", *sorted(part.key for part in found.columns.values()))
            order = self.order(tree, scope, found) if on else ""
            base = call("distinct", found.rows, what, order)
            found = found.made(base, [*self.filters(found), Clause("DISTINCT", call("distinct", what, order), self.said(distinct).strip())])
        parts = [tree.args[name] for name in ("limit", "offset") if tree.args.get(name)]
        if parts or (tree.args.get("order") and not top):
            keys = [self.keys(scope, found.rows).of(part) for part in parts]
            text = " ".join(self.said(part).strip() for part in (*([tree.args["order"]] if tree.args.get("order") else []), *parts))
            order = self.order(tree, scope, found)
            base = call("limit", found.rows, order, *keys)
            found = found.made(base, [*self.filters(found), Clause("LIMIT" if parts else "ORDER BY", call("limit", order, *keys), text)])
        return found

    def filters(self, found: Relation) -> Iterator[Clause]:
        return (Clause("WHERE", key, part.text(self.dialect)) for key, part in found.filters.items())

    def order(self, tree: exp.Select, scope: _Scope, found: Relation) -> str:
        if not tree.args.get("order"):
            return ""
        terms = [each.copy() for each in tree.args["order"].expressions]
        for term in terms:
            if isinstance(term.this, exp.Literal) and not term.this.is_string:
                term.set("this", tree.expressions[int(term.this.this) - 1].unalias().copy())
        return self.keys(scope, found.rows).of(terms)

    def keys(self, scope: _Scope, rows: str = "") -> Keys:
        return Keys(self.dialect, lambda column: self.resolved(column, scope, rows).key, lambda query: self.nested(query, scope), rows)

    def nested(self, query: exp.Query, scope: _Scope) -> str:
        """The key of a sub-query in an expression."""
        found = merged(self.query(query, scope.seen, scope))
        return call("query", found.rows, *(part.key for part in found.columns.values()), found.rest)

    def part(self, tree: exp.Expr, scope: _Scope, rows: str = "") -> Part:
        key = self.keys(scope, rows).of(tree)
        return Part(key, self.over(tree, scope, rows) if self.texts else None)

    def over(self, tree: exp.Expr, scope: _Scope, rows: str) -> exp.Expr:
        """An expression with each column replaced by what it is made of."""

        def replaced(node: exp.Expr) -> exp.Expr:
            if not isinstance(node, exp.Column) or isinstance(node.this, exp.Star):
                return node
            try:
                found = self.resolved(node, scope, rows).tree
            except Unclear:  # a column of a sub-query in the expression
                return node
            if found is None:
                return node
            whole = isinstance(found, exp.Column | exp.Literal | exp.Func) or node is tree
            return found.copy() if whole else exp.paren(found.copy())

        made: exp.Expr = tree.transform(replaced)
        return made

    def resolved(self, column: exp.Column, scope: _Scope, rows: str) -> Part:
        """What a column of a scope is; one of the scope around it is told apart from those of its own."""
        parts = [part for part in column.parts if isinstance(part, exp.Identifier)]
        names = [self.fold(part) for part in parts]
        found = self.found(names, scope, rows)
        if found is not None:
            return found
        if scope.around is None:
            raise Unclear
        outer = self.resolved(column, scope.around, rows)
        return Part(call("outer", outer.key), outer.tree)

    def found(self, names: list[str], scope: _Scope, rows: str) -> Part | None:
        for place, name in enumerate(names[:-1]):  # `table.column`, `db.table.column`, and fields of a struct after it
            side = scope.sides.get(name)
            part = side.column(names[place + 1]) if side is not None else None
            if part is not None:
                return _field(part, names[place + 2 :])
        if len(names) > 1 and names[0] in scope.sides:
            raise Unclear
        part = scope.shared.get(names[0]) or self.within(scope.sides, names[0])
        if part is not None:
            return _field(part, names[1:])
        alias = scope.aliases.get(names[0]) if len(names) == 1 else None
        if alias is None or names[0] in scope.open:
            return None
        scope.open.add(names[0])
        try:
            return self.part(alias, scope, rows)
        finally:
            scope.open.discard(names[0])

    def within(self, sides: Mapping[str, Relation], name: str) -> Part | None:
        """A column by its bare name: of the one side that has it, else of the only one that may."""
        having = [part for side in sides.values() if (part := side.columns.get(name)) is not None]
        if len(having) > 1:
            raise Unclear
        if having:
            return having[0]
        possible = [side for side in sides.values() if side.rest]
        if len(possible) > 1:
            raise Unclear
        return possible[0].column(name) if possible else None


def _alias(table: exp.Expr) -> exp.Identifier | str:
    alias = table.args.get("alias")
    if alias is not None and alias.this is not None:
        found: exp.Identifier = alias.this
        return found
    return table.this if isinstance(table.this, exp.Identifier) else table.alias_or_name


def _terms(join: exp.Join) -> list[exp.Expr]:
    return conjuncts(join.args["on"]) if join.args.get("on") else []


def _field(part: Part, names: list[str]) -> Part:
    for name in names:
        part = Part(
            call("field", part.key, name), exp.Dot(this=part.tree.copy(), expression=exp.to_identifier(name)) if part.tree else None
        )
    return part


def _aggregates(tree: exp.Expr) -> bool:
    """Whether an expression folds rows: an aggregate in it that is of no window, and of no sub-query."""
    if isinstance(tree, exp.Query):
        return False
    if isinstance(tree, exp.Window):
        inner = tree.this.this if isinstance(tree.this, exp.Filter) else tree.this
        parts = [*inner.iter_expressions(), *(part for name, value in tree.args.items() if name != "this" for part in _nodes(value))]
        return any(_aggregates(part) for part in parts)
    return isinstance(tree, exp.AggFunc) or any(_aggregates(part) for part in tree.iter_expressions())


def _nodes(value: object) -> list[exp.Expr]:
    return [item for item in (value if isinstance(value, list) else [value]) if isinstance(item, exp.Expr)]


def _renamed(parts: list[Relation], names: list[str]) -> list[Relation]:
    """The same with other names of the columns, by position."""
    if not names:
        return parts
    if any(part.rest or len(part.columns) != len(names) for part in parts):
        raise Unclear
    return [replace(part, columns=dict(zip(names, part.columns.values(), strict=True))) for part in parts]
