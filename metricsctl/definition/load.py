"""Files to a `Project`: every finding is collected, what is broken is left out, nothing is guessed."""

from __future__ import annotations

import contextlib
import gc
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from metricsctl.core.diagnostics import Diagnostic, Severity, Skipped, Span
from metricsctl.core.errors import MetricsctlError
from metricsctl.definition.compact import expand, implied_sources, is_compact
from metricsctl.definition.discover import definition_files, folder_of, read_text, unix_lines
from metricsctl.definition.forms import Bad, Reader, Ref
from metricsctl.definition.project import Project, SourceFile
from metricsctl.definition.records import keys_of, note_missing, read_record
from metricsctl.definition.references import KIND_SECTIONS, kind_keys, references
from metricsctl.definition.reuse import pieces_of
from metricsctl.definition.schema import METRIC_TYPES, SECTIONS, SINGULAR, Alias, Defaults, Metric, Model, Placed
from metricsctl.definition.source import ListNode, MapNode, Node, ScalarNode, parse
from metricsctl.definition.statement import Statement
from metricsctl.definition.values import TEXT

__all__ = ["load", "load_text", "load_tree"]

_TOP = ("version", "namespace", "defaults", *SECTIONS)
_TYPES = tuple(kind for kind in METRIC_TYPES if kind != "alias")
_OTHER_KEYS = {key: f"type: {kind}" for kind in _TYPES for key in keys_of(METRIC_TYPES[kind]) if key not in keys_of(Metric)}
"""The keys that only some types of metrics have."""


@dataclass(slots=True)
class _Draft:
    """A project in the making; `read` gives the text of a file that another names (`sql_file`), `parses_sql` as in `load`."""

    root: Path
    read: Callable[[Path], str] = read_text
    parses_sql: bool = True
    records: dict[str, dict[str, Any]] = field(default_factory=lambda: {section: {} for section in SECTIONS})
    duplicates: list[tuple[str, Placed, Placed]] = field(default_factory=list)
    findings: list[Diagnostic] = field(default_factory=list)
    skipped: dict[str, Skipped] = field(default_factory=dict)
    events: dict[str, tuple[Ref, list[ScalarNode]]] = field(default_factory=dict)  # what compact metrics count, and fields of it
    folder: Path | None = None

    def skip(self, section: str, node: Node, reason: str) -> None:
        name = node.get("name") if isinstance(node, MapNode) else None
        if isinstance(name, ScalarNode) and name.text:
            kind = SINGULAR[section]
            self.skipped.setdefault(f"{kind}:{name.text}", Skipped(kind, name.text, reason, name.span))


def load(paths: Sequence[Path], root: Path | None = None, like: Project | None = None, *, parse_sql: bool = True) -> Project:
    """Read the definitions in files and folders. UsageError where there is nothing to read; all else is in `Project.findings`.

    Paths in findings are relative to `root` (default: the working folder) where they lie below it. Files that `like` has too are taken
    from there, and keep the places that they have in it. Without `parse_sql` no SQL is parsed yet, and none of its faults found: they
    are raised (SqlSyntaxError) when an expression is first asked for what it reads.
    """
    files, others = definition_files(paths)
    draft = _Draft((root or Path.cwd()).resolve(), parses_sql=parse_sql, folder=folder_of(paths))
    return _load(draft, files, others, like)


def load_text(text: str, path: str = "metrics.yml", root: Path | None = None, *, parse_sql: bool = True) -> Project:
    """Read one file from a string, as if it stood at `path`; `parse_sql` as in `load`."""
    draft = _Draft((root or Path.cwd()).resolve(), parses_sql=parse_sql)
    return _load(draft, [(draft.root / path, unix_lines(text))], 0)


def load_tree(files: Mapping[Path, str], read: Callable[[Path], str], root: Path | None = None, like: Project | None = None) -> Project:
    """Read definition files from texts, as if they stood at their (absolute) paths; `read` gives what `sql_file` names.

    `read` may raise a MetricsctlError, which becomes a finding. Files that `like` has too are taken from there, and keep the places that
    they have in it.
    """
    draft = _Draft((root or Path.cwd()).resolve(), read, folder=None if like is None else like.folder)
    return _load(draft, sorted(files.items()), 0, like)


def _load(draft: _Draft, files: Sequence[tuple[Path, str]], others: int, like: Project | None = None) -> Project:
    """Read files into a project.

    The garbage collector rests meanwhile: nothing that is made here is garbage, and looking at all of it again and again costs a third of
    the time for 5,000 metrics.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        return _finish(draft, _read_files(draft, files, like), others)
    finally:
        if collects:
            gc.enable()


def _read_files(draft: _Draft, files: Iterable[tuple[Path, str]], like: Project | None) -> list[SourceFile]:
    known = dict(pieces_of(like)) if like is not None else {}
    found = []
    for file, text in files:
        piece = known.pop(text, None)
        if piece is not None and piece.holds(file.parent, draft.read):
            for section, record in piece.records:
                _keep(draft, section, record)
            found.append(piece.file)
        else:
            found.append(_read_file(draft, file, _shown(file, draft.root), text))
    return found


def _keep(draft: _Draft, section: str, record: Any) -> None:
    """Put a record under its name; the first of several is kept."""
    known = draft.records[section]
    if record.name.name in known:
        draft.duplicates.append((SINGULAR[section], known[record.name.name], record))
    else:
        known[record.name.name] = record


def _shown(file: Path, root: Path) -> str:
    relative = os.path.relpath(file, root)
    return file.as_posix() if relative.startswith("..") else Path(relative).as_posix()


def _finish(draft: _Draft, files: list[SourceFile], others: int) -> Project:
    reader = Reader()
    for source in implied_sources(draft.events, {*draft.records["sources"], *draft.records["models"]}, reader):
        draft.records["sources"][source.name.name] = source
    draft.findings.extend(reader.findings)
    _leave_out_dependents(draft)
    return Project(
        root=draft.root,
        folder=draft.folder or draft.root,
        files=tuple(files),
        duplicates=tuple(draft.duplicates),
        findings=tuple(sorted(draft.findings, key=lambda finding: finding.sort_key)),
        skipped=draft.skipped,
        other_files=others,
        **draft.records,
    )


def _read_file(draft: _Draft, file: Path, path: str, text: str) -> SourceFile:
    reader = Reader(parses_sql=draft.parses_sql)
    root, found = parse(text, path)
    reader.findings.extend(found)
    defaults, namespace = Defaults(span=Span.of_file(path)), None
    if isinstance(root, MapNode):
        defaults, namespace = _read_head(root, reader, defaults)
        _read_sections(draft, file, root, reader)
    elif not found:
        reader.note(
            "M004",
            Severity.ERROR,
            "a definition file is a mapping",
            root.span if root else Span.of_file(path),
            "start with `version: 1`",
        )
    draft.findings.extend(reader.findings)
    return SourceFile(path, text, namespace, defaults)


def _read_head(root: MapNode, reader: Reader, defaults: Defaults) -> tuple[Defaults, str | None]:
    """`version:`, `namespace:` and `defaults:`; the dialect of the defaults holds for the rest of the file."""
    version = root.get("version")
    if version is None and not _is_compact(root):
        note_missing("version", root, reader, "write `version: 1` at the top")
    elif version is not None and not (isinstance(version, ScalarNode) and version.value == 1 and version.value is not True):
        said = f"'{version.text}' is not" if isinstance(version, ScalarNode) else "this is not"
        reader.note("M004", Severity.ERROR, f"{said} the version that this metricsctl reads", version.span, "write `version: 1`")
    for entry in root.entries:
        if entry.key.text not in _TOP:
            reader.unknown_key(entry.key, _TOP, list(root.keys()))
    node = root.get("defaults")
    if isinstance(node, MapNode):
        with contextlib.suppress(Bad):
            defaults = read_record(Defaults, node, reader)
    elif node is not None:
        reader.note("M004", Severity.ERROR, "'defaults' is a mapping", root.key("defaults").span)
    if defaults.dialect != "duckdb" and not _known_dialect(defaults.dialect):
        reader.note(
            "M004",
            Severity.ERROR,
            f"unknown SQL dialect '{defaults.dialect}'",
            defaults.place("dialect"),
            "use a name that sqlglot knows, such as duckdb, postgres, bigquery",
        )
        defaults = replace(defaults, dialect="duckdb")
    reader.dialect = defaults.dialect
    namespace = root.get("namespace")
    if namespace is None:
        return defaults, None
    with contextlib.suppress(Bad):
        return defaults, TEXT.read(namespace, reader)
    return defaults, None


def _is_compact(root: MapNode) -> bool:
    """Whether a file is in the compact form, which has no version."""
    metrics = root.get("metrics")
    return isinstance(metrics, ListNode) and any(isinstance(item, MapNode) and is_compact(item) for item in metrics.items)


def _known_dialect(name: str) -> bool:
    from sqlglot.dialects.dialect import Dialect

    try:
        return Dialect.get(name) is not None
    except (ValueError, ImportError):
        return False


def _read_sections(draft: _Draft, file: Path, root: MapNode, reader: Reader) -> None:
    for section in SECTIONS:
        node = root.get(section)
        if node is None or (isinstance(node, ScalarNode) and node.value is None):
            continue
        if not isinstance(node, ListNode):
            reader.note("M004", Severity.ERROR, f"'{section}' is a list", root.key(section).span)
            continue
        for item in node.items:
            _read_item(draft, file, section, item, reader)


def _read_item(draft: _Draft, file: Path, section: str, item: Node, reader: Reader) -> None:
    if not isinstance(item, MapNode):
        reader.note("M004", Severity.ERROR, f"an entry of '{section}' is a mapping", item.span)
        return
    try:
        record = _read_metric(draft, item, reader) if section == "metrics" else read_record(SECTIONS[section], item, reader)
        if isinstance(record, Model) and record.sql_file is not None:
            record = replace(record, statement=_read_statement(record, file, reader, draft))
        elif isinstance(record, Model):
            record = replace(record, statement=record.sql)
    except Bad:
        draft.skip(section, item, "its definition has errors")
        return
    _keep(draft, section, record)


def _read_metric(draft: _Draft, item: MapNode, reader: Reader) -> Any:
    if is_compact(item):
        event, field = item.get("source_event"), item.get("aggregation_field")
        item = expand(item, reader)
        if isinstance(event, ScalarNode) and isinstance(field, ScalarNode):
            draft.events.setdefault(event.text, (Ref(event.text, event.span), []))[1].append(field)
    return read_record(_metric_class(item, reader), item, reader, _OTHER_KEYS)


def _metric_class(item: MapNode, reader: Reader) -> type[Metric]:
    if item.get("alias_of") is not None:
        return Alias
    kind = item.get("type")
    if kind is None:
        note_missing("type", item, reader, f"type: {' | '.join(_TYPES)}")
        raise Bad
    if not isinstance(kind, ScalarNode) or kind.text not in _TYPES:
        keys_of(Metric)["type"].form.read(kind, reader)  # which notes what may stand there
    return METRIC_TYPES[kind.text] if isinstance(kind, ScalarNode) else Metric


def _read_statement(model: Model, file: Path, reader: Reader, draft: _Draft) -> Statement:
    assert model.sql_file is not None  # noqa: S101 - the caller has checked it
    path = file.parent / model.sql_file
    try:
        text = draft.read(path)
    except MetricsctlError as error:
        reader.note("M104", Severity.ERROR, f"cannot read sql_file '{model.sql_file}'", model.place("sql_file"), error.message)
        raise Bad from error
    lines = text.split("\n")
    node = ScalarNode(Span(_shown(path.resolve(), draft.root), 1, 1, len(lines), len(lines[-1]) + 1), text, text, "file")
    statement = Statement(text, reader.dialect, node)
    if not statement.check(reader):
        raise Bad
    return statement


def _leave_out_dependents(draft: _Draft) -> None:
    """What stands on something left out is left out too; the cause is an error, which is said already."""
    metrics = draft.records["metrics"]
    again = bool(draft.skipped)
    while again:
        again = False
        for name, metric in list(metrics.items()):
            for kind, ref in references(metric):
                missing = next((draft.skipped[key] for key in kind_keys(kind, ref.name) if key in draft.skipped), None)
                if missing is None or any(ref.name in draft.records[section] for section in KIND_SECTIONS[kind]):
                    continue
                del metrics[name]
                draft.skipped[f"metric:{name}"] = Skipped("metric", name, f"it uses '{ref.name}', which is left out", ref.span)
                again = True
                break
