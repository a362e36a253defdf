"""`metricsctl rule`."""

from __future__ import annotations

from typing import Annotated

import typer

from metricsctl.cli import complete
from metricsctl.cli.io import Output
from metricsctl.cli.verb import verb

__all__ = ["rule"]

CodeArgument = Annotated[
    str | None, typer.Argument(metavar="[CODE]", help="A rule's code or name.", show_default=False, autocompletion=complete.rules)
]
AllOption = Annotated[bool, typer.Option("--all", help="Every rule.")]


@verb("table", "json")
def rule(out: Output, code: CodeArgument = None, everything: AllOption = False) -> None:
    """Explain a rule of the linter.

    Examples
    --------
    metricsctl rule M104
    metricsctl rule --all
    metricsctl rule --all --format json

    See Also
    --------
    lint
    """
    from metricsctl.core.errors import UnknownName, UsageError
    from metricsctl.lint.registry import all_rules
    from metricsctl.lint.report import RuleReport

    rules = all_rules()
    if (code is None) != everything:
        raise UsageError("name one rule, or --all", hint="`metricsctl rule M104`, `metricsctl rule --all`")
    if code is None:
        out.write(RuleReport.of(rules.values()))
        return
    found = rules.get(code.upper()) or next((item for item in rules.values() if item.name == code.lower()), None)
    if found is None:
        raise UnknownName.of("rule", code.upper(), rules)
    out.write(RuleReport.of([found]))
