"""Which nodes of a project a change event is about, by `produced_by` and by the metrics it names."""

from __future__ import annotations

import fnmatch

from metricsctl.changes.event import ChangeEvent
from metricsctl.definition.project import Project
from metricsctl.definition.schema import ProducedBy

__all__ = ["matches", "unknown_metrics"]


def matches(project: Project, event: ChangeEvent) -> tuple[str, ...]:
    """The ids of the sources and models whose producer was changed, and of the metrics that it names; none if there are none.

    What both sides say must agree: the service, the repository, and at least one changed file with the globs of `paths`. Service or
    repository must be said by both.
    """
    found = [f"source:{name}" for name, source in project.sources.items() if _produces(source.produced_by, event)]
    found += [f"model:{name}" for name, model in project.models.items() if _produces(model.produced_by, event)]
    found += [f"metric:{name}" for word in event.related_metrics for name in _metrics(project, word)]
    return tuple(dict.fromkeys(found))


def unknown_metrics(project: Project, event: ChangeEvent) -> tuple[str, ...]:
    """The related metrics of an event that mean nothing here."""
    return tuple(word for word in event.related_metrics if not _metrics(project, word))


def _metrics(project: Project, word: str) -> list[str]:
    """The metrics that a word means: a name, a glob of names, or all with a tag (`tag:gold`)."""
    if word in project.all_metrics:
        return [word]
    if word.startswith("tag:"):
        return [name for name, metric in project.metrics.items() if word.removeprefix("tag:") in metric.tags]
    return fnmatch.filter(project.all_metrics, word)


def _produces(producer: ProducedBy | None, event: ChangeEvent) -> bool:
    if producer is None:
        return False
    agrees = []
    if producer.service and event.service:
        agrees.append(_same_service(producer.service, event.service))
    if producer.repo and event.repo:
        agrees.append(_repository(producer.repo) == _repository(event.repo))
    if not agrees or not all(agrees):
        return False
    if producer.paths and event.paths:
        return any(_fits(path, glob) for path in event.paths for glob in producer.paths)
    return True


def _same_service(ours: str, theirs: str) -> bool:
    """A service is named alone, or by a path that ends in its name (`/clusterA/namespaceB/payments`)."""
    return ours.lower() in {theirs.lower(), theirs.rstrip("/").rpartition("/")[2].lower()}


def _repository(text: str) -> str:
    """The owner and name of a repository.

    >>> _repository("git@github.com:Shop/ads.git"), _repository("https://git.example/shop/ads/"), _repository("shop/ads")
    ('shop/ads', 'shop/ads', 'shop/ads')
    """
    parts = text.lower().replace(":", "/").rstrip("/").removesuffix(".git").split("/")
    return "/".join(parts[-2:])


def _fits(path: str, glob: str) -> bool:
    """Whether a file lies under a glob; `*` stays within a folder, `**` does not.

    >>> _fits("src/a/b.go", "src/**"), _fits("src/a/b.go", "src/*.go"), _fits("src/b.go", "src/**/*.go")
    (True, False, True)
    """
    return _parts_fit(path.strip("/").split("/"), glob.strip("/").split("/"))


def _parts_fit(path: list[str], glob: list[str]) -> bool:
    if not glob:
        return not path
    if glob[0] == "**":
        return any(_parts_fit(path[skipped:], glob[1:]) for skipped in range(len(path) + 1))
    return bool(path) and fnmatch.fnmatchcase(path[0], glob[0]) and _parts_fit(path[1:], glob[1:])
