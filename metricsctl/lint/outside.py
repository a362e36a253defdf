"""What rules may ask of the world beyond the definitions: texts of other files, which files there are, where the repository came from.

Every answer is remembered with its question, so that a kept result can be held against the world of today (`still`).
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from metricsctl.core.globs import glob_pattern

__all__ = ["Outside", "repository_of"]

_URL = re.compile(r"^\s*url\s*=\s*(\S+)", re.MULTILINE)
_MANY = 200_000  # files of a repository that are looked at before a glob is taken to match


def repository_of(folder: Path) -> Path | None:
    """The nearest folder upwards that holds a `.git`."""
    return next((place for place in (folder, *folder.parents) if (place / ".git").exists()), None)


@dataclass(slots=True)
class Outside:
    """The world as seen from a folder: the top of the repository, or of the project where there is none."""

    folder: Path
    is_repository: bool = False
    asked: dict[str, str] = field(default_factory=dict)
    _texts: dict[str, str | None] = field(default_factory=dict)

    @classmethod
    def around(cls, folder: Path) -> Outside:
        """As seen from the repository that a folder lies in, else from the folder itself."""
        top = repository_of(folder)
        return cls(top or folder, top is not None)

    def text(self, path: str) -> str | None:
        """The text of a file relative to `folder`; None where there is none that can be read."""
        if path not in self._texts:
            try:
                self._texts[path] = (self.folder / path).read_text(encoding="utf-8-sig")
            except (OSError, ValueError):
                self._texts[path] = None
            found = self._texts[path]
            self.asked[f"text:{path}"] = "" if found is None else hashlib.sha256(found.encode()).hexdigest()[:16]
        return self._texts[path]

    def has_file(self, glob: str) -> bool:
        """Whether a file matches a glob (`*`, `?`, `**`) relative to `folder`, or lies in a folder of that name."""
        key = f"glob:{glob}"
        if key not in self.asked:
            self.asked[key] = "yes" if self._has_file(glob) else "no"
        return self.asked[key] == "yes"

    def _has_file(self, glob: str) -> bool:
        fixed = glob.split("*", 1)[0].split("?", 1)[0].split("[", 1)[0]
        start = self.folder / fixed.rpartition("/")[0] if fixed != glob else self.folder / glob
        if fixed == glob:
            return start.exists()
        pattern = glob_pattern(glob)
        looked = 0
        for base, folders, files in os.walk(start):
            folders[:] = sorted(name for name in folders if name not in {".git", "node_modules", ".venv"})
            for name in files:
                looked += 1
                if looked > _MANY or pattern.match(Path(base, name).relative_to(self.folder).as_posix()):
                    return True
        return False

    def remotes(self) -> tuple[str, ...]:
        """The addresses of the repository's remotes, as its configuration has them."""
        return tuple(_URL.findall(self.text(".git/config") or ""))

    def still(self, asked: Mapping[str, str]) -> bool:
        """Whether the same questions have the same answers today."""
        for question in asked:
            kind, _, what = question.partition(":")
            _ = self.text(what) if kind == "text" else self.has_file(what)
        return all(self.asked[question] == answer for question, answer in asked.items())
