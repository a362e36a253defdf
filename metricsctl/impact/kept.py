"""Reports of differences kept by the content of both sides, so that the same question is answered at once."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from metricsctl.core.errors import UsageError
from metricsctl.core.kept import Kept, digest, program
from metricsctl.core.revive import bare, revive
from metricsctl.definition.project import Project
from metricsctl.diff.base import resolve
from metricsctl.diff.git import INDEX, Commit, commit_of, open_tree
from metricsctl.impact.report import ImpactReport
from metricsctl.impact.run import Options
from metricsctl.lineage.kept import content_key

__all__ = ["Question", "answered"]


@dataclass(frozen=True)
class Question:
    """A difference that is asked about: `keep` says whether a file belongs to the project, `options` what else is asked."""

    paths: Sequence[Path]
    base: str
    head: str | None
    options: Options
    keep: Callable[[Path], bool]


def answered(question: Question, folder: Path | None, work: Callable[[], tuple[ImpactReport, Sequence[Project]]]) -> ImpactReport:
    """The report on a question: out of `folder` if it is kept there, else what `work` gives, with the projects that it read."""
    if folder is None:
        return work()[0]
    store, key = Kept(folder, "impact"), digest(_parts(question))
    data = store.get(key)
    if data is not None:
        with contextlib.suppress(KeyError, TypeError, ValueError):
            return revive(ImpactReport, data)
    report, projects = work()
    store.put(key, bare(report), [file for project in projects for file in project.sql_files])
    return report


def _parts(question: Question) -> Iterator[str]:
    """All that the answer depends on, but for files with SQL in the working tree."""
    yield from (program(), str(Path.cwd()))  # by which other paths are shown
    options = question.options
    usage: Mapping[str, float] = dict(sorted(options.usage.items()))
    yield repr((options.why, options.why_not, usage, options.k, options.min_coverage, options.fail_on))
    head = None if question.head is None else commit_of_paths(question.paths, question.head)
    if head is None:
        yield content_key(question.paths, question.keep)
    else:
        yield from _tree(head, question)
    base = resolve(question.base, question.paths, "HEAD" if question.head in {None, INDEX} else str(question.head))
    yield question.base
    if isinstance(base, Commit):
        yield from _tree(base, question)
    else:
        yield content_key([base], lambda _: True)


def commit_of_paths(paths: Sequence[Path], ref: str) -> Commit:
    """The commit, or the index, that a ref names in the repository of some paths."""
    from metricsctl.diff.base import repository_of

    return commit_of(repository_of(paths), ref)


def _tree(commit: Commit, question: Question) -> Iterator[str]:
    """The content of a commit at the paths, SQL files among it: ids are of the content."""
    yield str(commit)
    with open_tree(commit) as tree:
        for path in question.paths:
            folder = path.resolve() if path.is_dir() else path.resolve().parent
            try:
                yield from (f"{file}:{sha}:{question.keep(file)}" for file, sha in tree.blobs(folder).items())
                yield from (f"submodule {path}:{sha}" for path, sha in tree.submodules(folder).items())
            except UsageError:
                yield "nothing"
