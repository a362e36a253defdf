"""M9: the linter itself. Found after all rules have run, by `metricsctl.lint.suppress`; here are the pages."""

from __future__ import annotations

from metricsctl.core.diagnostics import Severity
from metricsctl.lint.registry import found_by_loader

found_by_loader(
    "M901",
    "unused-suppression",
    """A comment that suppresses nothing.

    ## What it does
    Reports `disable`, `disable-file` and `snooze` comments whose rule finds nothing there (any more), snoozes that are over, rules that do
    not exist, and comments that are not understood. Rules that did not run (`--select`, `--ignore`) are not judged. The fix takes the rule
    out of the comment, or the comment out of the file where nothing else is left in it.

    ## Why
    It hides the next real finding at that place, and says of the definition what is not so.

    ## Example
        - {name: clicks, type: simple, source: ad_log, agg: count}  # metricsctl: disable=M104 ad_log is not there yet

    ## Use instead
        - {name: clicks, type: simple, source: ad_log, agg: count}

    ## References
    - [Suppressing findings](../lint.md#leaving-findings-unsaid)
    - [ruff: unused-noqa (RUF100)](https://docs.astral.sh/ruff/rules/unused-noqa/)
    """,
    severity=Severity.WARNING,
    fix="safe",
)
