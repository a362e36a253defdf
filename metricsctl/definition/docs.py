"""The table of all keys in `docs/spec.md`: `python -m metricsctl.definition.docs docs/spec.md` renews it between its markers."""

from __future__ import annotations

import dataclasses
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from metricsctl.core.durations import Duration
from metricsctl.core.timegrid import Grain
from metricsctl.definition.records import Key, Record, keys_of
from metricsctl.definition.schema import METRIC_TYPES, SECTIONS, Defaults, Metric

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


def _row(record: type, where: str, name: str, key: Key, places: Mapping[type, str]) -> str:
    default = "required" if key.required else f"required with `{key.needed}`" if key.needed else _default(record, name)
    cells = (f"`{name}`", f"`{where}`", _says(key.form, places), default, key.meaning)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _says(form: Any, places: Mapping[type, str]) -> str:
    """What a form accepts; of a record, where its keys stand."""
    if isinstance(form, Record):
        return f"{form.short}, or see `{places[form.cls]}`" if form.short else f"see `{places[form.cls]}`"
    inner = _inner(form)
    return str(form.says()) if inner is None else str(form.says()).replace(inner.says(), _says(inner, places))


def _inner(form: Any) -> Record | None:
    """The record inside of a form."""
    while form is not None and not isinstance(form, Record):
        form = getattr(form, "item", None) or getattr(form, "value", None)
    return form


def _records() -> list[tuple[str, type, set[str]]]:
    """(where, record, keys to leave out): metric types show only what they add."""
    found: list[tuple[str, type, set[str]]] = [("defaults", Defaults, set())]
    common = set(keys_of(Metric))
    for section, record in SECTIONS.items():
        found.append((section, record, set()))
    found += [(f"metrics ({kind})", METRIC_TYPES[kind], common) for kind in METRIC_TYPES]
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
    records = _records()
    places: dict[type, str] = {}
    for where, record, left_out in records:  # grows while it is walked: records within records
        for name, key in keys_of(record).items():
            inner = _inner(key.form) if name not in left_out else None
            if inner is not None and inner.cls not in places:
                places[inner.cls] = f"{where}.{name}"
                records.append((f"{where}.{name}", inner.cls, set()))
    for where, record, left_out in records:
        lines += [_row(record, where, name, key, places) for name, key in keys_of(record).items() if name not in left_out]
    return "\n".join(lines) + "\n"


def with_tables(text: str) -> str:
    """A page with the table between its markers made anew."""
    return _MARKERS.sub(lambda match: match[1] + key_tables() + match[2], text)


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(with_tables(path.read_text(encoding="utf-8")), encoding="utf-8")
