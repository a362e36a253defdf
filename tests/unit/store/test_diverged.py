import shutil
from pathlib import Path

import pytest
from deltalake import DeltaTable, write_deltalake

from metricsctl.core.errors import StoreError
from metricsctl.engine.duckdb.connection import connect
from metricsctl.engine.duckdb.parquet import write_parquet
from metricsctl.store import delta
from metricsctl.store.head import Head
from metricsctl.store.info import info, verify
from metricsctl.store.reader import StoreReader
from metricsctl.store.writer import StoreWriter


@pytest.fixture
def store(tmp_path: Path, group) -> Path:
    with StoreWriter.open(tmp_path / "s") as writer:
        group(writer, 0)
        group(writer, 1)
    return tmp_path / "s"


def refused(store: Path, text: str) -> None:
    with pytest.raises(StoreError, match="store diverged: .*" + text) as caught:
        StoreWriter.open(store)
    assert caught.value.exit_code == 3
    assert caught.value.hint == "run `metricsctl store verify`"
    report = verify(store)
    assert not report.ok
    assert any(text in problem for problem in report.problems), report.problems
    with pytest.raises(StoreError, match="store diverged"):  # and looking has not changed it
        StoreWriter.open(store)


def one(store: Path) -> Path:
    return store / "g0001" / "tables" / "one"


def test_a_good_store(store: Path) -> None:
    report = verify(store)
    assert (report.ok, report.tables, report.files, report.rows) == (True, 2, 4, 12)
    seen = info(store)
    assert (seen.seq, seen.generation, [table.files for table in seen.tables]) == (2, "g0001", [2, 2])
    assert seen.bytes > sum(table.bytes for table in seen.tables) > 0
    assert seen.sources[0].rows == 6


def test_state_is_gone(store: Path) -> None:
    (store / "g0001" / "state.duckdb").unlink()
    refused(store, "state is gone")
    (store / "head.json").unlink()
    with pytest.raises(StoreError, match="state is gone"):
        StoreWriter.open(store)


def test_state_is_empty(store: Path) -> None:
    (store / "g0001" / "state.duckdb").unlink()
    connect(store / "g0001" / "state.duckdb").close()
    refused(store, "state is empty")


def test_state_is_broken(store: Path) -> None:
    (store / "g0001" / "state.duckdb").write_bytes(b"no database" * 1000)
    with pytest.raises(StoreError, match="not a valid DuckDB"):
        StoreWriter.open(store)
    assert any("not a valid DuckDB" in problem for problem in verify(store).problems)
    assert StoreReader.open(store).head.seq == 2


def test_state_of_yesterday(store: Path, group, tmp_path: Path) -> None:
    shutil.copy(store / "g0001" / "state.duckdb", tmp_path / "old")
    with StoreWriter.open(store) as writer:
        group(writer, 2)
    shutil.copy(tmp_path / "old", store / "g0001" / "state.duckdb")
    refused(store, "state is older")


def test_whole_store_of_yesterday_is_fine(store: Path, group, tmp_path: Path) -> None:
    shutil.copytree(store, tmp_path / "old")
    with StoreWriter.open(store) as writer:
        group(writer, 2)
    shutil.rmtree(store)
    shutil.copytree(tmp_path / "old", store)
    with StoreWriter.open(store) as writer:
        group(writer, 2)
    assert verify(store).rows == 18


def test_head_of_yesterday_is_mended(store: Path, group) -> None:
    old = (store / "head.json").read_bytes()
    with StoreWriter.open(store) as writer:
        group(writer, 2)
    now = Head.read(store)
    (store / "head.json").write_bytes(old)
    StoreWriter.open(store).close()
    assert Head.read(store) == now


def test_head_is_gone_and_comes_back(store: Path) -> None:
    now = Head.read(store)
    (store / "head.json").unlink()
    StoreWriter.open(store).close()
    assert Head.read(store) == now


def test_head_is_gone_after_a_rebuild(store: Path, group) -> None:
    with StoreWriter.open(store, rebuild=True) as writer:
        group(writer, 0)
        writer.finish()
    now = Head.read(store)
    (store / "head.json").unlink()
    StoreWriter.open(store).close()
    assert Head.read(store) == now
    assert verify(store).rows == 6


def test_a_restored_older_version(store: Path) -> None:
    DeltaTable(str(one(store))).restore(0)
    refused(store, "somebody else wrote")


def test_a_table_of_yesterday(store: Path, group, tmp_path: Path) -> None:
    shutil.copytree(one(store), tmp_path / "old")
    with StoreWriter.open(store) as writer:
        group(writer, 2)
    shutil.rmtree(one(store))
    shutil.copytree(tmp_path / "old", one(store))
    refused(store, "has the transaction 2, not 3")


def test_a_table_is_gone(store: Path) -> None:
    shutil.rmtree(one(store))
    refused(store, "table one is missing")


def test_rows_of_a_stranger(store: Path) -> None:
    with connect(None) as connection:
        write_deltalake(str(one(store)), connection.sql("SELECT 1::BIGINT AS g, 1::DOUBLE AS x"), mode="append")
    refused(store, "somebody else wrote")


def test_tables_of_another_store(store: Path, tmp_path: Path, group) -> None:
    with StoreWriter.open(tmp_path / "other") as writer:
        group(writer, 0)
        group(writer, 1)
    shutil.rmtree(one(store))
    shutil.copytree(one(tmp_path / "other"), one(store))
    refused(store, "has the transaction None")


def test_head_of_another_store(store: Path, tmp_path: Path, group) -> None:
    with StoreWriter.open(tmp_path / "other") as writer:
        group(writer, 0)
    shutil.copy(tmp_path / "other" / "head.json", store / "head.json")
    refused(store, "different stores")


def test_generation_is_gone(store: Path) -> None:
    (store / "g0001").rename(store / "away")
    with pytest.raises(StoreError, match="names g0001, which is not there"):
        StoreWriter.open(store)
    assert not verify(store).ok


@pytest.mark.parametrize("harm", ["lost", "short", "flipped"])
def test_verify_names_the_harmed_file(store: Path, harm: str) -> None:
    file = Path(StoreReader.open(store).files("one")[0])
    data = file.read_bytes()
    if harm == "lost":
        file.unlink()
    elif harm == "short":
        file.write_bytes(data[:-1])
    else:
        file.write_bytes(b"XXXX" + bytes(byte ^ 255 for byte in data[4:]))
    report = verify(store)
    assert len(report.problems) == 1
    assert file.name in report.problems[0]
    assert report.rows == 9


def test_rebuild_mends_everything(store: Path, group) -> None:
    (store / "g0001" / "state.duckdb").unlink()
    with StoreWriter.open(store, rebuild=True) as writer:
        group(writer, 0)
        writer.finish()
        group(writer, 1)
    assert verify(store).rows == 12


def test_rebuild_swaps_at_once(store: Path, group) -> None:
    reader = StoreReader.open(store)
    files = reader.files("one")
    with StoreWriter.open(store, rebuild=True) as writer:
        assert writer.head.tables == {}
        group(writer, 0)
        assert Head.read(store) == reader.head
        writer.finish()
        now = StoreReader.open(store)
        assert now.head == writer.head
        assert (now.head.generation, now.head.store_id == reader.head.store_id) == ("g0002", False)
        assert not (store / "g0001").exists()
        group(writer, 1)
    assert not any(Path(file).exists() for file in files)
    assert verify(store).rows == 12


def test_a_reader_whose_files_vanished_looks_again_once(store: Path, group) -> None:
    reader = StoreReader.open(store)
    with StoreWriter.open(store, rebuild=True) as writer:
        group(writer, 0)
        writer.finish()
    seen: list[str] = []

    def count(now: StoreReader) -> int:
        seen.append(now.head.generation)
        return len(now.files("one"))

    assert reader.retrying(count) == 1
    assert seen == ["g0001", "g0002"]


def test_a_failure_with_the_head_unchanged_is_final(store: Path) -> None:
    calls: list[int] = []

    def fail(_: StoreReader) -> None:
        calls.append(1)
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        StoreReader.open(store).retrying(fail)
    assert calls == [1]


def test_checkpoints_keep_the_number(tmp_path: Path) -> None:
    from metricsctl.plan.tables import Column, Table

    with connect(None) as connection:
        columns = (Column("a", "bigint"),)
        (tmp_path / "t").mkdir()
        for seq in range(105):
            file = tmp_path / "t" / f"{seq}.parquet"
            rows = write_parquet(connection, "SELECT 1 AS a", Table("t", columns), file)
            files = [delta.NewFile(file.name, file.stat().st_size, rows)]
            delta.publish(tmp_path / "t", files, columns, app_id="x", previous=seq - 1 if seq else None, seq=seq)
    assert delta.transaction_version(tmp_path / "t", "x") == 104
    assert len(delta.files(tmp_path / "t", 100)) == 101
