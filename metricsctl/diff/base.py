"""Projects to compare: as of a commit of git, of its index, or of another folder."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from metricsctl.core.diagnostics import Diagnostic
from metricsctl.core.errors import ProjectError, UsageError
from metricsctl.definition.discover import SKIPPED_FOLDERS, belongs
from metricsctl.definition.load import load, load_tree
from metricsctl.definition.project import Project
from metricsctl.diff.git import INDEX, Commit, GitTree, base_commit, commit_of, find_repository, open_tree, renamed_into

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
    return load_commit(found, paths, check=check, keep=keep, like=like, head="" if head == "HEAD" else head)


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
    head: str | None = None,
) -> Base:
    """The project at `paths` as a commit has it, see `load_base`. ProjectError if its definitions are broken; it names the commit.

    Submodules are read at the commit that it asks of them. If it has nothing at the paths, files are taken that were moved there since,
    up to `head` ("" is the working tree; None: none are).
    """
    with contextlib.ExitStack() as stack:
        places = [path.resolve() for path in paths]
        trees = list(_trees(commit, places, stack))
        files = {file: text for tree in trees for path in places for file, text in _definitions(tree, path, keep).items()}
        if not files and head is not None:
            moved = [old for old, new in renamed_into(commit, head, places).items() if new.suffix in _SUFFIXES and keep(new)]
            files = {old: text for old in moved if belongs(text := trees[0].read(old))}
        project = load_tree(files, lambda path: _tree_of(trees, path).read(path), like=like)
    return Base(_checked(project, check, str(commit), f"{commit.ref}:"), str(commit))


def _trees(commit: Commit, places: Sequence[Path], stack: contextlib.ExitStack) -> Iterator[GitTree]:
    """The tree of a commit, and those of the submodules at some places that are checked out."""
    tree = stack.enter_context(open_tree(commit))
    yield tree
    found = {path: sha for place in places if place.is_relative_to(commit.top) for path, sha in tree.submodules(place).items()}
    for path, sha in found.items():
        if (path / ".git").exists():
            name = path.relative_to(commit.top).as_posix()
            try:
                below = replace(commit_of(path, sha), ref=f"{commit.ref} ({name})")
            except UsageError as error:
                message = f"submodule {name} lacks the commit that {commit} asks of it"
                raise UsageError(message, hint="git submodule update --init, or `git fetch` in it") from error
            yield from _trees(below, [path], stack)


def _tree_of(trees: Sequence[GitTree], path: Path) -> GitTree:
    """The innermost of the trees that a path lies in."""
    inside = [tree for tree in trees if path.is_relative_to(tree.commit.top)]
    return max(inside, key=lambda tree: len(tree.commit.top.parts), default=trees[0])


def repository_of(paths: Sequence[Path]) -> Path:
    """The top of the working tree in which definitions lie; UsageError if it is none."""
    return find_repository(paths[0] if paths[0].is_dir() else paths[0].parent)


def _definitions(tree: GitTree, path: Path, keep: Callable[[Path], bool]) -> dict[Path, str]:
    """The definition files at a path, as `definition_files` finds them in a folder."""
    found: dict[Path, str] = {}
    top = tree.commit.top
    start = path if path.is_relative_to(top) else top  # of a submodule, all of it
    if not start.is_relative_to(path):
        return found
    for file in tree.files(start):
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
