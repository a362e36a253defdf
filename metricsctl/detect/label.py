"""`label`: say what an episode was, so that it is neither alarmed on again nor learned from, and counts in `backtest`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, TypedDict

from metricsctl.core.diagnostics import Diagnostic
from metricsctl.core.errors import UnknownName, UsageError
from metricsctl.core.timegrid import to_iso
from metricsctl.definition.project import Project
from metricsctl.definition.schema import Model, Source
from metricsctl.detect.kept import known_episodes
from metricsctl.detect.labels import LABELS_FILE, Label, Meaning, instant, read_labels, segment_text, write_labels
from metricsctl.query.period import parse_period

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["LabelData", "LabelReport", "Stretch", "add_label", "labels_of", "remove_label"]

Change = Literal["added", "replaced", "removed"]


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch that is named by hand: a metric, a segment of it (empty: the total), from `since` to `until`, which is exclusive."""

    metric: str
    since: str
    until: str
    key: Mapping[str, str | None]


class LabelData(TypedDict):
    """Labels in JSON; see `LabelReport`."""

    file: str
    change: Change | None
    changed: Label | None
    labels: tuple[Label, ...]


@dataclass(frozen=True, slots=True)
class LabelReport:
    """All labels of a project after a change: what was `changed` in the `file`, and how; None where they were only listed."""

    name: ClassVar[str] = "label"
    version: ClassVar[int] = 1

    file: str
    labels: tuple[Label, ...]
    change: Change | None = None
    changed: Label | None = None

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """None."""
        return ()

    @property
    def stats(self) -> dict[str, int]:
        """Counts by meaning."""
        return {"labels": len(self.labels), "incidents": sum(item.meaning == "incident" for item in self.labels)}

    def to_dict(self) -> LabelData:
        """Plain data."""
        return {"file": self.file, "change": self.change, "changed": self.changed, "labels": self.labels}

    def to_pandas(self) -> pd.DataFrame:
        """A row a label."""
        import pandas as pd

        rows = [(item.metric, segment_text(item.key), item.start, item.end, item.meaning, item.note) for item in self.labels]
        return pd.DataFrame(rows, columns=["metric", "segment", "start", "end", "as", "note"])

    def _repr_html_(self) -> str:
        from metricsctl.core.html import paragraph, table

        return table(("metric", "segment", "start", "end", "as", "note"), self.labels, _cells) or paragraph("no labels")


def _cells(item: Label) -> list[str | None]:
    return [item.metric, segment_text(item.key), item.start, item.end, item.meaning, item.note]


def labels_of(project: Project) -> LabelReport:
    """The labels of a project. DataError if their file cannot be read."""
    path = project.folder / LABELS_FILE
    return LabelReport(project.beside(LABELS_FILE), read_labels(path))


def add_label(
    project: Project, store: Path, what: str | Stretch, meaning: Meaning, note: str | None = None, folder: Path | None = None
) -> LabelReport:
    """Label an episode, by the id that `detect` gives it (or the beginning of it), or a stretch; a label of the same stretch is replaced.

    `folder` is where `detect` keeps what it found.

    Raises
    ------
    UnknownName
        No such episode, metric or dimension.
    UsageError
        A time that cannot be read, or no store.
    DataError
        A store or a file of labels that cannot be read or written.
    """
    path = project.folder / LABELS_FILE
    known = read_labels(path)
    made = _of_stretch(project, what, meaning) if isinstance(what, Stretch) else _of_episode(project, store, what, meaning, folder, known)
    made = replace(made, note=note)
    rest = tuple(item for item in known if item.place != made.place)
    labels = tuple(sorted((*rest, made), key=lambda item: (item.start_us, item.metric)))
    write_labels(path, labels)
    return LabelReport(project.beside(LABELS_FILE), labels, "added" if len(rest) == len(known) else "replaced", made)


def remove_label(project: Project, episode: str) -> LabelReport:
    """Take the label of an episode away again. UnknownName if there is none."""
    path = project.folder / LABELS_FILE
    known = read_labels(path)
    found = [item for item in known if item.episode is not None and item.episode.startswith(episode)]
    if len(found) != 1:
        raise UnknownName.of("labelled episode", episode, [item.episode for item in known if item.episode is not None])
    labels = tuple(item for item in known if item is not found[0])
    write_labels(path, labels)
    return LabelReport(project.beside(LABELS_FILE), labels, "removed", found[0])


def _of_episode(project: Project, store: Path, name: str, meaning: Meaning, folder: Path | None, known: tuple[Label, ...]) -> Label:
    labelled = next((item for item in known if item.episode == name), None)
    if labelled is not None:  # `detect` finds it no more
        return replace(labelled, meaning=meaning)
    episodes = known_episodes(project, store, folder).episodes
    found = [item for item in episodes if item.id.startswith(name)]
    if len(found) != 1:
        raise UnknownName.of("episode", name, [item.id for item in episodes])
    one = found[0]
    return Label(one.metric, dict(one.key), one.onset, one.end, meaning, one.id, None, one.onset_us, instant(one.end))


def _of_stretch(project: Project, what: Stretch, meaning: Meaning) -> Label:
    metric = project.metric(what.metric)
    zone = project.zone_of(metric)
    period = parse_period(what.since, what.until, zone, None)
    if period.since is None or period.until is None:
        raise UsageError("a stretch has a beginning and an end", hint="--since 2026-11-20T14:00 --until 2026-11-20T18:00")
    relations: list[Source | Model] = [*project.sources.values(), *project.models.values()]
    known = {*project.dimensions, *(ref.name for relation in relations for ref in relation.dimensions)}
    for name in what.key:
        if name not in known:
            raise UnknownName.of("dimension", name, sorted(known))
    start, end = period.since, period.until
    return Label(metric.name.name, dict(what.key), to_iso(start, zone), to_iso(end, zone), meaning, None, None, start, end)
