"""Sessions: the cache says what a fresh run says, whatever happens to it; fixes keep all that they do not mend."""

from pathlib import Path

import pytest

from metricsctl.lint.cache import Cache
from metricsctl.lint.report import LintReport
from metricsctl.lint.session import Session

TEXT = """\
version: 1
defaults: {owner: team-ads}
sources:
  - {name: log, description: One row a click., time: ts, columns: [{name: ts, type: timestamp}]}
models:
  - {name: m, description: Clicks of people., sql_file: m.sql, time: ts}
metrics:
  - {name: a, description: Clicks of people., type: simple, source: m, agg: count}
  - {name: d, description: The same again., type: derived, expr: cur, inputs: {cur: a, old: a}}
"""


def session(folder: Path, text: str = TEXT, *, cached: bool = True) -> Session:
    cache = Cache(folder / ".cache") if cached else None
    return Session({folder / "metrics.yml": text}, 0, ((), ()), folder, cache=cache)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "m.sql").write_text("SELECT ts FROM log")
    return tmp_path


def fresh(folder: Path, text: str = TEXT) -> LintReport:
    return session(folder, text, cached=False).run()


def test_a_kept_result_is_the_result(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = session(folder).run()
    monkeypatch.setattr("metricsctl.lint.engine.run_facts", lambda *_: pytest.fail("worked it out again"))
    again = session(folder).run()
    assert again == first
    assert [item.code for item in again.findings] == ["M108"]
    assert again.findings[0].fix is not None


def test_another_text_another_result(folder: Path) -> None:
    session(folder).run()
    assert "M104" in {item.code for item in session(folder, TEXT.replace("source: m", "source: gone")).run().findings}


def test_a_changed_sql_file_is_seen(folder: Path) -> None:
    assert [item.code for item in session(folder).run().findings] == ["M108"]
    (folder / "m.sql").write_text("SELECT ts, nope FROM log")
    assert session(folder).run().findings == fresh(folder).findings
    assert "M503" in {item.code for item in session(folder).run().findings}


@pytest.mark.parametrize("damage", ["", "{", "[]", "null", '{"files": {}}', "\x00", '{"files": {}, "data": {"asked": 3}}'])
def test_a_damaged_result_counts_as_none(folder: Path, damage: str) -> None:
    session(folder).run()
    for path in (folder / ".cache").glob("*.json"):
        path.write_text(damage)
    assert session(folder).run() == fresh(folder)


def test_only_so_many_results_are_kept(folder: Path) -> None:
    for number in range(26):
        session(folder, TEXT.replace("cur", f"cur{number}")).run()
    assert len(list((folder / ".cache").glob("*.json"))) == 24
    assert list((folder / ".cache").glob(".new-*")) == []


def test_a_cache_that_cannot_be_written_to_is_no_fault(folder: Path) -> None:
    (folder / ".cache").write_text("a file, not a folder")
    assert session(folder).run() == fresh(folder)


def test_fixes_keep_line_ends_and_the_byte_order_mark(folder: Path) -> None:
    raw = "\ufeff" + TEXT.replace("\n", "\r\n")
    (folder / "metrics.yml").write_bytes(raw.encode())
    fixed = session(folder, cached=False).fix(unsafe=False)
    assert fixed.made == 1
    assert fixed.after[folder / "metrics.yml"] == raw.replace(", old: a", "")
