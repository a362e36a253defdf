"""A question about a large project reads no more SQL than its answer needs, and is refused where what is broken might belong to it."""

import pytest

from metricsctl.core.errors import UnknownName
from metricsctl.definition.load import load_text
from metricsctl.definition.project import Project
from metricsctl.lineage.graph import build
from metricsctl.lineage.part import answered
from metricsctl.lineage.question import Question
from metricsctl.lineage.report import LineageReport
from metricsctl.lineage.uses import words_of
from metricsctl.lint.engine import check

BESIDE = '  - {name: other, sql: "SELECT ts FROM log WHERE", time: ts}\n'
READER = '  - {name: other, sql: "SELECT ts, value FROM paid WHERE", time: ts}\n'


def ask(text: str, question: Question) -> LineageReport | None:
    return answered(load_text(text, parse_sql=False), question, check)


@pytest.fixture
def text(shop: Project) -> str:
    return shop.files[0].text


def with_model(text: str, line: str) -> str:
    return text.replace("metrics:\n", f"{line}metrics:\n")


def test_sql_that_the_answer_does_not_need_is_not_read(text: str) -> None:
    question = Question(("revenue",))
    assert ask(with_model(text, BESIDE), question) is not None
    assert ask(with_model(text, READER), Question(("revenue",), "upstream")) is not None
    assert ask(with_model(text, READER), question) is not None  # it reads the model, as does the metric


@pytest.mark.parametrize("question", [Question(("log",)), Question(("log.amount",), "downstream"), Question(("tag:x", "paid"))])
def test_what_may_read_one_of_the_names_must_be_in_order(text: str, question: Question) -> None:
    assert ask(with_model(text, BESIDE).replace("name: log,", "name: log, tags: [x],"), question) is None


@pytest.mark.parametrize(
    ("sound", "broken"),
    [
        ("alias_of: revenue", "alias_of: revenu"),  # a name that nothing has
        ("agg: count}", "agg: cuont}"),  # what may not stand there
        ("name: rows,", "name: revenue,"),  # one name for two
        ("expr: value, filter", "expr: value, filtre"),  # a key that the language does not have
    ],
)
def test_what_the_yaml_alone_shows_to_be_wrong_is_wrong_everywhere(text: str, sound: str, broken: str) -> None:
    assert ask(text.replace(sound, broken), Question(("log.spare",))) is None


@pytest.mark.parametrize(
    "question", [Question(), Question(("revenue",), whole=True), Question(("*.amount",)), Question(("x",), column="ts")]
)
def test_some_questions_need_all(text: str, question: Question) -> None:
    assert ask(text.replace("name: rows,", "name: x,").replace("n: rows", "n: x"), question) is None


def test_a_column_of_which_only_a_filter_upon_a_metric_tells() -> None:
    text = """
version: 1
metrics:
  - {name: old, type: counter, source_event: ev, aggregation_field: "1"}
  - {name: share, type: ratio, numerator: {metric: old, filter: x > 1}, denominator: old}
"""
    for question in (Question(("ev.x",), depth=0), Question(("ev",), "upstream", columns=True)):
        assert ask(text, question) == question.of(build(load_text(text)))


def test_a_name_that_nothing_has_needs_no_sql(text: str) -> None:
    with pytest.raises(UnknownName, match="revenu") as caught:
        ask(with_model(text, BESIDE), Question(("revenu",)))
    assert caught.value.hint == "did you mean 'revenue'?"


def test_an_escaped_name_is_not_missed(text: str) -> None:
    assert words_of(r'FROM "t\n"') == {"FROM", "t", "n"}
    assert ask(with_model(text, r"""  - {name: other, sql: "SELECT '\\x' FROM WHERE", time: ts}""" + "\n"), Question(("log",))) is None
