"""What a command imports: cold start is what people feel."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SPEC = Path(__file__).parents[1] / "fixtures" / "spec" / "metrics.yml"
SERIES = Path(__file__).parents[1] / "golden" / "detect" / "input" / "input.csv"
HEAVY = {"duckdb", "deltalake", "networkx", "numpy", "pandas", "scipy", "sklearn", "pydantic", "jsonschema"}
_PROBE = """
import sys, json
sys.argv[1:] = json.loads(sys.argv[1])
from metricsctl.__main__ import main
try:
    main()
except SystemExit:
    pass
sys.stdout.flush()
print("\\n" + json.dumps(sorted({name.split(".")[0] for name in sys.modules})), file=sys.stderr)
"""


def modules_of(*arguments: str) -> set[str]:
    done = subprocess.run([sys.executable, "-c", _PROBE, json.dumps(arguments)], capture_output=True, text=True, check=True, timeout=60)
    return set(json.loads(done.stderr.strip().splitlines()[-1]))


@pytest.mark.parametrize(
    ("arguments", "forbidden"),
    [
        (["--version"], HEAVY | {"typer", "rich", "sqlglot", "yaml", "dataclasses"}),
        (["--help"], HEAVY | {"sqlglot", "yaml"}),
        (["config"], HEAVY | {"sqlglot", "yaml"}),
        (["lint", str(SPEC)], HEAVY | {"rich"}),
        (["lint", str(SPEC), "--format", "json"], HEAVY | {"rich"}),
        (["list", "-p", str(SPEC)], HEAVY),
        (["rule", "M104"], HEAVY),
        (["impact", "--metric", "revenue", "-p", str(SPEC)], HEAVY),
        (["impact", "--base", str(SPEC.parent), "-p", str(SPEC)], HEAVY),
        (["changes", "list", "-p", str(SPEC)], HEAVY),
        (["detect", "--input", str(SERIES)], HEAVY - {"numpy"}),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, list) else "",
)
def test_a_command_imports_only_what_it_needs(arguments: list[str], forbidden: set[str]) -> None:
    assert modules_of(*arguments) & forbidden == set()


def test_what_was_read_once_needs_no_sql_parser(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "metricsctl", "init", str(tmp_path), "-q"], capture_output=True, check=True, timeout=60)
    ingest, query = ("ingest", str(tmp_path / "events"), "-p", str(tmp_path)), ("query", "revenue", "-p", str(tmp_path))
    assert "sqlglot" in modules_of(*ingest)
    for line in (ingest, query, ("detect", "-p", str(tmp_path))):
        subprocess.run([sys.executable, "-m", "metricsctl", *line], capture_output=True, check=True, timeout=60)
        assert modules_of(*line) & {"sqlglot", "pandas", "sklearn", "scipy", "networkx"} == set()


def test_importing_the_package_imports_nothing_else() -> None:
    code = "import sys; before = set(sys.modules); import metricsctl; print(sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['metricsctl', 'metricsctl._version']"
