"""New tests into the definitions: appended to the YAML, nothing else of which is touched."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from metricsctl.core.errors import UsageError
from metricsctl.definition.load import load_text
from metricsctl.definition.project import Project

__all__ = ["NewTest", "with_tests"]

_KEY = re.compile(r"^tests:[ \t]*(#.*)?$", re.MULTILINE)
_ITEM = re.compile(r"^([ ]*)- ", re.MULTILINE)
_TOP = re.compile(r"^[^\s#-]", re.MULTILINE)
_WORDS = {"null", "true", "false", "y", "n", "yes", "no", "on", "off"}
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


@dataclass(frozen=True, slots=True)
class NewTest:
    """A test to be written: rows by source, and the points that must come out, each with `time`, `value` and dimensions.

    `grain` is None where it is the metric's own.
    """

    name: str
    metric: str
    given: Mapping[str, Sequence[Mapping[str, Any]]]
    expect: Sequence[Mapping[str, Any]]
    grain: str | None = None


def with_tests(project: Project, tests: Sequence[NewTest]) -> dict[Path, str]:
    """The files of a project that have to be written, by path, so that it has these tests too; one that is there by name is left as it is.

    A test goes into the file of its metric, or, where that file's `tests:` cannot be added to, into `<file>.tests.yml` beside it.
    UsageError for a metric that no file defines.
    """
    texts: dict[Path, str] = {}
    for test in tests:
        if test.name in project.tests:
            continue
        record = project.metrics.get(test.metric.partition(".")[0])
        if record is None:
            raise UsageError(f"no file defines metric '{test.metric}'", hint="write the test by hand")
        path = project.root / record.span.path
        after = _added(_text(path, texts), test)
        if after is None:
            path = path.with_name(f"{path.stem}.tests.yml")
            before = _text(path, texts) if path in texts or path.exists() else "version: 1\n"
            after = _added(before, test)
        if after is None:
            raise UsageError(f"{path}: a test cannot be added here", hint="mend the file, or write the test by hand")
        texts[path] = after
    return texts


def _text(path: Path, texts: Mapping[Path, str]) -> str:
    return texts[path] if path in texts else path.read_bytes().decode("utf-8")


def _added(text: str, test: NewTest) -> str | None:
    """The text of a file with a test at the end of its `tests:`; None where that is written in a way that cannot be added to."""
    if "\r\n" in text:
        made = _added(text.replace("\r\n", "\n"), test)
        return None if made is None else made.replace("\n", "\r\n")
    lines = [*_lines(test)]
    key = _KEY.search(text)
    if key is None:
        if re.search(r"^tests:", text, re.MULTILINE):
            return None
        made = text.rstrip("\n") + "\n\ntests:\n" + "".join(f"  {line}\n" for line in lines)
    else:
        following = _TOP.search(text, key.end())
        end = following.start() if following else len(text)
        items = _ITEM.search(text, key.end(), end)
        indent = items[1] if items else "  "
        body = text[:end].rstrip("\n") + "\n" + "".join(f"{indent}{line}\n" for line in lines)
        made = body + ("\n" + text[end:] if following else "")
    before, after = load_text(text), load_text(made)
    is_added = after.tests.keys() == {*before.tests, test.name} and len(after.findings) <= len(before.findings)
    return made if is_added else None


def _lines(test: NewTest) -> Iterator[str]:
    """The test as an item of a list, in JSON where YAML and JSON are the same."""
    yield f"- name: {_value(test.name)}"
    yield f"  metric: {test.metric}"
    if test.grain is not None:
        yield f"  grain: {test.grain}"
    yield "  given:"
    for source, rows in test.given.items():
        yield f"    {_key(source)}:"
        for row in rows:
            yield f"      - {_map(row)}"
    yield "  expect:" if test.expect else "  expect: []"
    for point in test.expect:
        yield f"    - {_map(point)}"


def _map(row: Mapping[str, Any]) -> str:
    return "{" + ", ".join(f"{_key(name)}: {_value(value)}" for name, value in row.items()) + "}"


def _key(name: str) -> str:
    return (
        name if _PLAIN.match(name) and name.lower() not in {"null", "true", "false", "y", "n", "yes", "no", "on", "off"} else _value(name)
    )


def _value(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, default=str)
