"""From the options of `lint` to a session over the right files."""

from __future__ import annotations

import contextlib
import gc
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from metricsctl.cli.config import Config
from metricsctl.cli.project import Location, is_excluded, locate
from metricsctl.core.errors import DataError, UsageError

if TYPE_CHECKING:
    from metricsctl.lint.report import LintReport
    from metricsctl.lint.session import Session
    from metricsctl.lint.settings import Settings

__all__ = ["Asked", "session_of", "without_collection"]

_STDIN = Path("-")


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line asks for."""

    paths: tuple[Path, ...] = ()
    project: Path | None = None
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    max_depth: int | None = None
    base: str | None = None
    changed_since: str | None = None
    known: Path | None = None
    stdin_filename: Path | None = None
    cached: bool = True


@contextlib.contextmanager
def without_collection() -> Iterator[None]:
    """Let no cyclic garbage be looked for: a fifth of the time of reading a large project, and what is read is kept anyway."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def session_of(asked: Asked) -> tuple[Session, Config]:
    """The session and the configuration; what came over stdin is among the session's drafts."""
    from metricsctl.definition.discover import folder_of
    from metricsctl.lint.cache import Cache
    from metricsctl.lint.session import Session

    if asked.paths and asked.project is not None:
        raise UsageError("both PATH and --project are given", hint="name the definitions once")
    location = _location(asked)
    config = location.config
    files, others = _files(location)
    drafts: dict[Path, str] = {}
    if asked.stdin_filename is not None or asked.paths == (_STDIN,):
        path = (asked.stdin_filename or _STDIN).resolve()
        drafts[path] = _stdin()
        files[path] = drafts[path].removeprefix("\ufeff").replace("\r\n", "\n")
    rules = (tuple(asked.select or config.get("lint.select")), tuple(asked.ignore or config.get("lint.ignore")))
    session = Session(
        files,
        others,
        rules,
        Path.cwd().resolve(),
        _settings(asked, config),
        drafts=drafts,
        folder=folder_of(location.paths) if location.paths else None,
    )
    if asked.cached and not drafts:
        folder = config.get("lint.cache")
        session.cache = Cache(config.path(folder) if folder else location.folder / ".metricsctl" / "cache")
    _compare(session, asked, location)
    session.keep = tuple(_filters(session, asked, location))
    return session, config


def _location(asked: Asked) -> Location:
    """The project; for stdin that of the file it is a draft of, for paths the paths with the configuration that holds here."""
    if asked.stdin_filename is not None:
        from metricsctl.cli.config import load_config
        from metricsctl.definition.discover import find_project

        folder = asked.stdin_filename.resolve().parent
        if not folder.is_dir():
            return Location((), Path.cwd(), load_config())
        config = load_config(folder)
        configured = config.get("project")
        paths = tuple(config.path(item) for item in configured) if configured else (find_project(config.folder or folder),)
        return Location(paths, config.folder or folder, config)
    if asked.paths == (_STDIN,):
        return Location((), Path.cwd(), locate(None).config)
    location = locate(asked.project)
    if not asked.paths:
        return location
    first = asked.paths[0]
    return Location(asked.paths, first if first.is_dir() else first.parent, location.config)


def _files(location: Location) -> tuple[dict[Path, str], int]:
    """The texts of the definition files, and how many YAML files are none."""
    from metricsctl.definition.discover import definition_files

    if not location.paths:
        return {}, 0
    found, others = definition_files(location.paths)
    globs, base = location.config.get("exclude"), location.config.folder or Path.cwd()
    kept = {file: text for file, text in found if not globs or not is_excluded(file, base, globs)}
    return kept, others + len(found) - len(kept)


def _stdin() -> str:
    try:
        return sys.stdin.buffer.read().decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError("stdin is not UTF-8 text") from error


def _settings(asked: Asked, config: Config) -> Settings:
    from metricsctl.lint.settings import Override, Settings

    overrides = [Override((), config.get("lint.severity"))] if config.get("lint.severity") else []
    overrides += [Override(item["paths"], item["severity"]) for item in config.get("lint.per_path")]
    return Settings(
        max_depth=asked.max_depth or config.get("lint.max_depth"),
        overrides=tuple(overrides),
        folder=config.folder or Path.cwd(),
    )


def _compare(session: Session, asked: Asked, location: Location) -> None:
    """`--base`: the earlier state, whatever is wrong with it."""
    if asked.base is None:
        return
    from metricsctl.diff.base import load_base

    globs, folder = location.config.get("exclude"), location.config.folder or Path.cwd()
    base = load_base(asked.base, location.paths, check=lambda project: project, keep=lambda file: not is_excluded(file, folder, globs))
    session.base = base.project
    session.base_key = "\0".join(f"{file.path}\0{file.text}" for file in base.project.files)


def _filters(session: Session, asked: Asked, location: Location) -> list[Callable[[LintReport], LintReport]]:
    """What narrows the report: the draft alone, what is known, what a change brought."""
    from metricsctl.lint import known

    found: list[Callable[[LintReport], LintReport]] = []
    if session.drafts:
        found.append(known.only_files(frozenset(session.drafts), session.root))
    if asked.known is not None:
        found.append(known.without_known(known.read_known(asked.known)))
    if asked.changed_since is not None:
        found.append(_only_new(session, asked.changed_since, location))
    return found


def _only_new(session: Session, ref: str, location: Location) -> Callable[[LintReport], LintReport]:
    """Keeps what stands on lines changed since `ref`, and what `ref` did not have."""
    from metricsctl.diff.base import load_base
    from metricsctl.lint import known
    from metricsctl.lint.engine import run_facts
    from metricsctl.lint.facts import Facts
    from metricsctl.lint.registry import chosen

    globs, folder = location.config.get("exclude"), location.config.folder or Path.cwd()
    base = load_base(ref, location.paths, check=lambda project: project, keep=lambda file: not is_excluded(file, folder, globs)).project
    old: Mapping[str, str] = {file.path: file.text for file in base.files}
    now = {_shown(path, session.root): text for path, text in session.files.items()}
    changed = {path: known.changed_lines(old.get(path), text) for path, text in now.items() if old.get(path) != text}
    return known.only_new(run_facts(Facts(base, session.settings), chosen(*session.rules)), changed)


def _shown(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()
