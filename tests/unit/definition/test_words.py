"""Bare names that take no parser are those which the parser reads as a column."""

import re

import pytest
from sqlglot import exp, parse_one
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.errors import ParseError

from metricsctl.definition.sql import parse_expression
from metricsctl.definition.words import SQL_WORDS, is_column_name

KNOWN = {word.lower() for word in DuckDB.Tokenizer.KEYWORDS} | {token.name.lower() for token in DuckDB.Parser.NO_PAREN_FUNCTIONS}
KNOWN |= DuckDB.Generator.RESERVED_KEYWORDS
KNOWN |= {str(word).lower() for word in (*DuckDB.Parser.NO_PAREN_FUNCTION_PARSERS, *DuckDB.Parser.FUNCTION_PARSERS)}


@pytest.mark.parametrize("word", sorted(word for word in KNOWN | SQL_WORDS if re.fullmatch(r"[a-z_]\w*", word)))
def test_a_word_is_taken_for_a_column_only_if_the_parser_does(word: str) -> None:
    try:
        tree = parse_one(word, dialect="duckdb")
    except ParseError:
        tree = None
    if is_column_name(word):
        assert isinstance(tree, exp.Column)
        ours = parse_expression(word, "duckdb")
        assert ours == tree
        assert tree.sql(dialect="duckdb") == word  # what is run may go without quotes
        assert (ours.this.meta["start"], ours.this.meta["end"]) == (tree.this.meta["start"], tree.this.meta["end"])
