"""Rules by their code. A rule is a function, its metadata, and its docstring as its page.

To write one, put a function under `@rule(...)` into a file of `metricsctl/lint/rules/` (every file there is a family, found by itself),
give it a page in its docstring, and cases in `tests/unit/lint/cases/<code>.txt`.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from metricsctl.core.diagnostics import Diagnostic, Fix, Severity, Span
from metricsctl.core.errors import UsageError
from metricsctl.core.names import nearest
from metricsctl.lint.facts import Facts
from metricsctl.lint.report import FixKind

__all__ = ["FixKind", "Problem", "Rule", "all_rules", "chosen", "found_by_loader", "rule"]


@dataclass(frozen=True, slots=True)
class Problem:
    """What a rule found: where, what, how to mend it. The engine adds code and severity.

    Attributes
    ----------
    span
        A stretch of one line whose text the message quotes, 'like this'.
    message, hint
        One line each.
    fix
        The edits that mend it, where they are known.
    severity
        Where it is not the rule's own.
    """

    span: Span
    message: str
    hint: str | None = None
    fix: Fix | None = None
    severity: Severity | None = None


Check = Callable[[Facts], Iterator[Problem]]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: what it is called, how bad its findings are, whether they can be fixed, what it needs, its page and its check.

    Attributes
    ----------
    fix
        Whether its fixes (not every finding has one) are safe: leave what works with the meaning that it has.
    needs_base
        Whether it compares with an earlier state of the project; it then runs only where one is given (`facts.base`).
    page
        Markdown: a summary in one line, What it does, Why, Example, Use instead, References.
    check
        None where the loader finds it.
    """

    code: str
    name: str
    severity: Severity
    page: str
    check: Check | None = None
    fix: FixKind = "none"
    needs_base: bool = False

    @property
    def summary(self) -> str:
        """The first line of its page."""
        return self.page.split("\n", 1)[0]

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        """Its findings; none where it needs a base and there is none."""
        if self.check is None or (self.needs_base and facts.base is None):
            return
        for problem in self.check(facts):
            severity = problem.severity or self.severity
            yield Diagnostic(self.code, severity, problem.message, facts.unquoted(problem.span), problem.hint, problem.fix)


_RULES: dict[str, Rule] = {}


def rule(
    code: str, name: str, *, severity: Severity = Severity.ERROR, fix: FixKind = "none", needs_base: bool = False
) -> Callable[[Check], Check]:
    """Register a function as the rule `code`; its docstring is the rule's page. See `Rule` for the parameters."""

    def register(check: Check) -> Check:
        _RULES[code] = Rule(code, name, severity, inspect.cleandoc(check.__doc__ or ""), check, fix, needs_base)
        return check

    return register


def found_by_loader(code: str, name: str, page: str, *, severity: Severity = Severity.ERROR, fix: FixKind = "none") -> None:
    """Register a rule that is checked while the files are read."""
    _RULES[code] = Rule(code, name, severity, inspect.cleandoc(page), fix=fix)


def all_rules() -> dict[str, Rule]:
    """Every rule by its code, in order."""
    from metricsctl.lint import rules

    for family in pkgutil.iter_modules(rules.__path__):
        importlib.import_module(f"{rules.__name__}.{family.name}")
    return dict(sorted(_RULES.items()))


def chosen(select: Iterable[str], ignore: Iterable[str]) -> frozenset[str]:
    """The codes that prefixes select (all if none is given) and do not ignore; UsageError for a prefix that no rule has."""
    codes = list(all_rules())
    wanted, unwanted = tuple(select), tuple(ignore)
    for prefix in (*wanted, *unwanted):
        if not any(code.startswith(prefix) for code in codes):
            raise UsageError(f"no rule begins with '{prefix}'", hint=nearest(prefix, codes))
    return frozenset(code for code in codes if code.startswith(wanted or ("",)) and not (unwanted and code.startswith(unwanted)))
