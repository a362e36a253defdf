"""When two queries are proven to be the same, and when they must not be."""

from pathlib import Path

import pytest

from metricsctl.definition.load import load_text
from metricsctl.definition.project import Project
from metricsctl.diff.compare import compare
from metricsctl.diff.values import Proof

HEAD = """
version: 1
sources:
  - {name: s, time: ts, columns: [{name: ts, type: timestamp}, {name: u}, {name: g}, {name: x, type: integer}, {name: y, type: integer}]}
  - {name: r, time: ts, columns: [{name: ts, type: timestamp}, {name: u}, {name: g}, {name: x, type: integer}, {name: y, type: integer}]}
models:
"""
ALL = "ts, u, g, x, y"


def project(**models: str) -> Project:
    lines = "".join(f"  - name: {name}\n    time: ts\n    sql: |\n      {sql}\n" for name, sql in models.items())
    text = f"{HEAD}{lines}metrics:\n  - {{name: k, type: simple, source: m, agg: sum, expr: x, filter: y > 0}}\n"
    found = load_text(text)
    assert [str(item) for item in found.findings] == []
    return found


def same(old: dict[str, str], new: dict[str, str]) -> bool:
    return Proof(project(**old), project(**new)).same("metric:k")


SAME = [
    (f"SELECT {ALL} FROM s WHERE x > 1 AND g = 'a'", f"SELECT {ALL} FROM (SELECT * FROM s WHERE 'a' = g) q WHERE 1 < x"),
    (f"SELECT {ALL} FROM s WHERE x > 1", f"WITH a AS (SELECT * FROM s), b AS (SELECT * FROM a WHERE x > 1) SELECT {ALL} FROM b"),
    ("SELECT s.ts, s.x, r.y FROM s JOIN r ON s.u = r.u", "SELECT s.ts, s.x, r.y FROM r JOIN s ON r.u = s.u"),
    ("SELECT s.ts, s.x, r.y FROM s JOIN r ON s.u = r.u WHERE r.g = 'a'", "SELECT s.ts, s.x, r.y FROM s JOIN r ON s.u = r.u AND r.g = 'a'"),
    ("SELECT s.ts, s.x, r.y FROM s JOIN r USING (u)", "SELECT s.ts, s.x, r.y FROM s JOIN r ON s.u = r.u"),
    (
        "SELECT a.ts, a.x, r.y FROM (SELECT * FROM s WHERE x > 1) a LEFT JOIN r ON a.u = r.u",
        "SELECT s.ts, s.x, r.y FROM s LEFT JOIN r ON s.u = r.u WHERE s.x > 1",
    ),
    (
        "SELECT MIN(ts) AS ts, u, SUM(x) AS x, MAX(y) AS y FROM s GROUP BY u, g",
        "SELECT MIN(ts) AS ts, u, SUM(x) AS x, MAX(y) AS y FROM s GROUP BY g, 2",
    ),
    (
        "SELECT MIN(ts) AS ts, COUNT(*) AS x, MAX(y) AS y FROM s GROUP BY u",
        "SELECT MIN(ts) AS ts, COUNT(1) AS x, MAX(y) AS y FROM s GROUP BY u",
    ),
    (f"SELECT {ALL} FROM s UNION ALL SELECT {ALL} FROM r", f"SELECT {ALL} FROM r UNION ALL SELECT {ALL} FROM s"),
    ("SELECT ts, CASE WHEN g = 'a' THEN x ELSE NULL END AS x, y FROM s", "SELECT ts, CASE WHEN g = 'a' THEN x END AS x, y FROM s"),
    (
        f"SELECT {ALL} FROM s WHERE u IN (SELECT u FROM r WHERE x = 1)",
        f"SELECT {ALL} FROM s WHERE u IN (SELECT q.u FROM r q WHERE 1 = q.x)",
    ),
    (f"SELECT {ALL} FROM s", f"SELECT {ALL}, u AS more FROM s"),
    (f"SELECT {ALL} FROM s ORDER BY ts", f"SELECT {ALL} FROM s"),
    (
        "SELECT * FROM s QUALIFY ROW_NUMBER() OVER (PARTITION BY u ORDER BY ts) = 1",
        f"SELECT {ALL} FROM s QUALIFY 1 = ROW_NUMBER() OVER (PARTITION BY u ORDER BY ts)",
    ),
]
OTHER = [
    (f"SELECT {ALL} FROM s", f"SELECT {ALL} FROM r"),
    (f"SELECT {ALL} FROM s", f"SELECT {ALL} FROM s WHERE x = x"),
    (f"SELECT {ALL} FROM s", f"SELECT DISTINCT {ALL} FROM s"),
    (f"SELECT {ALL} FROM s UNION ALL SELECT {ALL} FROM r", f"SELECT {ALL} FROM s UNION SELECT {ALL} FROM r"),
    ("SELECT s.ts, s.x, r.y FROM s JOIN r ON s.u = r.u", "SELECT s.ts, s.x, r.y FROM s LEFT JOIN r ON s.u = r.u"),
    ("SELECT a.ts, a.x, b.y FROM s a JOIN s b ON a.u = b.g", "SELECT a.ts, b.x, a.y FROM s a JOIN s b ON a.u = b.g"),
    (
        "SELECT s.ts, s.x, r.y FROM s LEFT JOIN (SELECT * FROM r WHERE x > 1) r ON s.u = r.u",
        "SELECT s.ts, s.x, r.y FROM s LEFT JOIN r ON s.u = r.u WHERE r.x > 1",
    ),
    (
        "SELECT MIN(ts) AS ts, SUM(x) AS x, MAX(y) AS y FROM s GROUP BY u",
        "SELECT MIN(ts) AS ts, SUM(x) AS x, MAX(y) AS y FROM s GROUP BY u, g",
    ),
    (
        "SELECT MIN(ts) AS ts, SUM(x) AS x, MAX(y) AS y FROM s GROUP BY u HAVING SUM(x) > 1",
        "SELECT MIN(ts) AS ts, SUM(x) AS x, MAX(y) AS y FROM s WHERE x > 1 GROUP BY u",
    ),
    (
        "SELECT ts, SUM(x) OVER (PARTITION BY u) AS x, y FROM s WHERE g = 'a'",
        "SELECT * FROM (SELECT ts, SUM(x) OVER (PARTITION BY u) AS x, y, g FROM s) q WHERE g = 'a'",
    ),
    (f"SELECT * FROM (SELECT {ALL} FROM s ORDER BY ts LIMIT 5) q", f"SELECT * FROM (SELECT {ALL} FROM s ORDER BY ts LIMIT 6) q"),
    (f"SELECT * FROM (SELECT {ALL} FROM s ORDER BY ts LIMIT 5) q", f"SELECT * FROM (SELECT {ALL} FROM s ORDER BY x LIMIT 5) q"),
    (
        f"SELECT {ALL} FROM s WHERE EXISTS (SELECT 1 FROM s z WHERE z.u = s.u)",
        f"SELECT {ALL} FROM s WHERE EXISTS (SELECT 1 FROM s z WHERE z.u = z.u)",
    ),
    ("SELECT ts, x, y, NOT NOT x AS z FROM s", "SELECT ts, NOT NOT x AS x, y, x AS z FROM s"),
]


@pytest.mark.parametrize(("old", "new"), SAME)
def test_proven_the_same(old: str, new: str) -> None:
    assert same({"m": old}, {"m": new})
    assert not any(change.category.moves for change in compare(project(m=old), project(m=new)))


@pytest.mark.parametrize(("old", "new"), OTHER)
def test_never_taken_for_the_same(old: str, new: str) -> None:
    assert not same({"m": old}, {"m": new})
    assert any(change.category.moves for change in compare(project(m=old), project(m=new)))


def test_a_model_split_in_two() -> None:
    old = {"m": "SELECT ts, x * 2 AS x, y FROM s WHERE g = 'a' AND u = 'b'"}
    new = {"m0": f"SELECT {ALL} FROM s WHERE u = 'b'", "m": "SELECT ts, x * 2 AS x, y FROM m0 WHERE g = 'a'"}
    assert same(old, new)
    assert [(change.id, change.category.value) for change in compare(project(**old), project(**new))] == [
        ("model:m0", "additive"),
        ("model:m", "cosmetic"),
    ]
    assert not same(old, {**new, "m0": f"SELECT {ALL} FROM s WHERE u = 'c'"})


def test_the_same_rows_out_of_another_table_are_not_the_same_columns() -> None:
    old = {"m0": "SELECT ts, u, g, y AS x, y FROM s", "m": f"SELECT {ALL} FROM s WHERE u = 'b'"}
    found = compare(project(**old), project(**{**old, "m": f"SELECT {ALL} FROM m0 WHERE u = 'b'"}))
    assert [(change.id, change.category.value) for change in found] == [("column:m.x", "semantic"), ("model:m", "cosmetic")]


def test_a_model_and_a_column_renamed_with_their_uses() -> None:
    old = {"a": f"SELECT {ALL} FROM s WHERE x > 1", "m": f"SELECT {ALL} FROM a"}
    new = {"b": "SELECT ts, u, g, x AS z, y FROM s WHERE x > 1", "m": "SELECT ts, u, g, z AS x, y FROM b"}
    assert same(old, new)
    renamed = compare(project(**old), project(b=old["a"], m=f"SELECT {ALL} FROM b"))
    assert {(change.id, change.category.value, change.reason.split(" (")[0]) for change in renamed} == {
        ("model:a", "cosmetic", "renamed to b, which gives the same"),
        ("model:b", "additive", "the new name of a"),
        ("model:m", "cosmetic", "FROM: a -> b"),
    }


def test_a_filter_moved_into_the_model(tmp_path: Path) -> None:
    del tmp_path
    moved = load_text(project(m=f"SELECT {ALL} FROM s WHERE y > 0").files[0].text.replace(", filter: y > 0", ""))
    assert Proof(project(m=f"SELECT {ALL} FROM s"), moved).same("metric:k")


def test_several_candidates_are_listed() -> None:
    metrics = "metrics:\n" + "".join(f"  - {{name: {name}, type: simple, source: s, agg: count}}\n" for name in "ab")
    text = HEAD.replace("models:\n", "") + metrics
    found = compare(
        load_text(text.replace("name: b", "name: gone")), load_text(text + "  - {name: c, type: simple, source: s, agg: count}\n")
    )
    assert [change.reason for change in found if change.id == "metric:gone"] == ["removed; the same value: a, b, c"]


FULL = """
version: 1
sources:
  - name: visits
    time: {column: ts, lateness: 1h}
    entities: {user: user_id}
    columns: [{name: ts, type: timestamp}, {name: user_id, type: string}, {name: other_id, type: string}, {name: amount, type: double}]
  - {name: orders, time: ts, entities: {user: user_id}, columns: [{name: ts, type: timestamp}, {name: user_id, type: string}]}
models:
  - {name: sessions, session: {source: visits, entity: user, gap: 30m}}
metrics:
  - {name: stock, type: simple, source: visits, agg: sum, expr: amount, semi_additive: {take: last, per: user_id}}
  - {name: plain, type: simple, source: visits, agg: count, variants: {big: amount > 5}}
  - {name: running, type: cumulative, metric: plain, to_date: month}
  - {name: converted, type: conversion, base: visits, convert: orders, entity: user, within: 7d}
  - {name: length, type: simple, source: sessions, agg: avg, expr: duration_s}
  - {name: share, type: ratio, numerator: plain.big, denominator: plain}
"""
EDITS = [
    ("to_date: month", "to_date: week", {"running"}),
    ("within: 7d", "within: 8d", {"converted"}),
    ("gap: 30m", "gap: 20m", {"length"}),
    ("amount > 5", "amount > 6", {"plain.big", "share"}),
    ("per: user_id", "per: other_id", {"stock"}),
    ("take: last", "take: first", {"stock"}),
    ("entities: {user: user_id}\n", "entities: {user: other_id}\n", {"converted", "length"}),
    ("lateness: 1h", "lateness: 2h", {"stock", "plain", "plain.big", "running", "converted", "length", "share"}),
    ("agg: count, variants", "agg: count, sla: {complete_after: 1h}, variants", set()),
]


@pytest.mark.parametrize(("before", "after", "moved"), EDITS)
def test_every_type_of_metric(before: str, after: str, moved: set[str]) -> None:
    from metricsctl.impact.run import impact_of_difference

    assert FULL.count(before) == 1
    old, new = load_text(FULL), load_text(FULL.replace(before, after))
    assert not [item for item in new.findings if item.severity == "error"]
    report = impact_of_difference(old, new, "base")
    assert {item.name for item in report.impacted if item.kind == "metric"} == moved
