"""Metrics as code: which numbers does a change move, and which change moved a number.

`load` reads definitions, `open` gives a workspace to lint, trace, ingest and query. Importing the package imports nothing else.
"""

from metricsctl._version import __version__

TYPE_CHECKING = False  # `typing` itself would cost more than all of this
if TYPE_CHECKING:
    from metricsctl.workspace import Workspace, load, open  # noqa: A004 - the public name

__all__ = ["Workspace", "__version__", "load", "open"]


def __getattr__(name: str) -> object:
    if name not in {"Workspace", "load", "open"}:
        message = f"module 'metricsctl' has no attribute '{name}'"
        raise AttributeError(message)
    from metricsctl import workspace

    found: object = getattr(workspace, name)
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
