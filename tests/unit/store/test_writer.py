import errno
import json
import math
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from metricsctl.core.errors import StoreError, UsageError
from metricsctl.engine.duckdb.connection import connect
from metricsctl.engine.duckdb.parquet import read_parquet, write_parquet
from metricsctl.plan.tables import Column, Table
from metricsctl.store import delta
from metricsctl.store.head import FORMAT, Head, SourceState
from metricsctl.store.info import info, verify
from metricsctl.store.reader import StoreReader
from metricsctl.store.writer import FileMark, StoreWriter

WIDE = Table(
    "wide",
    (
        Column("k", "bigint"),
        Column("d", "double"),
        Column("s", "varchar"),
        Column("b", "boolean"),
        Column("li", "bigint[]"),
        Column("ld", "double[]"),
    ),
    ("k",),
    {"of": "tests"},
)


def rows(reader: StoreReader, table: str, sql: str = "SELECT * FROM {} ORDER BY k") -> list[tuple]:
    with connect(None) as connection:
        return connection.execute(sql.format(read_parquet(reader.files(table)))).fetchall()


def fill(path: Path, select: str = "SELECT 1 AS k, 2.0 AS d, 'x' AS s, true AS b, [1] AS li, [1.5] AS ld") -> None:
    with StoreWriter.open(path) as writer:
        writer.create_table(WIDE)
        writer.begin()
        writer.put("wide", select)
        writer.commit()


def test_every_type_comes_back(tmp_path: Path) -> None:
    values = """SELECT * FROM (VALUES
        (3, 'nan'::double, 'ü', true, [1, NULL], ['inf', '-inf', 'nan', NULL]::double[]),
        (2, '-inf'::double, NULL, NULL, NULL, NULL),
        (1, NULL, '', false, [], [])) AS t(k, d, s, b, li, ld)"""
    fill(tmp_path, values)
    reader = StoreReader.open(tmp_path)
    first, second, third = rows(reader, "wide")
    assert first == (1, None, "", False, [], [])
    assert second == (2, -math.inf, None, None, None, None)
    assert (third[0], third[2:5]) == (3, ("ü", True, [1, None]))
    assert math.isnan(third[1])
    assert third[5][:2] == [math.inf, -math.inf]
    assert math.isnan(third[5][2])
    assert third[5][3] is None
    assert rows(reader, "wide", "SELECT k FROM {} WHERE isnan(d)") == [(3,)]


def test_first_rows_without_a_list_keep_the_types(tmp_path: Path) -> None:
    fill(tmp_path, "SELECT 1 AS k, NULL AS d, NULL AS s, NULL AS b, NULL AS li, NULL AS ld")
    fill(tmp_path, "SELECT 2 AS k, 1 AS d, 's' AS s, true AS b, [7] AS li, [1.5] AS ld")
    assert rows(StoreReader.open(tmp_path), "wide") == [(1, None, None, None, None, None), (2, 1.0, "s", True, [7], [1.5])]


def test_files_are_sorted(tmp_path: Path) -> None:
    fill(tmp_path, "SELECT (i * 7919) % 1000 AS k, 0 AS d, '' AS s, true AS b, [] AS li, [] AS ld FROM range(1000) t(i)")
    keys = rows(StoreReader.open(tmp_path), "wide", "SELECT k FROM {}")
    assert keys == sorted(keys)


@pytest.mark.parametrize("name", ["sp ace", "ümlaut", "a#b", "it's", 'd"q', "a*b", "x:y", "semi;colon", "{}"])
def test_names_of_folders(tmp_path: Path, name: str) -> None:
    decoy = tmp_path / name.replace("*", "a")
    fill(decoy)
    if decoy != tmp_path / name:
        shutil.copytree(decoy, tmp_path / name)  # its twin would be read too if the name were a pattern
    fill(tmp_path / name)
    assert len(rows(StoreReader.open(tmp_path / name), "wide")) == 2
    assert verify(tmp_path / name).problems == ()
    assert info(tmp_path / name).tables[0].rows == 2


@pytest.mark.parametrize("name", ["br[a]", "per%cent", "pi|pe", "new\nline", "car^et", "q?x"])
def test_refused_names_of_folders(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="cannot have"):
        StoreWriter.open(tmp_path / name)
    with pytest.raises(UsageError, match="cannot have"):
        StoreReader.open(tmp_path / name)
    assert not (tmp_path / name).exists()


def test_a_link_is_judged_by_its_target(tmp_path: Path) -> None:
    (tmp_path / "br[a]").mkdir()
    (tmp_path / "fine").symlink_to(tmp_path / "br[a]")
    with pytest.raises(UsageError, match="cannot have"):
        StoreWriter.open(tmp_path / "fine")


def test_locked_by_another_process(tmp_path: Path, child, group) -> None:
    with StoreWriter.open(tmp_path) as writer:
        group(writer, 0)
    other = child(
        tmp_path, "with StoreWriter.open(STORE):\n    print('held', flush=True)\n    import time; time.sleep(60)", stdout=subprocess.PIPE
    )
    try:
        assert other.stdout.readline() == "held\n"
        for work in (StoreWriter.open, verify):
            with pytest.raises(StoreError, match=f"locked by process {other.pid}") as caught:
                work(tmp_path)
            assert caught.value.exit_code == 3
            assert caught.value.hint
        assert StoreReader.open(tmp_path).head.seq == 1
    finally:
        other.kill()
        other.wait()
        other.stdout.close()
    StoreWriter.open(tmp_path).close()


def test_locked_by_this_process_until_closed(tmp_path: Path) -> None:
    with StoreWriter.open(tmp_path) as writer:
        with pytest.raises(StoreError, match="locked"):
            StoreWriter.open(tmp_path)
        writer.close()
        StoreWriter.open(tmp_path).close()


def test_a_group_without_change_is_no_commit(tmp_path: Path, group) -> None:
    with StoreWriter.open(tmp_path) as writer:
        group(writer, 0)
        before = (tmp_path / "head.json").read_bytes()
        writer.begin()
        writer.put("one", "SELECT 1 AS g, 1 AS x WHERE false")
        writer.set_source(writer.head.sources["ads"])
        writer.remember_files([FileMark("ads", "elsewhere", 10, "0", 3, 3, False)])
        writer.set_meta("one", {})
        writer.count_reject("ads", "bad", 0)
        assert not writer.commit()
        assert (tmp_path / "head.json").read_bytes() == before
        assert writer.head.seq == 1
        assert [mark.path for mark in writer.file_marks("ads")] == ["f0"]


def test_rollback_leaves_nothing(tmp_path: Path, group) -> None:
    with StoreWriter.open(tmp_path) as writer:
        group(writer, 0)
        writer.begin()
        writer.create_table(WIDE)
        writer.put("one", "SELECT 9 AS g, 1 AS x")
        writer.count_reject("ads", "bad", 3)
        writer.rollback()
        assert writer.reject_counts() == {}
        group(writer, 1)
        assert set(writer.head.tables) == {"one", "two"}
    assert info(tmp_path).tables[0].rows == 6


@pytest.mark.parametrize("wrong", ["SELECT * FROM nothere", "SELECT 10::HUGEINT ** 30 AS g, 1 AS x", "SELECT 1 AS g"])
def test_an_error_in_a_group_can_be_rolled_back(tmp_path: Path, group, wrong: str) -> None:
    with StoreWriter.open(tmp_path) as writer:
        group(writer, 0)
        writer.begin()
        with pytest.raises(Exception, match=r"nothere|out of range|\"x\""):
            writer.put("one", wrong)
        writer.rollback()
        group(writer, 1)
    assert verify(tmp_path).rows == 12


def test_columns_go_by_name(tmp_path: Path, group) -> None:
    with StoreWriter.open(tmp_path) as writer:
        group(writer, 0)
        writer.begin()
        assert writer.put("one", "SELECT 0.25 AS x, 8 AS g") == 1
        writer.commit()
    assert rows(StoreReader.open(tmp_path), "one", "SELECT g FROM {} WHERE x = 0.25") == [(8,)]


def test_counters_and_meta_are_kept(tmp_path: Path) -> None:
    fill(tmp_path)
    with StoreWriter.open(tmp_path) as writer:
        writer.begin()
        writer.count_reject("ads", "not JSON", 2)
        writer.count_reject("ads", "not JSON", 3)
        writer.set_source(SourceState("ads", 5, 6, None, 7, 5))
        writer.set_meta("wide", {"plan": "abc", "n": [1, None]})
        assert writer.commit()
    with StoreWriter.open(tmp_path) as writer:
        assert writer.reject_counts() == {"ads": {"not JSON": 5}}
        assert writer.head == StoreReader.open(tmp_path).head
    head = StoreReader.open(tmp_path).head
    assert head.sources == {"ads": SourceState("ads", 5, 6, None, 7, 5)}
    assert head.tables["wide"].meta == {"plan": "abc", "n": [1, None]}
    assert head.tables["wide"].columns == WIDE.columns


def test_a_table_with_other_columns_is_refused(tmp_path: Path) -> None:
    fill(tmp_path)
    with StoreWriter.open(tmp_path) as writer, pytest.raises(StoreError, match="other columns"):
        writer.create_table(Table("wide", (Column("k", "bigint"),)))


def test_a_table_without_rows_has_no_files(tmp_path: Path) -> None:
    with StoreWriter.open(tmp_path) as writer:
        writer.create_table(WIDE)
    reader = StoreReader.open(tmp_path)
    assert reader.files("wide") == []
    assert reader.head.tables["wide"].version is None
    assert verify(tmp_path).ok
    fill(tmp_path)
    assert len(rows(StoreReader.open(tmp_path), "wide")) == 1


def test_readers_see_the_version_of_the_head_only(tmp_path: Path, group) -> None:
    with StoreWriter.open(tmp_path) as writer:
        group(writer, 0)
        old = StoreReader.open(tmp_path)
        group(writer, 1)
        folder = tmp_path / "g0001" / "tables" / "one"
        assert delta.version(folder) == 1
        assert len(rows(old, "one", "SELECT * FROM {}")) == 3
        assert len(rows(old.reload(), "one", "SELECT * FROM {}")) == 6


def test_a_failed_append_is_finished_by_the_next_open(tmp_path: Path, group, monkeypatch) -> None:
    with StoreWriter.open(tmp_path) as writer:
        group(writer, 0)
        with monkeypatch.context() as patch:

            def full(*_args: object, **_kwargs: object) -> None:
                raise OSError(errno.ENOSPC, "No space left on device")

            patch.setattr(delta, "publish", full)
            with pytest.raises(StoreError, match="No space left") as caught:
                group(writer, 1)
        writer.rollback()
        assert "free some space" in caught.value.hint
        with pytest.raises(StoreError, match="could not be published"):
            writer.begin()
    with StoreWriter.open(tmp_path) as writer:
        group(writer, 2)
    assert [table.rows for table in info(tmp_path).tables] == [9, 9]


def test_a_panic_in_delta_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "a[b").mkdir()
    (tmp_path / "a[b" / "_delta_log").mkdir()
    (tmp_path / "a[b" / "_delta_log" / "00000000000000000000.json").write_text("{}")
    with pytest.raises(StoreError, match="cannot use the table"):
        delta.version(tmp_path / "a[b")


def test_a_number_is_not_taken_twice(tmp_path: Path) -> None:
    columns = (Column("a", "bigint"),)
    with connect(None) as connection:
        (tmp_path / "t").mkdir()
        rows = write_parquet(connection, "SELECT 1 AS a", Table("t", columns), tmp_path / "t" / "f.parquet")
    files = [delta.NewFile("f.parquet", (tmp_path / "t" / "f.parquet").stat().st_size, rows)]
    assert delta.publish(tmp_path / "t", files, columns, app_id="x", previous=None, seq=4) == 0
    with pytest.raises(StoreError, match="diverged"):
        delta.publish(tmp_path / "t", files, columns, app_id="x", previous=None, seq=4)
    assert delta.transaction_version(tmp_path / "t", "x") == 4
    assert delta.transaction_version(tmp_path / "t", "y") is None


def test_usage_of_groups(tmp_path: Path) -> None:
    with StoreWriter.open(tmp_path) as writer:
        with pytest.raises(RuntimeError, match="no commit group"):
            writer.put("one", "SELECT 1")
        with pytest.raises(RuntimeError, match="no commit group"):
            writer.commit()
        writer.begin()
        with pytest.raises(RuntimeError, match="open already"):
            writer.begin()
        writer.rollback()
        writer.finish()


def test_many_groups_do_not_grow_the_state(tmp_path: Path) -> None:
    with StoreWriter.open(tmp_path) as writer:
        writer.create_table(Table("t", (Column("a", "bigint"), Column("b", "double"))))
        sizes = []
        for number in range(24):
            writer.begin()
            writer.put("t", f"SELECT hash(range + {number} * 50000)::HUGEINT % 1000000007 AS a, random() AS b FROM range(50000)")
            writer.commit()
            sizes.append(sum(file.stat().st_size for file in (tmp_path / "g0001").glob("state*")))
    assert max(sizes[12:]) < 2.5 * max(sizes[:12])


def test_a_head_of_another_format(tmp_path: Path) -> None:
    fill(tmp_path)
    head = json.loads((tmp_path / "head.json").read_text())
    (tmp_path / "head.json").write_text(json.dumps(head | {"format": FORMAT + 1}))
    for work in (StoreReader.open, StoreWriter.open, verify):
        with pytest.raises(StoreError, match="another version") as caught:
            work(tmp_path)
        assert caught.value.hint


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 1}', "\xff"])
def test_a_broken_head(tmp_path: Path, text: str) -> None:
    fill(tmp_path)
    (tmp_path / "head.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(StoreError, match="head"):
        StoreReader.open(tmp_path)


def test_no_store(tmp_path: Path) -> None:
    for work in (StoreReader.open, verify, info):
        with pytest.raises(UsageError, match="no store at") as caught:
            work(tmp_path / "nowhere")
        assert caught.value.exit_code == 2
        assert "ingest" in caught.value.hint
    assert not (tmp_path / "nowhere").exists()


def test_a_file_where_the_store_should_be(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("x")
    with pytest.raises(StoreError, match="File exists"):
        StoreWriter.open(tmp_path / "f")
    with pytest.raises(UsageError, match="no store"):
        StoreReader.open(tmp_path / "f")


def test_the_reader_imports_no_engine() -> None:
    code = "import sys, metricsctl.store.reader, metricsctl.store.head; print([m for m in ('duckdb', 'deltalake') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[3])
    assert done.stdout.strip() == "[]"


def test_head_roundtrip(tmp_path: Path) -> None:
    fill(tmp_path)
    head = Head.read(tmp_path)
    assert head is not None
    head.write(tmp_path)
    assert Head.read(tmp_path) == head
