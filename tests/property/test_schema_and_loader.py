"""The JSON Schema for editors and the loader agree: on documents made from the catalogue of keys, and on those with one thing wrong."""

import copy
import json
from typing import Any

import jsonschema
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from metricsctl.core.diagnostics import Severity
from metricsctl.definition import values
from metricsctl.definition.expression import ExpressionForm
from metricsctl.definition.forms import Choice, Flag, Free, ListOf, MapOf, Name, Number, OneOrMore, Parsed, Text
from metricsctl.definition.jsonschema import project_schema
from metricsctl.definition.load import load_text
from metricsctl.definition.points import Points, Rows
from metricsctl.definition.records import Record, keys_of
from metricsctl.definition.schema import METRIC_TYPES, SECTIONS, Defaults
from metricsctl.definition.statement import StatementForm

SCHEMA = jsonschema.Draft202012Validator(project_schema())
NAMES = st.sampled_from(["a", "b", "revenue", "order_id", "c3"])
PARSED = {
    id(values.DURATION): ["15m", "1d", "168h", "month"],
    id(values.GRAIN): ["5m", "1h", "day", "1mo"],
    id(values.ZONE): ["UTC", "Europe/Berlin"],
    id(values.DATE): ["2026-10-01"],
    id(values.INSTANT): ["2026-10-01", "2026-10-01T00:00:00Z"],
    id(values.COLUMN_TYPE): ["string", "double", "decimal(10,2)"],
    id(values.RATE): ["1/week", "3/30d"],
    id(values.SHARE): ["3%", 0.03, "0.5"],
}
WRONG = [None, [], {}, "", "x y", -1, 1.5, True, 7, [None], {"a": None}, "15m", [{"name": "a"}]]


def valid(form: Any) -> st.SearchStrategy[Any]:
    """Plain data that a form accepts."""
    if isinstance(form, Parsed):
        return st.sampled_from(PARSED[id(form)])
    if isinstance(form, Choice):
        return st.sampled_from(form.words)
    if isinstance(form, Number):
        low, high = form.low or 0, form.high if form.high is not None else 100
        return st.integers(int(low), int(high)) if form.whole else st.sampled_from([low, high, (low + high) / 2])
    if isinstance(form, ListOf):
        return st.lists(valid(form.item), max_size=2)
    if isinstance(form, OneOrMore):
        return st.one_of(valid(form.item), st.lists(valid(form.item), min_size=1, max_size=2))
    if isinstance(form, MapOf):
        return st.dictionaries(NAMES, valid(form.value), max_size=2)
    if isinstance(form, Record):
        return st.one_of(record(form.cls), valid(keys_of(form.cls)[form.short].form)) if form.short else record(form.cls)
    if isinstance(form, Rows):
        return st.one_of(st.just("rows.ndjson"), st.lists(st.dictionaries(NAMES, st.sampled_from([1, "x", None])), max_size=2))
    if isinstance(form, Points):
        point = st.fixed_dictionaries({"time": st.just("2026-01-01T00:00:00Z"), "value": st.sampled_from([1, 2.5, None])})
        return st.lists(point, max_size=2)
    simple: dict[type, st.SearchStrategy[Any]] = {
        Text: st.sampled_from(["text", "x", 5, True]),
        Name: NAMES,
        Flag: st.booleans(),
        Free: st.sampled_from([1, "x", [1], {"a": None}, None]),
        ExpressionForm: st.sampled_from(["a", "a + b", "a = 'x'", True, 1]),
        StatementForm: st.just("SELECT a FROM b"),
    }
    return simple[type(form)]


@st.composite
def record(draw: st.DrawFn, cls: type, fixed: dict[str, Any] | None = None) -> dict[str, Any]:
    """A record of a class: what is required, some of the rest, and only what fits together."""
    keys, fixed = keys_of(cls), fixed or {}
    one_of = getattr(cls, "ONE_OF", ())
    names = [name for name, key in keys.items() if key.required]
    names += draw(st.lists(st.sampled_from([name for name in keys if name not in one_of]), max_size=4))
    names += [draw(st.sampled_from(one_of))] if one_of else []
    found = {name: draw(valid(keys[name].form)) for name in dict.fromkeys(names) if name != "alias_of"} | fixed
    for name, key in keys.items():
        if key.needed and found.get(key.needed.key) in key.needed.words and name not in found:
            found[name] = draw(valid(key.form))
        if key.only and found.get(key.only.key) not in key.only.words:
            found.pop(name, None)
    return found


@st.composite
def metric(draw: st.DrawFn) -> dict[str, Any]:
    """A metric of any type."""
    kind = draw(st.sampled_from(sorted(METRIC_TYPES)))
    return draw(record(METRIC_TYPES[kind], {"alias_of": "a"} if kind == "alias" else {"type": kind}))


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """A valid file with an entry or two."""
    tree: dict[str, Any] = {"version": 1}
    if draw(st.booleans()):
        tree["defaults"] = draw(record(Defaults, {"dialect": "duckdb"}))
    for section in draw(st.sets(st.sampled_from(sorted(SECTIONS)), min_size=1, max_size=2)):
        tree[section] = [draw(metric() if section == "metrics" else record(SECTIONS[section]))]
    return tree


def containers(tree: Any) -> list[Any]:
    """Every mapping and list in a document."""
    if not isinstance(tree, dict | list):
        return []
    inner = tree.values() if isinstance(tree, dict) else tree
    return [tree, *(found for item in inner for found in containers(item))]


@st.composite
def broken(draw: st.DrawFn) -> dict[str, Any]:
    """A valid file in which one key is gone, new, or has another value."""
    tree = copy.deepcopy(draw(documents()))
    spot = draw(st.sampled_from([item for item in containers(tree) if item]))
    place = draw(st.sampled_from(sorted(spot) if isinstance(spot, dict) else range(len(spot))))
    what = draw(st.sampled_from(["drop", "add", "change"]))
    if what == "drop":
        del spot[place]
    elif what == "add" and isinstance(spot, dict):
        spot[draw(st.sampled_from(["nope", "p", "good", "window", "sql_file", "type", "name"]))] = draw(st.sampled_from(WRONG))
    else:
        spot[place] = draw(st.sampled_from(WRONG))
    return tree


def by_loader(tree: dict[str, Any]) -> bool:
    """Whether the loader takes a document; what only it can know (SQL, files, dialects) does not count."""
    errors = [item for item in load_text(json.dumps(tree)).findings if item.severity is Severity.ERROR]
    return not [item for item in errors if item.code not in {"M501", "M104"} and "SQL dialect" not in item.message]


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(documents())
def test_both_take_what_is_valid(tree: dict[str, Any]) -> None:
    assert by_loader(tree), load_text(json.dumps(tree)).findings
    assert SCHEMA.is_valid(tree), next(SCHEMA.iter_errors(tree)).message


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(broken())
@example({"metrics": [{"name": "a", "type": "counter", "source_event": "e", "aggregation_field": 1}]})
@example({"metrics": [{"name": "a", "type": "ratio", "dependencies": ["b"]}]})
@example({"version": True, "metrics": []})
@example({"version": 1, "models": [{"name": "a", "sql": None}]})
def test_both_say_the_same_of_what_may_be_wrong(tree: dict[str, Any]) -> None:
    assert by_loader(tree) == SCHEMA.is_valid(tree), (load_text(json.dumps(tree)).findings, [e.message for e in SCHEMA.iter_errors(tree)])
