from itertools import permutations

import pytest
import sqlglot
import sqlglot.lineage
from hypothesis import given
from hypothesis import strategies as st
from sqlglot import exp

from metricsctl.definition.sql import parse_select
from metricsctl.lineage.kinds import EdgeKind, combined
from metricsctl.lineage.sql import Origin, StatementLineage, read_statement, table_mentions

KNOWN = (("orders", ("id", "user_id", "amount", "status", "ts")), ("users", ("id", "country", "born")), ("raw", None))


def read(sql: str, dialect: str = "duckdb") -> StatementLineage:
    return read_statement(sql, dialect, KNOWN)


def said(origins: tuple[Origin, ...]) -> set[tuple[str, str]]:
    return {(f"{origin.relation}.{origin.column}" if origin.column else origin.relation, origin.kind.value) for origin in origins}


VALUES = [
    ("SELECT amount AS x FROM orders", {("orders.amount", "identity")}),
    ("SELECT (amount) AS x FROM orders o", {("orders.amount", "identity")}),
    ("SELECT amount * 2 AS x FROM orders", {("orders.amount", "derived")}),
    ("SELECT CASE WHEN status = 'paid' THEN 1 ELSE 0 END AS x FROM orders", {("orders.status", "derived")}),
    ("SELECT sum(amount) + 1 AS x FROM orders", {("orders.amount", "aggregate")}),
    ("SELECT sum(amount) FILTER (WHERE status = 'paid') AS x FROM orders", {("orders.amount", "aggregate"), ("orders.status", "derived")}),
    ("SELECT count(*) AS x FROM orders", {("orders", "aggregate")}),
    (
        "SELECT row_number() OVER (PARTITION BY user_id ORDER BY ts) AS x FROM orders",
        {("orders.user_id", "window"), ("orders.ts", "window")},
    ),
    ("WITH a AS (SELECT sum(amount) AS s FROM orders) SELECT s * 2 AS x FROM a", {("orders.amount", "aggregate")}),
    ("SELECT x FROM (SELECT amount + id AS x FROM orders) q", {("orders.amount", "derived"), ("orders.id", "derived")}),
    ("SELECT amount AS x FROM orders UNION ALL SELECT born FROM users", {("orders.amount", "identity"), ("users.born", "identity")}),
    ("SELECT u.country AS x FROM orders o JOIN users u ON o.user_id = u.id", {("users.country", "identity")}),
    ("SELECT amount AS y, y + 1 AS x FROM orders", {("orders.amount", "derived")}),
    ("SELECT raw.z AS x FROM raw", {("raw.z", "identity")}),
    ("SELECT x FROM (SELECT * FROM raw) q", {("raw.x", "identity")}),
    ("SELECT payload.country AS x FROM raw", {("raw.payload", "identity")}),
    ("SELECT payload->>'a' AS x FROM raw", {("raw.payload", "derived")}),
    ("SELECT list_filter(tags, t -> t > 1) AS x FROM raw", {("raw.tags", "derived")}),
    ("SELECT x FROM orders, UNNEST(orders.status) AS t(x)", {("orders.status", "derived")}),
    ("SELECT q.x FROM raw, LATERAL (SELECT raw.z AS x) q", {("raw.z", "identity")}),
    ("WITH orders AS (SELECT * FROM orders) SELECT amount AS x FROM orders", {("orders.amount", "identity")}),
    (
        "WITH RECURSIVE r AS (SELECT o.id AS x FROM orders o UNION ALL SELECT r.x + 1 FROM r WHERE r.x < 9) SELECT x FROM r",
        {("orders.id", "identity"), ("orders.id", "derived")},
    ),
    (
        "SELECT (SELECT max(amount) FROM orders WHERE orders.user_id = users.id) AS x FROM users",
        {("orders", "derived"), ("orders.amount", "aggregate"), ("orders.user_id", "filter"), ("users.id", "filter")},
    ),
    ("SELECT 1 AS x FROM orders", set()),
    ("SELECT x FROM (VALUES (1)) AS v(x)", set()),
]


@pytest.mark.parametrize(("sql", "expected"), VALUES, ids=[sql for sql, _ in VALUES])
def test_a_column_comes_from(sql: str, expected: set[tuple[str, str]]) -> None:
    found = read(sql)
    assert said(found.columns["x"]) == expected
    assert found.confidence == 1
    assert found.unknown == ()


ROWS = [
    ("SELECT id FROM orders WHERE status = 'paid'", {("orders.status", "filter")}),
    ("SELECT user_id FROM orders GROUP BY 1 HAVING sum(amount) > 1", {("orders.user_id", "group"), ("orders.amount", "filter")}),
    ("SELECT o.id FROM orders o JOIN users u ON o.user_id = u.id", {("orders.user_id", "join"), ("users.id", "join")}),
    ("SELECT amount FROM orders JOIN users USING (id)", {("orders.id", "join"), ("users.id", "join")}),
    ("SELECT q.id FROM (SELECT id FROM orders WHERE amount > 1) q", {("orders.amount", "filter")}),
    ("SELECT id FROM orders QUALIFY row_number() OVER (ORDER BY ts) = 1", {("orders.ts", "filter")}),
    ("SELECT id FROM orders ORDER BY ts LIMIT 5", {("orders.ts", "filter")}),
    ("SELECT id FROM orders ORDER BY ts", set()),
    (
        "SELECT id FROM users WHERE id IN (SELECT user_id FROM orders WHERE status = 'x')",
        {("users.id", "filter"), ("orders", "filter"), ("orders.user_id", "filter"), ("orders.status", "filter")},
    ),
    (
        "SELECT id FROM orders WHERE amount > 1 UNION ALL SELECT id FROM users WHERE born > 2",
        {("orders.amount", "filter"), ("users.born", "filter")},
    ),
]


@pytest.mark.parametrize(("sql", "expected"), ROWS, ids=[sql for sql, _ in ROWS])
def test_rows_are_decided_by(sql: str, expected: set[tuple[str, str]]) -> None:
    assert said(read(sql).rows) == expected


@pytest.mark.parametrize(
    ("sql", "columns", "complete"),
    [
        ("SELECT * FROM orders", ["id", "user_id", "amount", "status", "ts"], True),
        ("SELECT * EXCLUDE (id, ts) FROM orders", ["user_id", "amount", "status"], True),
        (
            "SELECT o.*, u.country FROM orders o JOIN users u ON o.user_id = u.id",
            ["id", "user_id", "amount", "status", "ts", "country"],
            True,
        ),
        ("SELECT * FROM raw", [], False),
        ("SELECT raw.*, born FROM raw JOIN users ON raw.k = users.id", ["born"], False),
        ("SELECT Amount AS OrderValue, STATUS FROM orders", ["OrderValue", "STATUS"], True),
        ("SELECT * FROM orders UNION ALL SELECT * FROM raw", ["id", "user_id", "amount", "status", "ts"], False),
    ],
)
def test_output_columns(sql: str, columns: list[str], complete: bool) -> None:
    found = read(sql)
    assert (list(found.columns), found.complete) == (columns, complete)


def test_declared_spelling_is_kept() -> None:
    found = read_statement("SELECT userid, * FROM t", "duckdb", (("t", ("userId", "amountUsd")),))
    assert said(found.columns["amountUsd"]) == {("t.amountUsd", "identity")}
    assert said(found.columns["userid"]) == {("t.userId", "identity")}


@pytest.mark.parametrize(
    ("dialect", "sql"),
    [
        ("bigquery", "SELECT SAFE_DIVIDE(amount, id) AS x FROM `project.set.orders`"),
        ("snowflake", "SELECT amount::float / id AS x FROM orders"),
        ("postgres", 'SELECT amount / "id" AS x FROM public.orders'),
        ("mysql", "SELECT `amount` + `id` AS x FROM `orders`"),
        ("spark", "SELECT amount + id AS x FROM orders"),
    ],
)
def test_dialects(dialect: str, sql: str) -> None:
    found = read(sql, dialect)
    assert said(found.columns["x"]) == {("orders.amount", "derived"), ("orders.id", "derived")}
    assert found.tables == ("orders",)


@pytest.mark.parametrize(
    ("sql", "unknown"),
    [
        ("SELECT amont FROM orders", ["amont"]),
        ("SELECT o.amont, id FROM orders o", ["amont"]),
        ("SELECT id FROM orders WHERE statsu = 'paid'", ["statsu"]),
        ("SELECT z FROM (SELECT id FROM orders) q", ["z"]),
        ("SELECT q.z FROM (SELECT id FROM orders) q", ["z"]),
        ("SELECT nothing FROM orders JOIN users ON orders.user_id = users.id", ["nothing"]),
        ("SELECT nothing FROM orders JOIN raw ON orders.user_id = raw.id", []),
        ("SELECT x.amount FROM orders", ["x"]),
        ("SELECT whatever FROM raw", []),
        ("SELECT id FROM orders WHERE EXISTS (SELECT 1 FROM users WHERE users.id = orders.user_id)", []),
    ],
)
def test_unknown_columns_and_where_they_stand(sql: str, unknown: list[str]) -> None:
    assert [sql[start:end] for _, start, end in read(sql).unknown] == unknown


def test_an_unknown_column_is_an_edge_of_the_table() -> None:
    assert read("SELECT amont AS x FROM orders").columns["x"] == (Origin("orders", None, EdgeKind.TABLE, 0.5),)


def test_mentions_are_where_the_column_is_named() -> None:
    sql = "WITH a AS (SELECT amount AS s FROM orders) SELECT s * 2 AS x FROM a"
    (origin,) = read(sql).columns["x"]
    assert sql[origin.start : origin.end] == "amount"


def test_an_ambiguous_name_may_be_of_any_table_that_has_it() -> None:
    found = read("SELECT id AS x FROM orders JOIN users ON orders.user_id = users.id")
    assert {origin.confidence for origin in found.columns["x"]} == {0.7}
    assert said(found.columns["x"]) == {("orders.id", "identity"), ("users.id", "identity")}


def test_what_sqlglot_cannot_read_falls_back_to_the_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object, **_options: object) -> None:
        raise sqlglot.errors.OptimizeError

    monkeypatch.setattr("metricsctl.lineage.sql.statement._qualified", refuse)
    found = read("SELECT amount AS fallback FROM orders JOIN raw ON TRUE")
    assert said(found.columns["fallback"]) == {("orders", "table-only"), ("raw", "table-only")}
    assert (found.confidence, found.tables) == (0.5, ("orders", "raw"))


def test_the_cached_tree_is_left_alone() -> None:
    sql = "SELECT * FROM orders WHERE amount > 1"
    before = parse_select(sql, "duckdb").sql()
    read(sql)
    assert parse_select(sql, "duckdb").sql() == before


@pytest.mark.parametrize(
    ("sql", "tables"),
    [
        ("WITH a AS (SELECT * FROM b), c AS (SELECT * FROM a) SELECT * FROM c, d", ["b", "d"]),
        ("WITH b AS (SELECT * FROM b) SELECT * FROM b", ["b"]),
        ("WITH a AS (SELECT * FROM z), z AS (SELECT 1) SELECT * FROM a, z", ["z"]),
        ("SELECT * FROM (WITH a AS (SELECT 1) SELECT * FROM a) q, a", ["a"]),
        ("WITH RECURSIVE r AS (SELECT 1 UNION ALL SELECT * FROM r) SELECT * FROM r", []),
    ],
)
def test_tables_without_ctes(sql: str, tables: list[str]) -> None:
    assert [name for name, _, _ in table_mentions(sql, "duckdb")] == tables
    assert all(sql[start:end] == name for name, start, end in table_mentions(sql, "duckdb"))


CHAINS = st.lists(st.sampled_from(["{} + 1", "{}", "abs({})", "CASE WHEN {} > 0 THEN 1 ELSE {} END", "max({}) OVER ()"]), max_size=4)


@given(CHAINS, st.sampled_from(["amount", "id", "user_id"]), st.sampled_from(["", " WHERE status = 'x'"]))
def test_a_chain_of_steps_keeps_its_column(steps: list[str], column: str, where: str) -> None:
    sql = f"SELECT {column} AS c FROM orders{where}"
    for step in steps:
        sql = f"SELECT {step.replace('{}', 'c')} AS c FROM ({sql}) q"
    found = read(sql)
    assert {origin.column for origin in found.columns["c"]} == {column}
    node = sqlglot.lineage.lineage("c", sql, {"orders": dict.fromkeys(KNOWN[0][1], "INT")}, dialect="duckdb")
    assert {each.name.split(".")[-1] for each in node.walk() if isinstance(each.expression, exp.Table)} == {column}
    assert said(found.rows) == ({("orders.status", "filter")} if where else set())


def test_kinds_combine_the_same_in_any_order() -> None:
    values = (EdgeKind.IDENTITY, EdgeKind.DERIVED, EdgeKind.WINDOW, EdgeKind.AGGREGATE)
    assert all(combined(one, two) is combined(two, one) for one, two in permutations(values, 2))
