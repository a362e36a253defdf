from collections.abc import Callable

from metricsctl.core.diagnostics import Span
from metricsctl.definition.project import Project
from metricsctl.lineage.sql import column_lineage, model_columns, model_tables, unknown_columns

HEAD = """
version: 1
sources:
  - {name: log, time: {column: ts}, columns: [{name: ts}, {name: amount}]}
  - {name: raw, time: {column: ts}}
"""


def models(**statements: str) -> str:
    lines = [f"  - {{name: {name}, sql: '{sql}'}}\n" for name, sql in statements.items()]
    return HEAD + "models:\n" + "".join(lines)


def text_at(project: Project, span: Span) -> str:
    line = project.line(span.path, span.line)
    assert line is not None
    return line[span.column - 1 : span.end_column - 1]


def test_columns_pass_from_model_to_model_whatever_their_order(project: Callable[[str], Project]) -> None:
    found = model_columns(project(models(a_last="SELECT *, total + 1 AS more FROM b_first", b_first="SELECT amount AS total, * FROM log")))
    assert found == {"a_last": ("total", "ts", "amount", "more"), "b_first": ("total", "ts", "amount")}


def test_columns_are_not_known_behind_a_star_over_an_unknown_table(project: Callable[[str], Project]) -> None:
    loaded = project(models(a="SELECT * FROM raw", b="SELECT x FROM a", c="SELECT * FROM b"))
    assert model_columns(loaded) == {"a": None, "b": ("x",), "c": ("x",)}
    assert unknown_columns(loaded) == []


def test_a_circle_of_models_ends(project: Callable[[str], Project]) -> None:
    loaded = project(models(a="SELECT * FROM b", b="SELECT * FROM a", c="SELECT y FROM a", d="SELECT amount FROM log", e="SELECT * FROM e"))
    assert set(column_lineage(loaded)) == {"a", "b", "c", "d", "e"}
    assert model_columns(loaded) == {"a": None, "b": None, "c": ("y",), "d": ("amount",), "e": None}


def test_unknown_columns_with_their_places(project: Callable[[str], Project]) -> None:
    loaded = project(models(a="SELECT amont AS total FROM log", b="SELECT total, tots FROM a WHERE ts > 1"))
    found = unknown_columns(loaded)
    assert [(item.model, item.name, item.candidates) for item in found] == [
        ("a", "amont", ("amount", "ts")),
        ("b", "tots", ("total",)),
        ("b", "ts", ("total",)),
    ]
    assert [text_at(loaded, item.span) for item in found] == ["amont", "tots", "ts"]


def test_places_of_tables_and_origins(shop: Project) -> None:
    model = shop.models["paid"]
    ((name, span),) = model_tables(model)
    assert (name, text_at(shop, span)) == ("log", "log")
    lineage = column_lineage(shop)["paid"]
    (origin,) = lineage.statement.columns["value"]
    assert text_at(shop, lineage.span_of(origin)) == "amount"


def test_sql_from_a_file_has_its_places_there(tmp_path) -> None:
    from metricsctl.definition.load import load

    (tmp_path / "m.yml").write_text(HEAD + "models:\n  - {name: a, sql_file: a.sql}\n")
    (tmp_path / "a.sql").write_text("SELECT\n  amont\nFROM log\n")
    (unknown,) = unknown_columns(load([tmp_path], tmp_path))
    assert unknown.span == Span("a.sql", 2, 3, 2, 8)
