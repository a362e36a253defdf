"""A question about a part of the graph is answered as the graph of the whole project answers it, and refused where that matters."""

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metricsctl.core.errors import MetricsctlError
from metricsctl.definition.load import load_text
from metricsctl.lineage.graph import build
from metricsctl.lineage.part import answered
from metricsctl.lineage.question import Question
from metricsctl.lint.engine import check

COLUMNS = ("ts", "u", "g", "x")
KINDS = ("simple", "simple", "simple", "ratio", "derived", "inputs", "alias", "cumulative", "conversion")


class Draft:
    """A random project as the lines of its YAML: `names` are the nodes that can be asked for, `sql` the lines with SQL in them."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.tables: list[str] = []
        self.metrics: list[str] = []
        self.lines = ["version: 1", "dimensions:", "  - {name: big, expr: x > 1}", "  - {name: g}", "sources:"]
        self.sql: list[int] = []
        for number in range(chance.randrange(1, 4)):
            columns = ", ".join(f"{{name: {name}}}" for name in COLUMNS)
            self.add(f"{{name: s{number}, time: ts, entities: {{user: u}}, dimensions: [g], columns: [{columns}]}}")
            self.tables.append(f"s{number}")
        if chance.random() < 0.4:
            self.tables.append("ev")  # a source of which nothing is declared
        self.lines.append("models:")
        for number in range(chance.randrange(1, 5)):
            self.model(f"m{number}")
        self.lines += ["metrics:", '  - {name: old, type: counter, source_event: ev, aggregation_field: "1"}']
        for number in range(chance.randrange(2, 9)):
            self.metric(f"k{number}")
        self.lines.append("exposures:")
        for number in range(chance.randrange(1, 3)):
            by = chance.choice(["", ", filter: \"g = 'a'\"", ', filter: "big"'])
            self.add(
                f"{{name: b{number}, kind: dashboard, uses: [{', '.join(chance.sample(self.metrics, min(2, len(self.metrics))))}]{by}}}"
            )
        self.lines += ["series:", f"  - {{name: e, metric: {chance.choice(self.metrics)}, path: e.csv, time: t, value: v, grain: 1d}}"]
        self.names = [*self.tables, *self.metrics, "dimension:big", "b0", "e", *(f"{table}.x" for table in self.tables)]

    def add(self, line: str, *, sql: bool = False) -> None:
        self.lines.append(f"  - {line}")
        if sql:
            self.sql.append(len(self.lines) - 1)

    def model(self, name: str) -> None:
        one, other = self.chance.choice(self.tables), self.chance.choice(self.tables)
        text = self.chance.choice(
            [
                f"SELECT ts, u, g, x + 1 AS x FROM {one} WHERE x > 0",
                f"WITH q AS (SELECT * FROM {one}) SELECT * FROM q",
                f"SELECT a.ts, a.u, b.g, a.x FROM {one} AS a JOIN {other} AS b ON a.u = b.u",
                f"SELECT ts, u, g, x FROM {one} UNION ALL SELECT ts, u, g, x FROM {other}",
                f"SELECT ts, u, g, x, 1 AS {other} FROM {one}",
            ]
        )
        if self.chance.random() < 0.15:
            self.add(f"{{name: {name}, session: {{source: s0, entity: user, gap: 30m}}}}")
            return  # it lacks the columns that the others have, and so is read by none of them
        self.add(f'{{name: {name}, sql: "{text}", time: ts, entities: {{user: u}}}}', sql=True)
        self.tables.append(name)

    def metric(self, name: str) -> None:
        kind = self.chance.choice(KINDS) if self.metrics else "simple"
        one, other = (self.chance.choice(self.metrics or [""]) for _ in range(2))
        table = self.chance.choice(self.tables)
        filtered, dimensions = self.chance.choice(["", ", filter: x > 2"]), self.chance.choice(["[]", "[g]", "[big]"])
        said = {
            "simple": f"type: simple, source: {table}, agg: sum, expr: x * 2{filtered}, dimensions: {dimensions}",
            "ratio": f"type: ratio, numerator: {{metric: {one}, filter: x > 3}}, denominator: {other}",
            "derived": f'type: derived, expr: "{one} / nullif({other}, 0)"',
            "inputs": f"type: derived, expr: a - k0, inputs: {{a: {one}, k0: {other}}}",
            "alias": f"alias_of: {one}",
            "cumulative": f"type: cumulative, metric: {one}, window: 7d",
            "conversion": f"type: conversion, base: s0, convert: {table}, entity: user, within: 1d",
        }[kind]
        variants = ", variants: {de: \"g = 'DE'\"}" if kind == "simple" and self.chance.random() < 0.3 else ""
        self.add(f"{{name: {name}, {said}{variants}}}", sql=kind in {"simple", "derived"})
        self.metrics += [name, f"{name}.de"] if variants else [name]

    def text(self) -> str:
        return "\n".join(self.lines) + "\n"

    def broken(self) -> str:
        """The same with SQL in one place that does not parse."""
        lines = list(self.lines)
        place = self.chance.choice(self.sql)
        for sound, faulty in (("SELECT ts", "SELECT ) ts"), ("SELECT *", "SELECT ) *"), ("SELECT a", "SELECT ) a"), ("expr: ", "expr: (")):
            if sound in lines[place]:
                lines[place] = lines[place].replace(sound, faulty, 1).replace("x * 2", "x * 2 +").replace('expr: ("', 'expr: "(')
                break
        return "\n".join(lines) + "\n"

    def question(self) -> Question:
        chance = self.chance
        if chance.random() < 0.2:
            one, other = (chance.choice(self.names) for _ in range(2))
            return Question(path=(one, other), columns=chance.random() < 0.5)
        words = [chance.choice(["", "", "+", "1+"]) + name + chance.choice(["", "", "+", "+2"]) for name in chance.sample(self.names, 1)]
        words += chance.choice([[], [], [], [], ["k*"], ["file:metrics.yml"], ["s0.*"]])
        if chance.random() < 0.05:
            words = ["nobody"]
        return Question(
            nodes=tuple(words),
            direction=chance.choice(["both", "upstream", "downstream"]),
            depth=chance.choice([None, None, 0, 1, 2]),
            columns=chance.random() < 0.4,
            column=chance.choice([None, None, None, "x"]),
        )


def whole(text: str, question: Question) -> Any:
    """What the graph of the whole project answers."""
    project = load_text(text)
    try:
        return question.of(build(check(project)))
    except MetricsctlError as error:
        return type(error), error.message, error.hint


def part(text: str, question: Question) -> Any:
    """What the graph of a part answers; None where all must be read."""
    try:
        return answered(load_text(text, parse_sql=False), question, check)
    except MetricsctlError as error:
        return type(error), error.message, error.hint


def test_most_questions_are_answered_by_a_part() -> None:
    answers = []
    for seed in range(40):
        draft = Draft(random.Random(seed))
        answers.append(part(draft.text(), draft.question()))
    assert sum(answer is None for answer in answers) < 15
    assert sum(isinstance(answer, tuple) for answer in answers) < 10


def compare(seed: int) -> None:
    draft = Draft(random.Random(seed))
    text, question = draft.text(), draft.question()
    found, wanted = part(text, question), whole(text, question)
    assert found is None or found == wanted
    faulty = draft.broken()
    assert load_text(faulty).findings
    assert part(faulty, question) in (None, wanted)


@given(st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_a_part_answers_as_the_whole_does(seed: int) -> None:
    compare(seed)


@pytest.mark.slow
@given(st.integers(0, 2**32))
@settings(max_examples=3000, deadline=None)
def test_a_part_answers_as_the_whole_does_many_times(seed: int) -> None:
    compare(seed)
