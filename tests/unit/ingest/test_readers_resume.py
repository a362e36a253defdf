"""Laws of reading: every line exactly once, wherever a run stops and whatever is appended."""

from __future__ import annotations

import gzip
import json
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metricsctl.core.errors import DataError
from metricsctl.ingest.readers import Chunk, FileReader, InputFile, Known, Mark, discover

LINES = st.lists(st.dictionaries(st.sampled_from("ab"), st.text(max_size=6), max_size=2).map(json.dumps), max_size=12)
FIELD = st.text(alphabet='x,"\n é', max_size=5)
ROWS = st.lists(st.tuples(FIELD, FIELD), max_size=10)
ENDS = st.sampled_from([b"\n", b"\r\n"])
SIZES = st.integers(1, 80)


def store(path: Path, data: bytes) -> InputFile:
    path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)
    (file,) = discover([str(path)])
    return file


def read(
    file: InputFile, known: Sequence[Mark] | Known = (), size: int = 1 << 20, stop: int | None = None
) -> tuple[list[Chunk], FileReader]:
    reader = FileReader(file, known, chunk_bytes=size, spool_dir=file.path.parent)
    return list(islice(reader.chunks(), stop)), reader


def quoted(row: tuple[str, str]) -> bytes:
    return ",".join('"' + field.replace('"', '""') + '"' for field in row).encode()


class Runs:
    """Several runs over one growing file; knows what each must find."""

    def __init__(self, path: Path, noise: Sequence[Mark] = ()) -> None:
        self.path = path
        self.known = list(noise)
        self.delivered = b""

    def run(self, content: bytes, size: int, stop: int | None = None) -> FileReader:
        found, reader = read(store(self.path, content), self.known, size, stop)
        for chunk in found:
            self.delivered += chunk.data
            self.known.append(chunk.mark)
            assert chunk.data
            assert content[: chunk.mark.size].endswith(bytes(chunk.data))
            assert chunk.mark.lines == content[: chunk.mark.size].count(b"\n")
            assert chunk.first_line == content[: chunk.mark.size - len(chunk.data)].count(b"\n") + 1
        return reader


@pytest.fixture(scope="module", params=["", ".gz"])
def suffix(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module", params=[16, 1 << 20])
def _block(request: pytest.FixtureRequest) -> Iterator[None]:
    """Small blocks, so that small files have many."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("metricsctl.ingest.readers.marks.BLOCK", request.param)
        yield


@pytest.mark.usefixtures("_block")
@settings(max_examples=60, deadline=None)
@given(
    first=LINES,
    more=LINES,
    end=ENDS,
    size=SIZES,
    stop=st.integers(0, 5),
    other=st.lists(st.integers(1, 300), max_size=5),
    bom=st.booleans(),
)
def test_every_ndjson_line_is_read_once(
    suffix: str, first: list[str], more: list[str], end: bytes, size: int, stop: int, other: list[int], bom: bool
) -> None:
    noise = [Mark(at, "0" * 32, 1, open_line=at % 2 == 0) for at in other]
    with tempfile.TemporaryDirectory() as folder:
        runs = Runs(Path(folder, "a.ndjson" + suffix), noise)
        mark = b"\xef\xbb\xbf" if bom else b""
        content = mark + b"".join(line.encode() + end for line in first)
        runs.run(content, size, stop)
        runs.run(content, size)
        assert mark + runs.delivered == content
        if first:
            assert runs.run(content, size).status == "unchanged"
        grown = content + b"".join(line.encode() + end for line in more)
        status = runs.run(grown, size).status
        assert mark + runs.delivered == grown
        if first:
            assert status == ("grown" if more else "unchanged")


@pytest.mark.usefixtures("_block")
@settings(max_examples=60, deadline=None)
@given(first=ROWS, more=ROWS, end=ENDS, size=SIZES, stop=st.integers(0, 5))
def test_every_csv_record_is_read_once(
    suffix: str, first: list[tuple[str, str]], more: list[tuple[str, str]], end: bytes, size: int, stop: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        runs = Runs(Path(folder, "a.csv" + suffix))
        header = b'one,"two\nlines"' + end
        ends = {len(header)}
        content = header
        for row in first + more:
            content += quoted(row) + end
            ends.add(len(content))
        part = content[: sorted(ends)[len(first)]]
        runs.run(part, size, stop)
        runs.run(part, size)
        assert header + runs.delivered == part
        runs.run(content, size)
        assert header + runs.delivered == content
        assert {mark.size for mark in runs.known} <= ends


@settings(max_examples=100, deadline=None)
@given(lines=LINES, cuts=st.lists(st.integers(0, 200), max_size=4), size=SIZES)
def test_a_file_caught_in_the_middle_of_a_line_loses_nothing(lines: list[str], cuts: list[int], size: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        runs = Runs(Path(folder, "a.ndjson"))
        content = b"".join(line.encode() + b"\n" for line in lines)
        for cut in sorted(cuts):
            runs.run(content[:cut], size)
        reader = runs.run(content, size)
        # a line that is read before its line end is delivered without it
        assert runs.delivered.replace(b"\n", b"") == content.replace(b"\n", b"")
        assert not reader.diagnostics


@settings(max_examples=100, deadline=None)
@given(lines=st.lists(st.text(alphabet='a",', max_size=8), max_size=12), size=SIZES)
def test_stray_quotes_lose_nothing(lines: list[str], size: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        runs = Runs(Path(folder, "a.csv"))
        content = b"x,y\n" + b"".join(line.encode() + b"\n" for line in lines)
        reader = runs.run(content, size)
        rest = content.removeprefix(b"x,y\n" + runs.delivered)
        assert not rest.strip() or reader.diagnostics[0].code == "incomplete-line"


def test_a_copy_under_another_name_is_known(tmp_path: Path) -> None:
    file = store(tmp_path / "a.ndjson", b'{"a":1}\n' * 50)
    known = [chunk.mark for chunk in read(file, size=64)[0]]
    copy = store(tmp_path / "b.jsonl.gz", file.path.read_bytes())
    found, reader = read(copy, Known(known), size=64)
    assert (found, reader.status, reader.resumed_at, reader.diagnostics) == ([], "unchanged", 400, [])


def test_other_content_under_an_old_name_is_a_new_file(tmp_path: Path) -> None:
    known = [chunk.mark for chunk in read(store(tmp_path / "a.ndjson", b'{"a":1}\n' * 9), size=8)[0]]
    found, reader = read(store(tmp_path / "a.ndjson", b'{"a":2}\n' * 9), known)
    assert (len(found), reader.status, reader.resumed_at) == (1, "read", 0)


def test_an_unknown_small_file_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def seek(*_: object) -> None:
        pytest.fail("read twice")

    file = store(tmp_path / "a.ndjson.gz", b'{"a":1}\n' * 50)
    monkeypatch.setattr("metricsctl.ingest.readers.streams._Gzip.seek", seek)
    known = [Mark(size, "0" * 32, 1, open_line=False) for size in (8, 399, 400, 10**6)]
    assert read(file, known)[1].status == "read"


def test_a_csv_chunk_ends_with_a_record_not_within_a_quoted_field(tmp_path: Path) -> None:
    file = store(tmp_path / "a.csv", b'\xef\xbb\xbfa,b\r\n1,"x\ny"\r\n2,z\r\n')
    found, _ = read(file, size=12)
    assert [(chunk.data, chunk.first_line) for chunk in found] == [(b'1,"x\ny"\r\n', 2), (b"2,z\r\n", 4)]
    assert found[0].header == ("a", "b")


def test_a_stray_quote_does_not_swallow_the_rest_of_the_file(tmp_path: Path) -> None:
    rows = b'5" pipe,1\n' + b"rod,2\n" * 100
    found, reader = read(store(tmp_path / "a.csv", b"a,b\n" + rows), size=64)
    assert b"".join(chunk.data for chunk in found) == rows
    assert len(found) >= 10
    assert reader.diagnostics == []


def test_a_half_line_is_held_back_and_read_when_it_is_whole(tmp_path: Path) -> None:
    runs = Runs(tmp_path / "a.ndjson")
    reader = runs.run(b'{"a":1}\n{"a":', 1000)
    (warning,) = reader.diagnostics
    assert (warning.code, warning.severity.value, str(warning.span)) == ("incomplete-line", "warning", f"{runs.path}:2:1")
    assert runs.delivered == b'{"a":1}\n'
    assert runs.run(b'{"a":1}\n{"a":2}\n', 1000).status == "grown"
    assert runs.delivered == b'{"a":1}\n{"a":2}\n'


@pytest.mark.parametrize("half", [b"2", b'2,"x', b"2,x,y", b'2,"x\n'])
def test_a_csv_row_with_other_than_the_headers_fields_is_held_back_at_the_end(tmp_path: Path, half: bytes) -> None:
    found, reader = read(store(tmp_path / "a.csv", b"a,b\n1,x\n" + half))
    assert [chunk.data for chunk in found] == [b"1,x\n"]
    assert [(finding.code, finding.span.line) for finding in reader.diagnostics if finding.span] == [("incomplete-line", 3)]


def test_a_last_line_without_line_end_is_read_if_it_is_whole(tmp_path: Path) -> None:
    found, reader = read(store(tmp_path / "a.csv", b"a,b\n1,x\n2,y"))
    assert [chunk.data for chunk in found] == [b"1,x\n2,y"]
    assert (found[0].mark.open_line, found[0].mark.lines, reader.diagnostics) == (True, 2, [])


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_after_an_open_line_its_line_end_is_skipped(tmp_path: Path, end: bytes) -> None:
    runs = Runs(tmp_path / "a.ndjson")
    runs.run(b'{"a":1}', 1000)
    assert runs.run(b'{"a":1}' + end, 1000).status == "unchanged"
    reader = runs.run(b'{"a":1}' + end + b'{"a":2}\n', 1000)
    assert (runs.delivered, reader.status, reader.diagnostics) == (b'{"a":1}{"a":2}\n', "grown", [])


@pytest.mark.parametrize(("begin", "rest"), [(b"1,x", b"yz\n"), (b'1,"x"', b'"y\nz"\n')])
def test_the_rest_of_a_line_that_was_read_too_early_is_skipped_and_said(tmp_path: Path, begin: bytes, rest: bytes) -> None:
    runs = Runs(tmp_path / "a.csv")
    runs.run(b"a,b\n" + begin, 1000)
    unfinished = runs.run(b"a,b\n" + begin + rest[:1], 1000)
    assert [finding.code for finding in unfinished.diagnostics] == ["split-line"]
    reader = runs.run(b"a,b\n" + begin + rest + b"2,y\n", 1000)
    (warning,) = reader.diagnostics
    assert (warning.code, str(warning.span)) == ("split-line", f"{runs.path}:2:1")
    assert "--rebuild" in (warning.hint or "")
    assert runs.delivered == begin + b"2,y\n"
    assert runs.run(b"a,b\n" + begin + rest + b"2,y\n", 1000).status == "unchanged"


@settings(max_examples=60, deadline=None)
@given(cut=st.integers(1, 10_000), size=st.integers(1, 4000))
def test_a_gzip_file_cut_off_is_read_up_to_there_and_goes_on_when_repaired(cut: int, size: int) -> None:
    content = b"".join(b'{"n":%d}\n' % (number * 7919 % 10007) for number in range(500))
    packed = gzip.compress(content, mtime=0)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.ndjson.gz")
        path.write_bytes(packed[: cut % (len(packed) - 1) + 1])
        (file,) = discover([str(path)])
        found, reader = read(file, size=size)
        begin = b"".join(chunk.data for chunk in found)
        assert content.startswith(begin)
        if path.stat().st_size < len(packed):
            assert reader.status == "truncated"
            assert [finding.severity.value for finding in reader.diagnostics] == ["error"]
        path.write_bytes(packed)
        rest, _ = read(file, [chunk.mark for chunk in found])
        assert begin + b"".join(chunk.data for chunk in rest) == content


def test_all_before_a_bad_checksum_is_read_and_several_members_are_one_file(tmp_path: Path) -> None:
    member = gzip.compress(b'{"a":1}\n')
    path = tmp_path / "a.ndjson.gz"
    path.write_bytes(member + b"\0" * 7 + member[:-8] + b"\0" * 8)
    (file,) = discover([str(path)])
    found, reader = read(file)
    assert b"".join(chunk.data for chunk in found) == b'{"a":1}\n' * 2
    assert (reader.status, reader.diagnostics[0].message) == ("truncated", "the gzip data are damaged")
    path.write_bytes(member + member)
    assert read(file)[1].status == "read"


def test_a_gz_file_that_is_no_gzip_gives_no_rows(tmp_path: Path) -> None:
    for name in ("a.ndjson.gz", "a.csv.gz"):
        path = tmp_path / name
        path.write_bytes(b"this is text\n")
        found, reader = read(discover([str(path)])[0])
        assert (found, reader.status) == ([], "truncated")


def test_a_gzip_file_cut_off_in_the_header_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(b"one,two")[:-2])
    found, reader = read(discover([str(path)])[0])
    assert (found, reader.status, [finding.code for finding in reader.diagnostics]) == ([], "truncated", ["damaged-file"])


@pytest.mark.parametrize(
    ("name", "data"),
    [("a.ndjson", b""), ("a.csv", b""), ("a.ndjson", b"\xef\xbb\xbf"), ("a.csv", b"a,b\n"), ("a.parquet", b""), ("a.ndjson", b" ")],
)
def test_a_file_without_records_is_empty(tmp_path: Path, name: str, data: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    found, reader = read(discover([str(path)])[0])
    assert (found, reader.status, reader.diagnostics) == ([], "empty", [])


def test_an_unfinished_header_is_held_back(tmp_path: Path) -> None:
    found, reader = read(store(tmp_path / "a.csv", b"a,b"))
    assert (found, reader.status) == ([], "read")
    assert [finding.code for finding in reader.diagnostics] == ["incomplete-line"]


@pytest.mark.parametrize("header", [b"a,a\n", b"a,\n", b"\n", b"\xff,b\n", b"a\rb,c\r\n", b'"' + b"x\n" * (1 << 19)])
def test_a_bad_header_is_told_with_its_place(tmp_path: Path, header: bytes) -> None:
    with pytest.raises(DataError, match=r"a\.csv:1: ") as raised:
        read(store(tmp_path / "a.csv", header + b"1,2\n"))
    assert raised.value.hint


def test_a_parquet_file_is_one_chunk_known_by_all_its_bytes(tmp_path: Path) -> None:
    data = b"PAR1" + bytes(range(100)) + b"PAR1"
    plain, packed = store(tmp_path / "a.parquet", data), store(tmp_path / "b.parquet.gz", data)
    (one,), reader = read(plain)
    assert (one.path, one.data, one.header, one.mark.size, one.mark.lines, reader.status) == (plain.path, b"", None, 108, 0, "read")
    (two,), _ = read(packed)
    assert two.mark == one.mark
    assert two.path is not None
    assert two.path.read_bytes() == data
    for file in (plain, packed):
        found, reader = read(file, [one.mark])
        assert (found, reader.status, reader.resumed_at) == ([], "unchanged", 108)
    found, reader = read(store(tmp_path / "a.parquet", data[:-1]), [one.mark])
    assert (found, reader.status) == ([], "truncated")


def test_a_record_without_end_is_refused_before_memory_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("metricsctl.ingest.readers.chunks.MAX_RECORD", 1 << 10)
    with pytest.raises(DataError, match=r"a\.csv:2: a record of more than"):
        read(store(tmp_path / "a.csv", b"a,b\n" + b'"' + b"x" * 5000), size=100)


@pytest.mark.parametrize("end", [b"\n", b""])
def test_a_line_that_is_too_long_is_gone_past_and_goes_on_where_it_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: bytes
) -> None:
    monkeypatch.setattr("metricsctl.ingest.readers.chunks.MAX_RECORD", 1 << 10)
    path, long = tmp_path / "a.ndjson", b'{"x": "' + b"x" * 5000 + b'"}'
    found, reader = read(store(path, b'{"a": 1}\n' + long + end + (b'{"b": 2}\n' if end else b"")), size=100)
    told = [(bytes(chunk.data), chunk.first_line, chunk.too_long is not None, chunk.mark.open_line) for chunk in found]
    assert told == [(b'{"a": 1}\n', 1, False, False), (b"", 2, True, not end), *([(b'{"b": 2}\n', 3, False, False)] if end else [])]
    path.write_bytes(b'{"a": 1}\n' + long + b"\n" + (b'{"b": 2}\n' if end else b"") + b'{"c": 3}\n')
    more, reader = read(store(path, path.read_bytes()), [chunk.mark for chunk in found])
    assert [bytes(chunk.data) for chunk in more] == [b'{"c": 3}\n']
    assert reader.status == "grown"


def test_a_vanished_file_and_a_folder_are_told(tmp_path: Path) -> None:
    file = store(tmp_path / "a.ndjson", b"{}\n")
    file.path.unlink()
    with pytest.raises(DataError, match=r"cannot read .*a\.ndjson"):
        read(file)
    file.path.mkdir()
    with pytest.raises(DataError, match=r"cannot read .*a\.ndjson") as raised:
        read(file)
    assert raised.value.exit_code == 3


def test_marks_of_a_large_file_are_found_though_other_sizes_lie_beyond(tmp_path: Path) -> None:
    file = store(tmp_path / "a.ndjson", b'{"a":1}\n' * 1000)
    known = [chunk.mark for chunk in read(file, size=800)[0][:3]]
    other = [Mark(size, "0" * 32, 1, open_line=True) for size in (2405, 7999)]
    shutil.copy(file.path, tmp_path / "b.ndjson")
    found, reader = read(discover([str(tmp_path / "b.ndjson")])[0], known + other, size=100)
    assert reader.resumed_at == 2400
    assert (found[0].first_line, b"".join(chunk.data for chunk in found)) == (301, b'{"a":1}\n' * 700)
