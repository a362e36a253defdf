"""Order, layout and files never matter: whatever way a project is written down, nothing has changed."""

import random
from pathlib import Path

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from metricsctl.core.errors import UsageError
from metricsctl.definition.load import load_text, load_tree
from metricsctl.diff.compare import compare

TERMS = ["amount > 0", "status = 'paid'", "country IN ('DE', 'FR')", "NOT spare = 'x'"]
SECTIONS = {
    "dimensions": [{"name": "country"}, {"name": "size", "expr": "CASE WHEN value < 50 THEN 's' ELSE 'l' END"}],
    "sources": [
        {
            "name": "log",
            "time": {"column": "ts", "lateness": "1h"},
            "columns": [{"name": "ts", "type": "timestamp"}, *({"name": name} for name in ("amount", "status", "country", "spare"))],
        }
    ],
    "models": [
        {"name": "paid", "sql": "SELECT ts, amount AS value, country FROM log WHERE ", "time": {"column": "ts"}, "dimensions": ["country"]}
    ],
    "metrics": [
        {"name": "revenue", "type": "simple", "source": "paid", "agg": "sum", "expr": "value", "filter": "value > 1 AND country = 'DE'"},
        {"name": "rows", "type": "simple", "source": "log", "agg": "count", "dimensions": ["country", "status"]},
        {"name": "share", "type": "ratio", "numerator": {"metric": "revenue"}, "denominator": "rows", "tags": ["gold"]},
        {"name": "both", "type": "derived", "expr": "a + b", "inputs": {"a": "revenue", "b": "rows"}},
    ],
    "exposures": [{"name": "board", "kind": "dashboard", "uses": ["share", "rows"], "by": ["country"]}],
}


def none(path: Path) -> str:
    raise UsageError(str(path))


def shuffled(value: object, chance: random.Random) -> object:
    """The same in another order: keys, and the entries of sections; lists of plain values stay as they are."""
    if isinstance(value, dict):
        keys = list(value)
        chance.shuffle(keys)
        return {key: shuffled(value[key], chance) for key in keys}
    if isinstance(value, list) and value and isinstance(value[0], dict):
        items = [shuffled(item, chance) for item in value]
        chance.shuffle(items)
        return items
    return value


def written(chance: random.Random, files: int) -> dict[Path, str]:
    terms = list(TERMS)
    chance.shuffle(terms)
    sql = SECTIONS["models"][0]["sql"] + " AND ".join(f"({term})" if chance.random() < 0.5 else term for term in terms)
    parts: list[dict[str, list[object]]] = [{} for _ in range(files)]
    for section, entries in SECTIONS.items():
        for entry in entries:
            record = {**entry, "sql": sql} if section == "models" else entry
            chance.choice(parts).setdefault(section, []).append(shuffled(record, chance))
    texts = {}
    for number, part in enumerate(parts):
        comment = "# " + "x" * chance.randrange(9) + "\n"
        body = yaml.safe_dump({"version": 1, **part}, sort_keys=False, width=chance.choice([40, 200]))
        texts[Path(f"/nowhere/{chance.randrange(99)}-{number}.yml")] = comment * chance.randrange(3) + body
    return texts


@settings(max_examples=60, deadline=None)
@given(seeds=st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)), files=st.tuples(st.integers(1, 4), st.integers(1, 4)))
def test_no_order_is_a_change(seeds: tuple[int, int], files: tuple[int, int]) -> None:
    first, second = (load_tree(written(random.Random(seed), count), none) for seed, count in zip(seeds, files, strict=True))
    assert not first.findings
    assert compare(first, second) == ()


ATOMS = st.sampled_from(["a", "b", "a = 1", "b > 2", "c IS NULL", "a IN (1, 2)", "NOT b", "c = 'x'"])
CONDITIONS = st.recursive(
    ATOMS, lambda inner: st.tuples(st.sampled_from(["AND", "OR"]), st.lists(inner, min_size=2, max_size=3)), max_leaves=6
)


def spelled(condition: object, chance: random.Random) -> str:
    if isinstance(condition, str):
        return f"({condition})" if chance.random() < 0.3 else condition
    word, parts = condition
    texts = [spelled(part, chance) for part in parts]
    chance.shuffle(texts)
    return f"({f' {word} '.join(texts)})"


@settings(max_examples=100, deadline=None)
@given(condition=CONDITIONS, seeds=st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)))
def test_no_order_of_terms_is_a_change(condition: object, seeds: tuple[int, int]) -> None:
    head = "version: 1\nsources: [{name: s, time: ts, columns: [{name: ts}, {name: a}, {name: b}, {name: c}]}]\n"
    texts = [spelled(condition, random.Random(seed)) for seed in seeds]
    first, second = (load_text(f'{head}metrics: [{{name: m, type: simple, source: s, agg: count, filter: "{text}"}}]\n') for text in texts)
    assert "m" in first.metrics
    assert compare(first, second) == ()
