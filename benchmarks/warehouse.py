"""A generated warehouse of metrics of any size, which knows by its own bookkeeping what feeds what.

`Warehouse(1000, 150)` is 1,000 metrics over 150 models in three layers: staging (projection and filter over raw events), intermediate (two
of them joined, through a CTE), marts (grouped). It keeps its models as parts (projections, FROM, WHERE ...), so that one part can be
edited, and for every metric the columns and tables that its value reads, at any distance: the truth that a tool has to find. Nothing of
metricsctl is used.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field

__all__ = ["EDITS", "Edit", "Metric", "Model", "Warehouse"]

RAW = {
    "ts": "timestamp",
    "id": "bigint",
    "user_id": "bigint",
    "status": "string",
    "country": "string",
    "amount": "double",
    "qty": "double",
    "price": "double",
    "device": "string",
}
METRICS_A_FILE = 25
Read = tuple[str, str]  # (table, column); the column "" stands for its rows


@dataclass
class Model:
    """A model as parts; `columns` is name -> (expression, columns of `tables` that it reads)."""

    name: str
    tables: list[str]
    columns: dict[str, tuple[str, set[Read]]]
    from_: str
    where: list[tuple[str, set[Read]]] = field(default_factory=list)
    joined_on: set[Read] = field(default_factory=set)
    group: list[str] = field(default_factory=list)
    comment: str = ""
    with_: str = ""

    def sql(self) -> str:
        """Its statement."""
        comment = f"-- {self.comment}\n" if self.comment else ""
        columns = ",\n  ".join(text if text == name else f"{text} AS {name}" for name, (text, _) in self.columns.items())
        where = f"\nWHERE {' AND '.join(text for text, _ in self.where)}" if self.where else ""
        group = f"\nGROUP BY {', '.join(self.group)}" if self.group else ""
        return f"{comment}{self.with_}SELECT\n  {columns}\nFROM {self.from_}{where}{group}"


@dataclass
class Metric:
    """A metric: `said` are its keys in the YAML, `reads` the columns and rows that it reads itself, `inputs` other metrics."""

    name: str
    said: dict[str, str]
    reads: set[Read] = field(default_factory=set)
    inputs: list[str] = field(default_factory=list)


class Warehouse:
    """`metrics` metrics over `models` models; the same for the same seed."""

    def __init__(self, metrics: int = 1000, models: int = 150, seed: int = 7) -> None:
        chance = random.Random(seed)
        self.sources = [f"raw_{number}" for number in range(max(models // 10, 2))]
        self.models: dict[str, Model] = {}
        self.metrics: dict[str, Metric] = {}
        self.exposures: dict[str, list[str]] = {}
        staging = [self._staging(number, chance.choice(self.sources)) for number in range(models * 2 // 5)]
        joined = [self._joined(number, *chance.sample(staging, 2)) for number in range(models * 2 // 5)]
        marts = [self._mart(number, chance.choice(joined)) for number in range(models - len(self.models) - 1)]
        self._special(staging[0])
        self._fill(metrics, [*staging, *joined, *marts], chance)
        for number in range(metrics // 20):
            self.exposures[f"board_{number}"] = chance.sample(list(self.metrics), 3)

    def _model(self, model: Model) -> str:
        self.models[model.name] = model
        return model.name

    def _staging(self, number: int, source: str) -> str:
        plain = {name: (name, {(source, name)}) for name in ("ts", "id", "user_id", "country", "status", "amount")}
        made = {
            "value": ("qty * price", {(source, "qty"), (source, "price")}),
            "paid": ("CASE WHEN status = 'paid' THEN 1 ELSE 0 END", {(source, "status")}),
            "phone": ("device IN ('ios', 'android')", {(source, "device")}),
        }
        where: list[tuple[str, set[Read]]] = [
            ("status <> 'test'", {(source, "status")}),
            (f"amount < {1000 + number}", {(source, "amount")}),
        ]
        return self._model(Model(f"stg_{number}", [source], {**plain, **made}, source, where, comment=f"one row an event of {source}"))

    def _joined(self, number: int, left: str, right: str) -> str:
        columns: dict[str, tuple[str, set[Read]]] = {
            "ts": ("a.ts", {(left, "ts")}),
            "id": ("a.id", {(left, "id")}),
            "user_id": ("a.user_id", {(left, "user_id")}),
            "country": ("COALESCE(a.country, b.country)", {(left, "country"), (right, "country")}),
            "value": ("a.value", {(left, "value")}),
            "other": ("b.value", {(right, "value")}),
            "margin": ("a.value - COALESCE(b.amount, 0)", {(left, "value"), (right, "amount")}),
            "phone": ("a.phone", {(left, "phone")}),
        }
        keys = {(left, "user_id"), (right, "user_id"), (right, "paid")}
        cte = f"WITH paid AS (SELECT user_id, country, value, amount FROM {right} WHERE paid = 1)\n"
        from_ = f"{left} AS a\nLEFT JOIN paid AS b ON a.user_id = b.user_id"
        return self._model(Model(f"int_{number}", [left, right], columns, from_, joined_on=keys, with_=cte, comment=f"{left} with {right}"))

    def _mart(self, number: int, table: str) -> str:
        columns: dict[str, tuple[str, set[Read]]] = {
            "user_id": ("user_id", {(table, "user_id")}),
            "country": ("country", {(table, "country")}),
            "ts": ("MIN(ts)", {(table, "ts")}),
            "value": ("SUM(value)", {(table, "value")}),
            "margin": ("SUM(margin)", {(table, "margin")}),
            "best": ("MAX(other)", {(table, "other")}),
            "visits": ("COUNT(*)", set()),
        }
        where: list[tuple[str, set[Read]]] = [("phone", {(table, "phone")})]
        group = ["user_id", "country"]
        joined = {(table, name) for name in group}
        return self._model(Model(f"mart_{number}", [table], columns, table, where, joined, group, comment=f"one row a user of {table}"))

    def _special(self, table: str) -> None:
        """A model with a column that feeds just three metrics, and metrics to edit."""
        plain = {name: (name, {(table, name)}) for name in ("ts", "id", "user_id", "country", "amount")}
        columns = {**plain, "net": ("amount * 0.8", {(table, "amount")}), "spare": ("value", {(table, "value")})}
        where: list[tuple[str, set[Read]]] = [("amount > 0", {(table, "amount")}), ("country <> 'XX'", {(table, "country")})]
        self._model(Model("special", [table], columns, table, where, comment="the place of the edits"))
        self._simple("net_sum", "special", "sum", "net", [])
        self._simple("net_max", "special", "max", "net", [])
        self._simple("all_rows", "special", "count", None, [])
        self._simple("amount_sum", "special", "sum", "amount", ["country"])
        self._ratio("net_share", "net_sum", "amount_sum")
        self._ratio("amount_share", "amount_sum", "all_rows")

    def _simple(self, name: str, model: str, agg: str, column: str | None, dimensions: list[str]) -> None:
        said = {"type": "simple", "source": model, "agg": agg, "dimensions": f"[{', '.join(dimensions)}]"}
        said |= {"expr": column} if column else {}
        reads = {(model, ""), (model, "ts"), *((model, used) for used in (column, *dimensions) if used)}
        self.metrics[name] = Metric(name, {**said, "description": f"The {agg} of {column or 'rows'} in {model}."}, reads)

    def _ratio(self, name: str, above: str, below: str) -> None:
        said = {"type": "ratio", "numerator": above, "denominator": below, "description": f"{above} over {below}."}
        self.metrics[name] = Metric(name, said, inputs=[above, below])

    def _fill(self, count: int, models: list[str], chance: random.Random) -> None:
        simple = count * 6 // 10
        for number in range(simple - len(self.metrics)):
            model = models[number % len(models)]
            numbers = [
                column for column in self.models[model].columns if column in {"value", "amount", "other", "margin", "best", "visits"}
            ]
            agg = chance.choice(["sum", "avg", "max", "count", "count_distinct"])
            column = None if agg == "count" else "user_id" if agg == "count_distinct" else chance.choice(numbers)
            self._simple(f"m_{number}", model, agg, column, ["country"] if chance.random() < 0.5 else [])
            if chance.random() < 0.3:
                self.metrics[f"m_{number}"].said["filter"] = f"\"country = '{chance.choice(['DE', 'FR', 'US'])}'\""
                self.metrics[f"m_{number}"].reads.add((model, "country"))
        bases = [name for name in self.metrics if name.startswith("m_")]
        for number in range(count - len(self.metrics)):
            above, below = chance.sample(bases, 2)
            if number % 2:
                self._ratio(f"r_{number}", above, below)
            else:
                said = {"type": "derived", "expr": f"{above} - 2 * {below}", "description": "A difference."}
                self.metrics[f"d_{number}"] = Metric(f"d_{number}", said, inputs=[above, below])

    def files(self) -> dict[str, str]:
        """The definitions, by the name of their file."""
        columns = ", ".join(f"{{name: {name}, type: {kind}}}" for name, kind in RAW.items())
        sources = "".join(f"  - {{name: {name}, time: ts, columns: [{columns}]}}\n" for name in self.sources)
        found = {"sources.yml": f"version: 1\nsources:\n{sources}"}
        for start in range(0, len(self.models), METRICS_A_FILE):
            some = list(self.models.values())[start : start + METRICS_A_FILE]
            found[f"models_{start // METRICS_A_FILE}.yml"] = "version: 1\nmodels:\n" + "".join(map(_model_text, some))
        for start in range(0, len(self.metrics), METRICS_A_FILE):
            metrics = list(self.metrics.values())[start : start + METRICS_A_FILE]
            found[f"metrics_{start // METRICS_A_FILE}.yml"] = "version: 1\nmetrics:\n" + "".join(map(_metric_text, metrics))
        boards = "".join(f"  - {{name: {name}, kind: dashboard, uses: [{', '.join(uses)}]}}\n" for name, uses in self.exposures.items())
        found["exposures.yml"] = f"version: 1\nexposures:\n{boards or '  []'}"
        return found

    def touched(self, roots: set[Read]) -> set[str]:
        """The metrics whose value reads one of some columns or rows, at any distance."""
        dirty = set(roots)
        for model in self.models.values():  # they stand in the order in which they read each other
            deciding = {*model.joined_on, *(read for _, reads in model.where for read in reads), *((table, "") for table in model.tables)}
            if deciding & dirty:
                dirty.add((model.name, ""))
            dirty |= {(model.name, column) for column, (_, reads) in model.columns.items() if reads & dirty}
        return self.above({name for name, metric in self.metrics.items() if metric.reads & dirty})

    def above(self, names: set[str]) -> set[str]:
        """Some metrics and all that is computed from them."""
        found = set(names)
        for name, metric in self.metrics.items():  # inputs come first
            if found & set(metric.inputs):
                found.add(name)
        return found

    def copy(self) -> Warehouse:
        """One to edit."""
        return deepcopy(self)


def _model_text(model: Model) -> str:
    body = "\n".join("      " + line for line in model.sql().splitlines())
    return f"  - name: {model.name}\n    time: {{column: ts}}\n    sql: |\n{body}\n"


def _metric_text(metric: Metric) -> str:
    return f"  - name: {metric.name}\n" + "".join(f"    {key}: {value}\n" for key, value in metric.said.items())


@dataclass(frozen=True)
class Edit:
    """One edit: `apply` changes a copy of the warehouse and returns the metrics that it moves."""

    name: str
    apply: Callable[[Warehouse], set[str]]


def _sql_comment(house: Warehouse) -> set[str]:
    house.models["stg_0"].comment = "every event that is no test"
    return set()


def _column_expression(house: Warehouse) -> set[str]:
    house.models["special"].columns["net"] = ("amount * 0.81", {("stg_0", "amount")})
    return house.touched({("special", "net")})


def _staging_expression(house: Warehouse) -> set[str]:
    house.models["stg_1"].columns["value"] = ("qty * price * 1.1", house.models["stg_1"].columns["value"][1])
    return house.touched({("stg_1", "value")})


def _column_added(house: Warehouse) -> set[str]:
    model = house.models["stg_0"]
    model.columns["total"] = ("qty + 1", {(model.tables[0], "qty")})
    return set()


def _description(house: Warehouse) -> set[str]:
    house.metrics["net_sum"].said["description"] = "Net of tax."
    house.metrics["amount_sum"].said["label"] = "Amount"
    return set()


def _filter(house: Warehouse) -> set[str]:
    house.metrics["net_max"].said["filter"] = "\"country = 'DE'\""
    return house.above({"net_max"})


def _denominator(house: Warehouse) -> set[str]:
    house.metrics["net_share"].said["denominator"] = "all_rows"
    return house.above({"net_share"})


def _aggregate(house: Warehouse) -> set[str]:
    house.metrics["net_sum"].said["agg"] = "avg"
    return house.above({"net_sum"})


def _where(house: Warehouse) -> set[str]:
    model = house.models["stg_0"]
    model.where[0] = ("status NOT IN ('test', 'fraud')", model.where[0][1])
    return house.touched({("stg_0", ""), *(("stg_0", column) for column in model.columns)})


def _inner_join(house: Warehouse) -> set[str]:
    model = house.models["int_3"]
    model.from_ = model.from_.replace("LEFT JOIN", "INNER JOIN")
    return house.touched({("int_3", ""), *(("int_3", column) for column in model.columns)})


def _column_renamed(house: Warehouse) -> set[str]:
    model = house.models["special"]
    model.columns = {("takings" if name == "net" else name): made for name, made in model.columns.items()}
    for metric in house.metrics.values():
        if metric.said.get("source") == "special" and metric.said.get("expr") == "net":
            metric.said["expr"] = "takings"
    return set()


def _renamed(house: Warehouse, alias: bool) -> set[str]:
    metric = house.metrics.pop("net_max")
    house.metrics["net_top"] = Metric("net_top", metric.said, metric.reads)
    for uses in house.exposures.values():
        uses[:] = ["net_top" if name == "net_max" else name for name in uses]
    if alias:
        house.metrics["net_max"] = Metric("net_max", {"alias_of": "net_top", "description": "Old name."}, inputs=["net_top"])
        return set()
    return {"net_max"}


def _split(house: Warehouse) -> set[str]:
    model = house.models["special"]
    first = Model("special_rows", model.tables, dict(house.models["stg_0"].columns), "stg_0", [model.where[0]])
    first.columns = {name: (name, {("stg_0", name)}) for name in ("ts", "id", "user_id", "country", "amount", "value")}
    model.from_, model.tables, model.where = "special_rows", ["special_rows"], [model.where[1]]
    house.models = {**house.models, "special_rows": first}
    return set()


def _swapped(house: Warehouse) -> set[str]:
    house.models["special"].where.reverse()
    return set()


EDITS = (
    Edit("SQL comment", _sql_comment),
    Edit("one column's expression", _column_expression),
    Edit("one column's expression in staging", _staging_expression),
    Edit("column added", _column_added),
    Edit("description and label", _description),
    Edit("a metric's filter", _filter),
    Edit("a ratio's denominator swapped", _denominator),
    Edit("measure SUM -> AVG", _aggregate),
    Edit("WHERE in staging", _where),
    Edit("LEFT JOIN -> INNER JOIN", _inner_join),
    Edit("column renamed with its uses", _column_renamed),
    Edit("metric renamed, with an alias", lambda house: _renamed(house, alias=True)),
    Edit("metric renamed, without", lambda house: _renamed(house, alias=False)),
    Edit("model split in two", _split),
    Edit("two AND-ed terms swapped", _swapped),
)


def edited(house: Warehouse) -> Iterator[tuple[str, dict[str, str], set[str]]]:
    """Each edit alone: its name, the files after it, the metrics that move."""
    for edit in EDITS:
        copy = house.copy()
        moved = edit.apply(copy)
        yield edit.name, copy.files(), moved


def _any_expression(house: Warehouse, chance: random.Random) -> set[str]:
    model = chance.choice([model for model in house.models.values() if not model.group])
    name = chance.choice([name for name in model.columns if name in {"value", "amount", "margin", "other", "net"}])
    text, reads = model.columns[name]
    model.columns[name] = (f"{text} * {chance.randrange(2, 9)}", reads)
    return house.touched({(model.name, name)})


def _any_where(house: Warehouse, chance: random.Random) -> set[str]:
    model = chance.choice(list(house.models.values()))
    column = "ts" if model.name.startswith("mart") else "user_id"
    qualified = f"a.{column}" if model.with_ else column
    model.where.append((f"{qualified} IS NOT NULL AND {chance.randrange(10**6)} > 0", {(model.tables[0], column)}))
    return house.touched({(model.name, ""), *((model.name, name) for name in model.columns)})


def _any_filter(house: Warehouse, chance: random.Random) -> set[str]:
    name = chance.choice([name for name, metric in house.metrics.items() if metric.said.get("type") == "simple"])
    house.metrics[name].said["filter"] = f"\"country = '{chance.choice('ABCDEFGH')}{chance.randrange(100)}'\""
    return house.above({name})


def _any_description(house: Warehouse, chance: random.Random) -> set[str]:
    chance.choice(list(house.metrics.values())).said["description"] = f"In other words, {chance.randrange(10**6)}."
    return set()


def _any_comment(house: Warehouse, chance: random.Random) -> set[str]:
    chance.choice(list(house.models.values())).comment = f"note {chance.randrange(10**6)}"
    return set()


def _any_new_column(house: Warehouse, chance: random.Random) -> set[str]:
    model = chance.choice([model for model in house.models.values() if model.name.startswith("stg")])
    model.columns[f"extra_{chance.randrange(10**6)}"] = ("qty", {(model.tables[0], "qty")})
    return set()


def _any_order(house: Warehouse, chance: random.Random) -> set[str]:
    chance.choice([model for model in house.models.values() if model.name.startswith("stg")]).where.reverse()
    return set()


def _any_denominator(house: Warehouse, chance: random.Random) -> set[str]:
    ratios = [name for name, metric in house.metrics.items() if metric.said.get("type") == "ratio" and name.startswith("r_")]
    name = chance.choice(ratios)
    metric = house.metrics[name]
    other = chance.choice([one for one in house.metrics if one.startswith("m_") and one not in metric.inputs])
    metric.inputs = [metric.said["numerator"], other]
    metric.said["denominator"] = other
    return house.above({name})


ANYWHERE = (
    *(_any_expression, _any_where, _any_filter, _any_filter, _any_description, _any_description),
    *(_any_comment, _any_new_column, _any_order, _any_denominator),
)


def commits(house: Warehouse, count: int, seed: int = 11) -> Iterator[tuple[str, dict[str, str], set[str]]]:
    """A history: each time one edit somewhere, upon the last; what was done, the files after it, the metrics that it moved."""
    chance = random.Random(seed)
    house = house.copy()
    for _ in range(count):
        work = chance.choice(ANYWHERE)
        moved = work(house, chance)
        yield work.__name__.removeprefix("_any_"), house.files(), moved
