"""Typed results to plain data, the same way everywhere."""

from __future__ import annotations

import dataclasses
import enum
import math
import pathlib
from collections.abc import Mapping
from typing import Any

__all__ = ["plain"]


def plain(value: Any) -> Any:
    """Dataclasses, enums, paths, tuples and sets as JSON-ready data; NaN and infinity become None.

    A class with a `to_dict` of its own is asked for it. Floats keep 12 significant digits, so that a report is repeatable byte for byte.

    >>> plain({"x": (1.00000000000001, float("nan"))})
    {'x': [1.0, None]}
    """
    if value is None or isinstance(value, bool | int):
        return value.value if isinstance(value, enum.Enum) else value
    if isinstance(value, float):
        return float(f"{value:.12g}") if math.isfinite(value) else None
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, pathlib.PurePath):
        return value.as_posix()
    to_dict = getattr(value, "to_dict", None)
    if to_dict is not None and not isinstance(value, type):
        return plain(to_dict())
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, set | frozenset):
        return sorted(plain(item) for item in value)
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    message = f"cannot serialise {type(value).__name__}"
    raise TypeError(message)
