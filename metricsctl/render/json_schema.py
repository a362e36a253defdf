"""JSON Schema (draft 2020-12) of the reports, from the type hints of their dataclasses.

A report's `data` is described by the return hint of its `to_dict` where that says something, else by its own fields.
"""

from __future__ import annotations

import collections.abc
import dataclasses
import datetime as dt
import enum
import importlib
import pathlib
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Union, get_args, get_origin, get_type_hints

from metricsctl.core.diagnostics import Diagnostic, Span
from metricsctl.core.errors import UnknownName
from metricsctl.render.json import schema_name

__all__ = ["REPORTS", "SchemaList", "schema_of"]

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
REPORTS = {
    "backtest": "metricsctl.detect.backtest:BacktestReport",
    "label": "metricsctl.detect.label:LabelReport",
    "list": "metricsctl.definition.catalogue:Catalogue",
    "changes": "metricsctl.changes.report:ChangeList",
    "changes-add": "metricsctl.changes.report:ChangesAdded",
    "config": "metricsctl.cli.config:ConfigReport",
    "describe": "metricsctl.definition.catalogue:Description",
    "detect": "metricsctl.detect.report:AnomalyReport",
    "drill": "metricsctl.drill.report:DrillReport",
    "explain": "metricsctl.explain.report:Explanation",
    "impact": "metricsctl.impact.report:ImpactReport",
    "impact-calibrate": "metricsctl.impact.calibrate:CalibrationReport",
    "ingest": "metricsctl.ingest.report:IngestReport",
    "ingest-series": "metricsctl.ingest.external.report:SeriesReport",
    "init": "metricsctl.definition.scaffold:Scaffold",
    "lineage": "metricsctl.lineage.report:LineageReport",
    "lint": "metricsctl.lint.report:LintReport",
    "query": "metricsctl.query.frame:QueryReport",
    "query-sql": "metricsctl.query.sql:SqlReport",
    "ingest-plan": "metricsctl.plan.shown:PlanReport",
    "rule": "metricsctl.lint.report:RuleReport",
    "sample": "metricsctl.ingest.sampling.report:SampleReport",
    "store": "metricsctl.store.info:StoreInfo",
    "store-compact": "metricsctl.store.maintain_report:CompactReport",
    "store-drop": "metricsctl.store.drop:DropReport",
    "store-export": "metricsctl.store.export:ExportReport",
    "store-vacuum": "metricsctl.store.maintain_report:VacuumReport",
    "store-verify": "metricsctl.store.info:VerifyReport",
    "test": "metricsctl.testing.report:TestReport",
    "schema": "metricsctl.render.json_schema:SchemaList",
}
_SCALARS: dict[Any, dict[str, Any]] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": ["number", "null"]},  # NaN and infinity become null
    type(None): {"type": "null"},
    dt.date: {"type": "string"},
    dt.datetime: {"type": "string"},
}


def _of(hint: Any) -> dict[str, Any]:
    """The schema of one type hint; what is not known here may be anything."""
    if hint in _SCALARS:
        return dict(_SCALARS[hint])
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in {Union, types.UnionType}:
        return {"anyOf": [_of(item) for item in arguments]}
    if origin is typing.Literal:
        return {"enum": list(arguments)}
    if origin is typing.Annotated:
        return _of(arguments[0])
    if isinstance(origin, type) and issubclass(origin, collections.abc.Mapping):
        return {"type": "object", "additionalProperties": _of(arguments[1])}
    if isinstance(origin, type) and issubclass(origin, collections.abc.Collection):
        return {"type": "array", "items": _of(arguments[0])}
    return _of_class(hint) if isinstance(hint, type) else {}


def _of_class(hint: type) -> dict[str, Any]:
    if issubclass(hint, enum.Enum):
        return {"enum": [member.value for member in hint]}
    if issubclass(hint, pathlib.PurePath):
        return {"type": "string"}
    returned = _returned(hint)
    if returned is not None:
        return _of(returned)
    if typing.is_typeddict(hint):
        return _object(get_type_hints(hint), sorted(getattr(hint, "__required_keys__", ())))
    if dataclasses.is_dataclass(hint):
        hints = get_type_hints(hint)
        names = [item.name for item in dataclasses.fields(hint)]
        return _object({name: hints[name] for name in names}, names)
    return {}


def _object(hints: Mapping[str, Any], required: list[str]) -> dict[str, Any]:
    return {"type": "object", "properties": {name: _of(hint) for name, hint in hints.items()}, "required": required}


def _returned(hint: type) -> Any:
    """What `to_dict` says it gives, if it says anything of use."""
    to_dict = getattr(hint, "to_dict", None)
    returned = get_type_hints(to_dict).get("return") if to_dict is not None else None
    vague = returned in {None, Any} or (get_args(returned) and get_args(returned)[-1] is Any)
    return None if vague else returned


def _data(report: type) -> dict[str, Any]:
    returned = _returned(report)
    if returned is not None:
        return _of(returned)
    hints = get_type_hints(report)
    names = [item.name for item in dataclasses.fields(report) if item.name not in {"diagnostics", "stats"}]
    return _object({name: hints[name] for name in names}, names)


def _envelope(name: str, report: Any) -> dict[str, Any]:
    schema = schema_name(report.name, getattr(report, "version", 1))
    error = {
        "type": "object",
        "properties": {"code": _of(str), "message": _of(str), "hint": _of(str | None), "span": _of(Span | None)},
        "required": ["code", "message", "hint", "span"],
    }
    tool = {"type": "object", "properties": {"name": {"const": "metricsctl"}, "version": _of(str)}, "required": ["name", "version"]}
    return {
        "$schema": _DRAFT,
        "$id": schema,
        "title": f"Report {name} of metricsctl",
        "type": "object",
        "properties": {
            "schema": {"const": schema},
            "tool": tool,
            "data": {"anyOf": [_data(report), {"type": "null"}]},
            "diagnostics": _of(tuple[Diagnostic, ...]),
            "stats": {"type": "object"},
            "error": error,
        },
        "required": ["schema", "tool", "data", "diagnostics", "stats"],
    }


def schema_of(name: str) -> dict[str, Any]:
    """The JSON Schema of the report called `name`; UnknownName if there is none."""
    if name not in REPORTS:
        raise UnknownName.of("report", name, [*REPORTS, "project"])
    module, _, attribute = REPORTS[name].partition(":")
    return _envelope(name, getattr(importlib.import_module(module), attribute))


@dataclass(frozen=True, slots=True)
class SchemaList:
    """What `metricsctl schema` lists."""

    name: ClassVar[str] = "schema"
    version: ClassVar[int] = 1
    schemas: Mapping[str, str]

    @classmethod
    def of_all(cls) -> SchemaList:
        """Every report and the definition files."""
        return cls({**{name: schema_name(name) for name in sorted(REPORTS)}, "project": schema_name("project")})

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """None."""
        return ()

    @property
    def stats(self) -> Mapping[str, Any]:
        """How many there are."""
        return {"schemas": len(self.schemas)}

    def to_dict(self) -> dict[str, Any]:
        """The schema of each name."""
        return {"schemas": self.schemas}
