"""Lineage as a picture: DOT drawn by Graphviz, the program where there is one, else the library that pygraphviz brings along."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from metricsctl.core.errors import UsageError
from metricsctl.render import dot
from metricsctl.render.style import Style

if TYPE_CHECKING:
    from metricsctl.lineage.report import LineageReport

__all__ = ["draw", "render"]


def render(report: LineageReport, style: Style | None = None) -> str:
    """The SVG text of a lineage report. UsageError where Graphviz is missing."""
    return draw(dot.render(report, style), "svg", "use --format dot or --format mermaid").decode("utf-8")


def draw(text: str, kind: str, otherwise: str) -> bytes:
    """A DOT text drawn in a format of Graphviz. UsageError where Graphviz is missing, which says what to do `otherwise`."""
    if shutil.which("dot") is not None:
        import graphviz

        drawn: bytes = graphviz.Source(text).pipe(format=kind, encoding=None)
        return drawn
    library = _pygraphviz(kind, otherwise)
    with _native_stderr_hushed():
        return bytes(library.AGraph(string=text).draw(format=kind, prog="dot"))


@contextlib.contextmanager
def _native_stderr_hushed() -> Iterator[None]:
    """Let what C libraries write to the error descriptor go nowhere: the wheel's own fontconfig grumbles at newer files of the system."""
    kept = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - a device
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _pygraphviz(kind: str, otherwise: str) -> Any:
    try:
        import pygraphviz
    except ImportError as error:
        hint = f"install `metricsctl[svg]` or Graphviz, or {otherwise}"
        raise UsageError(f"drawing {kind.upper()} needs Graphviz", hint=hint) from error
    return pygraphviz
