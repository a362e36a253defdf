"""Configuration: flags over `METRICSCTL_*` over `metricsctl.toml` or `[tool.metricsctl]`, nearest upwards to the repository's root."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from metricsctl.core.diagnostics import Diagnostic, Span
from metricsctl.core.errors import UsageError
from metricsctl.core.names import nearest

__all__ = ["COLORS", "FAIL_ON", "KEYS", "Config", "ConfigReport", "Setting", "load_config", "write_setting"]

COLORS = ("auto", "always", "never")
FAIL_ON = ("error", "warning", "info")


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("expected text")
    return value


def _texts(value: Any) -> tuple[str, ...]:
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise ValueError("expected a list of texts")
    return tuple(item.strip() for item in items if item.strip())


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str) or not str(value).isdecimal() or int(value) < 1:
        raise ValueError("expected a whole number of at least 1")
    return int(value)


def _positive(value: Any) -> float:
    try:
        found = float(value)
    except (TypeError, ValueError):
        found = 0.0
    if isinstance(value, bool) or not 0 < found < float("inf"):
        raise ValueError("expected a number above 0")
    return found


def _one_of(*choices: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if value not in choices:
            raise ValueError(f"expected one of {', '.join(choices)}")
        return str(value)

    return read


_SEVERITIES = ("error", "warning", "info", "off")


def _severities(value: Any) -> dict[str, str]:
    """Severities by prefixes of rule codes."""
    if not isinstance(value, dict):
        raise ValueError('expected a table such as {M202 = "info"}')  # noqa: TRY004 - a wrong value, said like the others
    for code, word in value.items():
        if word not in _SEVERITIES:
            raise ValueError(f"{code} cannot be '{word}': one of {', '.join(_SEVERITIES)}")
    return dict(value)


def _per_path(value: Any) -> tuple[dict[str, Any], ...]:
    """Tables with `paths`, and `ignore` or `severity` or both."""
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise ValueError("expected tables: [[lint.per_path]]")
    found = []
    for item in value:
        unknown = set(item) - {"paths", "ignore", "severity"}
        if unknown:
            raise ValueError(f"unknown key '{min(unknown)}': paths, ignore and severity may stand here")
        paths = _texts(item.get("paths"))
        if not paths:
            raise ValueError("'paths' names no file")
        severity = _severities(item.get("severity", {})) | dict.fromkeys(_texts(item.get("ignore", [])), "off")
        found.append({"paths": paths, "severity": severity})
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Key:
    read: Callable[[Any], Any]
    default: Any
    doc: str
    in_environment: bool = True


KEYS: Mapping[str, _Key] = {
    "project": _Key(_texts, (), "Files and folders with the definitions, relative to the configuration."),
    "store": _Key(_text, None, "Folder of the store, relative to the configuration."),
    "exclude": _Key(_texts, (), "Globs of files that are no definitions, relative to the configuration."),
    "lint.select": _Key(_texts, (), "Rules to run, by prefix; all if empty."),
    "lint.ignore": _Key(_texts, (), "Rules to leave out, by prefix."),
    "lint.fail_on": _Key(_one_of(*FAIL_ON), "error", "The least severity that makes the exit code 1."),
    "lint.max_depth": _Key(_whole, 10, "How deep metrics may stand on each other (M107)."),
    "lint.severity": _Key(_severities, {}, "Severities of rules, by prefix: error, warning, info or off.", in_environment=False),
    "lint.per_path": _Key(_per_path, (), "The same for some files: tables of paths (globs), ignore, severity.", in_environment=False),
    "lint.cache": _Key(_text, None, "Folder in which results are kept; default: .metricsctl/cache in the project."),
    "impact.k": _Key(_positive, 20.0, "Scale of the score; `metricsctl impact calibrate` fits it to the repository's past."),
    "color": _Key(_one_of(*COLORS), "auto", "When to colour."),
}


@dataclass(frozen=True, slots=True)
class Setting:
    """A key, its value, and where that came from: `default`, a variable, or a file."""

    key: str
    value: Any
    origin: str
    doc: str


@dataclass(frozen=True, slots=True)
class Config:
    """All settings; `folder` is where the configuration file lies, None without one."""

    folder: Path | None
    settings: Mapping[str, Setting]

    def get(self, key: str) -> Any:
        """The value of a key."""
        return self.settings[key].value

    def path(self, text: str) -> Path:
        """A path of the configuration: relative to its folder, else to the working folder."""
        return Path(text) if self.folder is None else self.folder / text


@dataclass(frozen=True, slots=True)
class ConfigReport:
    """What `metricsctl config` shows."""

    name: ClassVar[str] = "config"
    version: ClassVar[int] = 1
    file: str | None
    settings: tuple[Setting, ...]

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """None."""
        return ()

    @property
    def stats(self) -> Mapping[str, Any]:
        """How many settings are not the default."""
        return {"changed": sum(setting.origin != "default" for setting in self.settings), "settings": len(self.settings)}

    def to_dict(self) -> dict[str, Any]:
        """The file and the settings."""
        return {"file": self.file, "settings": self.settings}


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in table.items():
        if isinstance(value, dict) and prefix + name not in KEYS:
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def _find(start: Path) -> tuple[Path, dict[str, Any]] | None:
    for folder in (start, *start.parents):
        own, shared = folder / "metricsctl.toml", folder / "pyproject.toml"
        if own.is_file():
            return own, _parse(own)
        if shared.is_file() and b"tool.metricsctl" in shared.read_bytes():  # reading TOML costs more than looking
            table = _parse(shared).get("tool", {})
            if isinstance(table, dict) and isinstance(table.get("metricsctl"), dict):
                return shared, table["metricsctl"]
        if (folder / ".git").exists():
            return None
    return None


def _parse(path: Path) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{shown(path)}: {error}", hint="mend the file, or run from another folder", code="config") from error


def shown(path: Path) -> str:
    """A path as people would write it from here."""
    relative = os.path.relpath(path)
    return path.as_posix() if relative.startswith("..") else Path(relative).as_posix()


def _span(path: Path, key: str) -> Span | None:
    last = key.rsplit(".", 1)[-1]
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        column = len(line) - len(line.lstrip()) + 1
        if line.lstrip().startswith(last):
            return Span(shown(path), number, column, number, column + len(last))
    return None


def _from_file(path: Path, table: Mapping[str, Any]) -> dict[str, Setting]:
    found = {}
    for key, value in _flat(table):
        spec = KEYS.get(key)
        if spec is None:
            raise UsageError(f"unknown key '{key}'", hint=nearest(key, KEYS), span=_span(path, key), code="config")
        try:
            found[key] = Setting(key, spec.read(value), shown(path), spec.doc)
        except ValueError as error:
            raise UsageError(f"'{key}': {error}", span=_span(path, key), hint=spec.doc, code="config") from error
    return found


def variable(key: str) -> str:
    """The environment variable of a key.

    >>> variable("lint.fail_on")
    'METRICSCTL_LINT_FAIL_ON'
    """
    return "METRICSCTL_" + key.replace(".", "_").upper()


def _from_environment() -> dict[str, Setting]:
    found = {}
    for key, spec in KEYS.items():
        text = os.environ.get(variable(key)) if spec.in_environment else None
        if text:
            try:
                found[key] = Setting(key, spec.read(text), variable(key), spec.doc)
            except ValueError as error:
                raise UsageError(f"{variable(key)}: {error}, not '{text}'", hint=spec.doc, code="config") from error
    return found


@functools.lru_cache(maxsize=8)
def _file_settings(start: Path) -> tuple[Path | None, dict[str, Setting]]:
    found = _find(start)
    return (None, {}) if found is None else (found[0], _from_file(*found))


def load_config(start: Path | None = None) -> Config:
    """The configuration that holds in a folder (default: the working one). UsageError for what is unknown or wrong in it."""
    path, from_file = _file_settings((start or Path.cwd()).resolve())
    defaults = {key: Setting(key, spec.default, "default", spec.doc) for key, spec in KEYS.items()}
    return Config(path.parent if path else None, defaults | from_file | _from_environment())


def config_report(start: Path | None = None) -> ConfigReport:
    """Every setting and where it came from."""
    path, _ = _file_settings((start or Path.cwd()).resolve())
    return ConfigReport(shown(path) if path else None, tuple(load_config(start).settings.values()))


def write_setting(config: Config, folder: Path, key: str, value: float) -> str:
    """Set a number of a section (`section.key`) in the configuration file, all else in it left as it is; returns the file's path.

    Without a file, `metricsctl.toml` in `folder` is made. UsageError if the file says it in a way that cannot be edited line by line.
    """
    section, name = key.split(".")
    path = _config_file(config, folder)
    heading = f"[tool.metricsctl.{section}]" if path.name == "pyproject.toml" else f"[{section}]"
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    start = next((number for number, line in enumerate(lines) if line.strip() == heading), None)
    if start is None:
        lines += [*([""] if lines else []), heading, f"{name} = {value}"]
    else:
        end = next((number for number in range(start + 1, len(lines)) if lines[number].startswith("[")), len(lines))
        known = next((number for number in range(start + 1, end) if re.match(rf"\s*{name}\s*=", lines[number])), None)
        lines[start + 1 if known is None else known : start + 1 if known is None else known + 1] = [f"{name} = {value}"]
    _check_setting("\n".join(lines), path, heading, name, value)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")
    temporary.replace(path)
    _file_settings.cache_clear()
    return shown(path)


def _config_file(config: Config, folder: Path) -> Path:
    if config.folder is None:
        return folder / "metricsctl.toml"
    own = config.folder / "metricsctl.toml"
    return own if own.is_file() else config.folder / "pyproject.toml"


def _check_setting(text: str, path: Path, heading: str, name: str, value: float) -> None:
    """The edited text must say just that, else nothing is written."""
    import tomllib

    try:
        table: Any = tomllib.loads(text)
        for part in heading.strip("[]").split("."):
            table = table[part]
        if table[name] == value:
            return
    except (ValueError, KeyError, TypeError):
        pass
    raise UsageError(f"{shown(path)} cannot be edited", hint=f"write `{name} = {value}` under `{heading}` in it", code="config")
