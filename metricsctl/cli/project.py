"""From `-p` and `--store` to definitions and a store folder."""

from __future__ import annotations

import contextlib
import dataclasses
import fnmatch
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from metricsctl.cli.config import Config, load_config

if TYPE_CHECKING:
    from metricsctl.definition.project import Project

__all__ = [
    "Location",
    "cache_folder",
    "is_excluded",
    "load_project",
    "locate",
    "read_definitions",
    "recall_answers",
    "store_folder",
    "user_cache",
]


@dataclass(frozen=True, slots=True)
class Location:
    """Where the definitions lie: what to read, the project's folder, and its configuration."""

    paths: tuple[Path, ...]
    folder: Path
    config: Config


def locate(project: Path | None) -> Location:
    """What `-p PATH` means: the path, else the configuration's `project`, else the nearest project."""
    from metricsctl.definition.discover import find_project

    if project is not None:
        folder = project if project.is_dir() else project.parent
        return Location((project,), folder, load_config(folder if folder.is_dir() else None))
    config = load_config()
    if config.get("project"):
        return Location(tuple(config.path(item) for item in config.get("project")), config.folder or Path.cwd(), config)
    found = find_project(config.folder or Path.cwd())
    return Location((found,), found, config)


def store_folder(project: Path | None, store: Path | None) -> Path:
    """What `--store DIR` means: the folder, else the configuration's, else `.metricsctl/store` in the project."""
    if store is not None:
        return store
    location = locate(project)
    configured = location.config.get("store")
    return location.config.path(configured) if configured else location.folder / ".metricsctl" / "store"


def cache_folder(location: Location) -> Path:
    """Where results are kept from run to run: `.metricsctl/cache` in the project."""
    return location.folder / ".metricsctl" / "cache"


def user_cache() -> Path | None:
    """Where this user's programs keep what they can work out again; None where there is no home.

    What ends up in SQL that is run is kept here and not in the project: a repository must not answer for the parser of its definitions.
    """
    with contextlib.suppress(RuntimeError):
        if sys.platform == "win32":
            return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "metricsctl" / "Cache"
        if sys.platform == "darwin":
            return Path.home() / "Library" / "Caches" / "metricsctl"
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "metricsctl"
    return None


def is_excluded(file: Path, base: Path, globs: Sequence[str]) -> bool:
    """Whether a file lies under one of the globs, which count from `base`."""
    try:
        relative = file.resolve().relative_to(base.resolve()).as_posix()
    except ValueError:
        return False
    return any(fnmatch.fnmatch(relative, glob) or fnmatch.fnmatch(relative, glob.rstrip("/") + "/*") for glob in globs)


def read_definitions(paths: Sequence[Path], config: Config, *, parse_sql: bool = True) -> Project:
    """Load definitions as they are, findings and all; `exclude` of the configuration is left out, `parse_sql` as in `load`."""
    from metricsctl.definition.discover import definition_files, folder_of
    from metricsctl.definition.load import load

    globs = config.get("exclude")
    if not globs:
        return load(paths, parse_sql=parse_sql)
    files, others = definition_files(paths)
    kept = [file for file, _ in files if not is_excluded(file, config.folder or Path.cwd(), globs)]
    left = others + len(files) - len(kept)
    return dataclasses.replace(load(kept, parse_sql=parse_sql), other_files=left, folder=folder_of(paths))


def load_project(project: Path | None) -> Project:
    """The definitions that `-p` names, in order; ProjectError with every error if they are not."""
    location = locate(project)
    recall_answers(location)
    definitions = read_definitions(location.paths, location.config)
    texts = [text for file in definitions.files for text in (file.path, file.text)]
    statements = [model.statement.text for model in definitions.models.values() if model.statement is not None]
    _check_once(definitions, (*texts, *statements))
    return definitions


def recall_answers(location: Location) -> None:
    """Answer from what the SQL parser said of these definitions before."""
    from metricsctl.core.remembered import recall

    folder = user_cache()
    if folder is not None:
        recall(folder, str(location.folder.resolve()))


def _check_once(definitions: Project, texts: Sequence[str]) -> None:
    """ProjectError with every error if definitions are not in order; what was in order once need not be looked at again."""
    from metricsctl.core.kept import digest
    from metricsctl.core.remembered import remembered

    def in_order(_: str) -> bool:
        from metricsctl.lint.engine import check

        check(definitions)
        return True

    remembered(in_order)(digest(texts))
