"""`sample`: event files to a folder with some entities' events, whole."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self

from metricsctl.core.diagnostics import Diagnostic, Severity, Span
from metricsctl.core.errors import UsageError
from metricsctl.core.folders import fresh_folder
from metricsctl.core.progress import SILENT, Progress
from metricsctl.definition.project import Project
from metricsctl.definition.schema import Source
from metricsctl.engine.duckdb.sampling import RowChooser
from metricsctl.ingest.assign import assign
from metricsctl.ingest.readers import InputFile, discover
from metricsctl.ingest.sampling.choose import Chooser
from metricsctl.ingest.sampling.files import Sampler, Tally
from metricsctl.ingest.sampling.mask import Masker
from metricsctl.ingest.sampling.report import SampledFile, SampleReport

__all__ = ["SampleOptions", "sample"]


@dataclass(frozen=True, slots=True)
class SampleOptions:
    """How to sample: by a column or an entity, the share (0 < `rate` <= 1) of its keys that is kept, and what seeds the choice.

    `seed` also salts the hashes of personal data: where these must withstand guessing, it has to be secret.
    """

    by: str
    rate: float
    seed: str = "0"
    source: str | None = None


def sample(
    project: Project,
    paths: Sequence[str],
    folder: Path,
    options: SampleOptions,
    *,
    stdin: BinaryIO | None = None,
    progress: Progress = SILENT,
) -> SampleReport:
    """Write the events of some entities to `folder`, all events of each: distinct counts, sessions and joins on the entity survive.

    A row is kept if the hash of its key is small, so runs agree, however the files are cut. Rows without a key are drawn one by one.
    Columns that the source declares as personal data are hashed. The files keep format and compression, below a folder for each source.

    Raises
    ------
    UsageError
        A path, source or column that is not there, or a folder that is not empty.
    DataError
        A file that cannot be read, or a disk that is full; nothing is left behind.
    """
    chooser = Chooser(options.seed, options.rate)
    with tempfile.TemporaryDirectory(prefix="metricsctl-") as scratch, fresh_folder(folder) as fresh:
        spool = Path(scratch)
        files = assign(discover(list(paths), stdin=stdin, spool_dir=spool), project.sources, options.source)
        streams: dict[Path, tuple[InputFile, list[Source]]] = {}
        for file, source in files:
            streams.setdefault(file.path, (file, []))[1].append(project.sources[source])
        with contextlib.closing(RowChooser(spool, chooser.salt, chooser.bound)) as rows:
            run = _Run(options, chooser, rows, spool)
            progress.start("sample", sum(file.path.stat().st_size for file, _ in streams.values()), "B")
            try:
                for file, sources in streams.values():
                    stream = _Stream.of(sources, options.by)
                    run.file(file, stream, fresh, _target(file, stream.folder, [item for item, _ in streams.values()]))
                    progress.advance(file.path.stat().st_size)
            finally:
                progress.finish()
        return run.report(folder)


def _target(file: InputFile, folder: str, files: Sequence[InputFile]) -> Path:
    """Where a sample lies: in the folder of its source, as the file lies below what all files have in common."""
    if file.spooled:
        return Path(folder, f"stdin.{file.format}" + (".gz" if file.packed else ""))
    folders = [item.path.absolute().parent for item in files if not item.spooled]
    place = Path(folder) / file.path.absolute().relative_to(os.path.commonpath(folders))
    return place.with_suffix(".gz") if place.suffix == ".zst" else place  # what is written compressed is gzipped


@dataclass(frozen=True, slots=True)
class _Stream:
    """The sources that a file's rows are of: one, or those of a mixed stream (`match:`), whose rows are then masked for all of them."""

    name: str
    folder: str
    key: str
    hidden: Mapping[str, str]
    declared: frozenset[str]
    span: Span

    @classmethod
    def of(cls, sources: Sequence[Source], by: str) -> Self:
        """The stream of some sources; UsageError if their keys or the types of their personal data are not the same."""
        keys = {entity.name if (entity := source.entities.get(by)) is not None else by for source in sources}
        hidden: dict[str, str] = {}
        for column in (column for source in sources for column in source.columns if column.pii):
            if hidden.setdefault(column.name.name, column.type) != column.type:
                message = f"the sources of a mixed stream do not agree on the type of '{column.name}'"
                raise UsageError(message, hint="give it the same type in all of them", span=column.name.span)
        if len(keys) > 1:
            message = f"'{by}' is another column in each source of a mixed stream: {', '.join(sorted(keys))}"
            raise UsageError(message, hint="name one column that all of them have")
        names = [source.name.name for source in sources]
        declared = frozenset(column.name.name.partition(".")[0] for source in sources for column in source.columns)
        told = frozenset(name.partition(".")[0] for source in sources for name in source.match)
        folder = names[0] if len(names) == 1 else "mixed"
        return cls(", ".join(names), folder, keys.pop(), hidden, declared | told, sources[0].name.span)


class _Run:
    """What is known of all files so far."""

    def __init__(self, options: SampleOptions, chooser: Chooser, rows: RowChooser, spool: Path) -> None:
        self._options = options
        self._chooser = chooser
        self._rows = rows
        self._spool = spool
        self._files: list[SampledFile] = []
        self._streams: dict[str, _Stream] = {}
        self._columns: dict[str, set[str]] = {}
        self._diagnostics: list[Diagnostic] = []

    def file(self, file: InputFile, stream: _Stream, fresh: Path, target: Path) -> None:
        """Sample one file to `target` below the folder."""
        sampler = Sampler(self._chooser, Masker(self._chooser.salt, stream.hidden), self._rows, stream.key, self._spool)
        (fresh / target).parent.mkdir(parents=True, exist_ok=True)
        tally = sampler.sample(file, fresh / target)
        self._streams[stream.name] = stream
        self._columns.setdefault(stream.name, set()).update(tally.columns)
        self._diagnostics += tally.diagnostics
        self._note(file, tally)
        counts = (tally.rows, tally.kept, tally.without_key, tally.malformed)
        self._files.append(SampledFile(file.name, stream.name, target.as_posix(), *counts))

    def _note(self, file: InputFile, tally: Tally) -> None:
        if tally.malformed:
            message = f"{file.name}: {tally.malformed:,} of {tally.rows:,} rows cannot be read and are left out"
            self._diagnostics.append(Diagnostic("malformed", Severity.WARNING, message))

    def report(self, folder: Path) -> SampleReport:
        """The whole run; UsageError if no row of a source has a key."""
        for name, stream in self._streams.items():
            mine = [file for file in self._files if file.source == name]
            readable = sum(file.rows - file.malformed for file in mine)
            if readable and readable == sum(file.without_key for file in mine):
                hint = f"name a column of '{name}', or sample its files apart"
                raise UsageError(f"no row of source '{name}' has a '{stream.key}'", hint=hint)
        hashed = {name: tuple(sorted(stream.hidden)) for name, stream in sorted(self._streams.items()) if stream.hidden}
        diagnostics = (*self._diagnostics, *self._undeclared())
        return SampleReport(str(folder), self._options.by, self._options.rate, hashed, tuple(self._files), diagnostics)

    def _undeclared(self) -> Iterator[Diagnostic]:
        """Columns that nobody has said anything of may hold personal data too."""
        for name, found in sorted(self._columns.items()):
            stream = self._streams[name]
            unknown = sorted(found - stream.declared)
            if unknown:
                shown = ", ".join(unknown[:8]) + (f" and {len(unknown) - 8} more" if len(unknown) > 8 else "")
                message = f"source '{name}' does not declare {shown}: kept as they are"
                hint = "declare them with `pii: true` where they hold personal data"
                yield Diagnostic("undeclared", Severity.WARNING, message, stream.span, hint)
