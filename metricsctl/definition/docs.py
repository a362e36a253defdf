"""The table of all keys in `docs/spec.md`: `python -m metricsctl.definition.docs docs/spec.md` renews it between its markers."""

from __future__ import annotations

import dataclasses
import re
import sys
from pathlib import Path
from typing import Any

from metricsctl.core.durations import Duration
from metricsctl.core.timegrid import Grain
from metricsctl.definition.records import Key, Record, keys_of
from metricsctl.definition.schema import LATER_TYPES, METRIC_TYPES, SECTIONS, Defaults, Metric

__all__ = ["key_tables", "with_tables"]

_MARKERS = re.compile(r"(<!-- keys: begin -->\n).*?(<!-- keys: end -->)", re.DOTALL)


def _default(record: type, name: str) -> str:
    fields: tuple[dataclasses.Field[Any], ...] = dataclasses.fields(record)
    field = next(item for item in fields if item.name.rstrip("_") == name)
    value = field.default
    if isinstance(value, Duration | Grain):
        return f"`{value}`"
    if value is dataclasses.MISSING or value is None or value == ():
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _row(record: type, where: str, name: str, key: Key) -> str:
    says = (key.says or key.form.says()).replace("|", "\\|")
    nested = _nested(key)
    says = f"see `{where}.{name}`" if nested is not None else says
    needed = "required" if key.required else _default(record, name)
    later = " *Not built yet (M006).*" if key.later else ""
    return f"| `{name}` | `{where}` | {says} | {needed} | {key.doc}{later} |"


def _nested(key: Key) -> type | None:
    """The record inside a key that has a table of its own."""
    form: Any = key.form
    while not isinstance(form, Record):
        form = getattr(form, "item", None) or getattr(form, "value", None)
        if form is None:
            return None
    return form.cls


def _records() -> list[tuple[str, type, set[str]]]:
    """(where, record, keys to leave out): metric types show only what they add."""
    found: list[tuple[str, type, set[str]]] = [("defaults", Defaults, set())]
    common = set(keys_of(Metric))
    for section, record in SECTIONS.items():
        found.append((section, record, set()))
    found += [(f"metrics ({kind})", METRIC_TYPES[kind], common) for kind in METRIC_TYPES if kind not in LATER_TYPES]
    return found


def key_tables() -> str:
    """Every key as one Markdown table: name, where, type, default, meaning."""
    lines = ["| key | where | type | default | meaning |", "|---|---|---|---|---|"]
    lines += [
        "| `version` | top | 1 | required | Version of the language. |",
        "| `namespace` | top | text | | Name space of the file's definitions, kept for reports. |",
        "| `defaults` | top | see `defaults` | | What holds for all of the file unless said otherwise. |",
    ]
    lines += [f"| `{section}` | top | list | | See `{section}`. |" for section in SECTIONS]
    lines += [f"| `{section}` | top | list | | *Not built yet (M006).* |" for section in ("calendar", "series", "tests")]
    inner: dict[str, type] = {}
    for where, record, left_out in _records():
        for name, key in keys_of(record).items():
            if name in left_out:
                continue
            lines.append(_row(record, where, name, key))
            nested = _nested(key)
            if nested is not None:
                inner.setdefault(f"{where}.{name}", nested)
    for where, record in inner.items():
        lines += [_row(record, where, name, key) for name, key in keys_of(record).items()]
    return "\n".join(lines) + "\n"


def with_tables(text: str) -> str:
    """A page with the table between its markers made anew."""
    return _MARKERS.sub(lambda match: match[1] + key_tables() + match[2], text)


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(with_tables(path.read_text(encoding="utf-8")), encoding="utf-8")
