"""Plain data back to the results that it was: by the type hints of their dataclasses."""

from __future__ import annotations

import dataclasses
import enum
import functools
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

__all__ = ["bare", "revive"]

T = TypeVar("T")


def bare(value: Any) -> Any:
    """A result as plain data, field by field: unlike `plain` it asks no `to_dict`, so that nothing is left out or rounded."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: bare(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): bare(item) for key, item in value.items()}
    return [bare(item) for item in value] if isinstance(value, list | tuple) else value


def revive(cls: type[T], data: Any) -> T:
    """The result of class `cls` that `bare` made plain. Raises KeyError, TypeError or ValueError for anything else."""
    hint: Any = cls
    found: T = _maker(hint)(data)
    return found


@functools.cache
def _maker(hint: Any) -> Any:
    """What makes a value of plain data by a type hint."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in {Union, types.UnionType}:
        inner = _maker(next(item for item in arguments if item is not type(None)))
        return lambda data: None if data is None else inner(data)
    if origin is tuple:
        item = _maker(arguments[0])
        return lambda data: tuple(map(item, data))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        item = _maker(arguments[1])
        return lambda data: {key: item(value) for key, value in data.items()}
    if origin is typing.Literal or not isinstance(hint, type):
        return lambda data: data
    if issubclass(hint, enum.Enum):
        return hint
    if dataclasses.is_dataclass(hint):
        hints = get_type_hints(hint)
        fields = {field.name: _maker(hints[field.name]) for field in dataclasses.fields(hint)}
        return lambda data: hint(**{name: make(data[name]) for name, make in fields.items()})
    return lambda data: data
