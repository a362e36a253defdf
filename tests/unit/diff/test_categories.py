"""No key of the language is forgotten: each has a category, and each change of one is told."""

import pytest

from metricsctl.definition.records import keys_of
from metricsctl.definition.schema import METRIC_TYPES, Column, Dimension, Exposure, ExternalSeries, Metric, Model, Source, SourceTime
from metricsctl.definition.schema.consumers import CalendarEntry
from metricsctl.diff.aspects import ELSEWHERE
from metricsctl.diff.categories import KINDS, category_of, is_meta, tells_value
from metricsctl.diff.change import Category

RECORDS = [
    *(("metric", record) for record in (Metric, *METRIC_TYPES.values())),
    ("source", Source),
    ("source", SourceTime),
    ("model", Model),
    ("column", Column),
    ("dimension", Dimension),
    ("exposure", Exposure),
    ("calendar", CalendarEntry),
    ("series", ExternalSeries),
]


@pytest.mark.parametrize(("kind", "record"), RECORDS, ids=lambda value: getattr(value, "__name__", value))
def test_every_key_has_a_category(kind: str, record: type) -> None:
    keys = set(keys_of(record)) - set(ELSEWHERE[kind])
    if record is SourceTime:
        keys -= {"column"}  # goes by `time`
    assert keys <= KINDS[kind].keys()


def test_no_category_is_of_a_key_that_does_not_exist() -> None:
    for kind in KINDS:
        keys = {key for name, record in RECORDS if name == kind for key in keys_of(record)}
        assert KINDS[kind].keys() - keys <= {"week_start"}


def test_what_moves_no_number_is_no_value() -> None:
    assert not any(tells_value(kind, key) for kind in KINDS for key in ("owner", "description", "tags") if key in KINDS[kind])
    assert is_meta("metric", "watch")
    assert category_of("metric", "unit", None, "usd") is Category.GOVERNANCE
    with pytest.raises(KeyError):
        category_of("metric", "no_such_key", 1, 2)
