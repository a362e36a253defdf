"""New tests into YAML: at the end of `tests:`, nothing else touched, and beside the file where that cannot be done."""

from pathlib import Path

import pytest

from metricsctl.core.errors import UsageError
from metricsctl.definition.load import load
from metricsctl.testing.write import NewTest, with_tests

HEAD = """\
version: 1
sources: [{name: log, time: ts, columns: [{name: ts, type: timestamp}, {name: "a b"}]}]
metrics: [{name: m, type: simple, source: log, agg: count}]
"""
TEST = NewTest(
    "it's new: a 'b' \"c\"", "m", {"log": [{"ts": "2026-01-01T00:00:00Z", "a b": None}]}, [{"time": "2026-01-01T00:00:00Z", "value": 1.0}]
)
OLD = "- {name: old, metric: m, given: {log: []}, expect: []}"


def written(folder: Path, text: str) -> dict[str, str]:
    (folder / "m.yml").write_bytes(text.encode())
    found = with_tests(load([folder], root=folder), [TEST])
    return {path.name: text for path, text in found.items()}


@pytest.mark.parametrize(
    ("before", "kept"),
    [
        (HEAD, HEAD),
        (HEAD.rstrip("\n"), HEAD),
        (HEAD + f"tests:\n  {OLD}\n", HEAD + f"tests:\n  {OLD}\n"),
        (HEAD + f"tests:  # all\n{OLD}\n# the end\n", HEAD + f"tests:  # all\n{OLD}\n"),
        (f"tests:\n      {OLD}\n\n" + HEAD, f"tests:\n      {OLD}\n"),
        (HEAD.replace("\n", "\r\n"), HEAD.replace("\n", "\r\n")),
    ],
    ids=["none", "no line end", "indented", "flush", "in front", "CRLF"],
)
def test_a_test_is_added(tmp_path: Path, before: str, kept: str) -> None:
    text = written(tmp_path, before)["m.yml"]
    assert text.startswith(kept.rstrip())
    (tmp_path / "m.yml").write_bytes(text.encode())
    project = load([tmp_path], root=tmp_path)
    assert [item for item in project.findings if item.severity == "error"] == []
    found = project.tests[TEST.name]
    assert found.given == {"log": ({"ts": "2026-01-01T00:00:00Z", "a b": None},)}
    assert len(project.metrics) == 1


def test_a_list_in_brackets_is_left_as_it_is(tmp_path: Path) -> None:
    found = written(tmp_path, HEAD + "tests: []\n")
    assert list(found) == ["m.tests.yml"]
    (tmp_path / "m.tests.yml").write_text(found["m.tests.yml"], encoding="utf-8")
    assert TEST.name in load([tmp_path], root=tmp_path).tests


def test_a_metric_that_no_file_defines(tmp_path: Path) -> None:
    (tmp_path / "m.yml").write_text(HEAD, encoding="utf-8")
    with pytest.raises(UsageError, match="no file defines metric 'n'"):
        with_tests(load([tmp_path], root=tmp_path), [NewTest("x", "n", {}, [])])
