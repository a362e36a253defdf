"""Projects to compare: as of a commit of git, of its index, or of another folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from metricsctl.core.diagnostics import Diagnostic
from metricsctl.core.errors import ProjectError, UsageError
from metricsctl.definition.discover import SKIPPED_FOLDERS, belongs
from metricsctl.definition.load import load, load_tree
from metricsctl.definition.project import Project
from metricsctl.diff.git import INDEX, Commit, GitTree, base_commit, commit_of, find_repository, open_tree

__all__ = ["Base", "load_base", "load_commit", "load_head", "repository_of", "resolve"]

_SUFFIXES = {".yml", ".yaml"}


@dataclass(frozen=True)
class Base:
    """A project to compare with; `label` says which one, as in "main (3f1c9ab)"."""

    project: Project
    label: str


def load_base(
    base: str,
    paths: Sequence[Path],
    *,
    check: Callable[[Project], Project],
    keep: Callable[[Path], bool] = lambda _: True,
    head: str = "HEAD",
    like: Project | None = None,
) -> Base:
    """The project at `paths` as it was at a git ref (its merge base with HEAD), or the one in the folder `base`.

    Parameters
    ----------
    base
        A git ref, or a folder; a ref is tried first.
    paths
        Where the definitions lie in the working tree; what the commit does not have there is not in the base.
    check
        Raises ProjectError for a project that cannot be worked with; the error then names the base.
    keep
        Whether a file belongs to the project, as the configuration's `exclude` says.
    head
        The commit from which the base is sought; the working tree, and the index, stand on HEAD.
    like
        A project most of whose files are the same, which then need not be read again.

    Raises UsageError: not a repository, unknown ref, no merge base; ProjectError: the base's definitions are broken.
    """
    found = resolve(base, paths, "HEAD" if head == INDEX else head)
    if isinstance(found, Path):
        return Base(_checked(load([found], like=like), check, base), base)
    return load_commit(found, paths, check=check, keep=keep, like=like)


def resolve(base: str, paths: Sequence[Path], head: str = "HEAD") -> Commit | Path:
    """What a base means: the commit in which the ref and `head` part, else a folder of that name; errors as in `load_base`."""
    try:
        return base_commit(repository_of(paths), base, head)
    except UsageError as error:
        folder = Path(base)
        if not folder.is_dir() or error.code == "shallow-clone":
            raise
        return folder


def load_head(
    head: str, paths: Sequence[Path], *, check: Callable[[Project], Project], keep: Callable[[Path], bool] = lambda _: True
) -> Project:
    """The project at `paths` as a commit has it, or the index (":index"); errors as in `load_base`."""
    return load_commit(commit_of(repository_of(paths), head), paths, check=check, keep=keep).project


def load_commit(
    commit: Commit,
    paths: Sequence[Path],
    *,
    check: Callable[[Project], Project],
    keep: Callable[[Path], bool] = lambda _: True,
    like: Project | None = None,
) -> Base:
    """The project at `paths` as a commit has it, see `load_base`. ProjectError if its definitions are broken; it names the commit."""
    with open_tree(commit) as tree:
        files = {file: text for path in paths for file, text in _definitions(tree, path.resolve(), keep).items()}
        project = load_tree(files, tree.read, like=like)
    return Base(_checked(project, check, str(commit), f"{commit.ref}:"), str(commit))


def repository_of(paths: Sequence[Path]) -> Path:
    """The top of the working tree in which definitions lie; UsageError if it is none."""
    return find_repository(paths[0] if paths[0].is_dir() else paths[0].parent)


def _definitions(tree: GitTree, path: Path, keep: Callable[[Path], bool]) -> dict[Path, str]:
    """The definition files at a path, as `definition_files` finds them in a folder."""
    found = {}
    for file in tree.files(path):
        named = file == path
        if not named and (file.suffix not in _SUFFIXES or _hidden(file.relative_to(path)) or not keep(file)):
            continue
        text = tree.read(file)
        if named or belongs(text):
            found[file] = text
    return found


def _hidden(relative: Path) -> bool:
    return any(part.startswith(".") for part in relative.parts) or any(part in SKIPPED_FOLDERS for part in relative.parts[:-1])


def _checked(project: Project, check: Callable[[Project], Project], label: str, prefix: str = "") -> Project:
    try:
        return check(project)
    except ProjectError as error:
        found = tuple(_moved(item, prefix) for item in error.diagnostics)
        what = "1 error" if len(found) == 1 else f"{len(found)} errors"
        message = f"the definitions at {label} have {what}"
        raise ProjectError(message, diagnostics=found, hint="compare with a base whose definitions are in order") from error


def _moved(item: Diagnostic, prefix: str) -> Diagnostic:
    """A finding whose place is in the base, not in the file that now has that name."""
    return item if item.span is None else replace(item, span=replace(item.span, path=f"{prefix}{item.span.path}"))
