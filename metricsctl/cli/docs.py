"""`docs/cli.md` from the help texts: `python -m metricsctl.cli.docs > docs/cli.md`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from metricsctl.cli.app import build
from metricsctl.cli.help import help_parts

__all__ = ["page"]

_HEAD = """# Commands

Made from the help texts by `python -m metricsctl.cli.docs`; what holds for all of them stands in [contracts.md](contracts.md).
"""
_SHARED = {"output", "quiet", "verbose", "color", "exit_zero", "help"}


def _commands(group: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if getattr(command, "commands", None):
            if command.invoke_without_command:
                yield prefix + name, command
            yield from _commands(command, f"{prefix}{name} ")
        else:
            yield prefix + name, command


def _option(parameter: Any) -> str:
    names = ", ".join(f"`{name}`" for name in sorted(parameter.opts, key=len, reverse=True))
    value = "" if getattr(parameter, "is_flag", False) else f" `{parameter.metavar}`" if parameter.metavar else ""
    default = parameter.default
    shown = f" Default: `{default}`." if isinstance(default, str | int) and not isinstance(default, bool) else ""
    text = (parameter.help or "").replace("|", "\\|")
    return f"| {names}{value.replace('|', chr(92) + '|')} | {text}{shown} |"


def _section(name: str, command: Any) -> str:
    purpose, examples, related = help_parts(command.callback.__doc__ or "")
    arguments = [item for item in command.params if item.param_type_name == "argument"]
    options = [item for item in command.params if item.param_type_name == "option" and item.name not in _SHARED]
    usage = " ".join(["metricsctl", name, *(item.metavar or item.name.upper() for item in arguments), "[OPTIONS]"])
    lines = [f"## metricsctl {name}", "", purpose, "", "```", usage, "```", "", "| argument or option | |", "|---|---|"]
    lines += [f"| `{(item.metavar or item.name.upper()).replace('|', chr(92) + '|')}` | {item.help or ''} |" for item in arguments]
    lines += [_option(item) for item in options]
    lines += ["", "Examples:", "", "```", *examples, "```", "", f"Related: {related}.", ""]
    return "\n".join(lines)


def page() -> str:
    """The whole page as Markdown."""
    sections = [_section(name, command) for name, command in _commands(build())]
    complete = (
        "Commands, options and the names of metrics, sources and rules complete in the shell after "
        '`eval "$(_METRICSCTL_COMPLETE=source_bash metricsctl)"` (`source_zsh`, `source_fish`).'
    )
    shared = "Every command also takes `-o FILE`, `-q`, `-v`, `--color auto|always|never`, `--exit-zero` and `--help`."
    return "\n".join([_HEAD, shared, "", complete, "", *sections])


if __name__ == "__main__":
    sys.stdout.write(page())
