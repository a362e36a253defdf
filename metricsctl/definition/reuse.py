"""What two trees of definitions have in common is read once: the records of a file whose text is known."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from metricsctl.core.errors import MetricsctlError
from metricsctl.definition.project import Project, SourceFile
from metricsctl.definition.schema import SECTIONS, Model, Placed, Source

__all__ = ["Piece", "pieces_of"]


@dataclass(frozen=True, slots=True)
class Piece:
    """A file, and the records in it by section."""

    file: SourceFile
    records: tuple[tuple[str, Placed], ...]

    def holds(self, folder: Path, read: Callable[[Path], str]) -> bool:
        """Whether the SQL files that its models name say the same in another tree, where the file lies in `folder`."""
        for _, record in self.records:
            if isinstance(record, Model) and record.sql_file is not None and record.statement is not None:
                try:
                    if read(folder / record.sql_file) != record.statement.text:
                        return False
                except MetricsctlError:
                    return False
        return True


def pieces_of(project: Project) -> Mapping[str, Piece]:
    """The files of a project by their text: those that stand in it once and whole, with nothing left out and nothing defined twice."""
    if project.skipped or project.duplicates:
        return {}
    noted = {finding.span.path for finding in project.findings if finding.span is not None}
    records: dict[str, list[tuple[str, Placed]]] = {file.path: [] for file in project.files}
    for section, record in _records(project):
        if isinstance(record, Source) and record.implied:  # made of what several files say together
            return {}
        records[record.span.path].append((section, record))
    texts: dict[str, list[SourceFile]] = {}
    for file in (file for file in project.files if file.path not in noted):
        texts.setdefault(file.text, []).append(file)
    return {text: Piece(files[0], tuple(records[files[0].path])) for text, files in texts.items() if len(files) == 1}


def _records(project: Project) -> Iterator[tuple[str, Placed]]:
    for section in SECTIONS:
        for record in getattr(project, section).values():
            yield section, record
