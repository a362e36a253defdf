"""What a project holds: lists of it, and everything that is known of one thing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from metricsctl.core.diagnostics import Diagnostic, Span
from metricsctl.core.errors import UnknownName, UsageError
from metricsctl.core.names import nearest
from metricsctl.definition.project import Project
from metricsctl.definition.records import written
from metricsctl.definition.references import bases_of, dimension_lists, inputs_of, references
from metricsctl.definition.schema import SECTIONS, SINGULAR, Alias, Conversion, Metric, Model, Placed, Simple, Source, Variant

__all__ = ["Catalogue", "Description", "Entry", "catalogue", "describe", "kind_of"]

_ORDER = ("metrics", "sources", "models", "dimensions", "exposures", "calendar", "series", "tests")


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a list: what it is, its name, its type or aggregate, its owner, its purpose, its place."""

    kind: str
    name: str
    type: str | None
    owner: str | None
    description: str | None
    span: Span


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What a project defines, by kind and name; `kind` is the plural that was asked for, None for all."""

    name: ClassVar[str] = "list"
    version: ClassVar[int] = 1
    kind: str | None
    entries: tuple[Entry, ...]

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """None."""
        return ()

    @property
    def stats(self) -> Mapping[str, Any]:
        """How many entries each kind has."""
        return {kind: sum(entry.kind == SINGULAR[kind] for entry in self.entries) for kind in _ORDER}

    def to_dict(self) -> dict[str, Any]:
        """The kind and the entries."""
        return {"kind": self.kind, "entries": self.entries}


@dataclass(frozen=True, slots=True)
class Description:
    """Everything that is known of one thing.

    `definition` holds the keys as written, `defaults` those that hold without being written, `inputs` and `used_by` typed names.
    """

    name: ClassVar[str] = "describe"
    version: ClassVar[int] = 1
    kind: str
    id: str
    definition: Mapping[str, Any]
    defaults: Mapping[str, Any]
    dimensions: tuple[str, ...]
    inputs: tuple[str, ...]
    used_by: tuple[str, ...]
    span: Span

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """None."""
        return ()

    @property
    def stats(self) -> Mapping[str, Any]:
        """How much it stands on, and how much stands on it."""
        return {"inputs": len(self.inputs), "used_by": len(self.used_by)}

    def to_dict(self) -> dict[str, Any]:
        """All of it."""
        names = ("kind", "id", "definition", "defaults", "dimensions", "inputs", "used_by", "span")
        return {name: getattr(self, name) for name in names}


def kind_of(text: str | None) -> str | None:
    """The kind that a word means (`metric` and `metrics` alike); UsageError for another."""
    if text is None:
        return None
    word = text.lower()
    found = next((section for section in _ORDER if word in {section, SINGULAR[section]}), None)
    if found is None:
        raise UsageError(f"unknown kind '{text}'", hint=nearest(word if word.endswith("s") else word + "s", _ORDER))
    return found


def _type_of(record: Any) -> str | None:
    if isinstance(record, Simple):
        return f"{record.agg}({record.expr.text if record.expr else '*'})"
    if isinstance(record, Alias):
        return f"alias of {record.alias_of}"
    return getattr(record, "type", None) or getattr(record, "kind", None)


def catalogue(project: Project, kind: str | None = None) -> Catalogue:
    """What a project defines, of one kind or of all."""
    entries = []
    for section in (kind,) if kind else _ORDER:
        for name, record in sorted(getattr(project, section).items()):
            own = getattr(record, "owner", None)
            owner = own if section in {"dimensions", "calendar", "tests"} else project.owner_of(record)
            entries.append(Entry(SINGULAR[section], name, _type_of(record), owner, record.description, record.name.span))
    return Catalogue(kind, tuple(entries))


def _find(project: Project, asked: str) -> tuple[str, Any]:
    kind, _, name = asked.rpartition(":")
    sections = [kind_of(kind)] if kind else list(_ORDER)
    records = {section: getattr(project, "all_metrics" if section == "metrics" else section) for section in sections if section}
    found = [(SINGULAR[section], there[name]) for section, there in records.items() if name in there]
    if not found:
        known = [item for there in records.values() for item in there]
        left_out = next((item for item in project.skipped.values() if item.name == name), None)
        if left_out is not None:
            raise UnknownName(f"{left_out.kind} '{name}' is left out: {left_out.reason}", hint="run `metricsctl lint`", span=left_out.span)
        raise UnknownName.of(kind or "name", name, known)
    if len(found) > 1:
        forms = " or ".join(f"{item[0]}:{name}" for item in found)
        raise UsageError(f"'{name}' means several things", hint=f"write {forms}")
    return found[0]


def describe(project: Project, asked: str) -> Description:
    """Everything that is known of what is called `asked`, or `kind:name`. UnknownName, or UsageError where a bare name is ambiguous."""
    kind, record = _find(project, asked)
    name = record.name.name
    return Description(
        kind=kind,
        id=f"{kind}:{name}",
        definition=_definition(project, record),
        defaults=_defaults(project, record),
        dimensions=_dimensions(project, record),
        inputs=tuple(_inputs(project, record)),
        used_by=tuple(sorted(_users(project, kind, name))),
        span=record.name.span,
    )


def _definition(project: Project, record: Placed) -> dict[str, Any]:
    """The keys that are written; of a variant those of its metric, and its filter."""
    if isinstance(record, Variant):
        inherited = {key: value for key, value in written(project.metrics[record.of.name]).items() if key != "variants"}
        return {**inherited, "filter": record.filter.text, "name": record.name.name}
    return written(record)


def _defaults(project: Project, record: Any) -> dict[str, Any]:
    """What holds for a record though it does not say so: defaults of its file, and of its own keys."""
    found: dict[str, Any] = {}
    if isinstance(record, Metric):
        found = {"grain": str(project.grain_of(record)), "timezone": project.zone_of(record)}
    elif isinstance(record, Source):
        found = {"timezone": project.zone_of(record)}
    if isinstance(record, Metric | Source | Model):
        found |= {"owner": project.owner_of(record), "tier": project.tier_of(record)}
    own = {"on_zero": getattr(record, "on_zero", None)}
    if isinstance(record, Simple) and record.agg in {"median", "percentile"}:
        own["exact"] = record.exact
    return {key: value for key, value in (found | own).items() if key not in record.places and value is not None}


def _dimensions(project: Project, record: Any) -> tuple[str, ...]:
    if isinstance(record, Source | Model):
        return tuple(ref.name for ref in record.dimensions)
    if not isinstance(record, Metric):
        return tuple(ref.name for ref in getattr(record, "by", ()))
    if isinstance(record, Simple):
        return project.dimensions_of(record)
    if record.dimensions is not None:
        return tuple(ref.name for ref in record.dimensions)
    lists = [project.dimensions_of(base) for base in bases_of(project.all_metrics, record.name.name).values()]
    return tuple(name for name in lists[0] if all(name in other for other in lists)) if lists else ()


def _relation_id(project: Project, name: str) -> str:
    return f"source:{name}" if name in project.sources else f"model:{name}"


def _inputs(project: Project, record: Any) -> Iterator[str]:
    """What a record stands on, one step down."""
    if isinstance(record, Model) and record.statement is not None:
        yield from (_relation_id(project, name) for name in record.statement.tables())
    elif isinstance(record, Model | Simple | Conversion):
        refs = [ref for kind, ref in references(record) if kind == "source or model"]
        yield from dict.fromkeys(_relation_id(project, ref.name) for ref in refs)
    elif isinstance(record, Metric):
        yield from dict.fromkeys(f"metric:{item.metric}" for item in inputs_of(record).values())
    else:
        yield from dict.fromkeys(f"metric:{ref}" for kind, ref in references(record) if kind == "metric")


def _users(project: Project, kind: str, name: str) -> set[str]:
    """Who stands on it, one step up."""
    if kind == "dimension":
        sections = {id(record): SINGULAR[section] for section in SECTIONS for record in getattr(project, section).values()}
        return {f"{sections[id(user)]}:{user.name}" for user, refs in dimension_lists(project) if name in {ref.name for ref in refs}}
    if kind not in {"metric", "source", "model"}:
        return set()
    users = {f"model:{other}" for other, model in project.models.items() if kind != "metric" and name in model.inputs()}
    wanted = "metric" if kind == "metric" else "source or model"
    everything = {section: getattr(project, section) for section in SECTIONS} | {"metrics": project.all_metrics}
    for section, records in everything.items():
        for other, record in records.items():
            if any(ref.name == name and found == wanted for found, ref in references(record)):
                users.add(f"{SINGULAR[section]}:{other}")
    return users
