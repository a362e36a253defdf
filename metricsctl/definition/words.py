"""Which bare words are columns in SQL, so that the commonest expressions need no parser."""

from __future__ import annotations

import re

__all__ = ["SQL_WORDS", "is_column_name"]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")

SQL_WORDS = frozenset(
    re.findall(
        r"\w+",
        """
        alter analyze and any as attach begin between cache call case comment commit connect connect_by_root copy create cross
        current_catalog current_date current_time current_timestamp current_user delete desc describe detach disconnect distinct drop else
        except execute explain false fetch for force from glob grant having if ilike inner insert install intersect into join kill lateral
        like load localtime localtimestamp map merge not notnull null on only optimize or outer partitioned_by pivot pivot_wider positional
        pragma prepare qualify regexp rename reset returning revoke rlike rollback select session_user set show summarize tablesample then
        true truncate uncache union unpivot update use using vacuum when where while with xor
        """,
    )
)
"""The words that the parser does not read as a column in DuckDB's dialect; a test holds them against all words that it knows."""


def is_column_name(text: str) -> bool:
    """Whether a text is a column's bare name and nothing else, in DuckDB's dialect.

    >>> is_column_name("amount"), is_column_name("select"), is_column_name("a + b")
    (True, False, False)
    """
    return _NAME.match(text) is not None and text.lower() not in SQL_WORDS
