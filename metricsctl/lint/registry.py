"""Rules by their code. A rule is a function, its metadata, and its docstring as its page."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from metricsctl.core.diagnostics import Diagnostic, Severity, Span
from metricsctl.core.errors import UsageError
from metricsctl.core.names import nearest
from metricsctl.lint.facts import Facts

__all__ = ["Problem", "Rule", "all_rules", "chosen", "found_by_loader", "rule"]

_FAMILIES = ("m0_yaml", "m1_names", "m1_references", "m1_inputs", "m4_meaning", "m5_sql")


@dataclass(frozen=True, slots=True)
class Problem:
    """What a rule found: where, what, and how to mend it. The engine adds code and severity."""

    span: Span
    message: str
    hint: str | None = None


Check = Callable[[Facts], Iterator[Problem]]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: its code, its name, how bad it is, its page, and its check (None where the loader finds it)."""

    code: str
    name: str
    severity: Severity
    page: str
    check: Check | None = None

    @property
    def summary(self) -> str:
        """The first line of its page."""
        return self.page.split("\n", 1)[0]

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        """Its findings."""
        for problem in self.check(facts) if self.check is not None else ():
            yield Diagnostic(self.code, self.severity, problem.message, facts.unquoted(problem.span), problem.hint)


_RULES: dict[str, Rule] = {}


def rule(code: str, name: str, *, severity: Severity = Severity.ERROR) -> Callable[[Check], Check]:
    """Register a function as the rule `code`; its docstring is the rule's page."""

    def register(check: Check) -> Check:
        _RULES[code] = Rule(code, name, severity, inspect.cleandoc(check.__doc__ or ""), check)
        return check

    return register


def found_by_loader(code: str, name: str, page: str, *, severity: Severity = Severity.ERROR) -> None:
    """Register a rule that is checked while the files are read."""
    _RULES[code] = Rule(code, name, severity, inspect.cleandoc(page))


def all_rules() -> dict[str, Rule]:
    """Every rule by its code, in order."""
    for family in _FAMILIES:
        importlib.import_module(f"metricsctl.lint.rules.{family}")
    return dict(sorted(_RULES.items()))


def chosen(select: Iterable[str], ignore: Iterable[str]) -> frozenset[str]:
    """The codes that prefixes select (all if none is given) and do not ignore; UsageError for a prefix that no rule has."""
    codes = list(all_rules())
    wanted, unwanted = tuple(select), tuple(ignore)
    for prefix in (*wanted, *unwanted):
        if not any(code.startswith(prefix) for code in codes):
            raise UsageError(f"no rule begins with '{prefix}'", hint=nearest(prefix, codes))
    return frozenset(code for code in codes if code.startswith(wanted or ("",)) and not (unwanted and code.startswith(unwanted)))
