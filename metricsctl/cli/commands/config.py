"""`metricsctl config`."""

from __future__ import annotations

from metricsctl.cli.io import Output
from metricsctl.cli.verb import verb

__all__ = ["config"]


@verb("table", "json")
def config(out: Output) -> None:
    """Show each setting and where its value comes from.

    Examples
    --------
    metricsctl config
    METRICSCTL_LINT_FAIL_ON=warning metricsctl config
    metricsctl config --format json | jq .data.settings

    See Also
    --------
    init, lint
    """
    from metricsctl.cli.config import config_report

    out.write(config_report())
