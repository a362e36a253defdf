"""What changed in a model's SQL: its rows, or single columns of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from metricsctl.definition.project import Project
from metricsctl.definition.schema import Model
from metricsctl.diff.change import Category
from metricsctl.lineage.sql import model_columns, model_tables
from metricsctl.lineage.sql.rowwise import Branch, normal_form
from metricsctl.lineage.sql.statement import Known

__all__ = ["SqlChange", "Statements", "sql_changes"]

_NO_FORM = "its SQL was rewritten in a way that cannot be told apart from a change of its values"
_STAR = "its `*` takes columns of a table that does not say which it has"


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
        self.columns: dict[str, tuple[str, ...] | None] = {
            name: tuple(column.name.name for column in source.columns) or None for name, source in project.sources.items()
        } | model_columns(project)

    def known(self, model: Model) -> Known:
        """The columns of what a model reads."""
        return tuple((table, self.columns.get(table)) for table in sorted({table for table, _ in model_tables(model)}))

    def form(self, model: Model) -> tuple[Branch, ...] | None:
        """The normal form of a model's statement."""
        text = model.statement
        return None if text is None else normal_form(text.text, text.dialect, self.known(model))


def sql_changes(before: Statements, after: Statements, old: Model, new: Model) -> Iterator[SqlChange]:
    """The changes of a model's SQL: of its rows first, then column by column."""
    texts = old.statement, new.statement
    if texts[0] is None or texts[1] is None:
        return
    same_tables = before.known(old) == after.known(new) or not texts[1].has_star()
    if texts[0].text == texts[1].text and texts[0].dialect == texts[1].dialect and same_tables:
        return
    if texts[0].dialect != texts[1].dialect:
        yield SqlChange(None, Category.SEMANTIC, "dialect", f"dialect: {texts[0].dialect} -> {texts[1].dialect}")
        return
    forms = before.form(old), after.form(new)
    if forms[0] is None or forms[1] is None:
        if not same_tables or texts[0].canonical() != texts[1].canonical():
            yield SqlChange(None, Category.UNKNOWN, "sql", _NO_FORM)
    elif [branch.key for branch in forms[0]] != [branch.key for branch in forms[1]]:
        yield from _between(forms[0], forms[1])


def _between(old: tuple[Branch, ...], new: tuple[Branch, ...]) -> Iterator[SqlChange]:
    if any(branch.star for branch in (*old, *new)):
        yield SqlChange(None, Category.UNKNOWN, "sql", _STAR)
        return
    rows = Counter(branch.rows for branch in old), Counter(branch.rows for branch in new)
    if rows[0] != rows[1]:
        yield SqlChange(None, Category.SEMANTIC, "rows", _rows_reason(old, new))
    elif max(rows[0].values(), default=0) > 1:  # which of several like branches became which cannot be told
        yield SqlChange(None, Category.SEMANTIC, "rows", "UNION: parts with the same rows have other columns")
        return
    had, has = _columns(old), _columns(new)
    for name in sorted(had.keys() - has.keys()):
        yield SqlChange(name, Category.BREAKING, "removed", "column dropped")
    for name in sorted(has.keys() - had.keys()):
        yield SqlChange(name, Category.ADDITIVE, "added", "new column")
    for name in sorted(had.keys() & has.keys()):
        if _moved(had[name], has[name]):
            reason = f"expression: {_shown(had[name], has[name])} -> {_shown(has[name], had[name])}"
            yield SqlChange(name, Category.SEMANTIC, "expression", reason)


Column = dict[tuple[str, tuple[str, ...]], tuple[str, str]]


def _columns(branches: tuple[Branch, ...]) -> dict[str, Column]:
    """Each column as what it is in each branch: its key and its text, by the branch's rows."""
    found: dict[str, Column] = {}
    for branch in branches:
        for name, part in branch.columns.items():
            found.setdefault(name, {})[branch.rows] = (part.key, part.text)
    return found


def _moved(before: Column, after: Column) -> bool:
    """Whether a column is made otherwise in branches that were and are; where the rows themselves changed, by its expressions alone."""
    if before.keys() == after.keys():
        return any(before[rows][0] != after[rows][0] for rows in before)
    return {key for key, _ in before.values()} != {key for key, _ in after.values()}


def _shown(column: Column, other: Column) -> str:
    """The expressions of a column in the branches where the other side has another."""
    differing = [text for rows, (key, text) in column.items() if other.get(rows, ("", ""))[0] != key]
    return " | ".join(dict.fromkeys(differing))


def _rows_reason(old: tuple[Branch, ...], new: tuple[Branch, ...]) -> str:
    bases = [branch.base for branch in old], [branch.base for branch in new]
    if Counter(bases[0]) != Counter(bases[1]):
        return f"FROM: {', '.join(bases[0])} -> {', '.join(bases[1])}"
    gone, come = _filters(old), _filters(new)
    return f"WHERE: {_joined(gone, come)} -> {_joined(come, gone)}"


def _filters(branches: tuple[Branch, ...]) -> dict[str, str]:
    return {part.key: part.text for branch in branches for part in branch.filters}


def _joined(mine: Mapping[str, str], other: Mapping[str, str]) -> str:
    """The conditions that the other side does not have; all of them where it has the same, in other branches."""
    own = [text for key, text in mine.items() if key not in other]
    if not own and not other.keys() - mine.keys():
        own = list(mine.values())
    return " AND ".join(own) or "none"
