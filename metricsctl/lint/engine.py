"""Runs the rules over a project, and joins what the loader has found already."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from metricsctl.core.diagnostics import Diagnostic, Severity
from metricsctl.core.errors import ProjectError
from metricsctl.core.globs import matches
from metricsctl.definition.project import Project
from metricsctl.lint.facts import Facts
from metricsctl.lint.registry import all_rules, chosen
from metricsctl.lint.report import LintReport
from metricsctl.lint.settings import Settings
from metricsctl.lint.suppress import ALWAYS, suppress

__all__ = ["REFERENCE_RULES", "check", "run", "run_facts"]

REFERENCE_RULES = ("M101", "M104", "M105", "M109", "M407", "M411", "M501", "M503", "M601")
"""Without these a project cannot be planned or traced: every other verb insists on them."""


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
    return run_facts(Facts(project, settings or Settings(), base), chosen(select, ignore))


def run_facts(facts: Facts, codes: frozenset[str]) -> LintReport:
    """The report of the rules `codes`: what they find, less what the files suppress, as severe as the settings want it."""
    project, settings = facts.project, facts.settings
    found = [item for item in _findings(facts, sorted(codes)) if item.code in codes or item.code == ALWAYS]
    names = {rule.name: code for code, rule in all_rules().items()} | {code: code for code in all_rules()}
    said = suppress(found, facts.texts, ran=codes, known=names, today=settings.today)
    kept = (adjusted(item, settings, project.root) for item in said.findings)
    return LintReport.of(project, [item for item in kept if item is not None], facts.texts, suppressed=said.count)


def adjusted(item: Diagnostic, settings: Settings, root: Path) -> Diagnostic | None:
    """A finding with the severity that the settings give it, None where they turn it off. Broken YAML stays what it is."""
    if item.code == ALWAYS or item.span is None:
        return item
    word = None
    for override in settings.overrides:
        if override.paths and not any(matches(root / item.span.path, glob, settings.folder or root) for glob in override.paths):
            continue
        prefixes = [prefix for prefix in override.severity if item.code.startswith(prefix)]
        if prefixes:
            word = override.severity[max(prefixes, key=len)]
    if word is None:
        return item
    return None if word == "off" else replace(item, severity=Severity(word))


def check(project: Project) -> Project:
    """The project itself if it can be worked with; ProjectError with every error if its reading or its references are not in order."""
    errors = [item for item in _findings(Facts(project), REFERENCE_RULES) if item.severity is Severity.ERROR]
    if errors:
        raise ProjectError.of(errors)
    return project
