"""What a published table looks like."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

__all__ = ["Column", "ColumnType", "Table"]

ColumnType = Literal["bigint", "double", "varchar", "boolean", "bigint[]", "double[]"]
_NAME = re.compile(r"[a-z0-9_][a-z0-9_.-]{0,127}\Z")


@dataclass(frozen=True, slots=True)
class Column:
    """A column; every one may hold NULL."""

    name: str
    type: ColumnType

    def __post_init__(self) -> None:
        if self.type not in get_args(ColumnType):
            raise ValueError(f"column '{self.name}' has the unknown type '{self.type}'")


@dataclass(frozen=True, slots=True)
class Table:
    """A table of partial states: its columns, the order of its rows in a file, and what the columns mean.

    `meta` is JSON that the store keeps and does not look into. The name is also that of a folder: lower case, digits and `_.-`.

    Raises
    ------
    ValueError
        The name cannot be a folder's, a column is there twice, or `sort_by` names no column.
    """

    name: str
    columns: tuple[Column, ...]
    sort_by: tuple[str, ...] = ()
    meta: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not _NAME.match(self.name):
            raise ValueError(f"'{self.name}' cannot be the name of a table")
        names = [column.name for column in self.columns]
        # Parquet readers, DuckDB among them, do not tell names apart by case
        if not names or len({name.lower() for name in names}) != len(names):
            raise ValueError(f"table '{self.name}' needs columns with different names")
        missing = [name for name in self.sort_by if name not in names]
        if missing:
            raise ValueError(f"table '{self.name}' is to be sorted by '{missing[0]}', which it does not have")
