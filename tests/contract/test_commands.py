"""Every command is documented: a purpose in one line, three worked examples that parse, related commands that exist."""

import shlex

import pytest
import typer

from metricsctl.cli.app import COMMANDS, build
from metricsctl.cli.help import help_parts


def commands() -> list[tuple[str, object]]:
    found = []
    group = build()
    for name, command in group.commands.items():
        inner = getattr(command, "commands", None)
        found += [(f"{name} {sub}", item) for sub, item in (inner or {}).items()]
        if not inner or command.invoke_without_command:
            found.append((name, command))
    return found


@pytest.mark.parametrize(("name", "command"), commands(), ids=[name for name, _ in commands()])
def test_help_is_whole(name: str, command: object) -> None:
    purpose, examples, related = help_parts(command.callback.__doc__)  # type: ignore[attr-defined]
    assert purpose
    assert "\n" not in purpose
    assert purpose.endswith(".")
    assert len(examples) == 3
    assert all(f"metricsctl {name}" in example for example in examples)
    assert {word.strip() for word in related.split(",")} <= set(COMMANDS) | {"lineage", "ingest", "query"}
    for parameter in command.params:  # type: ignore[attr-defined]
        assert parameter.help or parameter.name == "help", parameter.name


@pytest.mark.parametrize(("name", "command"), commands(), ids=[name for name, _ in commands()])
def test_examples_parse(name: str, command: object) -> None:
    _, examples, _ = help_parts(command.callback.__doc__)  # type: ignore[attr-defined]
    for example in examples:
        line = next(part for part in example.split(" | ") if f"metricsctl {name}" in part)
        words = shlex.split(line.split(" > ")[0])
        arguments = words[words.index("metricsctl") + 1 + len(name.split()) :]
        command.make_context(name, arguments)  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_all_says_what_the_help_of_one_says(name: str) -> None:
    command = build(name).commands[name]
    assert COMMANDS[name].purpose == command.help.strip()


def test_the_tree_can_be_built_for_one_verb() -> None:
    assert list(build("config").commands) == ["config"]
    assert set(build().commands) == set(COMMANDS)
    assert isinstance(typer.BadParameter("x"), Exception)
