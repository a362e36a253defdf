"""Names for the shell to complete: of the project, out of a small cache beside its results of lint, and of the rules.

Turned on by `eval "$(_METRICSCTL_COMPLETE=source_bash metricsctl)"` (`source_zsh`, `source_fish`). The cache holds the names by section,
and size and time of the files that they are from; it is made anew when one of those is another. Completion never fails: it offers nothing.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

__all__ = ["dimensions", "metrics", "names", "nodes", "rules", "sources"]

_NAMES = "names.json"


def names() -> dict[str, list[str]]:
    """The names of the project that holds here, by section."""
    from metricsctl.cli.project import locate
    from metricsctl.definition.discover import yaml_files

    location = locate(None)
    files = [file for path in location.paths for file in yaml_files(path)]
    state = [[str(file), found.st_size, found.st_mtime_ns] for file in files for found in (file.stat(),)]
    folder = location.config.get("lint.cache")
    cache = (location.config.path(folder) if folder else location.folder / ".metricsctl" / "cache") / _NAMES
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        kept = json.loads(cache.read_text(encoding="utf-8"))
        if kept["files"] == state:
            found: dict[str, list[str]] = kept["names"]
            return found
    fresh = _read(files)
    with contextlib.suppress(OSError):
        _keep(cache, {"files": state, "names": fresh})
    return fresh


def _read(files: list[Path]) -> dict[str, list[str]]:
    from metricsctl.core.errors import MetricsctlError
    from metricsctl.definition.discover import belongs, read_text
    from metricsctl.definition.outline import outline

    texts = []
    for file in files:
        with contextlib.suppress(MetricsctlError):
            text = read_text(file)
            if belongs(text):
                texts.append(text)
    return outline(texts)


def _keep(cache: Path, data: object) -> None:
    """Write the cache whole or not at all."""
    cache.parent.mkdir(parents=True, exist_ok=True)
    ignore = cache.parent / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n", encoding="utf-8")
    handle, name = tempfile.mkstemp(prefix=".new-", dir=cache.parent)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        json.dump(data, stream)
    Path(name).replace(cache)


def _of(*sections: str) -> Callable[[str], list[str]]:
    def complete(incomplete: str) -> list[str]:
        try:
            known = names()
        except Exception:  # noqa: BLE001 - a shell that waits for words has no use for an error
            return []
        before, comma, last = incomplete.rpartition(",")
        return [before + comma + name for section in sections for name in known.get(section, ()) if name.startswith(last)]

    return complete


metrics = _of("metrics")
sources = _of("sources")
dimensions = _of("dimensions")
nodes = _of("metrics", "sources", "models", "dimensions", "exposures")


def rules(incomplete: str) -> list[tuple[str, str]]:
    """Codes of rules, each with its name; after a comma the next one."""
    from metricsctl.lint.registry import all_rules

    before, comma, last = incomplete.rpartition(",")
    return [(before + comma + code, rule.name) for code, rule in all_rules().items() if code.startswith(last.upper())]
