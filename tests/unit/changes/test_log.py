"""The log beside the series: nothing twice, nothing lost, nobody kept waiting."""

import threading
from pathlib import Path

import pytest

from metricsctl.changes.event import ChangeEvent
from metricsctl.changes.log import LOG_FILE, ChangeLog
from metricsctl.core.errors import StoreError


def event(number: int) -> ChangeEvent:
    return ChangeEvent(f"e{number}", number * 1_000_000, "deploy", service="payments", paths=("ä.go",), title=f"Number {number}")


def test_no_log_is_an_empty_one(tmp_path: Path) -> None:
    assert ChangeLog(tmp_path / "store").read().events == ()
    assert not (tmp_path / "store").exists()


def test_what_was_added_is_read_by_time(tmp_path: Path) -> None:
    log = ChangeLog(tmp_path / "store")
    assert log.append([event(2), event(1)]).added == (event(2), event(1))
    assert log.read().events == (event(1), event(2))


def test_an_id_is_kept_once(tmp_path: Path) -> None:
    log = ChangeLog(tmp_path)
    log.append([event(1)])
    found = log.append([event(1), event(2), event(2)])
    assert found.added == (event(2),)
    assert [item.id for item in found.known] == ["e1", "e2"]
    assert len((tmp_path / LOG_FILE).read_text(encoding="utf-8").splitlines()) == 2


def test_half_a_line_of_a_killed_writer_is_not_there_and_is_written_over(tmp_path: Path) -> None:
    log = ChangeLog(tmp_path)
    log.append([event(1)])
    with (tmp_path / LOG_FILE).open("ab") as stream:
        stream.write(b'{"id": "torn", "time": "2026-')
    assert log.read().events == (event(1),)
    assert log.read().malformed == ()
    log.append([event(2)])
    assert log.read().events == (event(1), event(2))
    assert log.read().malformed == ()


def test_many_writers_lose_nothing(tmp_path: Path) -> None:
    def work(first: int) -> None:
        for number in range(first, first + 10):
            ChangeLog(tmp_path).append([event(number), event(number + 1)])

    threads = [threading.Thread(target=work, args=(first,)) for first in (0, 5, 10, 15)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [item.id for item in ChangeLog(tmp_path).read().events] == [f"e{number}" for number in range(26)]


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(StoreError, match="cannot add to") as caught:
        ChangeLog(tmp_path / "file" / "store").append([event(1)])
    assert caught.value.exit_code == 3


def test_a_line_that_was_spoilt_by_hand_is_said(tmp_path: Path) -> None:
    log = ChangeLog(tmp_path)
    log.append([event(1)])
    with (tmp_path / LOG_FILE).open("a", encoding="utf-8") as stream:
        stream.write("oops\n")
    assert log.read().events == (event(1),)
    assert [item.span.line for item in log.read().malformed if item.span] == [2]
