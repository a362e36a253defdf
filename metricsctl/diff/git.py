"""Reading a commit of git without a checkout: which one is the base, which files it has, what stands in them."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from metricsctl.core.errors import DataError, UsageError
from metricsctl.core.names import nearest

__all__ = ["INDEX", "Commit", "GitTree", "Step", "base_commit", "commit_of", "find_repository", "history", "open_tree", "steps"]

INDEX = ":index"
"""The name of what `git add` has staged, where a commit may be named."""

# a hook sets these for the repository it runs in; ours is found from the folder
_ELSEWHERE = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR")


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit of the repository whose working tree is `top`, or its index (`sha` is empty); `ref` is what was asked for."""

    top: Path
    ref: str
    sha: str

    def __str__(self) -> str:
        """As in "main (3f1c9ab)"."""
        if not self.sha:
            return "the index"
        return self.ref if self.sha.startswith(self.ref) else f"{self.ref} ({self.sha[:7]})"


@dataclass(frozen=True, slots=True)
class Step:
    """A commit with its first parent (None for the first of all), when it was made (seconds since 1970), by whom, and its title."""

    commit: Commit
    parent: Commit | None
    time: int
    author: str
    title: str


def _environment(index: Path | None = None) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in _ELSEWHERE}
    staged = {} if index is None else {"GIT_INDEX_FILE": str(index)}
    return kept | staged | {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}


def _index_of(top: Path) -> Path | None:
    """The index that a hook of this very repository is asked about: `git commit -a` has one of its own."""
    said = os.environ.get("GIT_INDEX_FILE")
    folder = _line(_git(top, "rev-parse", "--absolute-git-dir"))
    if not said or folder is None:
        return None
    found = Path(said).resolve()
    return found if found.is_relative_to(Path(folder).resolve()) else None


def _program() -> str:
    found = shutil.which("git")
    if found is None:
        raise UsageError("git is not installed", hint="install git, or compare with a folder: --base DIR")
    return found


def _git(folder: Path, *arguments: str, index: Path | None = None) -> subprocess.CompletedProcess[bytes]:
    command = [_program(), "-C", str(folder), *arguments]
    return subprocess.run(command, env=_environment(index), capture_output=True, check=False)  # noqa: S603 - a ref never begins with a dash


def _line(done: subprocess.CompletedProcess[bytes]) -> str | None:
    """The first line of what git printed; None if it failed."""
    if done.returncode:
        return None
    return (done.stdout.decode("utf-8", "replace").splitlines() or [""])[0]


def find_repository(folder: Path) -> Path:
    """The top of the working tree that a folder lies in; UsageError if it lies in none."""
    done = _git(folder, "rev-parse", "--show-toplevel")
    top = _line(done)
    if top:
        return Path(top).resolve()
    said = done.stderr.decode("utf-8", "replace").strip().splitlines()
    if _line(_git(folder, "rev-parse", "--is-bare-repository")) == "true":
        raise UsageError(f"{folder} is a bare repository, which has no working tree", hint="work in a clone of it")
    if said and "not a git repository" not in said[0]:
        raise UsageError(f"git cannot read {folder}: {said[0].removeprefix('fatal: ')}")
    raise UsageError(f"not a git repository: {folder}", hint="compare with a folder instead: --base DIR")


def _commit_of(top: Path, ref: str) -> str | None:
    return None if ref.startswith("-") else _line(_git(top, "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}"))


def _is_shallow(top: Path) -> bool:
    return _line(_git(top, "rev-parse", "--is-shallow-repository")) == "true"


def _unknown(top: Path, ref: str) -> UsageError:
    if _is_shallow(top):
        hint = "the clone is shallow: run `git fetch --unshallow origin`, or check out with `fetch-depth: 0`"
        return UsageError(f"unknown git ref '{ref}'", hint=hint, code="unknown-ref")
    known = _git(top, "for-each-ref", "--format=%(refname:short)").stdout.decode("utf-8", "replace").split()
    if not known and _commit_of(top, "HEAD") is None:
        message = f"unknown git ref '{ref}': the repository has no commit yet"
        return UsageError(message, hint="commit first, or compare with a folder: --base DIR", code="unknown-ref")
    hint = nearest(ref, known) or "there are no branches or tags yet"
    return UsageError(f"unknown git ref '{ref}'", hint=hint, code="unknown-ref")


def commit_of(top: Path, ref: str) -> Commit:
    """The commit that `ref` names, or the index. UsageError if there is none."""
    if ref == INDEX:
        return Commit(top, ref, "")
    sha = _commit_of(top, ref)
    if sha is None:
        raise _unknown(top, ref)
    return Commit(top, ref, sha)


def history(top: Path, since: str, paths: Sequence[Path]) -> list[tuple[Commit, Commit]]:
    """Each commit that touched the paths since a date (as git reads it), oldest first, and its first parent; merges count as one step."""
    found = steps(top, paths, since=since)
    return [(step.commit, step.parent) for step in reversed(found) if step.parent is not None]


def steps(top: Path, paths: Sequence[Path], *, since: str, until: str | None = None, most: int | None = None) -> list[Step]:
    """The commits that touched the paths between two dates (as git reads them), the latest first; merges count as one step."""
    where = [Path(os.path.relpath(path, top)).as_posix() for path in paths]
    limits = [f"--since={since}", *([f"--until={until}"] if until else []), *([f"-n{most}"] if most else [])]
    done = _git(top, "log", "--first-parent", "--format=%H%x1f%P%x1f%ct%x1f%an%x1f%s", *limits, "HEAD", "--", *where)
    if done.returncode:
        if _commit_of(top, "HEAD") is None:
            raise UsageError("the repository has no commit yet", hint="there is no history to look at")
        raise UsageError(f"git cannot read the history: {done.stderr.decode('utf-8', 'replace').strip()}")
    lines = (line.split("\x1f", 4) for line in done.stdout.decode("utf-8", "replace").split("\n") if line)
    return [
        Step(Commit(top, sha[:10], sha), Commit(top, parents[:10], parents.split()[0]) if parents else None, int(time), author, title)
        for sha, parents, time, author, title in lines
    ]


def base_commit(top: Path, ref: str, head: str = "HEAD") -> Commit:
    """The commit in which `ref` and `head` part, their merge base.

    UsageError if the ref is not known, or if there is none: unrelated histories, a shallow clone that lacks it, no commit yet.
    """
    sha = _commit_of(top, ref)
    if sha is None:
        raise _unknown(top, ref)
    if _commit_of(top, head) is None:
        raise UsageError("the repository has no commit that is checked out", hint="commit first, or compare with a folder: --base DIR")
    base = _line(_git(top, "merge-base", sha, head))
    if base:
        return Commit(top, ref, base)
    if _is_shallow(top):
        hint = "run `git fetch --unshallow`, or check out with `fetch-depth: 0`"
        raise UsageError(f"the clone is shallow and lacks the merge base of {ref} and {head}", hint=hint, code="shallow-clone")
    raise UsageError(f"{ref} and {head} have no commit in common", hint="compare with a folder instead: --base DIR")


def renamed_into(commit: Commit, head: str, paths: Sequence[Path]) -> dict[Path, Path]:
    """What stands at paths now and stood elsewhere in a commit: the new place by the old, as git finds renames between it and `head`.

    `head` is a commit or the index; "" is the working tree, of which git knows what was added.
    """
    sides = {"": (commit.sha,), INDEX: ("--cached", commit.sha)}.get(head, (commit.sha, head))
    done = _git(commit.top, "diff", "--name-status", "-z", "--find-renames", "--diff-filter=R", *sides)
    words = done.stdout.decode("utf-8", "surrogateescape").split("\0") if not done.returncode else []
    found = {}
    for place in range(0, len(words) - 2, 3):
        old, new = (commit.top / name for name in words[place + 1 : place + 3])
        if any(new.is_relative_to(path) for path in paths):
            found[old] = new
    return found


class GitTree:
    """The files of a commit. Made by `open_tree`, which also ends the process that reads them."""

    def __init__(self, commit: Commit, stdin: IO[bytes], stdout: IO[bytes]) -> None:
        self.commit = commit
        self.staged = None if commit.sha else _index_of(commit.top)
        self._stdin = stdin
        self._stdout = stdout

    def files(self, folder: Path) -> list[Path]:
        """The paths (absolute) of all plain files at or below a path, by name; none if the commit does not have it."""
        return list(self.blobs(folder))

    def blobs(self, folder: Path) -> dict[Path, str]:
        """The same, each with the id of its content."""
        return self._entries(folder, "100")

    def submodules(self, folder: Path) -> dict[Path, str]:
        """The paths (absolute) of the submodules at or below a path, each with the commit that is asked of it."""
        return self._entries(folder, "160")

    def _entries(self, folder: Path, mode: str) -> dict[Path, str]:
        """What is of a mode that begins so."""
        relative = self._relative(folder)
        where = [relative] if relative != "." else []
        index = not self.commit.sha
        listing = ("ls-files", "-s", "-z", "--full-name") if index else ("ls-tree", "-r", "-z", "--full-tree", self.commit.sha)
        done = _git(self.commit.top, *listing, "--", *where, index=self.staged)
        if done.returncode:
            raise UsageError(f"git cannot list {self.commit}: {done.stderr.decode('utf-8', 'replace').strip()}")
        entries = (entry.split("\t", 1) for entry in done.stdout.decode("utf-8", "surrogateescape").split("\0") if entry)
        return {self.commit.top / name: head.split()[1 if index else 2] for head, name in entries if head.startswith(mode)}

    def read(self, path: Path) -> str:
        """The text of a file; UsageError if the commit does not have it, DataError if it is not UTF-8."""
        name = self._relative(path)
        self._stdin.write(f"{self.commit.sha}:{name}\n".encode("utf-8", "surrogateescape"))
        self._stdin.flush()
        head = self._stdout.readline().decode("utf-8", "replace").split()
        if len(head) != 3 or not head[2].isdigit():
            raise UsageError(f"{name}: no such file in {self.commit}")
        raw = self._stdout.read(int(head[2]) + 1)[:-1]
        if head[1] != "blob":
            raise UsageError(f"{name}: no file in {self.commit}")
        try:
            return raw.decode("utf-8-sig").replace("\r\n", "\n")
        except UnicodeDecodeError as error:
            line = raw.count(b"\n", 0, error.start) + 1
            hint = "save the file as UTF-8; if it is none of the definitions, leave it out: `exclude` in metricsctl.toml"
            raise DataError(f"{name}:{line}: not UTF-8 text in {self.commit}", hint=hint) from error

    def _relative(self, path: Path) -> str:
        found = os.path.relpath(os.path.normpath(path), self.commit.top)
        if found.startswith(".."):
            raise UsageError(f"{path} lies outside of the git repository {self.commit.top}", hint="compare with a folder: --base DIR")
        return Path(found).as_posix()


@contextlib.contextmanager
def open_tree(commit: Commit) -> Iterator[GitTree]:
    """The files of a commit, read by one process of git as they are asked for."""
    command = [_program(), "-C", str(commit.top), "cat-file", "--batch"]
    environment = _environment(None if commit.sha else _index_of(commit.top))
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:  # noqa: S603
        assert process.stdin is not None  # noqa: S101 - for the type checker
        assert process.stdout is not None  # noqa: S101
        yield GitTree(commit, process.stdin, process.stdout)
