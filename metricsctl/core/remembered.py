"""Pure functions of texts whose answers outlive the process, so that a command on what did not change need not work them out again.

A function under `@remembered` takes texts and gives plain data (texts, numbers, truth values, None, tuples of these). `recall` binds a
file; until then, and for whatever the file does not hold, the function itself is asked. `retain` writes what came new.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

__all__ = ["recall", "remembered", "retain"]

P = ParamSpec("P")
R = TypeVar("R")

_MANY = 65_536  # answers of a function that a process keeps
_SPARE = 1_000  # answers that nobody asked for, which a file may hold beside as many as were asked for


@dataclass(slots=True)
class _Memory:
    """The answers of one file: those read, those asked for by this process, and whether any came new."""

    folder: Path
    key: str
    known: dict[str, Any]
    used: set[str] = field(default_factory=set)
    grown: bool = False


_bound: list[_Memory] = []


def recall(folder: Path, name: str) -> None:
    """Answer from what was kept in `folder` under a name, by the same state of this program; nothing is kept before `retain`."""
    from metricsctl.core.kept import Kept, digest, program

    key = digest((program(), name))
    known = Kept(folder, "answers").get(key)
    _bound[:] = [_Memory(folder, key, known if isinstance(known, dict) else {})]


def retain() -> None:
    """Keep what came new since `recall`, and answer from there no longer; of a file that has grown large what nobody asked for goes."""
    from metricsctl.core.kept import Kept

    for memory in _bound:
        if memory.grown:
            crowded = len(memory.known) > 2 * len(memory.used) + _SPARE
            kept = {key: memory.known[key] for key in memory.used} if crowded else memory.known
            Kept(memory.folder, "answers").put(memory.key, kept)
    _bound.clear()


def remembered(function: Callable[P, R]) -> Callable[P, R]:
    """Remember the answers of a pure function of texts: in the process, and where `recall` was called, in its file. No error is kept."""
    in_process = functools.lru_cache(maxsize=_MANY)(function)

    @functools.wraps(function)
    def answer(*args: P.args, **kwargs: P.kwargs) -> R:
        if not _bound:
            return in_process(*args, **kwargs)  # type: ignore[arg-type]  # texts are hashable
        memory, key = _bound[0], "\0".join((function.__name__, *map(str, args)))
        if key in memory.known:
            memory.used.add(key)
            return _frozen(memory.known[key])  # type: ignore[no-any-return]
        found = in_process(*args, **kwargs)  # type: ignore[arg-type]
        memory.known[key] = found
        memory.used.add(key)
        memory.grown = True
        return found

    return answer


def _frozen(value: Any) -> Any:
    """Lists, which a file has for tuples, as tuples."""
    return tuple(map(_frozen, value)) if isinstance(value, list) else value
