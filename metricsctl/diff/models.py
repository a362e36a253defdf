"""What changed in a model's SQL: its rows, or single columns of it."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from metricsctl.definition.project import Project
from metricsctl.definition.schema import Model
from metricsctl.diff.change import Category
from metricsctl.lineage.sql import model_columns, model_tables
from metricsctl.lineage.sql.canonical import folded, tree_key
from metricsctl.lineage.sql.relation import Clause, Part, Relation, Unclear, named
from metricsctl.lineage.sql.statement import Known

__all__ = ["SqlChange", "Statements", "sql_changes"]

_NO_FORM = "its SQL was rewritten in a way that cannot be told apart from a change of its values"
_STAR = "its `*` takes columns of a table that does not say which it has"
_HAD = "new column, unless its `*` had it: a table does not say which it has"
# in the order in which a query is read; a change of what one row stands for breaks those who count rows
_CLAUSES = ("FROM", "JOIN", "WHERE", "GROUP BY", "HAVING", "DISTINCT", "LIMIT", "ORDER BY", "UNION", "EXCEPT", "INTERSECT")


@dataclass(frozen=True, slots=True)
class SqlChange:
    """A change of a model's SQL; `column` is None where it is one of all its rows."""

    column: str | None
    category: Category
    aspect: str
    reason: str


class Statements:
    """The statements of a project's models, with what is known of the tables they read."""

    def __init__(self, project: Project) -> None:
        self.project = project

    @functools.cached_property
    def columns(self) -> dict[str, tuple[str, ...] | None]:
        """The columns of each source and model; None where they are not all known."""
        said = {name: tuple(column.name.name for column in source.columns) or None for name, source in self.project.sources.items()}
        return said | model_columns(self.project)

    def known(self, model: Model) -> Known:
        """The columns of what a model reads."""
        return tuple((table, self.columns.get(table)) for table in sorted({table for table, _ in model_tables(model)}))

    def fold(self, model: str, column: str) -> str:
        """A column's name as the dialect of a model compares it."""
        record = self.project.models.get(model)
        return column if record is None or record.statement is None else folded(column, record.statement.dialect)

    def form(self, model: Model) -> Form | None:
        """The normal form of a model's statement over the tables that it reads itself."""
        text = model.statement
        return None if text is None else _form(text.text, text.dialect, self.known(model))


@dataclass(frozen=True, slots=True)
class Form:
    """The parts of a statement in a fixed order, with texts."""

    parts: tuple[Relation, ...]
    dialect: str

    @property
    def key(self) -> tuple[str, ...]:
        """The same for forms that mean the same."""
        return tuple(part.key for part in self.parts)

    def clauses(self) -> Iterator[Clause]:
        """All that decides which rows there are."""
        for part in self.parts:
            yield from part.clauses
            yield from (Clause("WHERE", key, found.text(self.dialect)) for key, found in part.filters.items())

    def bare(self, part: Part) -> str:
        """The key of an expression as it is written, whatever rows it is of."""
        return part.key if part.tree is None else tree_key(part.tree, self.dialect)


@functools.lru_cache(maxsize=4096)
def _form(text: str, dialect: str, known: Known) -> Form | None:
    from metricsctl.lineage.sql.dissolve import branches_of

    columns = {folded(name, dialect): (name, found) for name, found in known}

    def table(name: str) -> Relation:
        spelled, said = columns.get(name, (name, None))
        base = f"table:{spelled}"
        parts = {folded(column, dialect): named(f"{base}.{folded(column, dialect)}", column) for column in said or ()}
        return Relation(base, parts, {}, "" if said else base, frozenset({base}), (Clause("FROM", base, spelled),))

    try:
        parts = branches_of(text, dialect, table, texts=True)
        return Form(tuple(sorted(parts, key=lambda part: (part.rows, part.key))), dialect)
    except (Unclear, RecursionError):
        return None


def sql_changes(before: Statements, after: Statements, old: Model, new: Model) -> Iterator[SqlChange]:
    """The changes of a model's SQL: of its rows first, then column by column."""
    texts = old.statement, new.statement
    if texts[0] is None or texts[1] is None:
        return
    same_text = texts[0].text == texts[1].text and texts[0].dialect == texts[1].dialect
    if same_text and not texts[1].has_star():
        return
    same_tables = before.known(old) == after.known(new) or not texts[1].has_star()
    if same_text and same_tables:
        return
    if texts[0].dialect != texts[1].dialect:
        yield SqlChange(None, Category.SEMANTIC, "dialect", f"dialect: {texts[0].dialect} -> {texts[1].dialect}")
        return
    forms = before.form(old), after.form(new)
    if forms[0] is None or forms[1] is None:
        if not same_tables or texts[0].canonical() != texts[1].canonical():
            yield SqlChange(None, Category.UNKNOWN, "sql", _NO_FORM)
    elif forms[0].key != forms[1].key:
        yield from _between(forms[0], forms[1])


def _between(old: Form, new: Form) -> Iterator[SqlChange]:
    rows = Counter(part.rows for part in old.parts), Counter(part.rows for part in new.parts)
    same_rows = rows[0] == rows[1]
    if not same_rows:
        clause, reason = _rows_reason(old, new)
        category = Category.BREAKING if clause == "GROUP BY" else Category.SEMANTIC
        yield SqlChange(None, category, "rows", reason)
    elif max(rows[0].values(), default=0) > 1:  # which of several like parts became which cannot be told
        yield SqlChange(None, Category.SEMANTIC, "rows", "UNION: parts with the same rows have other columns")
        return
    hidden = _hidden(old), _hidden(new)
    if hidden[0] != hidden[1]:
        if same_rows:
            yield SqlChange(None, Category.UNKNOWN, "sql", _STAR)
        return
    had, has = _columns(old), _columns(new)
    for name in sorted(had.keys() - has.keys()):
        yield SqlChange(name, Category.BREAKING, "removed", "column dropped")
    for name in sorted(has.keys() - had.keys()):
        yield SqlChange(name, *((Category.UNKNOWN, "sql", _HAD) if any(hidden[1]) else (Category.ADDITIVE, "added", "new column")))
    for name in sorted(had.keys() & has.keys()):
        mine, other = (had[name], has[name]) if same_rows else (_bare(had[name], old), _bare(has[name], new))
        if mine != other:
            reason = f"expression: {_shown(had[name], has[name], old)} -> {_shown(has[name], had[name], new)}"
            yield SqlChange(name, Category.SEMANTIC, "expression", reason)


def _hidden(form: Form) -> list[str]:
    """What each part takes of tables that do not say which columns they have; "" for a part that takes no such thing."""
    return sorted(part.rest for part in form.parts)


Made = Mapping[str, Part]


def _columns(form: Form) -> Mapping[str, Made]:
    """Each column as what it is in each part, by the part's rows."""
    found: dict[str, dict[str, Part]] = {}
    for part in form.parts:
        for name, made in part.columns.items():
            found.setdefault(name, {})[part.rows] = made
    return found


def _bare(column: Made, form: Form) -> set[str]:
    """Where the rows changed, a column is compared by its expressions alone."""
    return {form.bare(part) for part in column.values()}


def _shown(column: Made, other: Made, form: Form) -> str:
    """The expressions of a column in the parts where the other side has another."""
    differing = [part.text(form.dialect) for rows, part in column.items() if other.get(rows) != part]
    return " | ".join(dict.fromkeys(differing))


def _rows_reason(old: Form, new: Form) -> tuple[str, str]:
    """The first clause that differs, and what it was and is; the clauses are all in words after it."""
    words = []
    for name in _CLAUSES:
        gone, come = ([clause for clause in form.clauses() if clause.name == name] for form in (old, new))
        keys = Counter(clause.key for clause in gone), Counter(clause.key for clause in come)
        if keys[0] != keys[1]:
            words.append((name, f"{name}: {_joined(gone, keys[0] - keys[1])} -> {_joined(come, keys[1] - keys[0])}"))
    if not words:
        return "WHERE", f"WHERE: {_all(old)} -> {_all(new)}"
    first = words[0]
    if first[0] == "FROM" and any(name == "JOIN" for name, _ in words):  # a join names its table itself
        first = next(word for word in words if word[0] == "JOIN")
    return first


def _joined(clauses: Sequence[Clause], differing: Counter[str]) -> str:
    return " AND ".join(dict.fromkeys(clause.text for clause in clauses if clause.key in differing)) or "none"


def _all(form: Form) -> str:
    return " AND ".join(dict.fromkeys(clause.text for clause in form.clauses() if clause.name == "WHERE")) or "none"
