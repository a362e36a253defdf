"""The definitions of a case under git: what succeeded counts otherwise since a commit."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
from pathlib import Path

from incidents.world import START

__all__ = ["write_history"]


def write_history(folder: Path, definitions: str, service: str, hour: float) -> str:
    """Two commits of `metrics.yml`, the second at an hour since the start; gives the first ten digits of its id."""
    path = folder / "metrics.yml"
    before = [_older(line, service) for line in definitions.splitlines(keepends=True)]
    _git(folder, START - dt.timedelta(days=1), "init", "--quiet")
    for text, time in (("".join(before), START - dt.timedelta(days=1)), (definitions, START + dt.timedelta(hours=hour))):
        path.write_text(text, encoding="utf-8")
        _git(folder, time, "add", "metrics.yml")
        _git(folder, time, "-c", "commit.gpgsign=false", "commit", "--quiet", "-m", f"What counts as success of {service}")
    return _git(folder, START, "rev-parse", "HEAD")[:10]


def _older(line: str, service: str) -> str:
    """A line of the definitions as it was before: small successes did not count."""
    if f"FROM {service}_log WHERE ok" in line:
        return line.replace("WHERE ok", "WHERE ok AND amount > 5")
    return line.replace("filter: ok,", "filter: ok AND amount > 5,") if f"source: {service}_log" in line else line


def _git(folder: Path, time: dt.datetime, *arguments: str) -> str:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    dates = {f"GIT_{role}_{what}": value for role in ("AUTHOR", "COMMITTER") for what, value in _person(time).items()}
    environment = clean | dates | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(["git", "-C", str(folder), *arguments], env=environment, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _person(time: dt.datetime) -> dict[str, str]:
    return {"NAME": "Ada", "EMAIL": "ada@shop.example", "DATE": time.isoformat()}
