"""`sample`: event files to a folder with some entities' events, whole."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from metricsctl.core.diagnostics import Diagnostic, Severity
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
        if len({file.path for file, _ in files}) < len(files):
            message = "events of several sources (`match:`) cannot be sampled at once"
            raise UsageError(message, hint="say --source S: only what that source declares as personal data is hashed then")
        with contextlib.closing(RowChooser(spool, chooser.salt, chooser.bound)) as rows:
            run = _Run(project, options, chooser, rows, spool)
            progress.start("sample", sum(file.path.stat().st_size for file, _ in files), "B")
            try:
                for file, source in files:
                    run.file(file, source, fresh, _target(file, source, [item for item, _ in files]))
                    progress.advance(file.path.stat().st_size)
            finally:
                progress.finish()
        return run.report(folder)


def _target(file: InputFile, source: str, files: Sequence[InputFile]) -> Path:
    """Where a sample lies in its folder: below its source, as the file lies below what all files have in common."""
    if file.spooled:
        return Path(source, f"stdin.{file.format}" + (".gz" if file.packed else ""))
    folders = [item.path.absolute().parent for item in files if not item.spooled]
    place = Path(source) / file.path.absolute().relative_to(os.path.commonpath(folders))
    return place.with_suffix(".gz") if place.suffix == ".zst" else place  # what is written compressed is gzipped


class _Run:
    """What is known of all files so far."""

    def __init__(self, project: Project, options: SampleOptions, chooser: Chooser, rows: RowChooser, spool: Path) -> None:
        self._project = project
        self._options = options
        self._chooser = chooser
        self._rows = rows
        self._spool = spool
        self._files: list[SampledFile] = []
        self._columns: dict[str, set[str]] = {}
        self._diagnostics: list[Diagnostic] = []

    def file(self, file: InputFile, source: str, fresh: Path, target: Path) -> None:
        """Sample one file of a source to `target` below the folder."""
        declared = self._project.sources[source]
        sampler = Sampler(self._chooser, Masker(self._chooser.salt, _hidden(declared)), self._rows, self._key(declared), self._spool)
        (fresh / target).parent.mkdir(parents=True, exist_ok=True)
        tally = sampler.sample(file, fresh / target)
        self._columns.setdefault(source, set()).update(tally.columns)
        self._diagnostics += tally.diagnostics
        self._note(file, tally)

        counts = (tally.rows, tally.kept, tally.without_key, tally.malformed)
        self._files.append(SampledFile(file.name, source, target.as_posix(), *counts))

    def _key(self, source: Source) -> str:
        """The column that holds the key in a source: that of the entity of this name, else the column of this name."""
        entity = source.entities.get(self._options.by)
        return self._options.by if entity is None else entity.name

    def _note(self, file: InputFile, tally: Tally) -> None:
        if tally.malformed:
            message = f"{file.name}: {tally.malformed:,} of {tally.rows:,} rows cannot be read and are left out"
            self._diagnostics.append(Diagnostic("malformed", Severity.WARNING, message))

    def report(self, folder: Path) -> SampleReport:
        """The whole run; UsageError if no row of a source has a key."""
        for source in self._columns:
            mine = [file for file in self._files if file.source == source]
            readable = sum(file.rows - file.malformed for file in mine)
            if readable and readable == sum(file.without_key for file in mine):
                key = self._key(self._project.sources[source])
                hint = f"name a column of '{source}', or sample its files apart"
                raise UsageError(f"no row of source '{source}' has a '{key}'", hint=hint)
        hashed = {source: tuple(sorted(_hidden(self._project.sources[source]))) for source in sorted(self._columns)}
        diagnostics = (*self._diagnostics, *self._undeclared())
        return SampleReport(
            str(folder),
            self._options.by,
            self._options.rate,
            {source: names for source, names in hashed.items() if names},
            tuple(self._files),
            diagnostics,
        )

    def _undeclared(self) -> Iterator[Diagnostic]:
        """Columns that nobody has said anything of may hold personal data too."""
        for source, found in sorted(self._columns.items()):
            known = {column.name.name.partition(".")[0] for column in self._project.sources[source].columns}
            unknown = sorted(found - known)
            if unknown:
                shown = ", ".join(unknown[:8]) + (f" and {len(unknown) - 8} more" if len(unknown) > 8 else "")
                message = f"source '{source}' does not declare {shown}: kept as they are"
                hint = "declare them with `pii: true` where they hold personal data"
                yield Diagnostic("undeclared", Severity.WARNING, message, self._project.sources[source].name.span, hint)


def _hidden(source: Source) -> Mapping[str, str]:
    """The columns with personal data, and their types."""
    return {column.name.name: column.type for column in source.columns if column.pii}
