"""Globs over paths, the same wherever a user may write one."""

from __future__ import annotations

import functools
import re
from pathlib import Path

__all__ = ["glob_pattern", "matches"]

_WORDS = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


@functools.lru_cache(maxsize=256)
def glob_pattern(glob: str) -> re.Pattern[str]:
    """A glob as a regular expression: `**` crosses folders, `*` and `?` do not; a folder stands for all below it.

    >>> bool(glob_pattern("legacy/**").match("legacy/a/b.yml")), bool(glob_pattern("*.yml").match("a/b.yml"))
    (True, False)
    """
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", glob.rstrip("/"))
    return re.compile("".join(_WORDS.get(part, re.escape(part)) for part in parts) + r"(?:/.*)?\Z")


def matches(path: Path, glob: str, folder: Path) -> bool:
    """Whether a path lies under a glob that counts from a folder."""
    try:
        relative = path.resolve().relative_to(folder.resolve()).as_posix()
    except ValueError:
        return False
    return glob_pattern(glob).match(relative) is not None
