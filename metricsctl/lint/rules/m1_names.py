"""M1: names. What may be one, and that it means one thing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from metricsctl.core.diagnostics import Severity
from metricsctl.core.names import MAX_LENGTH, is_snake_case
from metricsctl.definition.schema import Alias
from metricsctl.definition.sql import is_reserved
from metricsctl.lint.facts import Facts
from metricsctl.lint.registry import Problem, rule


@rule("M101", "duplicate-name")
def duplicate_name(facts: Facts) -> Iterator[Problem]:
    """One name for two things.

    ## What it does
    Reports a name that two metrics, dimensions or exposures share, or two of all sources and models together, or two columns of a source.
    The finding stands at the later one and says where the first is.

    ## Why
    A reference could mean either, and which one wins would depend on the order of the files.

    ## Example
        metrics:
          - {name: revenue, type: simple, source: orders, agg: sum, expr: amount}
          - {name: revenue, type: simple, source: orders, agg: sum, expr: net_amount}

    ## Use instead
        metrics:
          - {name: revenue, type: simple, source: orders, agg: sum, expr: amount}
          - {name: net_revenue, type: simple, source: orders, agg: sum, expr: net_amount}

    ## References
    - [Names in the language](../spec.md)
    """
    project = facts.project
    pairs: list[tuple[str, Any, Any]] = list(project.duplicates)
    pairs += [("source or model", project.sources[name], model) for name, model in project.models.items() if name in project.sources]
    for source in project.sources.values():
        seen: dict[str, Any] = {}
        for column in source.columns:
            first = seen.setdefault(column.name.name, column)
            if first is not column:
                pairs.append(("column", first, column))
    for kind, one, other in pairs:
        early, late = sorted((one.name, other.name), key=lambda ref: ref.span)
        yield Problem(late.span, f"duplicate {kind} '{late}'", f"first defined at {early.span}")


def _named(facts: Facts) -> Iterator[tuple[str, Any]]:
    project = facts.project
    kinds: tuple[tuple[str, Mapping[str, Any]], ...] = (
        ("metric", project.metrics),
        ("source", project.sources),
        ("model", project.models),
        ("dimension", project.dimensions),
        ("series", project.series),
    )
    for kind, records in kinds:
        for record in records.values():
            yield kind, record


def _snake(name: str) -> str | None:
    words = "".join(f"_{char.lower()}" if char.isupper() else char if char.isalnum() else "_" for char in name)
    mended = "_".join(word for word in words.split("_") if word) if not name.isupper() else name.lower()
    return f"write '{mended}'" if is_snake_case(mended) else None


@rule("M102", "name-form")
def name_form(facts: Facts) -> Iterator[Problem]:
    """A name that is not snake_case, is reserved in SQL, or is too long.

    ## What it does
    Checks the names of metrics, sources, models, dimensions and series: lower-case words joined by single underscores, at most 63
    characters, and nothing that SQL reads as a keyword. Names of exposures are free.

    ## Why
    Metrics stand in expressions of other metrics, sources in the SQL of models, dimensions become columns: a name that needs quotes breaks
    there, and stores cut names beyond 63 characters.

    ## Example
        - {name: adClicks, type: simple, source: ad_log, agg: count, filter: is_click}

    ## Use instead
        - {name: ad_clicks, type: simple, source: ad_log, agg: count, filter: is_click}

    ## References
    - [PostgreSQL: identifiers and key words, 63 bytes](https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-IDENTIFIERS)
    """
    for kind, record in _named(facts):
        ref = record.name
        if not is_snake_case(ref.name):
            yield Problem(ref.span, f"{kind} name '{ref}' is not snake_case", _snake(ref.name))
        elif len(ref.name) > MAX_LENGTH:
            yield Problem(ref.span, f"{kind} name '{ref}' is {len(ref.name)} characters long", f"{MAX_LENGTH} are the limit")
        elif is_reserved(ref.name):
            yield Problem(ref.span, f"{kind} name '{ref}' is a reserved word of SQL", f"write '{ref}_{kind}', or say what it holds")


def _core_of(name: str) -> str:
    """A name without what the eye skips: underscores, and the plural of its last word."""
    bare = name.lower().replace("_", "")
    return bare.removesuffix("s") if len(bare) > 3 and not bare.endswith("ss") else bare


def _near(records: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
    seen: dict[str, Any] = {}
    for record in sorted(records, key=lambda item: item.span):
        first = seen.setdefault(_core_of(record.name.name), record)
        if first.name.name != record.name.name and not _renamed(first, record):
            yield first, record


def _renamed(one: Any, other: Any) -> bool:
    """Whether one is declared as the other's old name."""
    return any(isinstance(a, Alias) and a.alias_of.name == b.name.name for a, b in ((one, other), (other, one)))


@rule("M103", "confusing-name", severity=Severity.WARNING)
def confusing_name(facts: Facts) -> Iterator[Problem]:
    """Two names that differ only by underscores or a plural s.

    ## What it does
    Warns where two metrics, two dimensions, or two of all sources and models have names that are the same without underscores and without
    the plural of the last word. An alias of the other is no mistake.

    ## Why
    Nobody can say from memory what tells `ad_click` from `ad_clicks`, and a slip of the pen is a valid reference.

    ## Example
        - {name: ad_click, type: simple, source: ad_log, agg: count, filter: is_click}
        - {name: ad_clicks, type: simple, source: ad_log, agg: count_distinct, expr: user_id, filter: is_click}

    ## Use instead
        - {name: ad_clicks, type: simple, source: ad_log, agg: count, filter: is_click}
        - {name: ad_clickers, type: simple, source: ad_log, agg: count_distinct, expr: user_id, filter: is_click}

    ## References
    - [Names in the language](../spec.md)
    """
    project = facts.project
    for kind, records in (
        ("metric", project.metrics.values()),
        ("name", facts.relations.values()),
        ("dimension", project.dimensions.values()),
    ):
        for first, record in _near(records):
            yield Problem(
                record.name.span, f"{kind} '{record.name}' is easily taken for '{first.name}'", f"'{first.name}' is at {first.name.span}"
            )
