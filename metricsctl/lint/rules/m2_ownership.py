"""M2: ownership. Who answers for a number, what it says, how much depends on it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from metricsctl.core.diagnostics import Severity, Span
from metricsctl.core.names import close_match
from metricsctl.definition.references import inputs_of, relations_of
from metricsctl.definition.schema import Alias, Exposure, Metric, Model, Source
from metricsctl.lint.codeowners import is_named, read_codeowners
from metricsctl.lint.facts import Facts
from metricsctl.lint.places import text_at, value_at
from metricsctl.lint.registry import Problem, rule


def _own_metrics(facts: Facts) -> Iterator[Metric]:
    """The metrics that are not mere other names of some."""
    return (metric for metric in facts.project.metrics.values() if not isinstance(metric, Alias))


@rule("M201", "no-owner", severity=Severity.WARNING)
def no_owner(facts: Facts) -> Iterator[Problem]:
    """A metric without owner, or an owner whom CODEOWNERS does not know.

    ## What it does
    Warns of metrics that have no `owner:`, neither of their own nor by the `defaults:` of their file. Where the repository has a CODEOWNERS
    file, every owner that the definitions name must be in it: `team-ads` is `@shop/team-ads`, and `jo` is `jo@shop.example`.

    ## Why
    When the number is wrong somebody has to be asked, and a team that was renamed two years ago does not answer.

    ## Example
        metrics:
          - {name: revenue, type: simple, source: orders, agg: sum, expr: amount}

    ## Use instead
        defaults: {owner: team-commerce}
        metrics:
          - {name: revenue, type: simple, source: orders, agg: sum, expr: amount}

    ## References
    - [GitHub: about code owners](https://docs.github.com/en/repositories/managing-your-repositorys-settings-and-features/customizing-your-repository/about-code-owners)
    - [GitLab: Code Owners](https://docs.gitlab.com/user/project/codeowners/)
    """
    for metric in _own_metrics(facts):
        if facts.project.owner_of(metric) is None:
            yield Problem(metric.name.span, f"metric '{metric.name}' has no owner", "owner: ..., or once for the file under `defaults:`")
    known = read_codeowners(facts.outside)
    if known is None:
        return
    path, named = known
    verdicts: dict[str, bool] = {}
    for owner, span in _owners(facts):
        if not verdicts.setdefault(owner, is_named(owner, named)):
            near = close_match(owner, [name.rpartition("/")[2].lstrip("@") for name in sorted(named)])
            yield Problem(span, f"owner '{text_at(facts, span)}' is not in {path}", f"did you mean '{near}'?" if near else None)


def _owners(facts: Facts) -> Iterator[tuple[str, Span]]:
    """Every owner that is written somewhere, on one line."""
    project = facts.project
    groups: tuple[Iterable[Any], ...] = (
        (file.defaults for file in project.files),
        project.dimensions.values(),
        project.sources.values(),
        project.models.values(),
        project.metrics.values(),
        project.exposures.values(),
        project.series.values(),
    )
    for group in groups:
        for record in group:
            span = record.place("owner")
            if record.owner is not None and "owner" in record.places and span.line == span.end_line:
                yield record.owner, span


_FILLERS = frozenset(("a", "an", "the", "this", "is", "of", "metric", "source", "model", "dimension", "column", "table"))
_MANY = 5  # words more than the name has say something
_WORD = re.compile(r"[^\W_]+")
_PLAIN = re.compile(r"[\x00-\x7f]*\Z")


def _words(text: str) -> list[str]:
    """What a text says: its words in lower case and the singular, without those that say nothing."""
    words = (word for word in _WORD.findall(text.lower()) if word not in _FILLERS)
    return [word.removesuffix("s") if len(word) > 3 and not word.endswith("ss") else word for word in words]


@rule("M202", "poor-description", severity=Severity.WARNING)
def poor_description(facts: Facts) -> Iterator[Problem]:
    """A description that is missing, too short, or says the name again.

    ## What it does
    Warns of metrics, sources, models and shared dimensions that have no `description:`, or one of a single word, or one whose words are
    just those of the name. An alias has that of the metric it stands for.

    ## Why
    A name never says whether refunds are in, which time zone the day has, or whose visits count.

    ## Example
        - {name: paid_orders, description: Paid orders., type: simple, source: orders, agg: count, filter: paid}

    ## Use instead
        - {name: paid_orders, description: "Orders paid in full, returns included.", type: simple, source: orders, agg: count, filter: paid}

    ## References
    - [Google's SRE book: what a service level indicator has to say](https://sre.google/sre-book/service-level-objectives/)
    """
    project = facts.project
    groups: tuple[tuple[str, Iterable[Any]], ...] = (
        ("metric", _own_metrics(facts)),
        ("source", (source for source in project.sources.values() if not source.implied)),
        ("model", project.models.values()),
        ("dimension", project.dimensions.values()),
    )
    for kind, records in groups:
        for record in records:
            fault = _fault(record)
            if fault is None and record.description is not None:
                continue
            if record.description is None:
                yield Problem(
                    record.name.span, f"{kind} '{record.name}' has no description", "description: what it counts, in one sentence"
                )
                continue
            span, text = value_at(facts, record, "description")
            what = f"the description of {kind} '{text}'" if span == record.name.span else f"description '{text}'"
            yield Problem(span, f"{what} {fault}", "say what is in it, and what is not")


def _fault(record: Any) -> str | None:
    """What is wrong with a description that is there. A script without blanks between words is measured in letters."""
    words = _WORD.findall(record.description or "")
    if not words or (len(words) == 1 and (len(words[0]) < 4 or _PLAIN.match(record.description))):
        return "is too short"
    if len(words) > record.name.name.count("_") + 1 + _MANY:
        return None
    said = _words(record.description)
    return "only repeats the name" if said and said == _words(record.name.name) else None


@rule("M205", "bare-critical-metric", severity=Severity.WARNING)
def bare_critical_metric(facts: Facts) -> Iterator[Problem]:
    """A metric of tier 0 or 1 without test, owner or exposure.

    ## What it does
    Warns of metrics of tier 0 or 1 that no entry of `tests:` tests, that have no owner, or that no exposure stands on. A test or an
    exposure of a metric is one of all that it is computed from, too.

    ## Why
    Tier 0 says that the company stops without this number. Then it must be known what it gives, who answers for it, and who looks at it.

    ## Example
        metrics:
          - {name: revenue, type: simple, source: orders, agg: sum, expr: amount, tier: 0}

    ## Use instead
        metrics:
          - {name: revenue, type: simple, source: orders, agg: sum, expr: amount, tier: 0, owner: team-commerce}
        exposures:
          - {name: exec-weekly, kind: dashboard, uses: [revenue]}
        tests:
          - {name: revenue adds up, metric: revenue, given: {orders: [...]}, expect: [...]}

    ## References
    - [Tiers, tests and exposures](../spec.md)
    """
    tested = _below(facts, [test.metric.name for test in facts.project.tests.values()])
    for metric in _own_metrics(facts):
        tier, name = facts.project.tier_of(metric), metric.name.name
        if tier > 1:
            continue
        lacks = {
            "test": name not in tested,
            "owner": facts.project.owner_of(metric) is None,
            "exposure": not facts.exposures.get(name),
        }
        missing = [f"no {what}" for what, is_missing in lacks.items() if is_missing]
        if missing:
            yield Problem(
                metric.name.span, f"metric '{name}' is of tier {tier} and has {' and '.join(missing)}", "add them, or lower its tier"
            )


def _below(facts: Facts, names: list[str]) -> set[str]:
    """Metrics and all that they are computed from, by name."""
    found: set[str] = set()
    while names:
        name = names.pop()
        metric = facts.project.all_metrics.get(name)
        if name not in found and metric is not None:
            found.add(name)
            names += [item.metric.name for item in inputs_of(metric).values()]
    return found


def _through(facts: Facts, name: str) -> str:
    """The metric that a variant or an alias stands for."""
    metric, seen = facts.project.all_metrics.get(name), set()
    while metric is not None and name not in seen:
        seen.add(name)
        target = getattr(metric, "alias_of", None) or getattr(metric, "of", None)
        if target is None:
            break
        name = target.name
        metric = facts.project.all_metrics.get(name)
    return name


@rule("M206", "tier-below-consumer", severity=Severity.WARNING)
def tier_below_consumer(facts: Facts) -> Iterator[Problem]:
    """A metric, source or model that is held less critical than what stands on it.

    ## What it does
    Warns where the tier of a metric is a higher number than that of a metric or an exposure that stands on it, over any number of steps. Of
    sources and models only a `tier:` of their own is looked at, of exposures likewise.

    ## Why
    A number is as reliable as the least of its inputs: who looks after clicks must know that the click rate is on the wall.

    ## Example
        - {name: clicks, type: simple, source: ad_log, agg: count, filter: is_click, tier: 3}
        - {name: ctr, type: ratio, numerator: clicks, denominator: impressions, tier: 0}

    ## Use instead
        - {name: clicks, type: simple, source: ad_log, agg: count, filter: is_click, tier: 0}

    ## References
    - [Tiers](../spec.md)
    """
    project = facts.project
    if len(_tiers(facts)) < 2:
        return
    needed: dict[str, tuple[int, str]] = {}  # by node: the tier that it is needed at, and by whom
    for exposure in project.exposures.values():
        if exposure.tier is not None:
            _need(
                needed, (f"metric:{_through(facts, ref.name)}" for ref in exposure.metrics()), exposure.tier, f"exposure '{exposure.name}'"
            )
    for name in _consumers_first(facts):
        metric = project.metrics[name]
        tier, who = project.tier_of(metric), f"metric '{name}'"
        if isinstance(metric, Alias):  # a name has what it names; who stands on it stands on that
            tier, who = needed.get(f"metric:{name}", (4, who))
        elif f"metric:{name}" in needed and needed[f"metric:{name}"][0] < tier:
            wanted, by = needed[f"metric:{name}"]
            yield Problem(metric.name.span, f"metric '{name}' is of tier {tier}, and {by} of tier {wanted} stands on it", f"tier: {wanted}")
            tier, who = wanted, by
        elif f"metric:{name}" in needed and needed[f"metric:{name}"][0] == tier:
            who = needed[f"metric:{name}"][1]
        _need(needed, (f"metric:{_through(facts, item.metric.name)}" for item in inputs_of(metric).values()), tier, who)
        _need(needed, (f"relation:{ref}" for ref in relations_of(metric)), tier, who)
    yield from _relations_below(facts, needed)


def _tiers(facts: Facts) -> set[int]:
    """The tiers that there are."""
    project = facts.project
    others: tuple[Exposure | Model | Source, ...] = (*project.exposures.values(), *project.models.values(), *project.sources.values())
    return {record.tier for record in others if record.tier is not None} | {project.tier_of(metric) for metric in project.metrics.values()}


def _need(needed: dict[str, tuple[int, str]], nodes: Iterable[str], tier: int, who: str) -> None:
    for node in nodes:
        if tier < needed.get(node, (4, ""))[0]:
            needed[node] = (tier, who)


def _relations_below(facts: Facts, needed: dict[str, tuple[int, str]]) -> Iterator[Problem]:
    """Sources and models that say a tier of their own, and are needed at another."""
    project = facts.project
    relations: tuple[Model | Source, ...] = (*project.models.values(), *project.sources.values())
    if all(record.tier is None for record in relations):
        return
    inputs = {name: [f"relation:{table}" for table in model.inputs()] for name, model in project.models.items()}
    waiting = [node for node in needed if node.startswith("relation:")]
    while waiting:
        node = waiting.pop()
        below = [name for name in inputs.get(node.partition(":")[2], ()) if needed[node][0] < needed.get(name, (4, ""))[0]]
        _need(needed, below, *needed[node])
        waiting += below
    for record in relations:
        tier, by = needed.get(f"relation:{record.name}", (4, ""))
        if record.tier is not None and tier < record.tier:
            yield Problem(
                record.name.span, f"'{record.name}' is of tier {record.tier}, and {by} of tier {tier} stands on it", f"tier: {tier}"
            )


def _consumers_first(facts: Facts) -> list[str]:
    """The metrics, each after those that stand on it; in a circle in the order of the files."""
    metrics = facts.project.metrics
    below = {
        name: {_through(facts, item.metric.name) for item in inputs_of(metric).values()} & metrics.keys()
        for name, metric in metrics.items()
    }
    waiting = dict.fromkeys(metrics, 0)
    for names in below.values():
        for name in names:
            waiting[name] += 1
    ready = [name for name, number in waiting.items() if not number]
    for name in ready:  # grows while it is walked
        for under in below[name]:
            waiting[under] -= 1
            if not waiting[under]:
                ready.append(under)
    return [*ready, *(name for name in metrics if waiting[name])]
