"""The table of categories, edit by edit, on a small project."""

import pytest

from metricsctl.definition.load import load_text
from metricsctl.definition.project import Project
from metricsctl.diff.compare import compare
from metricsctl.diff.hashes import metric_hashes

SHOP = """
version: 1
defaults: {owner: team, tier: 2, timezone: UTC, grain: 1h}
dimensions:
  - {name: country, description: Country of the user.}
  - {name: size, expr: "CASE WHEN value < 50 THEN 's' ELSE 'l' END"}
sources:
  - name: log
    time: {column: ts, lateness: 1h}
    produced_by: {service: till}
    columns:
      - {name: ts, type: timestamp}
      - {name: amount, type: integer, unit: usd}
      - {name: status, type: string}
      - {name: country, type: string}
      - {name: spare, type: string}
models:
  - name: paid
    sql: |
      SELECT ts, amount AS value, country FROM log WHERE status = 'paid'
    time: {column: ts}
    dimensions: [country, size]
metrics:
  - {name: rows, type: simple, source: log, agg: count}
  - {name: revenue, type: simple, source: paid, agg: sum, expr: value, unit: usd, description: Money.}
  - {name: share, type: ratio, numerator: {metric: revenue, filter: "country = 'FR'"}, denominator: revenue}
  - {name: per_row, type: derived, expr: r / n, inputs: {r: revenue, n: rows}}
  - {name: turnover, alias_of: revenue}
exposures:
  - {name: weekly, kind: dashboard, uses: [share, turnover], by: [country]}
  - {name: goal, kind: slo, good: rows, total: rows, objective: 0.9}
"""


def project(text: str) -> Project:
    found = load_text(text)
    assert [str(item) for item in found.findings if item.severity == "error"] == []
    return found


def edited(*edits: tuple[str, str]) -> list[tuple[str, str, str]]:
    text = SHOP
    for before, after in edits:
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    return [(change.id, change.category.value, change.reason) for change in compare(project(SHOP), project(text))]


METRICS = [
    (("agg: sum, expr: value", "agg: avg, expr: value"), "metric:revenue", "semantic", "agg: sum -> avg"),
    (("agg: sum, expr: value", "agg: sum, expr: value * 2"), "metric:revenue", "semantic", "expr: value -> value * 2"),
    (("denominator: revenue", "denominator: rows"), "metric:share", "semantic", "denominator: revenue -> rows"),
    (
        ("\"country = 'FR'\"", "\"country = 'DE'\""),
        "metric:share",
        "semantic",
        "numerator: revenue where country = 'FR' -> revenue where country = 'DE'",
    ),
    (("source: log, agg: count", "source: log, agg: count, filter: amount > 0"), "metric:rows", "semantic", "filter: none -> amount > 0"),
    (
        ("expr: r / n", "expr: n / r"),
        "metric:per_row",
        "semantic",
        "expr: r / n with n = rows, r = revenue -> n / r with n = rows, r = revenue",
    ),
    (("unit: usd, description", "unit: eur, description"), "metric:revenue", "breaking", "unit: usd -> eur"),
    (("unit: usd, description", "description"), "metric:revenue", "breaking", "unit: usd -> none"),
    (("source: log, agg: count", "source: log, agg: count, grain: 1d"), "metric:rows", "breaking", "grain: 1h -> 1d"),
    (("source: log, agg: count", "source: log, agg: count, grain: 5m"), "metric:rows", "additive", "grain: 1h -> 5m"),
    (
        ("source: log, agg: count", "source: log, agg: count, dimensions: [country]"),
        "metric:rows",
        "additive",
        "dimensions: none -> country",
    ),
    (
        ("source: log, agg: count", "source: log, agg: count, timezone: Asia/Tokyo"),
        "metric:rows",
        "semantic",
        "timezone: UTC -> Asia/Tokyo",
    ),
    (("source: log, agg: count", "source: log, agg: count, owner: me"), "metric:rows", "governance", "owner: team -> me"),
    (("source: log, agg: count", "source: log, agg: count, tier: 0"), "metric:rows", "governance", "tier: 2 -> 0"),
    (("description: Money.", "description: All the money."), "metric:revenue", "cosmetic", "description changed"),
    (("description: Money.", "description: Money., label: Cash"), "metric:revenue", "cosmetic", "label: none -> Cash"),
]
REST = [
    (("amount AS value", "amount / 100 AS value"), "column:paid.value", "semantic", "expression: amount -> amount / 100"),
    (("amount AS value,", "amount AS value, spare,"), "column:paid.spare", "additive", "new column"),
    (("status = 'paid'", "status IN ('paid', 'sent')"), "model:paid", "semantic", "WHERE: status = 'paid' -> status IN ('paid', 'sent')"),
    ((" WHERE status = 'paid'", ""), "model:paid", "semantic", "WHERE: status = 'paid' -> none"),
    (("      - {name: spare, type: string}\n", ""), "column:log.spare", "breaking", "column dropped"),
    (("- {name: spare, type: string}", "- {name: spare, type: integer}"), "column:log.spare", "breaking", "type: string -> integer"),
    (("type: integer, unit: usd", "type: bigint, unit: usd"), "column:log.amount", "semantic", "type: integer -> bigint"),
    (("- {name: spare, type: string}", "- {name: spare, type: string, pii: true}"), "column:log.spare", "governance", "pii: False -> True"),
    (
        ("- {name: spare, type: string}", "- {name: spare, type: string}\n      - {name: more, type: string}"),
        "column:log.more",
        "additive",
        "new column",
    ),
    (("lateness: 1h", "lateness: 2h"), "source:log", "semantic", "lateness: 1h -> 2h"),
    (("service: till", "service: web"), "source:log", "governance", "produced by: till -> web"),
    (("value < 50", "value < 60"), "dimension:size", "semantic", None),
    (("objective: 0.9", "objective: 0.99"), "exposure:goal", "semantic", "objective: 0.9 -> 0.99"),
    (("uses: [share, turnover]", "uses: [share]"), "exposure:weekly", "governance", "uses: share, turnover -> share"),
]


@pytest.mark.parametrize(
    ("edit", "node", "category", "reason"), [*METRICS, *REST], ids=lambda value: value if isinstance(value, str) else ""
)
def test_one_edit_is_one_change(edit: tuple[str, str], node: str, category: str, reason: str | None) -> None:
    found = edited(edit)
    assert [item[:2] for item in found] == [(node, category)]
    assert reason is None or found[0][2] == reason


NOTHING = {
    "comment": ("version: 1", "version: 1  # the first"),
    "sql comment": ("FROM log WHERE", "FROM log /* all */ WHERE"),
    "sql layout": ("SELECT ts, amount AS value", "select  ts,\n        amount value"),
    "parentheses": ("WHERE status = 'paid'", "WHERE ((status) = ('paid'))"),
    "turned round": ("WHERE status = 'paid'", "WHERE 'paid' = STATUS"),
    "one of one": ("status = 'paid'", "status IN ('paid')"),
    "sub-query": ("FROM log WHERE status", "FROM (SELECT *, status AS s FROM log) AS l WHERE l.s"),
    "cte": (
        "SELECT ts, amount AS value, country FROM log",
        "WITH a AS (SELECT ts t, amount v, * FROM log) SELECT t AS ts, v AS value, country FROM a",
    ),
    "names of inputs": ("expr: r / n, inputs: {r: revenue, n: rows}", "expr: revenue / rows"),
    "inherited dimensions": ("expr: value, unit: usd", "expr: value, dimensions: [size, country], unit: usd"),
    "default owner": ("agg: count}", "agg: count, owner: team, tier: 2, grain: 1h, timezone: UTC}"),
    "quoted scalar": ("agg: sum, expr: value", "agg: sum, expr: '(value)'"),
}


@pytest.mark.parametrize("edit", NOTHING.values(), ids=NOTHING)
def test_another_way_of_writing_is_no_change(edit: tuple[str, str]) -> None:
    assert edited(edit) == []


def test_null_safe_only() -> None:
    """`amount = amount` is no TRUE: it leaves out the rows without an amount."""
    assert edited(("status = 'paid'", "status = 'paid' AND amount = amount"))[0][:2] == ("model:paid", "semantic")


def test_removed_and_new_metrics() -> None:
    gone = edited(("  - {name: turnover, alias_of: revenue}\n", ""), ("uses: [share, turnover]", "uses: [share]"))
    assert ("metric:turnover", "breaking", "removed; the same value: revenue") in gone
    new = edited(
        ("  - {name: turnover, alias_of: revenue}\n", "  - {name: turnover, alias_of: revenue}\n  - {name: cash, alias_of: revenue}\n")
    )
    assert new == [("metric:cash", "additive", "new alias of revenue")]


def test_renamed_with_an_alias_is_no_break() -> None:
    found = edited(
        ("{name: revenue, type", "{name: income, type"),
        ("{name: turnover, alias_of: revenue}", "{name: turnover, alias_of: income}\n  - {name: revenue, alias_of: income}"),
    )
    kinds = {(node, category) for node, category, _ in found}
    assert ("metric:revenue", "governance") in kinds
    assert ("metric:income", "additive") in kinds
    assert "breaking" not in {category for _, category in kinds}


def test_type_changed_is_one_break() -> None:
    found = edited(
        ("{name: rows, type: simple, source: log, agg: count}", "{name: rows, type: ratio, numerator: revenue, denominator: revenue}")
    )
    assert [item for item in found if item[0] == "metric:rows"] == [("metric:rows", "breaking", "type: simple -> ratio")]


def test_defaults_reach_what_names_none() -> None:
    found = edited(("timezone: UTC, grain", "timezone: Asia/Tokyo, grain"))
    assert {("metric:rows", "semantic"), ("source:log", "breaking")} <= {item[:2] for item in found}


def test_union_branches_in_another_order_are_the_same() -> None:
    union = SHOP.replace(
        "SELECT ts, amount AS value, country FROM log WHERE status = 'paid'",
        "SELECT ts, amount AS value, country FROM log WHERE status = 'a' UNION ALL SELECT ts, -amount, country FROM log WHERE status = 'b'",
    )
    turned = SHOP.replace(
        "SELECT ts, amount AS value, country FROM log WHERE status = 'paid'",
        "SELECT ts, -amount AS value, country FROM log WHERE status = 'b' UNION ALL SELECT ts, amount, country FROM log WHERE status = 'a'",
    )
    assert compare(project(union), project(turned)) == ()
    other = union.replace("-amount", "-2 * amount")
    assert [(change.id, change.aspect) for change in compare(project(union), project(other))] == [("column:paid.value", "expression")]


STARS = [
    ("SELECT * FROM t WHERE a > 1", "SELECT * FROM t WHERE a > 2", ("model:m", "semantic", "WHERE: a > 1 -> a > 2")),
    (
        "SELECT p.* FROM t AS p JOIN u AS q USING (a)",
        "SELECT q.* FROM t AS p JOIN u AS q USING (a)",
        ("model:m", "unknown", "its `*` takes"),
    ),
    (
        "SELECT p.*, q.* FROM t AS p JOIN u AS q USING (a)",
        "SELECT q.* FROM t AS p JOIN u AS q USING (a)",
        ("model:m", "unknown", "its SQL"),
    ),
    ("SELECT *, a AS x FROM t", "SELECT *, a + 1 AS x FROM t", ("column:m.x", "semantic", "expression: a -> a + 1")),
    ("SELECT * FROM t", "SELECT *, a AS x FROM t", ("column:m.x", "unknown", "new column, unless its `*` had it")),
    ("SELECT * EXCLUDE (b) FROM t WHERE a > 1", "SELECT * EXCLUDE (b) FROM t", ("model:m", "semantic", "WHERE: a > 1 -> none")),
    ("SELECT * EXCLUDE (b) FROM t", "SELECT * EXCLUDE (c) FROM t", ("model:m", "unknown", "its `*` takes")),
    ("SELECT * EXCLUDE (b) FROM t", "SELECT * EXCLUDE (b), a AS b FROM t", ("column:m.b", "unknown", "new column, unless")),
    ("SELECT *, a AS x FROM t", "SELECT * FROM t", ("column:m.x", "breaking", "column dropped")),
]


@pytest.mark.parametrize(("before", "after", "told"), STARS)
def test_what_stars_hide_is_unknown_and_no_more_than_that(before: str, after: str, told: tuple[str, str, str]) -> None:
    """The tables do not say which columns they have."""
    texts = [f"version: 1\nmodels:\n  - name: m\n    sql: {sql}\n" for sql in (before, after)]
    found = compare(load_text(texts[0]), load_text(texts[1]))
    assert [(change.id, change.category.value, change.reason[: len(told[2])]) for change in found] == [told]


def test_hashes() -> None:
    before = project(SHOP)
    meta = project(SHOP.replace("description: Money.", "description: Cash."))
    value = project(SHOP.replace("agg: sum, expr: value", "agg: avg, expr: value"))
    assert metric_hashes(before, "revenue").value == metric_hashes(meta, "revenue").value
    assert metric_hashes(before, "revenue").meta != metric_hashes(meta, "revenue").meta
    assert metric_hashes(before, "share").value != metric_hashes(value, "share").value
    assert metric_hashes(before, "turnover").value == metric_hashes(before, "revenue").value
