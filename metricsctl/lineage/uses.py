"""Who reads whom, definition by definition, with as little SQL parsed as that takes.

What the YAML states needs no parser. A name in a text of SQL is made of words of that text, so that a text is parsed only where the first
word of a name that is asked about stands in it.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from typing import Any

from metricsctl.definition.project import Project
from metricsctl.definition.references import references
from metricsctl.definition.schema import SECTIONS, Derived, Model, Simple
from metricsctl.lineage.nodes import NodeKind, node_id
from metricsctl.lineage.sql import model_tables

__all__ = ["Uses", "words_of"]

_WORD = re.compile(r"\w+")
_ESCAPE = "\\"  # a text with one may spell a name otherwise than letter by letter
_USERS = (NodeKind.MODEL, NodeKind.METRIC, NodeKind.EXPOSURE, NodeKind.SERIES)


def words_of(text: str) -> set[str]:
    """The words of a text of SQL; after digits a name may begin within a word.

    >>> sorted(words_of('a."b-c" + 12ab'))
    ['12ab', 'a', 'ab', 'b', 'c']
    """
    found = set(_WORD.findall(text))
    return found | {word[place:] for word in found if word[0].isdigit() for place in range(1, len(word)) if not word[place].isdigit()}


class Uses:
    """Inputs and users of definitions by the ids of their nodes; all raise SqlSyntaxError where SQL that matters does not parse."""

    def __init__(self, project: Project) -> None:
        self.project = project

    def dangles(self) -> bool:
        """Whether the YAML names a metric, source or model that nothing defines; what only SQL names is not looked at."""
        records = (record for section in SECTIONS for record in getattr(self.project, section).values())
        return any(self._id(kind, ref.name) is None for record in records if not _is_open(record) for kind, ref in references(record))

    def inputs(self, key: str) -> list[str]:
        """What a definition reads or is computed from, shared dimensions apart."""
        kind, _, name = key.partition(":")
        if kind == NodeKind.CALENDAR:  # nothing flows into a known day
            return []
        record = self._sections[kind][name]
        found = [self._id(what, ref.name) for what, ref in references(record)]
        if isinstance(record, Model) and record.statement is not None:
            found += [self._id("source or model", table) for table in _tables(record)]
        return [item for item in found if item is not None]

    def users(self, key: str) -> list[str]:
        """What reads a definition, or is computed from it."""
        kind, _, name = key.partition(":")
        if kind == NodeKind.DIMENSION:
            return self._split_by(name)
        first = _WORD.search(name)
        mentioned = self._mentions if first is None else {*self._mentioned.get(first[0], ()), *self._mentioned.get(_ESCAPE, ())}
        return [*self._stated.get(key, ()), *(user for user in mentioned if key in self.inputs(user))]

    @functools.cached_property
    def _sections(self) -> Mapping[str, Mapping[str, Any]]:
        project = self.project
        return {
            NodeKind.SOURCE: project.sources,
            NodeKind.MODEL: project.models,
            NodeKind.DIMENSION: project.dimensions,
            NodeKind.METRIC: project.all_metrics,
            NodeKind.EXPOSURE: project.exposures,
            NodeKind.SERIES: project.series,
        }

    def _id(self, kind: str, name: str) -> str | None:
        kinds = (NodeKind.METRIC,) if kind == "metric" else (NodeKind.SOURCE, NodeKind.MODEL)
        return next((node_id(one, name) for one in kinds if name in self._sections[one]), None)

    def _users(self) -> Iterator[tuple[str, Any]]:
        yield from ((node_id(kind, name), record) for kind in _USERS for name, record in self._sections[kind].items())

    @functools.cached_property
    def _stated(self) -> Mapping[str, list[str]]:
        """The users of each definition, as far as the YAML states them."""
        found: dict[str, list[str]] = {}
        for user, record in self._users():
            if not _is_open(record):
                for kind, ref in references(record):
                    found.setdefault(self._id(kind, ref.name) or "", []).append(user)
        return found

    @functools.cached_property
    def _mentions(self) -> Mapping[str, str]:
        """The definitions whose inputs stand in SQL, by id, with its text."""
        found = {}
        for user, record in self._users():
            if _is_open(record):
                found[user] = record.expr.text
            elif isinstance(record, Model) and record.statement is not None:
                found[user] = record.statement.text
        return found

    @functools.cached_property
    def _mentioned(self) -> Mapping[str, list[str]]:
        """The definitions in whose SQL a word stands; under the escape sign those in which any may."""
        found: dict[str, list[str]] = {}
        for user, text in self._mentions.items():
            for word in words_of(text) | {_ESCAPE} & set(text):
                found.setdefault(word, []).append(user)
        return found

    def _split_by(self, dimension: str) -> list[str]:
        """What lists a shared dimension, or filters by it."""
        metrics = [
            node_id(NodeKind.METRIC, name)
            for name, metric in self.project.metrics.items()
            if isinstance(metric, Simple) and dimension in self.project.dimensions_of(metric)
        ]
        exposures = [
            node_id(NodeKind.EXPOSURE, name)
            for name, exposure in self.project.exposures.items()
            if dimension in {*(ref.name for ref in exposure.by), *(exposure.filter.names() if exposure.filter else ())}
        ]
        return [*metrics, *exposures]


def _is_open(record: Any) -> bool:
    """Whether the inputs of a definition stand in its expression alone."""
    return isinstance(record, Derived) and not record.inputs


def _tables(model: Model) -> set[str]:
    """The tables that a model reads, by both readings of which names are its own CTEs."""
    return {*model.inputs(), *(name for name, _ in model_tables(model))}
