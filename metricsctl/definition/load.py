"""Files to a `Project`: every finding is collected, what is broken is left out, nothing is guessed."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from metricsctl.core.diagnostics import Diagnostic, Severity, Skipped, Span
from metricsctl.core.errors import MetricsctlError
from metricsctl.core.names import nearest
from metricsctl.definition.discover import definition_files, read_text
from metricsctl.definition.expression import Statement
from metricsctl.definition.forms import Bad, Reader
from metricsctl.definition.project import Project, SourceFile
from metricsctl.definition.records import read_record
from metricsctl.definition.references import KIND_SECTIONS, kind_keys, references
from metricsctl.definition.schema import (
    AGGREGATES,
    LATER_SECTIONS,
    LATER_TYPES,
    METRIC_TYPES,
    SECTIONS,
    Alias,
    Defaults,
    Metric,
    Model,
    Placed,
    Simple,
)
from metricsctl.definition.source import ListNode, MapNode, Node, ScalarNode, parse
from metricsctl.definition.streaming import obstacle

__all__ = ["load", "load_text", "load_tree"]

_TOP = ("version", "namespace", "defaults", *SECTIONS, *LATER_SECTIONS)
_COMPACT_TYPES = ("counter", "gauge", "composite")


@dataclass(slots=True)
class _Draft:
    """A project in the making; `read` gives the text of a file that another names (`sql_file`)."""

    root: Path
    read: Callable[[Path], str] = read_text
    records: dict[str, dict[str, Any]] = field(default_factory=lambda: {section: {} for section in SECTIONS})
    duplicates: list[tuple[str, Placed, Placed]] = field(default_factory=list)
    findings: list[Diagnostic] = field(default_factory=list)
    skipped: dict[str, Skipped] = field(default_factory=dict)

    def skip(self, section: str, node: Node, reason: str) -> None:
        name = node.get("name") if isinstance(node, MapNode) else None
        if isinstance(name, ScalarNode) and name.text:
            kind = section.rstrip("s")
            self.skipped.setdefault(f"{kind}:{name.text}", Skipped(kind, name.text, reason, name.span))


def load(paths: Sequence[Path], root: Path | None = None) -> Project:
    """Read the definitions in files and folders. UsageError where there is nothing to read; all else is in `Project.findings`.

    Paths in findings are relative to `root` (default: the working folder) where they lie below it.
    """
    files, others = definition_files(paths)
    base = (root or Path.cwd()).resolve()
    draft = _Draft(base)
    sources = [_read_file(draft, file, _shown(file, base), text) for file, text in files]
    return _finish(draft, sources, others)


def load_text(text: str, path: str = "metrics.yml", root: Path | None = None) -> Project:
    """Read one file from a string, as if it stood at `path`."""
    draft = _Draft((root or Path.cwd()).resolve())
    return _finish(draft, [_read_file(draft, draft.root / path, path, text.replace("\r\n", "\n"))], 0)


def load_tree(files: Mapping[Path, str], read: Callable[[Path], str], root: Path | None = None) -> Project:
    """Read definition files from texts, as if they stood at their (absolute) paths; `read` gives what `sql_file` names.

    `read` may raise a MetricsctlError, which becomes a finding.
    """
    draft = _Draft((root or Path.cwd()).resolve(), read)
    return _finish(draft, [_read_file(draft, file, _shown(file, draft.root), text) for file, text in sorted(files.items())], 0)


def _shown(file: Path, root: Path) -> str:
    relative = os.path.relpath(file, root)
    return file.as_posix() if relative.startswith("..") else Path(relative).as_posix()


def _finish(draft: _Draft, files: list[SourceFile], others: int) -> Project:
    _leave_out_dependents(draft)
    return Project(
        root=draft.root,
        files=tuple(files),
        duplicates=tuple(draft.duplicates),
        findings=tuple(sorted(draft.findings, key=lambda finding: finding.sort_key)),
        skipped=draft.skipped,
        other_files=others,
        **draft.records,
    )


def _read_file(draft: _Draft, file: Path, path: str, text: str) -> SourceFile:
    reader = Reader()
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
    if version is None:
        reader.note(
            "M003",
            Severity.ERROR,
            "missing key 'version'",
            root.span if not root.entries else root.entries[0].key.span,
            "write `version: 1` at the top",
        )
    elif not (isinstance(version, ScalarNode) and version.value == 1):
        reader.note("M004", Severity.ERROR, "this metricsctl reads version 1", version.span, "write `version: 1`")
    for entry in root.entries:
        if entry.key.text not in _TOP:
            reader.note("M002", Severity.ERROR, f"unknown key '{entry.key.text}'", entry.key.span, nearest(entry.key.text, _TOP))
    node = root.get("defaults")
    if isinstance(node, MapNode):
        with contextlib.suppress(Bad):
            defaults = read_record(Defaults, node, reader)
    elif node is not None:
        reader.note("M004", Severity.ERROR, "'defaults' is a mapping", node.span)
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
    return defaults, namespace.text if isinstance(namespace, ScalarNode) else None


def _known_dialect(name: str) -> bool:
    from sqlglot.dialects.dialect import Dialect

    try:
        return Dialect.get(name) is not None
    except (ValueError, ImportError):
        return False


def _read_sections(draft: _Draft, file: Path, root: MapNode, reader: Reader) -> None:
    for section in (*SECTIONS, *LATER_SECTIONS):
        node = root.get(section)
        if node is None or (isinstance(node, ScalarNode) and node.value is None):
            continue
        if not isinstance(node, ListNode):
            reader.note("M004", Severity.ERROR, f"'{section}' is a list", node.span)
            continue
        for item in node.items:
            if section in LATER_SECTIONS:
                reader.note("M006", Severity.WARNING, f"'{section}' is not supported yet: the entry is left out", _name_span(item))
            else:
                _read_item(draft, file, section, item, reader)


def _name_span(item: Node) -> Span:
    if not isinstance(item, MapNode) or not item.entries:
        return item.span
    name = item.get("name")
    return name.span if name is not None else item.entries[0].key.span


def _read_item(draft: _Draft, file: Path, section: str, item: Node, reader: Reader) -> None:
    if not isinstance(item, MapNode):
        reader.note("M004", Severity.ERROR, f"an entry of '{section}' is a mapping", item.span)
        return
    before = len(reader.findings)
    try:
        cls = _metric_class(item, reader) if section == "metrics" else SECTIONS[section]
        record = read_record(cls, item, reader)
        record = _complete(record, file, reader, draft)
    except Bad:
        later = [finding for finding in reader.findings[before:] if finding.code == "M006"]
        broken = any(finding.severity is Severity.ERROR for finding in reader.findings[before:])
        draft.skip(section, item, later[0].message if later and not broken else "its definition has errors")
        return
    known = draft.records[section]
    if record.name.name in known:
        draft.duplicates.append((section.rstrip("s"), known[record.name.name], record))
    else:
        known[record.name.name] = record


def _metric_class(item: MapNode, reader: Reader) -> type[Metric]:
    kind = item.get("type")
    if item.get("alias_of") is not None:
        return Alias
    word = kind.text if isinstance(kind, ScalarNode) else "simple"
    if word in _COMPACT_TYPES:
        assert kind is not None  # noqa: S101 - for the type checker: the word came from it
        reader.note("M006", Severity.WARNING, f"the compact form (type: {word}) is not supported yet: the metric is left out", kind.span)
        raise Bad
    if kind is None:
        span = item.entries[0].key.span if item.entries else item.span
        reader.note("M003", Severity.ERROR, "missing key 'type'", span, "type: simple | ratio | derived")
        raise Bad
    if word in LATER_TYPES:
        read_record(METRIC_TYPES[word], item, reader)
        reader.note("M006", Severity.WARNING, f"type '{word}' is not supported yet: the metric is left out", kind.span)
        raise Bad
    return METRIC_TYPES.get(word, Simple)


def _complete(record: Any, file: Path, reader: Reader, draft: _Draft) -> Any:
    """What one key alone cannot check: keys that need or exclude each other, and the text of `sql_file`."""
    if isinstance(record, Simple):
        _check_aggregate(record, reader)
    if isinstance(record, Model):
        if (record.sql is None) == (record.sql_file is None):
            what = "a model has either 'sql' or 'sql_file'" if record.sql else "missing key 'sql'"
            reader.note("M003", Severity.ERROR, what, record.name.span, "give its SELECT statement")
            raise Bad
        statement = record.sql or _read_statement(record, file, reader, draft)
        _check_row_wise(record, statement, reader)
        return replace(record, statement=statement)
    return record


def _check_row_wise(model: Model, statement: Statement, reader: Reader) -> None:
    found = obstacle(statement.tree)
    if found is not None:
        words, part = found
        message = f"{words} in model '{model.name}' needs kept state, which is not supported yet: the model is left out"
        hint = "only projection, WHERE and UNION ALL are folded row by row: aggregate in the metric instead"
        reader.note("M006", Severity.WARNING, message, statement.span_of(part), hint)
        raise Bad


def _check_aggregate(metric: Simple, reader: Reader) -> None:
    assert metric.agg in AGGREGATES  # noqa: S101 - the form has checked it
    broken = False
    if metric.expr is None and metric.agg != "count":
        reader.note(
            "M003",
            Severity.ERROR,
            f"missing key 'expr': {metric.agg} of what?",
            metric.name.span,
            "expr: a column or an SQL expression",
        )
        broken = True
    if (metric.agg == "percentile") != (metric.p is not None):
        code, what = ("M003", "missing key 'p'") if metric.p is None else ("M004", f"'p' has no meaning for {metric.agg}")
        reader.note(
            code,
            Severity.ERROR,
            what,
            metric.place("p") if metric.p is not None else metric.name.span,
            "p: 0.95 goes with agg: percentile",
        )
        broken = True
    if broken:
        raise Bad


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
    """What stands on something left out is left out too; said (M006) unless the cause is an error, which is said already."""
    metrics = draft.records["metrics"]
    again = True
    while again:
        again = False
        for name, metric in list(metrics.items()):
            for kind, ref in references(metric):
                missing = next((draft.skipped[key] for key in kind_keys(kind, ref.name) if key in draft.skipped), None)
                if missing is None or any(ref.name in draft.records[section] for section in KIND_SECTIONS[kind]):
                    continue
                del metrics[name]
                draft.skipped[f"metric:{name}"] = Skipped("metric", name, f"it uses '{ref.name}', which is left out", metric.name.span)
                if "not supported" in missing.reason or "left out" in missing.reason:
                    message = f"{missing.kind} '{ref.name}' is left out ({missing.reason.split(':')[0]}), and so is this metric"
                    draft.findings.append(Diagnostic("M006", Severity.WARNING, message, ref.span))
                again = True
                break
