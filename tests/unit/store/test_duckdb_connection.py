import subprocess
import sys
from pathlib import Path

import pytest

from metricsctl.core.errors import StoreError
from metricsctl.engine.duckdb.connection import connect, literal, quote
from metricsctl.engine.duckdb.parquet import count_readable, read_parquet


@pytest.mark.parametrize("name", ["sp ace", "ümlaut", "a#b", "it's", 'd"q', "a*b", "per%20cent", "br[a]"])
def test_paths(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    file = tmp_path / name / "x.duckdb"
    with connect(file) as connection:
        connection.execute("CREATE TABLE t AS SELECT 1 AS a")
    with connect(str(file), read_only=True) as connection:
        assert connection.execute("SELECT a FROM t").fetchall() == [(1,)]
    assert file.exists()


def test_a_question_mark_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot have"):
        connect(tmp_path / "a?b" / "x.duckdb")


def test_locked_by_another_process(tmp_path: Path) -> None:
    file = tmp_path / "x.duckdb"
    code = f"import duckdb, sys; c = duckdb.connect({str(file)!r}); print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(StoreError, match="Could not set lock"):
            connect(file)
        other.stdin.close()
        other.wait(10)
    connect(file).close()


def test_read_parquet_reads_what_it_is_told(tmp_path: Path) -> None:
    with connect(None, threads=1) as connection:
        for number, name in enumerate(["a?b", "axb", "a*b", "a[x]b", "it's"]):
            (tmp_path / name).mkdir()
            connection.execute(f"COPY (SELECT {number} AS n) TO {literal(str(tmp_path / name / 'f.parquet'))} (FORMAT parquet)")
        for number, name in enumerate(["a?b", "axb", "a*b", "a[x]b", "it's"]):
            file = tmp_path / name / "f.parquet"
            assert connection.execute(f"SELECT n FROM {read_parquet([file])}").fetchall() == [(number,)]
            assert count_readable(file) == 1


def test_names_do_not_mean_python_variables() -> None:
    secret = [1]  # noqa: F841
    with connect(None) as connection, pytest.raises(Exception, match="does not exist"):
        connection.execute("SELECT * FROM secret")


def test_quoting() -> None:
    with connect(None) as connection:
        text = 'it\'s "quoted"; --'
        relation = connection.sql(f"SELECT {literal(text)} AS {quote(text)}")
        assert (relation.columns, relation.fetchall()) == ([text], [(text,)])
