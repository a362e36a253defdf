"""From two projects, the metrics that a change reaches, and sample events, to by how much each moves and the rows that show it."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

from metricsctl.core.progress import SILENT, Progress
from metricsctl.definition.project import Project
from metricsctl.definition.schema import Alias, Source
from metricsctl.diff.values import Proof
from metricsctl.impact.sample.generate import generated_rows
from metricsctl.impact.sample.moves import Comparison, Place
from metricsctl.impact.sample.near import Labelled
from metricsctl.impact.sample.report import Move, SampleDiff, Witness
from metricsctl.impact.sample.rows import files_of, read_source
from metricsctl.impact.sample.side import Side
from metricsctl.impact.sample.witness import Trials
from metricsctl.ingest.readers import InputFile

__all__ = ["sample_diff"]

_WITNESSES = 5  # that are looked for; each shows all metrics that its rows are enough for
_ROUNDS = (120, 120, 30, 12, 12, 6, 6, 6)  # rows of a source in each generated set: many meet every constant, few leave gaps


def sample_diff(
    base: Project, head: Project, label: str, affected: Mapping[str, str], paths: Sequence[str], *, progress: Progress = SILENT
) -> SampleDiff:
    """Run both versions of the affected metrics on the events at `paths`, or, without any, on rows made up from the columns' types.

    Parameters
    ----------
    label
        Names the base in messages.
    affected
        The metrics that a change reaches, by name, and why: nothing else is run.

    Raises
    ------
    UsageError
        A path that is not there, or a file that fits no source.
    DataError
        The sample lacks a column that either version reads, or cannot be read.
    ProjectError
        The engine refuses an expression of either version.
    """
    proof = Proof(base, head)
    known = {name: move for name, reason in affected.items() if (move := _known(base, head, proof, name, reason)) is not None}
    asked = [name for name in affected if name not in known and not _is_echo(head, name, affected)]
    with tempfile.TemporaryDirectory(prefix="metricsctl-sample-") as scratch:
        folder = Path(scratch)
        with Side(base, asked, folder / "base") as old, Side(head, asked, folder / "head") as new:
            run = _Run(base, head, label, Comparison(old, new), folder, progress)
            return run.diff(known, asked, paths, [name for name in affected if name in known or name in asked])


def _known(base: Project, head: Project, proof: Proof, name: str, reason: str) -> Move | None:
    """What is known of a metric without running it."""
    key = f"metric:{name}"
    if name not in head.all_metrics:
        return Move(key, name, "gone", reason=reason)
    if name not in base.all_metrics:
        return Move(key, name, "new", reason=reason)
    return Move(key, name, "proven-equal", reason=reason) if proof.same(key) else None


def _is_echo(head: Project, name: str, affected: Mapping[str, str]) -> bool:
    """Whether a metric is another name of one that is affected too."""
    metric = head.all_metrics[name]
    return isinstance(metric, Alias) and metric.alias_of.name in affected


class _Run:
    def __init__(self, base: Project, head: Project, label: str, comparison: Comparison, folder: Path, progress: Progress) -> None:
        self.base = base
        self.head = head
        self.label = label
        self.comparison = comparison
        self.folder = folder
        self.progress = progress

    @property
    def sides(self) -> tuple[Side, Side]:
        return self.comparison.base, self.comparison.head

    def diff(self, known: Mapping[str, Move], asked: Sequence[str], paths: Sequence[str], order: Iterable[str]) -> SampleDiff:
        moves = dict(known) | {name: move for name in asked if (move := self.uncomputed(name)) is not None}
        computed = [name for name in asked if name not in moves]
        sources = sorted(set().union(*(side.sources(name) for side in self.sides for name in computed)))
        files = {source: some for source, some in self.files(paths).items() if source in sources}
        rows: list[Labelled] = [
            (source, row) for source, some in files.items() for row in read_source(source, some, self.columns(source), self.folder)
        ]
        counts: dict[str, int] = {}
        rejected = 0
        moved: dict[str, list[Place]] = {}
        if paths:
            for name in computed:
                missing = sorted(set().union(*(side.sources(name) for side in self.sides)) - files.keys())
                if missing:
                    moves[name] = Move(f"metric:{name}", name, "no-data", reason=f"the sample has no events of {', '.join(missing)}")
            for side in self.sides:
                read, rejected = side.read({source: [str(file.path) for file in some] for source, some in files.items()})
                counts |= read
            sampled = [name for name in computed if name not in moves]
            places = self.comparison.places(sampled)
            moves |= {move.name: move for move in self.comparison.moves(sampled, places)}
            moved = {name: where for name, (where, _) in places.items() if where}
        witnesses, generated = self.witnesses(moved, [name for name in computed if name not in self.faults()], rows, sources)
        if not paths:
            moves |= {name: Move(f"metric:{name}", name, "moved") for name in computed if _shown(witnesses, name)}
        found = tuple(moves.get(name, Move(f"metric:{name}", name, "no-difference")) for name in order)
        return SampleDiff(dict(sorted(counts.items())), rejected, generated, found, tuple(witnesses))

    def uncomputed(self, name: str) -> Move | None:
        """A metric that one of the sides cannot compute."""
        reason = next((reason for side in self.sides if (reason := side.reason(name)) is not None), None)
        return None if reason is None else Move(f"metric:{name}", name, "not-computed", reason=reason)

    def files(self, paths: Sequence[str]) -> Mapping[str, list[InputFile]]:
        return files_of(paths, {**self.base.sources, **self.head.sources}) if paths else {}

    def columns(self, source: str) -> dict[str, str]:
        """The columns of a source that either version reads, and which."""
        old, new = self.sides
        found = dict.fromkeys(old.columns(source), f"the definitions at {self.label}")
        found |= dict.fromkeys(new.columns(source), "the new definitions")
        records = [project.sources[source] for project in (self.head, self.base) if source in project.sources]
        declared = dict.fromkeys(column.name.name for record in records for column in record.columns)
        return {name: found[name] for name in (*declared, *found) if name in found}

    def faults(self) -> set[str]:
        """The metrics that one of the sides could not compute for the sample."""
        return {name for side in self.sides for name in side.faults}

    # -- witnesses

    def witnesses(
        self, moved: Mapping[str, Sequence[Place]], computed: Sequence[str], rows: Sequence[Labelled], sources: Sequence[str]
    ) -> tuple[list[Witness], int]:
        """The smallest sets of rows found, and how many rows were made up for the metrics that the sample shows no difference of."""
        self.progress.start("looking for witnesses", len(computed), "metrics")
        trials, found = self.trials(self.comparison, sources), list[Witness]()
        for name, places in moved.items():
            if len(found) < _WITNESSES and not _shown(found, name):
                found += self.look(trials, name, rows, places, computed, "sample")
                self.progress.advance(sum(_shown(found, other) for other in computed))
        generated = 0
        for seed, size in enumerate(_ROUNDS):
            left = [name for name in computed if name not in moved and not _shown(found, name)]
            if not left or len(found) >= _WITNESSES:
                break
            made = [(source, row) for source in sources for row in self.generated(source, size, seed)]
            generated += len(made)
            differ = trials.differing(made, left)
            for name in [name for name in left if name in differ]:
                if len(found) < _WITNESSES and not _shown(found, name):
                    places = self.comparison.places([name]).get(name, ([], 0))[0] if trials.differing(made, [name]) else []
                    found += self.look(trials, name, made, places, computed, "generated")
        self.progress.finish()
        return found, generated

    def trials(self, comparison: Comparison, sources: Iterable[str]) -> Trials:
        project = dataclasses.replace(self.head, sources={**self.base.sources, **self.head.sources})
        return Trials(comparison, project, self.secret(sources), self.folder)

    def look(
        self,
        trials: Trials,
        name: str,
        rows: Sequence[Labelled],
        places: Sequence[Place],
        computed: Sequence[str],
        origin: Literal["sample", "generated"],
    ) -> list[Witness]:
        """The witness of one metric, if there is one; it is searched for with that metric alone, which is quicker."""
        with tempfile.TemporaryDirectory(dir=self.folder) as scratch:
            folder = Path(scratch)
            with Side(self.base, [name], folder / "base") as old, Side(self.head, [name], folder / "head") as new:
                few = self.trials(Comparison(old, new), trials.secret).search(name, rows, places)
        if few is None:
            return []
        witness = trials.witness(name, few, computed, origin)
        return [] if witness is None else [witness]

    def generated(self, source: str, size: int, seed: int) -> Iterator[Mapping[str, object]]:
        record = self.head.sources.get(source) or self.base.sources[source]
        projects = [side.project for side in self.sides]
        yield from generated_rows(projects, record, tuple(self.columns(source)), size, seed)

    def secret(self, sources: Iterable[str]) -> dict[str, frozenset[str]]:
        """The columns of personal data of each source, in either version."""
        records = [(name, project.sources[name]) for name in sources for project in (self.base, self.head) if name in project.sources]
        found: dict[str, frozenset[str]] = {}
        for name, record in records:
            found[name] = found.get(name, frozenset()) | _hidden(record)
        return found


def _shown(found: Iterable[Witness], name: str) -> bool:
    return any(name in witness.shows for witness in found)


def _hidden(record: Source) -> frozenset[str]:
    """The fields of a source that hold personal data; of a nested one all of the field that it is in."""
    names = [column.name.name for column in record.columns if column.pii]
    return frozenset([*names, *(name.partition(".")[0] for name in names)])
