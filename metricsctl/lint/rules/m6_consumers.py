"""M6: consumers and producers. Who looks at a number, and what the rows are written by."""

from __future__ import annotations

from collections.abc import Iterator

from metricsctl.core.diagnostics import Severity
from metricsctl.core.names import nearest
from metricsctl.definition.references import references
from metricsctl.definition.schema import Model, Source
from metricsctl.lint.facts import Facts
from metricsctl.lint.measures import Measures
from metricsctl.lint.registry import Problem, rule


@rule("M601", "unknown-exposed-metric")
def unknown_exposed_metric(facts: Facts) -> Iterator[Problem]:
    """An exposure that uses a metric which nothing defines.

    ## What it does
    Checks the metrics under `uses:`, `good:` and `total:` of exposures. The hint is the nearest name there is.

    ## Why
    The dashboard shows nothing, or what it shows comes from somewhere else; in both cases lineage and impact do not know of it.

    ## Example
        exposures:
          - {name: exec-weekly, kind: dashboard, uses: [revenu]}

    ## Use instead
        exposures:
          - {name: exec-weekly, kind: dashboard, uses: [revenue]}

    ## References
    - [Exposures](../spec.md)
    """
    known = facts.project.all_metrics
    for exposure in facts.project.exposures.values():
        for _, ref in references(exposure):
            if ref.name not in known and not facts.is_skipped(("metric",), ref.name):
                yield Problem(ref.span, f"exposure '{exposure.name}' uses '{ref}', which is no metric", nearest(ref.name, known))


@rule("M602", "slo-without-direction", severity=Severity.WARNING)
def slo_without_direction(facts: Facts) -> Iterator[Problem]:
    """A service level objective on a metric that does not say which way is good, or what it is counted in.

    ## What it does
    Warns of metrics under `good:` and `uses:` of an exposure of kind `slo` that have no `direction:`, and of any metric there whose unit is
    neither declared nor follows from its definition. The `total:` needs no direction.

    ## Why
    An objective is a bound to be kept on one side: without a direction nothing says which, and without a unit not what it is in.

    ## Example
        metrics:
          - {name: fast, type: simple, source: requests, agg: count, filter: ms < 300}
        exposures:
          - {name: latency, kind: slo, good: fast, total: all_requests, objective: 0.99}

    ## Use instead
        metrics:
          - {name: fast, type: simple, source: requests, agg: count, filter: ms < 300, direction: up}

    ## References
    - [Google's SRE workbook: implementing SLOs](https://sre.google/workbook/implementing-slos/)
    """
    measures = Measures(facts)
    for exposure in facts.project.exposures.values():
        if exposure.kind != "slo":
            continue
        for ref in exposure.metrics():
            metric = facts.target(ref.name)
            if metric is None:
                continue
            lacks = []
            if ref is not exposure.total and metric.direction in {None, "neutral"}:
                lacks.append("direction")
            if measures.unit(ref.name) is None:
                lacks.append("unit")
            if lacks:
                message = f"'{ref}' has no {' and no '.join(lacks)}, which the objective '{exposure.name}' needs"
                yield Problem(ref.span, message, ", ".join(f"{what}: ..." for what in lacks))


@rule("M604", "no-such-producer", severity=Severity.WARNING)
def no_such_producer(facts: Facts) -> Iterator[Problem]:
    """A path of this repository under `produced_by:` that matches no file.

    ## What it does
    Checks the globs of `produced_by: {paths: ...}` against the files of the repository, where `repo:` is the one in which the definitions
    lie (as its remotes say), or is not given. Paths of other repositories cannot be seen from here.

    ## Why
    Deploys are joined to sources by these paths. One that matches nothing finds no change, and the incident that it caused has no reason.

    ## Example
        produced_by: {service: payments, paths: ["services/payment/**"]}     # the folder is called payments

    ## Use instead
        produced_by: {service: payments, paths: ["services/payments/**"]}

    ## References
    - [Change events](../changes.md)
    """
    if not facts.outside.is_repository:
        return
    ours = {_repository(address) for address in facts.outside.remotes()}
    relations: tuple[Source | Model, ...] = (*facts.project.sources.values(), *facts.project.models.values())
    for relation in relations:
        producer = relation.produced_by
        if producer is None or (producer.repo is not None and _repository(producer.repo) not in ours):
            continue
        for glob in producer.paths:
            if not facts.outside.has_file(glob.strip("/")):
                span = facts.word(producer.place("paths"), glob)
                yield Problem(span, f"'{glob}' matches no file of this repository", "paths count from the top of the repository")


def _repository(text: str) -> str:
    """The owner and name of a repository, whatever the form of its address."""
    parts = text.lower().replace(":", "/").rstrip("/").removesuffix(".git").split("/")
    return "/".join(parts[-2:])
