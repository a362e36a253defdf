"""The notebook in `examples/`: every cell runs, what it shows is sound HTML, and the outputs stored in it are those it gives.

`--update-golden` stores the outputs anew.
"""

import ast
import json
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

NOTEBOOK = Path(__file__).parents[2] / "examples" / "shop.ipynb"
REPORTS = {"LintReport", "LineageReport", "ImpactReport", "IngestReport", "QueryReport", "AnomalyReport", "Explanation"}


def run(source: str, namespace: dict[str, Any]) -> Any:
    """Execute a cell as a notebook does: the value of its last line, if that is an expression."""
    tree = ast.parse(source)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "<cell>", "exec"), namespace)
    return None if last is None else eval(compile(ast.Expression(last.value), "<cell>", "eval"), namespace)


def bundle(value: Any) -> dict[str, list[str]]:
    """What a notebook stores of a value; of a report the HTML alone, as its `repr` holds every series."""
    shown = getattr(value, "_repr_html_", None)
    kind, text = ("text/plain", repr(value)) if shown is None else ("text/html", shown())
    return {kind: text.splitlines(keepends=True)}


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> list[tuple[dict[str, Any], Any, dict[str, Any]]]:
    """Each code cell as it is stored, its value, and the output that it gives now."""
    found: list[tuple[dict[str, Any], Any, dict[str, Any]]] = []
    namespace: dict[str, Any] = {"__name__": "__main__"}
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(Path.cwd())  # the notebook goes elsewhere; this brings us back
        patch.setattr(tempfile, "tempdir", str(tmp_path_factory.mktemp("notebook")))
        for cell in (cell for cell in notebook["cells"] if cell["cell_type"] == "code"):
            value = run("".join(cell["source"]), namespace)
            found.append((cell, value, bundle(value)))
    if request.config.getoption("--update-golden"):
        for number, (cell, _, shown) in enumerate(found, start=1):
            result = {"data": shown, "execution_count": number, "metadata": {}, "output_type": "execute_result"}
            cell |= {"execution_count": number, "outputs": [result]}
        NOTEBOOK.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n")
    return found


def test_every_report_of_a_workspace_is_shown(executed):
    assert {type(value).__name__ for _, value, _ in executed} >= REPORTS


def test_what_is_shown_is_small_well_formed_html(executed):
    for _, value, shown in executed:
        text = "".join(shown.get("text/html", []))
        if type(value).__name__ == "DataFrame":
            assert "<table" in text  # what pandas shows is HTML, but not XML
        elif text:
            page = ET.fromstring(f"<div>{text}</div>")
            assert "".join(page.itertext()).strip()
            assert {element.tag.rpartition("}")[2] for element in page.iter()}.isdisjoint({"script", "iframe", "object"})
            assert len(text) < 30_000
        else:
            assert isinstance(value, dict)


def test_what_is_stored_is_what_it_gives(executed):
    for number, (cell, value, shown) in enumerate(executed, start=1):
        stored = cell["outputs"][0]
        assert cell["execution_count"] == stored["execution_count"] == number
        drawn_elsewhere = type(value).__name__ in {"LineageReport", "DataFrame"}  # by Graphviz and pandas, whose versions differ
        if drawn_elsewhere:
            assert stored["data"].keys() == shown.keys()
        else:
            assert stored["data"] == shown


def test_no_path_of_this_machine_is_stored(executed):
    assert tempfile.gettempdir() not in NOTEBOOK.read_text(encoding="utf-8")
    assert all("pytest-of" not in str(cell["outputs"]) for cell, _, _ in executed)


def test_it_tells_the_story(executed):
    values = {type(value).__name__: value for _, value, _ in executed}
    assert values["Explanation"].hypotheses[0].change == "chg-07"
    assert values["ImpactReport"].summary.moved > 0
    assert values["AnomalyReport"].episodes[-1].metric == "value"
    day = values["DataFrame"].loc[pd.Timestamp("2026-10-27", tz="UTC")]
    assert day["android"] < 0.8
    assert day["ios"] == pytest.approx(1, abs=0.1)
