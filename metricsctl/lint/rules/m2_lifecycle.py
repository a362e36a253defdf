"""M2: lifecycle. What goes, what still stands on it, and what changed without saying so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from metricsctl.core.diagnostics import Edit, Fix, Severity, Span
from metricsctl.definition.forms import Ref
from metricsctl.definition.project import Project
from metricsctl.definition.references import references
from metricsctl.definition.schema import Alias, Exposure, Metric, Simple
from metricsctl.lint.facts import Facts
from metricsctl.lint.registry import Problem, rule


@rule("M203", "past-removal", severity=Severity.WARNING)
def past_removal(facts: Facts) -> Iterator[Problem]:
    """A deprecated metric that should be gone by now.

    ## What it does
    Warns of metrics whose `deprecated: {remove_after: ...}` lies before today (UTC).

    ## Why
    The date was a promise to those who had to move; what stays after it teaches them not to believe the next one.

    ## Example
        - {name: gmv, alias_of: revenue, deprecated: {since: 2025-10-01, remove_after: 2026-01-01}}

    ## Use instead
    Delete it. Where somebody needs more time, say until when:

        - {name: gmv, alias_of: revenue, deprecated: {since: 2025-10-01, remove_after: 2026-07-01}}

    ## References
    - [Deprecation](../spec.md)
    - [Snoozing a finding](../lint.md)
    """
    for metric in facts.project.metrics.values():
        deprecated = metric.deprecated
        if deprecated is not None and deprecated.remove_after is not None and deprecated.remove_after < facts.settings.today:
            yield Problem(
                deprecated.place("remove_after"),
                f"metric '{metric.name}' was to be removed after '{deprecated.remove_after}'",
                "take it out, or put the date off",
            )


@rule("M204", "deprecated-in-use", severity=Severity.WARNING, fix="safe")
def deprecated_in_use(facts: Facts) -> Iterator[Problem]:
    """A living metric or exposure that stands on a deprecated metric.

    ## What it does
    Warns wherever a metric that is not deprecated itself, or an exposure, names a metric whose `deprecated: {since: ...}` has come. Where
    that is an alias the fix writes what it stands for.

    ## Why
    On the day of its removal the consumer breaks, and until then nobody can take it out.

    ## Example
        metrics:
          - {name: gmv, alias_of: revenue, deprecated: {since: 2026-10-01}}
        exposures:
          - {name: exec-weekly, kind: dashboard, uses: [gmv]}

    ## Use instead
        exposures:
          - {name: exec-weekly, kind: dashboard, uses: [revenue]}

    ## References
    - [Deprecation](../spec.md)
    """
    project = facts.project
    deprecated = {
        name: metric
        for name, metric in project.metrics.items()
        if metric.deprecated is not None and metric.deprecated.since is not None and metric.deprecated.since <= facts.settings.today
    }
    if not deprecated:
        return
    records: tuple[Metric | Exposure, ...] = (*project.metrics.values(), *project.exposures.values())
    for record in records:
        if record.name.name in deprecated and isinstance(record, Metric):
            continue
        refs = [ref for _, ref in references(record)]
        for ref in refs:
            target = deprecated.get(ref.name.partition(".")[0])
            if target is not None:
                fix = _replacement(ref, target, {other.name for other in refs})
                yield Problem(ref.span, f"'{ref}' is deprecated since {_since(target)}", _instead(target), fix)


def _since(metric: Metric) -> str:
    return str(metric.deprecated.since) if metric.deprecated is not None else ""


def _instead(metric: Metric) -> str | None:
    if isinstance(metric, Alias):
        return f"write '{metric.alias_of}'"
    return metric.deprecated.reason if metric.deprecated is not None else None


def _replacement(ref: Ref, target: Metric, named: set[str]) -> Fix | None:
    """What an alias stands for in its place; None where that is named there already, or a variant of the alias is meant."""
    if not isinstance(target, Alias) or target.alias_of.name in named or ref.name != target.name.name:
        return None
    span = ref.span
    if span.line != span.end_line or span.end_column - span.column not in {len(ref.name), len(ref.name) + 2}:
        return None
    quotes = (span.end_column - span.column - len(ref.name)) // 2
    inner = Span(span.path, span.line, span.column + quotes, span.line, span.end_column - quotes)
    return Fix(f"write '{target.alias_of}'", (Edit(inner, target.alias_of.name),))


@rule("M208", "unversioned-change", severity=Severity.WARNING, needs_base=True)
def unversioned_change(facts: Facts) -> Iterator[Problem]:
    """A metric that means something else than before, under the same version.

    ## What it does
    Compares with an earlier state (`--base`), and warns of metrics that compute another number from the same events (another filter,
    expression, source, unit, grain ..., or other SQL of the model they count) while their `version:` is not higher than it was. Without
    `version:` a metric has version 1. How a filter is written does not matter, nor do texts, owners and tags. What only stands on such a
    metric has to say nothing.

    ## Why
    Those who read the number see a jump and look for its reason in the business.

    ## Example
        - {name: buyers, type: simple, source: orders, agg: count_distinct, expr: user_id}                  # before
        - {name: buyers, type: simple, source: orders, agg: count_distinct, expr: user_id, filter: paid}    # now

    ## Use instead
        - {name: buyers, type: simple, source: orders, agg: count_distinct, expr: user_id, filter: paid, version: 2}

    ## References
    - [Semantic Versioning](https://semver.org/)
    - [What changes are told apart](../impact.md)
    """
    base, head = facts.base, facts.project
    if base is None:
        return
    from metricsctl.diff.values import Proof

    models = _moved_models(base, head)
    proof = Proof(base, head)
    for name, metric in head.metrics.items():
        old = base.metrics.get(name)
        if old is None or (metric.version or 1) > (old.version or 1):
            continue
        what = _moved(base, head, old, metric) or _moved_below(metric, models)
        if what and not proof.same(f"metric:{name}"):  # written otherwise is no other meaning
            now = metric.version or 1
            yield Problem(
                metric.name.span, f"metric '{name}' means something else now, and is still version {now}: {what}", f"version: {now + 1}"
            )


def _moved(base: Project, head: Project, old: Metric, new: Metric) -> str | None:
    """What changed of a metric's own meaning, in words."""
    from metricsctl.diff.aspects import aspects_of
    from metricsctl.diff.categories import category_of

    before, after = aspects_of(base, "metric", old), aspects_of(head, "metric", new)
    if before["type"].key != after["type"].key:
        return f"type: {before['type'].text} -> {after['type'].text}"
    for aspect in sorted(before.keys() & after.keys()):
        one, other = before[aspect], after[aspect]
        if aspect not in {"dimensions", "grain"} and one.key != other.key and category_of("metric", aspect, one.key, other.key).moves:
            return f"{aspect.replace('_', ' ')}: {one.text} -> {other.text}"
    return None


def _moved_models(base: Project, head: Project) -> dict[str, list[tuple[str | None, str]]]:
    """By model: what of its SQL changed so that values move, (column or None for all its rows, reason)."""
    from metricsctl.diff.models import Statements, sql_changes

    both = [name for name in base.models.keys() & head.models.keys() if _sql(base, name) != _sql(head, name)]
    if not both:
        return {}
    before, after = Statements(base), Statements(head)
    found: dict[str, list[tuple[str | None, str]]] = {}
    for name in sorted(both):
        for change in sql_changes(before, after, base.models[name], head.models[name]):
            if change.category.moves:
                found.setdefault(name, []).append((change.column, change.reason))
    return found


def _sql(project: Project, model: str) -> str | None:
    statement = project.models[model].statement
    return None if statement is None else statement.text


def _moved_below(metric: Metric, models: dict[str, list[tuple[str | None, str]]]) -> str | None:
    """What changed of the model that a simple metric counts, as far as it reads that."""
    if not isinstance(metric, Simple) or metric.source.name not in models:
        return None
    used = {name.lower() for part in (metric.expr, metric.filter) if part is not None for name in part.names()}
    reasons = (reason for column, reason in models[metric.source.name] if column is None or column.lower() in used)
    found = next(reasons, None)
    return None if found is None else f"model {metric.source}: {found}"


@rule("M209", "removed-without-notice", needs_base=True)
def removed_without_notice(facts: Facts) -> Iterator[Problem]:
    """A metric that is gone, and was never called deprecated.

    ## What it does
    Compares with an earlier state (`--base`), and reports metrics that were there and are not any more, unless they were `deprecated:` in
    that state. A metric that was renamed keeps its old name as an alias. The finding stands at the metric that was its neighbour.

    ## Why
    Every dashboard, query and alert that names it breaks at once.

    ## Example
        # before: - {name: gmv, type: simple, source: orders, agg: sum, expr: amount}
        - {name: revenue, type: simple, source: orders, agg: sum, expr: amount}

    ## Use instead
        - {name: revenue, type: simple, source: orders, agg: sum, expr: amount}
        - {name: gmv, alias_of: revenue, deprecated: {since: 2026-10-01, remove_after: 2027-04-01}}

    ## References
    - [Deprecation](../spec.md)
    """
    base, head = facts.base, facts.project
    if base is None:
        return
    for name, metric in base.metrics.items():
        if name not in head.metrics and f"metric:{name}" not in head.skipped and metric.deprecated is None:
            span, where = _neighbour(base, head, metric)
            message = f"metric '{name}'{where} is gone, and was not deprecated"
            yield Problem(span, message, "keep its name: alias_of: ..., deprecated: {since: ...}")


def _neighbour(base: Project, head: Project, metric: Metric) -> tuple[Span, str]:
    """The place of the metric that stood nearest in the same file and is there still, else the beginning of that file or of the first."""
    paths = {file.path for file in head.files}
    same = [other for other in base.metrics.values() if other.span.path == metric.span.path and other.name.name in head.metrics]
    above = [other for other in same if other.span < metric.span]
    near: Any = max(above, key=lambda other: (other.span.line, other.span.column), default=None)
    word = "after"
    if near is None:
        near, word = min(same, key=lambda other: (other.span.line, other.span.column), default=None), "before"
    if near is not None:
        return head.metrics[near.name.name].name.span, f", which stood {word} '{near.name}',"
    path = metric.span.path if metric.span.path in paths else min(paths, default=metric.span.path)
    return Span.of_file(path), ""
