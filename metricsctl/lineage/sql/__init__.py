"""Column lineage of the models' SQL; beside `definition/sql.py` and `definition/rewrite.py` the only home of sqlglot."""

from metricsctl.lineage.sql.models import ModelLineage, UnknownColumn, column_lineage, model_columns, model_tables, survey, unknown_columns
from metricsctl.lineage.sql.statement import GUESS, Origin, StatementLineage, read_statement, table_mentions

__all__ = [
    "GUESS",
    "ModelLineage",
    "Origin",
    "StatementLineage",
    "UnknownColumn",
    "column_lineage",
    "model_columns",
    "model_tables",
    "read_statement",
    "survey",
    "table_mentions",
    "unknown_columns",
]
