"""Commits that changed what the numbers mean: the definition of the metric, or of something that it is made of."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from metricsctl.changes.event import ChangeEvent
from metricsctl.core.durations import US
from metricsctl.core.errors import MetricsctlError
from metricsctl.definition.project import Project
from metricsctl.diff.base import load_commit
from metricsctl.diff.compare import compare
from metricsctl.diff.git import Commit, Step, find_repository, steps

__all__ = ["KIND", "Redefinition", "Redefinitions", "redefinitions"]

KIND = "definition"
_MOST = 20  # commits that are compared with their parents, the latest
_SAID = 3  # changes of one commit that are put in words


@dataclass(frozen=True, slots=True)
class Redefinition:
    """A commit as a change event, the nodes whose values it may move, and what it changed of them in words."""

    event: ChangeEvent
    nodes: tuple[str, ...]
    what: str


@dataclass(frozen=True, slots=True)
class Redefinitions:
    """The commits that moved something, the latest first, and why others could not be looked at (None: all were)."""

    found: tuple[Redefinition, ...]
    not_seen: str | None = None


def redefinitions(project: Project, nodes: Collection[str], since: int, until: int) -> Redefinitions:
    """The commits between two times (microseconds) that changed the meaning of any of some nodes of the lineage graph.

    Each is compared with its first parent; what is only written otherwise, and texts, owners and the like, do not count.
    """
    folder = _folder(project)
    if not any((place / ".git").exists() for place in (folder, *folder.parents)):
        return Redefinitions((), "the definitions are not under git")
    try:
        made = steps(find_repository(folder), _paths(project), since=f"@{since // US['s']}", until=f"@{until // US['s']}", most=_MOST + 1)
    except MetricsctlError as error:
        return Redefinitions((), error.message)
    found: list[Redefinition] = []
    unread: list[str] = []
    for step in made[:_MOST]:
        try:
            one = _redefinition(project, step, nodes)
        except MetricsctlError:
            unread.append(step.commit.ref)
            continue
        found += [one] if one is not None else []
    lost = [f"the definitions at {', '.join(unread)} cannot be read"] if unread else []
    lost += [f"only the latest {_MOST} commits were compared"] if len(made) > _MOST else []
    return Redefinitions(tuple(found), "; ".join(lost) or None)


def _paths(project: Project) -> list[Path]:
    """The files with definitions, YAML and SQL."""
    models = ((model, (project.root / model.span.path).parent) for model in project.models.values())
    return [*_files(project), *(folder / model.sql_file for model, folder in models if model.sql_file is not None)]


def _redefinition(project: Project, step: Step, nodes: Collection[str]) -> Redefinition | None:
    if step.parent is None:
        return None
    before, after = (_as_of(project, commit) for commit in (step.parent, step.commit))
    moved = [change for change in compare(before, after) if change.category.moves and change.id in nodes]
    if not moved:
        return None
    said = [f"{change.name}: {change.reason}" for change in moved[:_SAID]]
    said += [f"and {len(moved) - _SAID} more"] if len(moved) > _SAID else []
    event = ChangeEvent(step.commit.ref, step.time * US["s"], KIND, sha=step.commit.sha, actor=step.author, title=step.title)
    return Redefinition(event, tuple(dict.fromkeys(change.id for change in moved)), "; ".join(said))


def _as_of(project: Project, commit: Commit) -> Project:
    """The files that make the project now as a commit had them, whether all was in order or not."""
    known = set(_files(project))
    return load_commit(commit, [_folder(project)], check=lambda found: found, keep=known.__contains__, like=project).project


def _files(project: Project) -> list[Path]:
    return [(project.root / file.path).resolve() for file in project.files]


def _folder(project: Project) -> Path:
    """The nearest folder that holds all definitions."""
    return Path(os.path.commonpath([file.parent for file in _files(project)]))
