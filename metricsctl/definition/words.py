"""Which bare words are columns in SQL, so that the commonest expressions need no parser."""

from __future__ import annotations

import re

__all__ = ["SQL_WORDS", "is_column_name"]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")

SQL_WORDS = frozenset(
    re.findall(
        r"\w+",
        """
        all alter analyse analyze and anti any array as asc asof asymmetric at attach authorization begin between binary both by cache
        call case cast check collate collation column columns comment commit concurrently connect connect_by_root constraint copy create
        cross current_catalog current_date current_role current_time current_timestamp current_user default deferrable delete desc
        describe detach disconnect distinct do drop else end except execute explain false fetch for force foreign freeze from full
        generated glob grant group having if ilike in initially inner insert install intersect into is isnull join kill lambda lateral
        leading left like limit load localtime localtimestamp map merge natural not notnull null offset on only optimize or order outer
        overlaps partitioned_by pivot pivot_longer pivot_wider placing positional pragma prepare primary qualify references regexp rename
        reset returning revoke right rlike rollback select semi session_user set show similar some struct summarize symmetric table
        tablesample then to trailing true truncate try_cast tuple uncache union unique unpack unpivot update use user using vacuum
        variadic verbose when where while window with xor
        """,
    )
)
"""The words that the parser does not read as a column in DuckDB's dialect, and those that must be quoted to be one in the SQL that is run
(`user` alone would be the name of whoever runs it); a test holds them against all words that it knows."""


def is_column_name(text: str) -> bool:
    """Whether a text is a column's bare name and nothing else, in DuckDB's dialect.

    >>> is_column_name("amount"), is_column_name("select"), is_column_name("a + b")
    (True, False, False)
    """
    return _NAME.match(text) is not None and text.lower() not in SQL_WORDS
