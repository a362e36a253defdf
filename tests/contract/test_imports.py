"""Import directions, as the architecture draws them: who may import whom, and where each heavy library lives."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "metricsctl"

# package -> what it may import besides itself and core
ALLOWED = {
    "core": set(),
    "definition": set(),
    "lineage": {"definition"},
    "plan": {"definition", "lineage"},
    "diff": {"definition", "lineage", "plan"},
    "lint": {"definition", "lineage", "plan", "diff"},
    "changes": {"definition"},
    "engine": {"definition", "lineage", "plan"},
    "store": {"definition", "lineage", "plan", "engine"},
    "ingest": {"definition", "lineage", "plan", "engine", "store"},
    "query": {"definition", "lineage", "plan", "engine", "store"},
    "detect": {"definition", "lineage", "plan", "engine", "store", "query"},
    "impact": {"definition", "lineage", "plan", "engine", "store", "query", "ingest", "testing", "diff", "changes"},
    "explain": {"definition", "lineage", "plan", "engine", "store", "query", "detect", "diff", "changes"},
    "drill": {"definition", "lineage", "plan", "engine", "store", "query", "detect", "diff", "changes", "explain"},
    "alert": {"definition", "lineage", "plan", "engine", "store", "query", "detect", "explain"},
    "testing": {"definition", "lineage", "plan", "engine", "store", "ingest", "query"},
    "render": set(),
}
TOP = {"__init__", "__main__", "_version", "workspace", "cli", "demo"}  # these may import anything below them

# heavy library -> where it may be imported
HOMES = {
    "duckdb": ("engine/duckdb/",),
    "deltalake": ("store/delta.py",),
    "sqlglot": (
        "definition/sql.py",
        "definition/rewrite.py",
        "definition/expression.py",
        "definition/statement.py",
        "definition/streaming.py",
        "definition/formula.py",
        "definition/load.py",
        "lineage/sql/",
        "engine/reference/",
    ),
    "rich": ("render/table.py", "cli/"),
    "typer": ("cli/",),
    "networkx": ("lineage/",),
    "yaml": ("definition/source.py", "definition/dump.py"),
    "sklearn": ("detect/detectors/",),
    "scipy": ("detect/",),
    "graphviz": ("render/svg.py",),
    "pygraphviz": ("render/svg.py",),
}
BANNED = {"click", "pyarrow", "pytz", "pydantic"}


def files() -> list[Path]:
    return sorted(ROOT.rglob("*.py"))


def imports_of(path: Path) -> Iterator[tuple[str, bool]]:
    """Each imported module, and whether it is imported for types alone."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing_only = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and isinstance(block.test, ast.Name) and block.test.id == "TYPE_CHECKING"
        for node in ast.walk(block)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, id(node) in typing_only
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield str(node.module), id(node) in typing_only


def package_of(path: Path) -> str:
    parts = path.relative_to(ROOT).parts
    return parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", files(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_file_imports_downwards_only(path: Path) -> None:
    package = package_of(path)
    if package in TOP:
        return
    below = ALLOWED[package] | {package, "core", "_version"}
    types_are_free = package == "render"  # a renderer knows the types of results, and nothing of how they are made
    used = {
        name.split(".")[1]
        for name, typing_only in imports_of(path)
        if name.startswith("metricsctl.") and not (typing_only and types_are_free)
    }
    assert used <= below


@pytest.mark.parametrize("path", files(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_heavy_library_stays_at_home(path: Path) -> None:
    place = path.relative_to(ROOT).as_posix()
    for name, typing_only in imports_of(path):
        library = name.split(".")[0]
        assert library not in BANNED
        if library in HOMES and not typing_only:
            assert place.startswith(HOMES[library]), f"{library} is imported in {place}"


def test_nobody_imports_the_command_line() -> None:
    users = {package_of(path) for path in files() for name, _ in imports_of(path) if name.startswith("metricsctl.cli")}
    assert users <= {"cli", "__main__"}
