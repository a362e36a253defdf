"""The episodes of all metrics, kept by what they were found in: the definitions, the store's moment, and this program."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from metricsctl.core.diagnostics import Diagnostic
from metricsctl.core.kept import Kept, digest, program
from metricsctl.core.revive import bare, revive
from metricsctl.definition.project import Project
from metricsctl.detect.labels import LABELS_FILE, read_labels
from metricsctl.detect.report import AnomalyReport, Episode
from metricsctl.detect.run import detect
from metricsctl.store.head import Head

__all__ = ["KnownEpisodes", "keeping", "known_episodes"]

_KIND = "episodes"
_PARTS = ("core", "definition", "definition/schema", "plan", "engine/duckdb", "store", "query", "detect", "detect/detectors")


@dataclass(frozen=True, slots=True)
class KnownEpisodes:
    """What `detect` says of all metrics, without the series."""

    episodes: tuple[Episode, ...]
    diagnostics: tuple[Diagnostic, ...]


def known_episodes(project: Project, store: Path, folder: Path | None) -> KnownEpisodes:
    """What `detect` finds in all metrics: out of `folder` if it was kept there, else worked out, and kept there (None: nowhere).

    The errors are those of `metricsctl.detect.run.detect`.
    """
    data = None if folder is None else Kept(folder, _KIND).get(_key(project, store))
    if data is not None:
        with contextlib.suppress(KeyError, TypeError, ValueError):
            return revive(KnownEpisodes, data)
    report = keeping(project, store, folder, lambda: detect(project, store, folder=folder))
    return KnownEpisodes(report.episodes, report.diagnostics)


def keeping(project: Project, store: Path, folder: Path | None, work: Callable[[], AnomalyReport]) -> AnomalyReport:
    """What `work`, a detection over all metrics as it is by default, finds; its episodes are kept, unless the store moved on meanwhile."""
    if folder is None:
        return work()
    key = _key(project, store)
    report = work()
    if key == _key(project, store):
        Kept(folder, _KIND).put(key, bare(KnownEpisodes(report.episodes, report.diagnostics)), project.sql_files)
    return report


def _key(project: Project, store: Path) -> str:
    """What the episodes depend on, files with SQL aside."""
    head = Head.read(store)
    moment = "" if head is None else f"{head.store_id} {head.generation} {head.seq}"
    return digest(
        [
            program(_PARTS),
            metadata.version("numpy"),
            moment,
            *_labels(project),
            *(part for file in project.files for part in (file.path, file.text)),
        ]
    )


def _labels(project: Project) -> list[str]:
    return [f"{item.meaning} {item.place}" for item in read_labels(project.folder / LABELS_FILE)]
