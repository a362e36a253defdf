"""The first project: it lints clean, its events fit, and nothing is overwritten."""

import json
from pathlib import Path

import pytest

from metricsctl.core.errors import UsageError
from metricsctl.definition.load import load
from metricsctl.definition.scaffold import sample_events, write
from metricsctl.lint.engine import run


def test_it_lints_clean(tmp_path: Path) -> None:
    found = write(tmp_path / "shop")
    assert set(found.files) == {"metrics.yml", "metricsctl.toml", "events/order_log.ndjson", ".gitignore"}
    assert run(load([tmp_path / "shop"])).findings == ()


def test_the_events_have_the_declared_columns_in_order_of_time(tmp_path: Path) -> None:
    write(tmp_path)
    source = load([tmp_path]).sources["order_log"]
    rows = [json.loads(line) for line in (tmp_path / "events/order_log.ndjson").read_text(encoding="utf-8").splitlines()]
    assert {tuple(row) for row in rows} == {tuple(column.name.name for column in source.columns)}
    assert [row["at"] for row in rows] == sorted(row["at"] for row in rows)
    assert {row["status"] for row in rows} == {"paid", "refused"}
    assert rows == list(sample_events())


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "metrics.yml").write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match="is there already"):
        write(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["metrics.yml"]


def test_a_gitignore_gets_one_line_more(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("*.log", encoding="utf-8")
    write(tmp_path)
    assert (tmp_path / ".gitignore").read_text(encoding="utf-8") == "*.log\n.metricsctl/\n"
