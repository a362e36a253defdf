"""kill -9 at every point of the protocol: after the next open nothing is lost, nothing is doubled, and readers never saw half a group."""

import signal
import subprocess
import time
from pathlib import Path

import pytest

from metricsctl.core.errors import MetricsctlError
from metricsctl.engine.duckdb.connection import connect
from metricsctl.engine.duckdb.parquet import read_parquet
from metricsctl.store.info import verify
from metricsctl.store.reader import StoreReader
from metricsctl.store.writer import StoreWriter

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")


def numbers(reader: StoreReader, table: str) -> list[int]:
    files = reader.files(table)
    if not files:
        return []
    with connect(None) as connection:
        return [g for (g,) in connection.execute(f"SELECT g FROM {read_parquet(files)} ORDER BY g").fetchall()]


def thrice(count: int) -> list[int]:
    return [number for number in range(count) for _ in range(3)]


# where, what is wrapped, how many groups must be there after recovery, what a reader sees before it
POINTS = {
    "before COMMIT": ("close_without_goodbye(State, 'advance')", 1),
    "after COMMIT": ("close_without_goodbye(delta, 'publish', before=True)", 2),
    "while appending": ("delta._fsync_commit = die", 2),
    "between two appends": ("close_without_goodbye(delta, 'publish')", 2),
    "before the head": ("close_without_goodbye(delta, 'publish', on_call=2)", 2),
    "inside the head": ("close_without_goodbye(Path, 'replace', before=True)", 2),
    "after the head": ("close_without_goodbye(Head, 'write')", 2),
    "after the outbox": ("close_without_goodbye(State, 'clear')", 2),
}


@pytest.mark.parametrize("point", POINTS)
def test_killed_at(point: str, tmp_path: Path, killed, group) -> None:
    hook, groups = POINTS[point]
    store = tmp_path / "s"
    killed(store, f"with StoreWriter.open(STORE) as writer:\n    group(writer, 0)\n    {hook}\n    group(writer, 1)\n")

    seen = StoreReader.open(store)
    published = 2 if point in {"after the head", "after the outbox"} else 1
    assert numbers(seen, "one") == numbers(seen, "two") == thrice(published)
    assert verify(store).problems == ()

    with StoreWriter.open(store) as writer:
        assert writer.head == StoreReader.open(store).head
        assert [mark.path for mark in writer.file_marks("ads")] == [f"f{n}" for n in range(groups)]
        assert writer.head.sources["ads"].rows == 3 * groups
        for number in range(groups, 4):
            group(writer, number)
    reader = StoreReader.open(store)
    assert numbers(reader, "one") == numbers(reader, "two") == thrice(4)
    assert verify(store).ok


def test_killed_in_the_first_group(tmp_path: Path, killed) -> None:
    killed(tmp_path, "writer = StoreWriter.open(STORE)\nclose_without_goodbye(delta, 'publish')\ngroup(writer, 0)")
    with pytest.raises(MetricsctlError, match="no store at"):
        StoreReader.open(tmp_path)
    StoreWriter.open(tmp_path).close()
    reader = StoreReader.open(tmp_path)
    assert numbers(reader, "one") == numbers(reader, "two") == thrice(1)


def test_killed_again_while_recovering(tmp_path: Path, killed) -> None:
    killed(tmp_path, "writer = StoreWriter.open(STORE)\nclose_without_goodbye(delta, 'publish', before=True)\ngroup(writer, 0)")
    killed(tmp_path, "close_without_goodbye(delta, 'publish')\nStoreWriter.open(STORE)")
    killed(tmp_path, "close_without_goodbye(Head, 'write')\nStoreWriter.open(STORE)")
    StoreWriter.open(tmp_path).close()
    reader = StoreReader.open(tmp_path)
    assert numbers(reader, "one") == numbers(reader, "two") == thrice(1)


def test_killed_at_random_with_a_reader_beside(tmp_path: Path, child) -> None:
    StoreWriter.open(tmp_path).close()
    loop = """
    with StoreWriter.open(STORE) as writer:
        print("ready", flush=True)
        for number in range(len(writer.file_marks("ads")), 100_000):
            group(writer, number)
    """
    for rounds, milliseconds in enumerate((37, 150, 61, 203), 1):
        process = child(tmp_path, loop, stdout=subprocess.PIPE)
        assert process.stdout.readline() == "ready\n"
        end, seen = time.monotonic() + milliseconds / 1000, 0
        while time.monotonic() < end or seen < 2 * rounds:  # on a busy machine some milliseconds are no group at all
            try:
                reader = StoreReader.open(tmp_path)
            except MetricsctlError:
                continue
            seen = reader.head.sources["ads"].rows // 3
            assert numbers(reader, "one") == numbers(reader, "two") == thrice(reader.head.sources["ads"].rows // 3)
        process.kill()
        process.wait(10)
        process.stdout.close()
    with StoreWriter.open(tmp_path) as writer:
        groups = len(writer.file_marks("ads"))
    assert groups > 4
    reader = StoreReader.open(tmp_path)
    assert numbers(reader, "one") == numbers(reader, "two") == thrice(groups)
    assert verify(tmp_path).problems == ()


def test_killed_in_a_rebuild(tmp_path: Path, killed, group) -> None:
    with StoreWriter.open(tmp_path) as writer:
        group(writer, 0)
    killed(
        tmp_path,
        "writer = StoreWriter.open(STORE, rebuild=True)\ngroup(writer, 7)\nclose_without_goodbye(delta, 'publish')\ngroup(writer, 8)",
    )
    assert (tmp_path / "g0002").is_dir()
    assert numbers(StoreReader.open(tmp_path), "one") == thrice(1)
    with StoreWriter.open(tmp_path) as writer:
        assert not (tmp_path / "g0002").exists()
        group(writer, 1)
    assert numbers(StoreReader.open(tmp_path), "two") == thrice(2)


def test_killed_between_the_switch_and_the_cleaning(tmp_path: Path, killed, group) -> None:
    with StoreWriter.open(tmp_path) as writer:
        group(writer, 5)
    killed(
        tmp_path, "writer = StoreWriter.open(STORE, rebuild=True)\ngroup(writer, 0)\nclose_without_goodbye(Head, 'write')\nwriter.finish()"
    )
    assert numbers(StoreReader.open(tmp_path), "one") == thrice(1)
    with StoreWriter.open(tmp_path) as writer:
        assert sorted(folder.name for folder in tmp_path.glob("g*")) == ["g0002"]
        group(writer, 1)
    assert numbers(StoreReader.open(tmp_path), "two") == thrice(2)


def test_killed_in_a_rebuild_of_nothing(tmp_path: Path, killed) -> None:
    killed(tmp_path, "writer = StoreWriter.open(STORE, rebuild=True)\ngroup(writer, 7)\ndie()")
    with StoreWriter.open(tmp_path) as writer:
        assert writer.head.tables == {}
        assert sorted(folder.name for folder in tmp_path.glob("g*")) == ["g0001"]
