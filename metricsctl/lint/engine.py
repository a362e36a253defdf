"""Runs the rules over a project, and joins what the loader has found already."""

from __future__ import annotations

from collections.abc import Iterable

from metricsctl.core.diagnostics import Diagnostic, Severity
from metricsctl.core.errors import ProjectError
from metricsctl.definition.project import Project
from metricsctl.lint.facts import Facts, Settings
from metricsctl.lint.registry import all_rules, chosen
from metricsctl.lint.report import LintReport

__all__ = ["REFERENCE_RULES", "check", "run"]

REFERENCE_RULES = ("M101", "M104", "M105", "M109", "M407", "M411", "M501", "M503")
"""Without these a project cannot be planned or traced: every other verb insists on them."""

ALWAYS = "M001"  # a file that could not be read: what else is said of it may be wrong


def _findings(facts: Facts, codes: Iterable[str]) -> list[Diagnostic]:
    rules = all_rules()
    found = set(facts.project.findings)
    for code in codes:
        found.update(rules[code].run(facts))
    return sorted(found, key=lambda item: item.sort_key)


def run(
    project: Project,
    *,
    select: Iterable[str] = (),
    ignore: Iterable[str] = (),
    settings: Settings | None = None,
    base: Project | None = None,
) -> LintReport:
    """Every finding of the chosen rules, by place. UsageError for a prefix that no rule has.

    Parameters
    ----------
    project
        What was read, findings of reading included.
    select, ignore
        Prefixes of codes; nothing selected means all. Broken YAML (M001) is always said.
    settings
        What the project chose for its rules.
    base
        An earlier state of the project, for the rules that compare (M208, M209); without it they have nothing to say.
    """
    codes = chosen(select, ignore)
    found = _findings(Facts(project, settings or Settings(), base), sorted(codes))
    return LintReport.of(project, [item for item in found if item.code in codes or item.code == ALWAYS])


def check(project: Project) -> Project:
    """The project itself if it can be worked with; ProjectError with every error if its reading or its references are not in order."""
    errors = [item for item in _findings(Facts(project), REFERENCE_RULES) if item.severity is Severity.ERROR]
    if errors:
        raise ProjectError.of(errors)
    return project
