"""`metricsctl demo`."""

from __future__ import annotations

import contextlib
import io
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from metricsctl.cli.io import Output, style_of
from metricsctl.cli.verb import verb

if TYPE_CHECKING:
    from metricsctl.demo.playground import Playground

__all__ = ["STEPS", "Step", "demo"]

FolderArgument = Annotated[Path, typer.Argument(metavar="[DIR]", help="Where; it is made if it is not there.")]


@dataclass(frozen=True, slots=True)
class Step:
    """A command that is run in the playground, and the question that it answers."""

    question: str
    line: str


STEPS = (
    Step("Are the definitions sound?", "metricsctl lint"),
    Step("What is revenue made of, and who looks at it?", "metricsctl lineage revenue"),
    Step("One change of the definitions is open: which numbers does it move?", "metricsctl impact --base main"),
    Step("Six weeks of events become numbers.", "metricsctl ingest events/ --final"),
    Step("What was deployed and configured in these weeks?", "metricsctl changes add changes.jsonl"),
    Step("How did the last two weeks go?", "metricsctl query ctr revenue payment_success --grain 1d --since 14d"),
    Step("When were the numbers out of the ordinary?", "metricsctl detect ctr ad_impressions revenue --since 14d"),
    Step("Why did fewer people click on 27 October?", "metricsctl explain ctr --at 2026-10-27T14:00Z"),
    Step("And on 2 November, when no country clicked less than usual?", "metricsctl explain ctr --at 2026-11-02T20:00Z"),
    Step("Why was revenue missing on 6 November?", "metricsctl explain revenue --at 2026-11-06T14:00Z"),
)
NEXT = (
    Step("the same numbers by country", "metricsctl query ctr ad_impressions --by country --grain 1d --since 14d"),
    Step("who reads one column", "metricsctl lineage payment_log --column status --downstream"),
    Step("what the open change is, for a pull request", "metricsctl impact --base main --format markdown"),
    Step("all numbers, from the first week that can be judged", "metricsctl detect"),
    Step("what really went wrong", "cat .truth.json"),
)


@verb("text")
def demo(out: Output, folder: FolderArgument = Path("metricsctl-demo")) -> int:
    """Show on an example shop what this tool is for, in half a minute.

    Examples
    --------
    metricsctl demo
    metricsctl demo playground
    metricsctl demo --color always

    See Also
    --------
    impact, detect, explain
    """
    from metricsctl.demo.playground import make_playground

    playground = make_playground(folder)
    with _destination(out) as shown:
        shown.emit(_opening(playground))
        return _walk(shown, folder)


def _walk(out: Output, folder: Path) -> int:
    """Run every step in the folder; ends with the first that fails, with its exit code."""
    from metricsctl.cli.app import run

    with contextlib.chdir(folder):
        for step in STEPS:
            out.emit(f"\n{_painted(f'# {step.question}', 'dim', out)}\n{_painted(f'$ {step.line}', 'bold', out)}")
            code = run([*shlex.split(step.line)[1:], "--color", out.color, *(["--quiet"] if out.quiet else [])])
            if code:
                return code
    out.emit(_closing(out))
    return 0


def _opening(playground: Playground) -> str:
    folder, cwd = playground.folder, playground.folder.resolve() == Path.cwd()
    events, changes = sum(playground.events.values()), len(playground.changes)
    lines = [
        f"An example shop is in {folder}: its metrics under git, {events:,} events, {changes} deploys and configuration changes.",
        f"In six weeks something went wrong {len(playground.incidents)} times. Every line after a $ can be typed again.",
    ]
    return "\n".join(lines if cwd else [*lines, "", f"$ cd {shlex.quote(str(folder))}"])


def _closing(out: Output) -> str:
    width = max(len(step.line) for step in NEXT)
    lines = (f"  {_painted(step.line, 'bold', out)}{' ' * (width - len(step.line))}  {step.question}" for step in NEXT)
    return "\n".join(["", "Try next:", *lines])


def _painted(text: str, color: str, out: Output) -> str:
    import sys

    from metricsctl.render.style import paint

    return paint(text, color, style_of(sys.stdout, out.color))


@contextlib.contextmanager
def _destination(out: Output) -> Iterator[Output]:
    """Where the walk is shown: on stdout as it goes; with `-o`, in that file at the end."""
    if out.path is None or str(out.path) == "-":
        yield out
        return
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        yield Output(out.verb, out.format, quiet=out.quiet, color=out.color)
    out.emit(text.getvalue())
