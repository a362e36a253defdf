"""Nested fields: a column `user.geo.country` is read from within the field `user`, where no field bears the whole name."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from metricsctl.engine.duckdb.connection import literal, quote

__all__ = ["json_columns", "json_fields", "struct_field"]


def _parts(name: str) -> list[str]:
    return name.split(".")


def json_columns(fields: Sequence[str]) -> list[str]:
    """The fields of an object to read, so that all of these can be had."""
    return list(dict.fromkeys([*fields, *(_parts(name)[0] for name in fields if "." in name)]))


def json_fields(fields: Sequence[str]) -> str:
    """SELECT items of the fields, from columns that hold text or JSON."""
    return ", ".join(_from_json(name) if "." in name else quote(name) for name in fields)


def _from_json(name: str) -> str:
    top, *rest = _parts(name)
    path = "$" + "".join(f'."{part}"' for part in rest)
    inner = f"CASE WHEN json_valid({quote(top)}) THEN json_extract_string({quote(top)}, {literal(path)}) END"
    return f"coalesce({quote(name)}, {inner}) AS {quote(name)}"


def struct_field(name: str, present: Collection[str]) -> str | None:
    """SQL of a nested field of a struct; None where there is no struct that could have it."""
    parts = _parts(name)
    return ".".join(map(quote, parts)) if len(parts) > 1 and name not in present and parts[0] in present else None
