"""The playground's folder: definitions with their history, events, change events, and the truth in a hidden file."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from metricsctl.core.errors import UsageError
from metricsctl.demo.events import write_events
from metricsctl.demo.history import find_git, write_history
from metricsctl.demo.story import CHANGES, INCIDENTS, Change, Incident

__all__ = ["TRUTH", "Playground", "is_playground", "make_playground"]

TRUTH = ".truth.json"
_DEFINITIONS = (
    "README.md",
    "metricsctl.toml",
    "metrics/dimensions.yml",
    "metrics/ads.yml",
    "metrics/payments.yml",
    "metrics/company.yml",
    "models/paid_orders.sql",
)
_IGNORED = ".metricsctl/\n.truth.json\nchanges.jsonl\nevents/\n"
_OURS = (".git", ".gitignore", ".metricsctl", TRUTH, "README.md", "changes.jsonl", "events", "metrics", "metricsctl.toml", "models")


@dataclass(frozen=True, slots=True)
class Playground:
    """What was written: the definition files, the events of each source, the change events, and the incidents hidden in them."""

    folder: Path
    definitions: tuple[str, ...]
    events: Mapping[str, int]
    changes: tuple[Change, ...]
    incidents: tuple[Incident, ...]


def is_playground(folder: Path) -> bool:
    """Whether `make_playground` wrote this folder."""
    try:
        return bool(json.loads((folder / TRUTH).read_text(encoding="utf-8"))["playground"] == 1)
    except (OSError, ValueError, LookupError, TypeError):
        return False


def make_playground(folder: Path, *, seed: int = 7) -> Playground:
    """Write the playground into an empty or new folder; one written before is replaced, other files in it stay.

    The same seed gives the same bytes.

    Raises
    ------
    UsageError
        The folder holds something else, cannot be written, or git is missing.
    """
    git = find_git()
    try:
        _clear(folder)
        folder.mkdir(parents=True, exist_ok=True)
        _write(folder / TRUTH, _truth(seed))  # first: an interrupted run can be run again
        write_history(git, folder, _texts())
        _write(folder / "changes.jsonl", "".join(_line(change) for change in CHANGES))
        events = write_events(folder / "events", seed)
    except OSError as error:
        raise UsageError(f"cannot write into {folder}: {error.strerror}", hint="check the folder and its permissions") from error
    return Playground(folder, (".gitignore", *_DEFINITIONS), events, CHANGES, INCIDENTS)


def _texts() -> dict[str, str]:
    shop = resources.files("metricsctl.demo").joinpath("shop")
    return {name: shop.joinpath(name).read_text(encoding="utf-8") for name in _DEFINITIONS} | {".gitignore": _IGNORED}


def _line(change: Change) -> str:
    """A change event as a JSON line, without what it does not have."""
    return json.dumps({key: value for key, value in dataclasses.asdict(change).items() if value != ()}, default=_iso) + "\n"


def _truth(seed: int) -> str:
    incidents = [dataclasses.asdict(incident) for incident in INCIDENTS]
    return json.dumps({"playground": 1, "seed": seed, "incidents": incidents}, default=_iso, indent=2) + "\n"


def _iso(time: dt.datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%SZ}"


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def _clear(folder: Path) -> None:
    """Remove what an earlier run wrote."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if not is_playground(folder):
        raise UsageError(f"{folder} is not empty", hint="name a new folder: `metricsctl demo DIR`")
    for name in _OURS:
        path = folder / name
        if path.is_dir() and not path.is_symlink():
            _remove(path)
        else:
            path.unlink(missing_ok=True)


def _remove(folder: Path) -> None:
    for path in folder.rglob("*"):
        if not path.is_symlink() and path.is_file():
            path.chmod(0o644)  # git writes its objects read-only, which Windows will not delete
    shutil.rmtree(folder)
