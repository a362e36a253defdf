"""The git history of the playground's definitions: the same commits each time, whatever the user's git is set to."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from metricsctl.core.errors import UsageError

__all__ = ["COMMITS", "OPEN_CHANGE", "Commit", "Edit", "find_git", "write_history"]


@dataclass(frozen=True, slots=True)
class Edit:
    """A place of a file, before and after."""

    file: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit: the files that it brings, and the edits that it makes to files of earlier ones."""

    time: str
    author: str
    message: str
    files: tuple[str, ...] = ()
    edits: tuple[Edit, ...] = ()


COMMITS = (
    Commit(
        "2026-09-01T09:00:00+00:00",
        "Jonas",
        "Ads: what is shown, what is clicked",
        (".gitignore", "README.md", "metricsctl.toml", "metrics/dimensions.yml", "metrics/ads.yml"),
    ),
    Commit("2026-09-08T13:30:00+00:00", "Mara", "Payments: orders, revenue, refunds", ("metrics/payments.yml", "models/paid_orders.sql")),
    Commit("2026-09-15T10:10:00+00:00", "Ines", "Numbers across teams, and who looks at them", ("metrics/company.yml",)),
    Commit(
        "2026-09-22T15:45:00+00:00",
        "Jonas",
        "SLO of the ads: 0.15 was too easy",
        edits=(Edit("metrics/company.yml", "objective: 0.15", "objective: 0.2"),),
    ),
)

# not committed: what `metricsctl impact --base main` is asked about
OPEN_CHANGE = (
    Edit("models/paid_orders.sql", "status = 'paid'", "status IN ('paid', 'refunded')"),
    Edit("metrics/ads.yml", "Share of the ads shown that were clicked.", "Clicks for each ad shown."),
)


def find_git() -> str:
    """The git program; UsageError if there is none."""
    found = shutil.which("git")
    if found is None:
        raise UsageError("git is not installed: the playground has a history of its definitions", hint="install git, then run again")
    return found


def write_history(git: str, folder: Path, texts: Mapping[str, str]) -> None:
    """Write the definitions `texts` (name -> text as of the last commit) with their commits, and the open change on top."""
    texts = dict(texts)
    for edit in (edit for commit in COMMITS for edit in commit.edits):
        texts[edit.file] = _replaced(texts[edit.file], edit.after, edit.before)
    _git(git, folder, "init", "--quiet", "--template=")
    _git(git, folder, "symbolic-ref", "HEAD", "refs/heads/main")  # `init -b` is missing from git before 2.28
    for commit in COMMITS:
        for name in commit.files:
            _put(folder / name, texts[name])
        _apply(folder, commit.edits)
        _git(git, folder, "add", "--", *commit.files, *(edit.file for edit in commit.edits))
        _git(git, folder, "commit", "--quiet", "--no-verify", "-m", commit.message, author=commit.author, time=commit.time)
    _apply(folder, OPEN_CHANGE)


def _apply(folder: Path, edits: tuple[Edit, ...]) -> None:
    for edit in edits:
        path = folder / edit.file
        _put(path, _replaced(path.read_text(encoding="utf-8"), edit.before, edit.after))


def _replaced(text: str, before: str, after: str) -> str:
    if text.count(before) != 1:
        raise ValueError(f"'{before}' does not stand there once")
    return text.replace(before, after)


def _put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")


def _git(git: str, folder: Path, *arguments: str, author: str = "", time: str = "") -> None:
    """Run git without the user's settings, hooks, or the variables of a git that we may run inside of."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    nowhere = str(folder / ".git" / "no-settings")  # works with git before 2.32 too, which knows no GIT_CONFIG_GLOBAL
    environment |= {"HOME": nowhere, "XDG_CONFIG_HOME": nowhere, "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0"}
    for role in ("AUTHOR", "COMMITTER"):
        environment |= {f"GIT_{role}_NAME": author, f"GIT_{role}_EMAIL": f"{author.lower()}@shop.example", f"GIT_{role}_DATE": time}
    command = [git, "-c", "core.autocrlf=false", "-c", "commit.gpgsign=false", "-C", str(folder), *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - no text of the user's
    if done.returncode:
        why = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise UsageError(f"git {arguments[0]} in {folder}: {why}", hint="is this git older than 2.20, or the folder read-only?")
