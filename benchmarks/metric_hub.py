"""Mozilla's metric-hub (https://github.com/mozilla/metric-hub, MPL-2.0) as definitions of ours, so that its history can be replayed.

A data source becomes a model with its SQL, a metric a model that folds the rows of a client and day by its SQL, and a sum over that; a
metric that depends on two others is their ratio. Lists of metrics (defaults of experiments, operational dashboards) become exposures. The
tables of the warehouse become sources of which nothing is known: compact metrics name them, one a table, called `..._rows`.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from metricsctl.definition.sql import SqlSyntaxError
from metricsctl.definition.statement import tables_named

__all__ = ["convert"]

_CALL = re.compile(r"\{\{\s*(\w+)\(\s*[\"'](.*?)[\"']\s*\)\s*\}\}", re.DOTALL)
_OTHER_CALL = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_SHARED = ("definitions", "jetstream/definitions", "opmon/definitions")


def convert(files: Mapping[str, str]) -> dict[str, str]:
    """The YAML files of one state of the repository, by path; what does not parse as TOML, or whose SQL does not parse, is left out."""
    trees: dict[str, dict[str, Any]] = {}
    for path, text in files.items():
        try:
            trees[path] = tomllib.loads(text)
        except tomllib.TOMLDecodeError:
            continue
    hub = _Hub(trees)
    found = {path.removesuffix(".toml") + ".yml": hub.file(path) for path in sorted(trees)}
    found["tables.yml"] = hub.tables_file()
    return {path: text for path, text in found.items() if text}


def _name(*parts: str) -> str:
    return "__".join(re.sub(r"\W+", "_", part).strip("_").lower() for part in parts)


def _line(**said: Any) -> str:
    """A record in flow style, which JSON is."""
    return "  - " + json.dumps({key: value for key, value in said.items() if value not in (None, "", [])}, ensure_ascii=False)


class _Hub:
    """One state of the repository."""

    def __init__(self, trees: Mapping[str, dict[str, Any]]) -> None:
        self.trees = trees
        self.tables: set[str] = set()
        self.functions: dict[str, str] = {}
        for tree in trees.values():
            functions = _section(tree, "functions")
            self.functions |= {name: item["definition"] for name, item in functions.items() if "definition" in item}
        self.models = {key: text for key, text in self._sources() if self._parses(text)}
        self.metrics: set[tuple[str, str]] = set()
        for path, tree in trees.items():
            metrics = {name: item for name, item in _section(tree, "metrics").items() if isinstance(item, dict)}
            own = {(path, name) for name, item in metrics.items() if self._metric_sql(path, item) is not None}
            self.metrics |= own
        self.ratios = dict(self._ratios())
        self.metrics |= set(self.ratios)

    def _sources(self) -> Iterator[tuple[tuple[str, str], str]]:
        for path, tree in self.trees.items():
            for name, item in _section(tree, "data_sources").items():
                if isinstance(item, dict) and "from_expression" in item:
                    yield (path, name), f"SELECT * FROM {self._rendered(item['from_expression'].strip())}"

    def _ratios(self) -> Iterator[tuple[tuple[str, str], tuple[str, str]]]:
        for path, tree in self.trees.items():
            for name, item in _section(tree, "metrics").items():
                needs = item.get("depends_on", []) if isinstance(item, dict) else []
                ends = [self._metric(path, other) for other in needs]
                if len(ends) == 2 and ends[0] and ends[1] and "select_expression" not in item:
                    yield (path, name), (ends[0], ends[1])

    def _rendered(self, text: str) -> str:
        """A text with the calls of its templates replaced by what they stand for."""
        for _ in range(3):
            text = _CALL.sub(lambda call: self.functions.get(call[1], "{select_expr}").replace("{select_expr}", call[2]), text)
        return _OTHER_CALL.sub("NULL", text)

    def _parses(self, text: str) -> bool:
        try:
            self.tables |= {name for name, _, _ in tables_named(text, "bigquery")}
        except SqlSyntaxError:
            return False
        return True

    def _places(self, path: str) -> list[str]:
        """The files in which a name of a file may be defined: itself, then those that all of its application share."""
        pure = PurePosixPath(path)
        app = pure.parent.name if pure.parent.parent.name == "outcomes" else pure.stem
        return [path, *(f"{folder}/{app}.toml" for folder in _SHARED)]

    def _metric(self, path: str, name: str) -> str | None:
        return next((_id(place, name) for place in self._places(path) if (place, name) in self.metrics), None)

    def _metric_sql(self, path: str, item: Mapping[str, Any]) -> str | None:
        """The rows of a metric: a value of a client and day."""
        wanted = item.get("data_source")
        place = next((place for place in self._places(path) if (place, wanted) in self.models), None)
        if place is None or not isinstance(item.get("select_expression"), str):
            return None
        source = _section(self.trees[place], "data_sources")[wanted]
        client = source.get("client_id_column", "client_id")
        day = source.get("submission_date_column", "submission_date")
        folded = self._rendered(item["select_expression"].strip())
        text = f"SELECT {client} AS client, {day} AS day, {folded} AS value FROM {_id(place, wanted)} GROUP BY 1, 2"
        try:
            tables_named(text, "bigquery")
        except SqlSyntaxError:
            return None
        return text

    def file(self, path: str) -> str:
        """The YAML of one file; empty where there is nothing of ours in it."""
        tree = self.trees[path]
        models = [
            _line(name=_id(path, name), sql=self.models[path, name])
            for name in _section(tree, "data_sources")
            if (path, name) in self.models
        ]
        metrics, lists = [], []
        for name, item in _section(tree, "metrics").items():
            if isinstance(item, list):
                lists.append((name, item))
            if (path, name) not in self.metrics:
                continue
            said = _said(item)
            if (path, name) in self.ratios:
                above, below = self.ratios[path, name]
                metrics.append(_line(name=_id(path, name), type="ratio", numerator=above, denominator=below, **said))
                continue
            rows = f"{_id(path, name)}__rows"
            models.append(_line(name=rows, sql=self._metric_sql(path, item), time="day"))
            metrics.append(_line(name=_id(path, name), type="simple", source=rows, agg="sum", expr="value", **said))
        project = _section(tree, "project")
        lists += [("project", project["metrics"])] if isinstance(project.get("metrics"), list) else []
        exposures = [self._exposure(path, name, items) for name, items in lists]
        sections = {"models": models, "metrics": metrics, "exposures": [line for line in exposures if line]}
        body = "".join(f"{name}:\n" + "\n".join(lines) + "\n" for name, lines in sections.items() if lines)
        return f"version: 1\ndefaults: {{dialect: bigquery}}\n{body}" if body else ""

    def _exposure(self, path: str, name: str, items: list[Any]) -> str:
        uses = [self._metric(path, item) for item in items if isinstance(item, str)]
        known = sorted({use for use in uses if use is not None})
        kind = "dashboard" if path.startswith("opmon") else "experiment"
        return _line(name=f"{path}:{name}", kind=kind, uses=known) if known else ""

    def tables_file(self) -> str:
        """One compact metric for each table of the warehouse."""
        lines = [
            f"  - {{name: {_name(table)}_rows, type: counter, source_event: {json.dumps(table)}, aggregation_field: '1'}}"
            for table in sorted(self.tables)
        ]
        return "metrics:\n" + "\n".join(lines) + "\n" if lines else ""


def _id(path: str, name: str) -> str:
    parts = PurePosixPath(path.removesuffix(".toml")).parts
    return _name(*(part for part in parts if part != "definitions"), name)


def _section(tree: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = tree.get(name)
    return found if isinstance(found, dict) else {}


def _said(item: Mapping[str, Any]) -> dict[str, Any]:
    """What a metric says beside its SQL."""
    owner = item.get("owner")
    better = item.get("bigger_is_better")
    return {
        "label": item.get("friendly_name"),
        "description": item.get("description"),
        "owner": ", ".join(owner) if isinstance(owner, list) else owner,
        "direction": None if better is None else "up" if better else "down",
        "tags": ["deprecated"] if item.get("deprecated") is True else None,
    }
