"""What kind of number a metric is: what may be added up, what can be 0, in which unit, at which grain."""

from __future__ import annotations

from dataclasses import dataclass, field

from metricsctl.definition.formula import Term, formula
from metricsctl.definition.references import inputs_of
from metricsctl.definition.schema import Conversion, Cumulative, Derived, Metric, Model, Ratio, Simple
from metricsctl.definition.units import DIMENSIONLESS, Unit, parse_unit, unit_of
from metricsctl.lint.facts import Facts

__all__ = ["Measures"]

ADDITIVE = ("count", "sum", "count_distinct")
AVERAGES = ("avg", "median", "percentile", "stddev")


@dataclass(slots=True)
class Measures:
    """Answers about the metrics of a project, each worked out once."""

    facts: Facts
    _units: dict[str, Unit | None] = field(default_factory=dict)
    _zeros: dict[str, bool] = field(default_factory=dict)
    _columns: dict[str, dict[str, Unit | None]] = field(default_factory=dict)

    def is_rate(self, name: str) -> bool:
        """Whether a metric is a quotient: a ratio, a conversion, or an average."""
        metric = self.facts.target(name)
        return isinstance(metric, Ratio | Conversion) or (isinstance(metric, Simple) and metric.agg == "avg")

    def is_percentile(self, name: str) -> bool:
        """Whether a metric is a median or a percentile."""
        metric = self.facts.target(name)
        return isinstance(metric, Simple) and metric.agg in {"median", "percentile"}

    def can_be_zero(self, name: str) -> bool:
        """Whether a metric can be 0 in some window, as far as its definition tells; unknown metrics are not accused."""
        if name not in self._zeros:
            self._zeros[name] = False  # a circle proves nothing
            metric = self.facts.target(name)
            self._zeros[name] = metric is not None and self._zero(metric)
        return self._zeros[name]

    def _zero(self, metric: Metric) -> bool:
        if metric.bounds is not None and metric.bounds.min is not None and metric.bounds.min > 0:
            return False
        if isinstance(metric, Simple):
            return metric.agg in ADDITIVE
        if isinstance(metric, Derived):
            return self.term_can_be_zero(metric, formula(metric.expr.text, metric.expr.dialect))
        if isinstance(metric, Ratio):
            return self.can_be_zero(metric.numerator.metric.name)
        return isinstance(metric, Cumulative | Conversion)

    def term_can_be_zero(self, metric: Derived, term: Term) -> bool:
        """Whether a part of a derived metric can be 0."""
        if term.kind == "number":
            return term.value == 0
        if term.kind == "name":
            item = inputs_of(metric).get(str(term.value))
            return item is not None and self.can_be_zero(item.metric.name)
        parts = [self.term_can_be_zero(metric, part) for part in term.parts]
        if term.kind in {"+", "cast", "neg"} or (term.kind == "call" and term.value in {"abs", "coalesce"}):
            return all(parts)
        if term.kind == "*":
            return any(parts)
        if term.kind in {"/", "//"}:
            return parts[0]
        if term.kind == "call" and term.value == "greatest":
            return all(parts)
        return not (term.kind == "call" and term.value == "nullif" and term.parts[-1] == Term("number", 0.0))

    def unit(self, name: str) -> Unit | None:
        """The unit of a metric: as declared, else as its definition gives it; None where it is not known."""
        if name not in self._units:
            self._units[name] = None
            metric = self.facts.target(name)
            if metric is not None:
                declared = parse_unit(metric.unit) if metric.unit else None
                self._units[name] = declared if metric.unit else self.given(metric)
        return self._units[name]

    def given(self, metric: Metric) -> Unit | None:
        """The unit that a metric's definition gives it, whatever it declares."""
        if isinstance(metric, Simple):
            if metric.agg in {"count", "count_distinct"}:
                return DIMENSIONLESS
            units = self.columns(metric.source.name)
            term = None if metric.expr is None else formula(metric.expr.text, metric.expr.dialect)
            return None if term is None else unit_of(term, units.get)
        if isinstance(metric, Ratio):
            return unit_of(_quotient(metric), self.unit)
        if isinstance(metric, Derived):
            return unit_of(formula(metric.expr.text, metric.expr.dialect), self.leaf(metric))
        if isinstance(metric, Cumulative):
            return self.unit(metric.metric.name)
        return DIMENSIONLESS if isinstance(metric, Conversion) else None

    def leaf(self, metric: Derived) -> _Leaf:
        """The units of the inputs of a derived metric by the names that they have in it."""
        return _Leaf(self, {name: item.metric.name for name, item in inputs_of(metric).items()})

    def columns(self, relation: str) -> dict[str, Unit | None]:
        """The units of the columns of a source or model, where they are declared and known, or taken over from below."""
        if relation not in self._columns:
            self._columns[relation] = {}  # a circle proves nothing
            record = self.facts.relations.get(relation)
            found = self._taken_over(record) if isinstance(record, Model) and record.statement is not None else {}
            columns = record.columns if record is not None else ()
            self._columns[relation] = found | {column.name.name: parse_unit(column.unit) for column in columns if column.unit}
        return self._columns[relation]

    def _taken_over(self, model: Model) -> dict[str, Unit | None]:
        """The units of the columns that a model's SQL passes on as they are."""
        shape = self.facts.shape(model)
        outputs = (
            (name, output, self.columns(output.table)) for name, output in shape.outputs.items() if output.table and not output.aggregate
        )
        return {name: units[output.column] for name, output, units in outputs if shape.is_plain and output.column in units}


@dataclass(frozen=True, slots=True)
class _Leaf:
    measures: Measures
    inputs: dict[str, str]

    def __call__(self, name: str) -> Unit | None:
        return self.measures.unit(self.inputs[name]) if name in self.inputs else None


def _quotient(metric: Ratio) -> Term:
    return Term("/", None, (Term("name", metric.numerator.metric.name), Term("name", metric.denominator.metric.name)))
