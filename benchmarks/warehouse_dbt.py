"""The generated warehouse as a dbt project (models, semantic models, metrics): what `dbt ls --select state:modified+` says of the edits."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from warehouse import Metric, Model, Warehouse

__all__ = ["DbtProject"]

PROFILE = "warehouse: {target: dev, outputs: {dev: {type: duckdb, path: ':memory:'}}}\n"
PROJECT = "name: warehouse\nversion: '1.0'\nprofile: warehouse\nmodel-paths: [models]\nflags: {send_anonymous_usage_stats: false}\n"
SPINE = (
    "models:\n  - name: days\n    time_spine: {standard_granularity_column: day}\n    columns: [{name: day, granularity: day}]\n"
    "    config: {materialized: table}\n"
)


class DbtProject:
    """A dbt project in a folder, parsed once as the state to compare with."""

    def __init__(self, house: Warehouse, folder: Path) -> None:
        self.folder = folder
        self._write(house)
        self._dbt("parse")
        shutil.copytree(folder / "target", folder / "base")

    def modified(self, house: Warehouse) -> int:
        """How many nodes dbt takes for modified, or for standing on what is."""
        self._write(house)
        listed = self._dbt("ls", "--select", "state:modified+", "--state", "base", "--output", "name", "--quiet")
        return len([line for line in listed.splitlines() if line.strip()])

    def _dbt(self, *arguments: str) -> str:
        command = ["dbt", *arguments, "--project-dir", str(self.folder), "--profiles-dir", str(self.folder)]
        return subprocess.run(command, capture_output=True, text=True, check=True, cwd=self.folder).stdout

    def _write(self, house: Warehouse) -> None:
        models = self.folder / "models"
        shutil.rmtree(models, ignore_errors=True)
        models.mkdir(parents=True)
        (self.folder / "profiles.yml").write_text(PROFILE, encoding="utf-8")
        (self.folder / "dbt_project.yml").write_text(PROJECT, encoding="utf-8")
        tables = "".join(f"      - {{name: {name}}}\n" for name in house.sources)
        (models / "sources.yml").write_text(f"sources:\n  - name: raw\n    tables:\n{tables}", encoding="utf-8")
        (models / "days.sql").write_text("SELECT DATE '2026-01-01' AS day\n", encoding="utf-8")
        (models / "days.yml").write_text(SPINE, encoding="utf-8")
        for name, model in house.models.items():
            (models / f"{name}.sql").write_text(_templated(model, house), encoding="utf-8")
        (models / "semantic.yml").write_text(_semantic(house), encoding="utf-8")


def _templated(model: Model, house: Warehouse) -> str:
    text = model.sql()
    for table in model.tables:
        said = f"{{{{ source('raw', '{table}') }}}}" if table in house.sources else f"{{{{ ref('{table}') }}}}"
        text = re.sub(rf"(FROM|JOIN) {table}\b", rf"\1 {said}", text)
    return text


def _semantic(house: Warehouse) -> str:
    measures: dict[str, list[str]] = {}
    metrics = []
    for name, metric in house.metrics.items():
        metrics.append(_metric(name, metric))
        if metric.said.get("type") == "simple":
            agg = {"avg": "average"}.get(metric.said["agg"], metric.said["agg"])
            expr = metric.said.get("expr", "1")
            measures.setdefault(metric.said["source"], []).append(f"      - {{name: {name}_m, agg: {agg}, expr: {expr}}}\n")
    models = "".join(
        f"  - name: {model}\n    model: ref('{model}')\n    defaults: {{agg_time_dimension: ts}}\n"
        f"    entities: [{{name: {model}_user, type: primary, expr: user_id}}]\n"
        f"    dimensions: [{{name: ts, type: time, type_params: {{time_granularity: day}}}}, {{name: country, type: categorical}}]\n"
        f"    measures:\n{''.join(lines)}"
        for model, lines in measures.items()
    )
    return f"semantic_models:\n{models}metrics:\n{''.join(metrics)}"


def _metric(name: str, metric: Metric) -> str:
    said = metric.said
    kind = said.get("type", "derived")
    if kind == "simple":
        inner = f"type: simple, type_params: {{measure: {name}_m}}"
        if "filter" in said:
            dimension = f"{{{{ Dimension('{said['source']}_user__country') }}}}"
            inner += f", filter: {said['filter'].replace('country', dimension)}"
    elif kind == "ratio":
        inner = f"type: ratio, type_params: {{numerator: {said['numerator']}, denominator: {said['denominator']}}}"
    else:
        inputs = ", ".join(f"{{name: {one}}}" for one in metric.inputs)
        expr = said.get("expr", said.get("alias_of", "1"))
        inner = f"type: derived, type_params: {{expr: {expr}, metrics: [{inputs}]}}"
    label = said.get("label", name)
    return f'  - {{name: {name}, label: {label}, description: "{said.get("description", "")}", {inner}}}\n'
