"""What a store holds, for other programs: a file a rollup, and one that says what is in them."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from metricsctl.core.diagnostics import Diagnostic
from metricsctl.core.errors import UnknownName
from metricsctl.core.folders import fresh_folder
from metricsctl.core.serial import plain
from metricsctl.engine.duckdb.compact import export_states
from metricsctl.engine.duckdb.connection import connect
from metricsctl.plan.types import Plan, bases
from metricsctl.store.info import source_data
from metricsctl.store.reader import StoreReader

__all__ = ["MANIFEST", "ExportReport", "Exported", "Form", "export"]

Form = Literal["parquet", "csv"]
MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class Exported:
    """A rollup's file: its rows, and by column of a state the metrics that are computed from it."""

    rollup: str
    file: str
    rows: int
    grain: str
    timezone: str
    dimensions: tuple[str, ...]
    columns: dict[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class ExportReport:
    """An export: its folder, and the files in it."""

    name: ClassVar[str] = "store-export"
    version: ClassVar[int] = 1

    folder: str
    rollups: tuple[Exported, ...]

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """None."""
        return ()

    @property
    def stats(self) -> dict[str, int]:
        """Counts."""
        return {"rollups": len(self.rollups), "rows": sum(item.rows for item in self.rollups)}

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {"folder": self.folder, "rollups": plain(self.rollups)}


def export(plan: Plan, path: str | os.PathLike[str], folder: Path, form: Form, names: Sequence[str] = ()) -> ExportReport:
    """Write the merged states of the rollups called `names` (all) to a new folder, all of one moment, with a manifest.

    UnknownName for a rollup that the store does not have, UsageError without a store or if the folder is not empty, DataError if it
    cannot be written; then nothing is left behind.
    """
    with fresh_folder(folder) as fresh:
        return StoreReader.open(path).retrying(lambda reader: _export(plan, reader, fresh, folder, form, names))


def _export(plan: Plan, reader: StoreReader, fresh: Path, folder: Path, form: Form, names: Sequence[str]) -> ExportReport:
    for name in names:
        if name not in reader.head.tables:
            raise UnknownName.of("rollup", name, reader.head.tables)
    done = []
    with contextlib.closing(connect(None)) as connection:
        for name, table in sorted(reader.head.tables.items()):
            files = reader.files(name)
            if not files or "measures" not in table.meta or (names and name not in names):
                continue
            columns = [column.name for column in table.columns]
            target = fresh / f"{name}.{form}"
            rows = export_states(connection, files, columns, table.meta["dimensions"], target)
            used = {measure: _metrics(plan, name, measure) for measure in table.meta["measures"]}
            meta = table.meta
            done.append(Exported(name, target.name, rows, meta["grain"], meta["zone"], tuple(meta["dimensions"]), used))
    head = reader.head
    manifest = {
        "store_id": head.store_id,
        "seq": head.seq,
        "sources": [source_data(state) for _, state in sorted(head.sources.items())],
        "rollups": plain(done),
    }
    (fresh / MANIFEST).write_text(json.dumps(manifest, indent=2, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8")
    return ExportReport(str(folder), tuple(done))


def _metrics(plan: Plan, rollup: str, measure: str) -> tuple[str, ...]:
    return tuple(
        sorted(
            name
            for name, computation in plan.computations.items()
            if any((base.rollup, base.measure.id) == (rollup, measure) for base in bases(computation))
        )
    )
