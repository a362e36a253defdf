"""The wiring: which verb stands where, help texts, and what happens to a line that is not understood.

To add a command, write `cli/commands/<verb>.py` with a function under `@verb(...)` and give it its entry in `COMMANDS`.
"""

from __future__ import annotations

import importlib
import os
import re
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

import typer

from metricsctl._version import __version__
from metricsctl.cli.help import purpose_and_epilog
from metricsctl.cli.io import Output
from metricsctl.cli.verb import guarded
from metricsctl.core.errors import UsageError
from metricsctl.core.names import close_match

__all__ = ["COMMANDS", "build", "run"]


class _Entry(NamedTuple):
    """Where a verb stands, and what `metricsctl --help` says of it without importing it: the first line of its docstring."""

    place: str
    panel: str
    purpose: str


COMMANDS: dict[str, _Entry] = {
    "demo": _Entry("demo:demo", "Definitions", "Show on an example shop what this tool is for, in half a minute."),
    "init": _Entry("init:init", "Definitions", "Write a first project: definitions, configuration, sample events."),
    "list": _Entry("list_:list_", "Definitions", "List what a project defines."),
    "describe": _Entry(
        "describe:describe",
        "Definitions",
        "Show everything that is known of a metric, source, model, dimension or exposure.",
    ),
    "lint": _Entry("lint:lint", "Definitions", "Check metric definitions."),
    "test": _Entry("test:test", "Definitions", "Run the tests of metrics: events in, expected points out."),
    "rule": _Entry("rule:rule", "Definitions", "Explain a rule of the linter."),
    "lineage": _Entry("lineage:lineage", "Definitions", "Show what a number is made of, and what is made of it."),
    "impact": _Entry("impact:impact", "Definitions", "Show which numbers a change moves, and prove the others untouched."),
    "changes": _Entry("changes:changes", "Numbers", "Keep change events, and see what they are about."),
    "ingest": _Entry("ingest:ingest", "Numbers", "Read event files into the store, each exactly once."),
    "sample": _Entry(
        "sample:sample",
        "Numbers",
        "Draw a sample of event files: all events of some users (or orders ...), personal data hashed.",
    ),
    "query": _Entry("query:query", "Numbers", "Compute metrics at any grain, split and period that the store allows."),
    "detect": _Entry("detect:detect", "Numbers", "Find anomalies in metrics and their segments, or in a bare series."),
    "label": _Entry(
        "label:label",
        "Numbers",
        "Say in labels.csv what an episode was: it is not alarmed on again, nor learned from, and backtest counts by it.",
    ),
    "backtest": _Entry(
        "backtest:backtest",
        "Numbers",
        "Score detectors on the past by its labels: incidents found, precision, recall, F1, delay, alarms a week.",
    ),
    "explain": _Entry(
        "explain:explain",
        "Numbers",
        "Say why a metric moved: data faults, inputs, segments, upstream nodes and changes, ranked with their evidence.",
    ),
    "drill": _Entry(
        "drill:drill",
        "Numbers",
        "Plant faults in the project's own history, and say what would have been caught, how soon, and what is blind.",
    ),
    "store": _Entry("store:store", "Numbers", "Look into the store, check it, keep it small, take out what it holds."),
    "schema": _Entry("schema:schema", "This tool", "Print the JSON Schema of a report, or of the definition files."),
    "config": _Entry("config:config", "This tool", "Show each setting and where its value comes from."),
}
"""The verbs in the order of the help."""

_PURPOSE = "Metrics as code: which numbers does this change move, and which change moved this number?"


def _command(name: str) -> Any:
    module, attribute = COMMANDS[name].place.split(":")
    return getattr(importlib.import_module(f"metricsctl.cli.commands.{module}"), attribute)


def _version(value: bool) -> None:
    if value:
        sys.stdout.write(f"metricsctl {__version__}\n")
        raise typer.Exit


_SETTINGS = {"help_option_names": ["-h", "--help"]}


def _root() -> typer.Typer:
    app = typer.Typer(name="metricsctl", help=_PURPOSE, add_completion=False, context_settings=_SETTINGS, rich_markup_mode="rich")

    @app.callback()
    def root(
        version: bool = typer.Option(False, "--version", "-V", callback=_version, is_eager=True, help="Show the version and exit."),
    ) -> None:
        del version

    return app


def build(only: str | None = None) -> Any:
    """The command tree, as a click group; with just one verb if `only` names one, so that no other is imported."""
    app = _root()
    for name in COMMANDS if only is None else (only,):
        command, panel = _command(name), COMMANDS[name].panel
        if isinstance(command, typer.Typer):
            for inner in command.registered_commands:
                inner.help, inner.epilog = purpose_and_epilog(inner.callback.__doc__ or "")
            app.add_typer(command, name=name, rich_help_panel=panel, context_settings=_SETTINGS)
        else:
            purpose, epilog = purpose_and_epilog(command.__doc__ or "")
            app.command(name, help=purpose, epilog=epilog, rich_help_panel=panel, context_settings=_SETTINGS)(command)
    return typer.main.get_command(app)


def _outline() -> Any:
    """The tree with nothing behind its verbs: enough for its help, and to know what is no verb."""
    app = _root()
    for name, entry in COMMANDS.items():
        app.command(name, help=entry.purpose, rich_help_panel=entry.panel)(lambda: None)
    return typer.main.get_command(app)


def _usage_error() -> type[Exception]:
    """The base of what the parser raises; reached by a public name, since its home moved between versions of typer."""
    return next(base for base in reversed(typer.BadParameter.__mro__) if base.__name__ == "ClickException")


def _asked_format(arguments: Sequence[str]) -> str:
    joined = " ".join(arguments)
    found = re.search(r"--format[ =](jsonl?)\b", joined)
    return found[1] if found else "text"


def _mended(error: Exception, arguments: Sequence[str]) -> UsageError:
    """What the parser could not read, in our words."""
    text = str(getattr(error, "format_message", lambda: error)()).strip()
    first = next((word for word in arguments if not word.startswith("-")), "")
    unknown = re.match(r"No such command '(.*?)'", text)
    if unknown:
        near = close_match(unknown[1], COMMANDS) if unknown[1] == first else None
        above = f"metricsctl {first}" if unknown[1] != first else "metricsctl"
        hint = f"did you mean '{near}'?" if near else f"`{above} --help` lists the commands"
        return UsageError(f"unknown command '{unknown[1]}'", hint=hint)
    message, _, near_options = text.partition(" (Possible options: ")
    shown = f"did you mean {near_options.rstrip(').')}?" if near_options else f"`metricsctl {first} --help` shows what it takes"
    message = message.rstrip(".")
    return UsageError(message[:1].lower() + message[1:], hint=shown if first in COMMANDS else None)


def run(arguments: Sequence[str]) -> int:
    """Run one line; gives the exit code."""
    if "_METRICSCTL_COMPLETE" in os.environ:
        from typer.completion import completion_init  # type: ignore[attr-defined]  # what typer itself calls where it adds its options

        completion_init()
        build().main(args=list(arguments), prog_name="metricsctl")
    verb = next((word for word in arguments if not word.startswith("-")), None)
    out = Output(verb if verb in COMMANDS else "error", format=_asked_format(arguments))
    return guarded(out, lambda: _invoke(verb, list(arguments)))


def _invoke(verb: str | None, arguments: list[str]) -> int:
    group = build(verb) if verb in COMMANDS else _outline()
    try:
        with group.make_context("metricsctl", arguments or ["--help"]) as context:
            result = group.invoke(context)
    except typer.Exit as leave:
        return int(leave.exit_code)
    except typer.Abort:
        raise KeyboardInterrupt from None
    except _usage_error() as error:
        if type(error).__name__ == "NoArgsIsHelpError":  # the help is shown already
            return UsageError.exit_code
        raise _mended(error, arguments) from None
    return int(result or 0)
