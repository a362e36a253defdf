"""Files that mean harm, or were made by accident: a clear finding at once, and nothing is run."""

import time
from pathlib import Path

import pytest

from metricsctl.core.errors import UsageError
from metricsctl.definition.discover import MAX_BYTES
from metricsctl.definition.load import load, load_text
from metricsctl.definition.schema import Source

HEAD = "version: 1\nmetrics:\n"
BOMB = "version: 1\nsources:\n  - name: s\n    time: t\n    meta:\n      a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"      {this}: &{this} [{', '.join([f'*{before}'] * 9)}]\n" for before, this in zip("abcdefghi", "bcdefghij", strict=True)
)


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        (BOMB, "M001", "aliases make 4,412,961,527 values of this file"),
        ("version: 1\nsources:\n  - &a {name: s, time: t, meta: {x: *a}}\n", "M001", "an alias that contains itself"),
        (HEAD + "  - " + "[" * 10_000 + "]" * 10_000 + "\n", "M001", "nested too deeply"),
        (HEAD + "  - {name: a, meta: " + "{a: " * 10_000 + "1" + "}" * 10_000 + "}\n", "M001", "nested too deeply"),
        (HEAD + "- " * 10_000 + "a\n", "M001", "nested too deeply"),
        (HEAD + "  - " + "[" * 1_000_000 + "\n", "M001", "nested too deeply"),
        (HEAD + "  - !!python/object/apply:os.system ['exit']\n", "M001", "is not supported"),
        ("version: 1\nsources: [{name: s, time: t, meta: {a: !!python/name:os.system x}}]\n", "M001", "is not supported"),
        ("version: 1\nmetrics: []\nmetrics: []\n", "M001", "duplicate key 'metrics'"),
        ("version: 1\nmetrics: [\x00]\n", "M001", "does not parse"),
        ('version: 1\nnamespace: "a\u2028b"\nmetrics: []\n', "M001", "the line separator U+2028"),
        ("version: 1\nmetrics: []\n---\nversion: 1\n", "M001", "a second document in one file"),
        (HEAD + "  - {name: a, type: derived, expr: '" + "(" * 5000 + "x" + ")" * 5000 + "'}\n", "M501", ""),
        (HEAD + "  - {name: a, type: derived, expr: '" + " + ".join(["x"] * 2000) + "'}\n", "M501", "nested too deeply"),
        (HEAD + "  - {name: a, type: derived, expr: '" + " + ".join(["x"] * 20_000) + "'}\n", "M501", "is too long"),
        (HEAD + f"  - {{name: a, type: simple, source: s, agg: count, version: {'9' * 100_000}}}\n", "M004", "expected a whole number"),
        (HEAD + "  - {name: a, type: simple, source: s, agg: count, bounds: {min: .nan}}\n", "M004", "expected a number"),
        (f"version: 1\nsources: [{{name: s, time: {{column: t, lateness: {'9' * 400}d}}}}]\n", "M004", "longer than 200 years"),
    ],
)
def test_a_clear_finding_at_once(text: str, code: str, message: str) -> None:
    began = time.process_time()
    findings = load_text(text).findings
    assert time.process_time() - began < 1
    assert any(item.code == code and message in item.message for item in findings)


def test_a_file_of_a_hundred_megabytes_is_not_even_opened(tmp_path: Path) -> None:
    huge = tmp_path / "huge.yml"
    with huge.open("wb") as file:
        file.truncate(100_000_000)  # sparse
    with pytest.raises(UsageError, match="100,000,000 bytes are too many"):
        load([huge])
    assert MAX_BYTES < 100_000_000


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(HEAD, encoding="utf-8")
    (tmp_path / "loop").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "self.yml").symlink_to(tmp_path / "self.yml")
    assert [file.path for file in load([tmp_path], root=tmp_path).files] == ["a.yml"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_kind_of_line_end_gives_the_same_places(end: str) -> None:
    text = "version: 1\nsources:\n  - name: s\n    time: t\n    description: |\n      two\n      lines\n"
    project = load_text(text.replace("\n", end))
    assert project.findings == ()
    assert str(project.sources["s"].place("time")) == "metrics.yml:4:11"
    assert project.sources["s"].description == "two\nlines\n"


def test_tags_of_plain_data_say_what_a_value_is() -> None:
    text = 'version: 1\nsources: [{name: s, time: t, meta: {a: !!str 5, b: !!int "5", c: 5, d: "5", e: .inf, f: NO}}]\n'
    source = load_text(text).sources["s"]
    assert isinstance(source, Source)
    assert source.meta == {"a": "5", "b": 5, "c": 5, "d": "5", "e": float("inf"), "f": "NO"}
