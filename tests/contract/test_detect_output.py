"""`detect`: its JSON is what its schema says, and `auto` imports no more than it needs."""

import json
import os
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from metricsctl.detect.run import DetectOptions, detect_frame
from metricsctl.render import render
from metricsctl.render.json_schema import schema_of

_PROBE = """
import sys, json
sys.argv[1:] = json.loads(sys.argv[1])
from metricsctl.__main__ import main
try:
    main()
except SystemExit:
    pass
print(json.dumps(sorted({name.split(".")[0] for name in sys.modules})), file=sys.stderr)
"""


@pytest.fixture
def series(tmp_path: Path) -> Path:
    path = tmp_path / "visits.csv"
    values = [f"2026-0{1 + day // 28}-{1 + day % 28:02d},{100 + day * 37 % 11 + (300 if day == 50 else 0)}" for day in range(56)]
    path.write_text("\n".join(["day,visits", *values, ""]), encoding="utf-8")
    return path


@pytest.mark.parametrize("emit", ["anomalies", "episodes", "scores"])
def test_json_fits_its_schema(emit: str, series: Path) -> None:
    report = detect_frame(series, options=DetectOptions(emit=emit))  # type: ignore[arg-type]
    text = str(render(report, "json"))
    jsonschema.validate(json.loads(text), schema_of("detect"))
    data = json.loads(text)["data"]
    assert len(data["episodes"]) == 1
    assert len(data["scores"]) == (56 if emit == "scores" else 0)
    lines = [json.loads(line) for line in str(render(report, "jsonl")).splitlines()]
    assert lines == data[emit]


def test_auto_imports_neither_scikit_learn_nor_scipy_nor_pandas(series: Path) -> None:
    arguments = json.dumps(["detect", "--input", str(series)])
    done = subprocess.run([sys.executable, "-c", _PROBE, arguments], capture_output=True, text=True, check=True, timeout=60)
    assert "2026-02-22, 2 d" in done.stdout
    assert set(json.loads(done.stderr.splitlines()[-1])) & {"sklearn", "scipy", "pandas", "duckdb", "deltalake", "networkx"} == set()


def test_a_file_that_grows_is_gone_on_with(series: Path, tmp_path: Path) -> None:
    """The command keeps its state in the user's cache, and prints what it prints without one."""
    lines = series.read_text(encoding="utf-8").splitlines()

    def printed(cache: str) -> str:
        command = [sys.executable, "-m", "metricsctl", "detect", "--input", str(series), "--emit", "scores", "--format", "csv"]
        environment = os.environ | {"XDG_CACHE_HOME": str(tmp_path / cache)}
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60, env=environment).stdout

    for count in (40, 57):
        series.write_text("\n".join([*lines[:count], ""]), encoding="utf-8")
        assert printed("kept") == printed(f"new-{count}")
    assert len(list((tmp_path / "kept" / "metricsctl" / "detect").glob("*.npz"))) == 1
