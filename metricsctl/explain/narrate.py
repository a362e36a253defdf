"""Findings to evidence: the templates of all sentences, and the numbers that go into them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from metricsctl.core.timegrid import to_iso
from metricsctl.explain.baseline import Move
from metricsctl.explain.case import Case
from metricsctl.explain.evidence import Collection, Evidence, EvidenceKind, Quantity
from metricsctl.explain.locate import Located
from metricsctl.explain.mix import Mix
from metricsctl.explain.panel import condition
from metricsctl.explain.quality import Health
from metricsctl.explain.read import Totals
from metricsctl.explain.suspects import Judged
from metricsctl.explain.walk import Upstream

__all__ = [
    "carrier_evidence",
    "change_evidence",
    "health_evidence",
    "input_evidence",
    "mix_evidence",
    "move_evidence",
    "others_evidence",
    "row_evidence",
    "segment_name",
    "size_evidence",
    "time_words",
]


def segment_name(key: Mapping[str, str | None]) -> str:
    """A segment in words.

    >>> segment_name({"country": "DE", "platform": None})
    'country=DE, platform=(null)'
    """
    return ", ".join(f"{name}={'(null)' if value is None else value}" for name, value in key.items())


def time_words(time: int, zone: str) -> str:
    """A time in the metric's zone, to the minute.

    >>> time_words(0, "UTC")
    '1970-01-01 00:00'
    """
    return dt.datetime.fromisoformat(to_iso(time, zone)).strftime("%Y-%m-%d %H:%M")


def query_of(case: Case, metric: str, by: tuple[str, ...] = ()) -> str:
    """The command that shows a metric around the episode."""
    length = int(case.axis.times[case.last]) - int(case.axis.times[case.first]) + case.axis.grain.microseconds
    since = max(int(case.axis.times[0]), int(case.axis.times[case.first]) - max(2 * length, 24 * case.axis.grain.microseconds))
    parts = [
        "metricsctl query",
        metric,
        *(["--by", ",".join(by)] if by else []),
        "--since",
        _argument(since, case),
        "--until",
        _argument(case.end, case),
    ]
    where = condition(case.reader.key)
    return " ".join(parts) + (f' --where "{where}"' if where else "")


def _argument(time: int, case: Case) -> str:
    return dt.datetime.fromisoformat(to_iso(time, case.axis.zone)).strftime("%Y-%m-%dT%H:%M")


def _amounts(case: Case, move: Move, unit: str | None) -> dict[str, Quantity]:
    share = case.metric.unit is None and not case.adds_up and min(move.actual, move.expected) >= 0 and max(move.actual, move.expected) <= 1
    numbers = {
        "actual": Quantity(move.actual, "share" if share else "amount", unit),
        "expected": Quantity(move.expected, "share" if share else "amount", unit),
        "change": Quantity(move.change, "points" if share else "signed_amount", unit),
        "score": Quantity(abs(move.score), "score"),
    }
    if move.relative is not None:
        numbers["relative"] = Quantity(move.relative, "signed_share")
    return numbers


def size_evidence(facts: Collection, case: Case, move: Move) -> Evidence:
    """What the metric did."""
    numbers = _amounts(case, move, case.metric.unit) | {
        "since": Quantity(time_words(int(case.axis.times[case.first]), case.axis.zone), "text"),
        "until": Quantity(time_words(case.end, case.axis.zone), "text"),
    }
    words = {"metric": case.name, "zone": case.axis.zone, "segment": segment_name(case.reader.key)}
    size = "{change}" + (", {relative}" if "relative" in numbers else "")
    where = " ({segment})" if case.reader.key else ""
    each = " on average" if case.is_mean else ""
    template = "{metric}" + where + f" was {{actual}}{each} instead of {{expected}} ({size}) from {{since}} to {{until}} {{zone}}"
    return facts.add(EvidenceKind.SIZE, case.node, template, numbers, words, query_of(case, case.name))


def health_evidence(facts: Collection, item: Health) -> Evidence:
    """How a source was."""
    numbers = {
        "silent": Quantity(item.silent, "count"),
        "windows": Quantity(item.windows, "count"),
        "open": Quantity(item.open, "count"),
        "rejected": Quantity(item.rejected, "share"),
    }
    if item.is_late:
        numbers["behind"] = Quantity(item.behind, "duration")
    if item.silent:
        template = "{source} had no events in {silent} of {windows} windows that usually have some"
    elif item.windows:
        template = "{source} had events in {windows} of {windows} windows that usually have some"
    else:
        template = "{source} usually has no events in these windows"
    template += "; {open} windows are still open" if item.is_incomplete else ""
    template += ", and its latest event is {behind} older than that of other sources" if item.is_late else ""
    template += "; {rejected} of its events were rejected" if item.has_rejects else ""
    return facts.add(EvidenceKind.QUALITY, f"source:{item.source}", template, numbers, {"source": item.source}, "metricsctl store info")


def input_evidence(facts: Collection, case: Case, totals: Totals, parts: Mapping[str, float]) -> tuple[Evidence, ...]:
    """What each input adds to the change, the largest first."""
    whole = sum(parts.values())
    found = []
    for name, part in sorted(parts.items(), key=lambda item: -abs(item[1])):
        numbers = {
            "actual": Quantity(totals.actual[name]),
            "expected": Quantity(totals.expected[name]),
            "contribution": Quantity(part),
            "share": Quantity(part / whole if whole else 0.0, "share"),
        }
        leaf = case.algebra.leaves[name]
        template = "{input} was {actual} instead of {expected}: {share} of the change"
        query = query_of(case, leaf.base.metric) if leaf.base.metric in case.project.metrics else None
        found.append(facts.add(EvidenceKind.INPUT, f"metric:{leaf.base.metric}", template, numbers, {"input": name}, query))
    return tuple(found)


def carrier_evidence(facts: Collection, case: Case, located: Located) -> Evidence | None:
    """Which segments carry the change."""
    carrier = located.carrier
    if carrier is None:
        return None
    numbers = {"share": Quantity(carrier.share, "share"), "fit": Quantity(carrier.fit, "share")}
    names = " and ".join(segment_name(member) for member in carrier.members)
    if located.counterfactual is not None:
        unit = None if located.mix is not None and case.metric.unit is None else case.metric.unit
        share = case.algebra.is_ratio and case.metric.unit is None and 0 <= located.counterfactual <= 1
        numbers["normal"] = Quantity(located.counterfactual, "share" if share else "amount", unit)
    template = "{names} carries {share} of the change; {fit} of all movement is there"
    if len(carrier.members) > 1:
        template = template.replace("carries", "carry")
    query = query_of(case, case.name, carrier.dimensions)
    return facts.add(EvidenceKind.SEGMENT, names, template, numbers, {"names": names}, query)


def mix_evidence(facts: Collection, case: Case, mix: Mix) -> Evidence:
    """How the weights of segments shifted."""
    numbers = {
        "mix_share": Quantity(mix.share, "share"),
        "lost_before": Quantity(mix.lost_weights[0], "share"),
        "lost_after": Quantity(mix.lost_weights[1], "share"),
        "gained_before": Quantity(mix.gained_weights[0], "share"),
        "gained_after": Quantity(mix.gained_weights[1], "share"),
    }
    words = {"dimension": mix.dimension, "lost": mix.lost or "(null)", "gained": mix.gained or "(null)"}
    template = (
        "the mix of {dimension} shifted: {lost} from {lost_before} to {lost_after}, {gained} from {gained_before} to {gained_after} of the "
        "denominator; {mix_share} of the change is mix"
    )
    if mix.reversal:
        template += ", although every large segment by itself moved the other way (Simpson's paradox)"
    return facts.add(EvidenceKind.MIX, f"dimension:{mix.dimension}", template, numbers, words, query_of(case, case.name, (mix.dimension,)))


def move_evidence(facts: Collection, kind: EvidenceKind, case: Case, item: Upstream | tuple[str, Move]) -> Evidence:
    """What a node upstream or another metric did."""
    node, move = (item.node, item.move) if isinstance(item, Upstream) else item
    name = node.partition(":")[2]
    metric = case.project.metrics.get(name) if node.startswith("metric:") else None
    numbers = {
        "actual": Quantity(move.actual, "amount", metric.unit if metric else None),
        "expected": Quantity(move.expected, "amount", metric.unit if metric else None),
        "score": Quantity(abs(move.score), "score"),
    }
    size = "out of the ordinary" if move.is_moved else "within its usual spread"
    if move.relative is not None:
        numbers["relative"] = Quantity(move.relative, "signed_share")
        size = "{relative}" if move.is_moved else "{relative}, within its usual spread"
    what = "{name}" if metric is not None else "rows of {name}"
    template = f"{what}: {{actual}} instead of {{expected}}, {size} ({{score}} standard deviations)"
    query = query_of(case, name) if metric is not None else None
    return facts.add(kind, node, template, numbers, {"name": name}, query)


def row_evidence(facts: Collection, case: Case, metric: str, extreme: str, value: float, share: float) -> Evidence:
    """That one row, told by the metric `extreme`, makes the change of `metric`."""
    numbers = {"value": Quantity(value, "amount", case.project.metric(metric).unit), "share": Quantity(share, "share")}
    template = "{extreme}, the most extreme single row, was {value}: {share} of the change of {metric}"
    return facts.add(
        EvidenceKind.COMPANY, f"metric:{extreme}", template, numbers, {"extreme": extreme, "metric": metric}, query_of(case, extreme)
    )


def change_evidence(facts: Collection, case: Case, item: Judged) -> Evidence:
    """When a change event came, and what it reaches."""
    numbers = {
        "time": Quantity(time_words(item.event.time, case.axis.zone), "text"),
        "lag": Quantity(item.lag, "duration"),
        "onset": Quantity(time_words(item.onset, case.axis.zone), "text"),
        "near": Quantity(item.near, "share"),
        "contrast": Quantity(item.contrast, "share"),
        "fit": Quantity(item.fit, "share"),
    }
    words = {"event": str(item.event), "id": item.event.id, "nodes": ", ".join(node.partition(":")[2] for node in item.nodes)}
    began = "the onset" if item.onset >= int(case.axis.times[case.first]) else "the first signs"
    when = f"{{lag}} before {began} at about {{onset}}" if item.lag else "in the window of the onset"
    templates = {
        "candidate": f"{{event}} ({{id}}) at {{time}}, {when}, produces {{nodes}}",
        "after": "{event} came at {time}, after the onset",
        "elsewhere": "{event} at {time} does not reach the metric",
        "long before": "{event} at {time} was {lag} before the onset",
        "no change": "{event} at {time} is no change",
    }
    if item.what is None:
        return facts.add(EvidenceKind.CHANGE, f"change:{item.event.id}", templates[item.verdict], numbers, words, "metricsctl changes list")
    words |= {"what": item.what, "title": item.event.title or "", "actor": item.event.actor or "somebody"}
    templates["candidate"] = f"the definition changed in commit {{id}} of {{actor}}, {{title}}, at {{time}}, {when}: {{what}}"
    templates["after"] = "the definition changed in commit {id}, {title}, at {time}, after the onset"
    templates["long before"] = "the definition changed in commit {id}, {title}, at {time}, {lag} before the onset"
    query = f"metricsctl impact --base {item.event.id}~1 --head {item.event.id}"
    return facts.add(EvidenceKind.DEFINITION, f"commit:{item.event.id}", templates[item.verdict], numbers, words, query)


def others_evidence(facts: Collection, verdicts: Sequence[str]) -> tuple[Evidence, ...]:
    """How many events are not told one by one, by what was found of them."""
    templates = {
        "candidate": "{count} more changes reach the metric, but fit no better",
        "after": "{count} more changes came after the onset",
        "elsewhere": "{count} more changes do not reach the metric",
        "long before": "{count} more changes were long before the onset",
        "no change": "{count} more events are no changes",
    }
    counts = {verdict: verdicts.count(verdict) for verdict in templates}
    return tuple(
        facts.add(EvidenceKind.CHANGE, "changes", templates[verdict], {"count": Quantity(count, "count")}, None, "metricsctl changes list")
        for verdict, count in counts.items()
        if count
    )
