"""Input that was never meant to be read: counted, reported, nothing lost beside it, nothing of it executed."""

import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from metricsctl.core.errors import DataError
from metricsctl.definition.load import load_text
from metricsctl.ingest.report import IngestReport
from metricsctl.ingest.run import IngestOptions, ingest
from metricsctl.query.run import QueryOptions, query
from metricsctl.store.info import verify

PROJECT = load_text("""
version: 1
defaults: {grain: 1h}
sources:
  - name: pays
    time: {column: at}
    dimensions: [country]
    columns: [{name: at, type: timestamp}, {name: country, type: string}, {name: amount, type: double}, {name: n, type: integer}]
metrics:
  - {name: rows, type: simple, source: pays, agg: count}
  - {name: total, type: simple, source: pays, agg: sum, expr: amount}
""")
NOW = 1_770_000_000_000_000
DROP = "'; DROP TABLE store.self; --"


def event(**changes: object) -> str:
    return json.dumps({"at": "2026-01-01T10:00:00Z", "country": "DE", "amount": 1.0, "n": 1} | changes)


def lines(*texts: str | bytes) -> bytes:
    return b"".join((text.encode() if isinstance(text, str) else text) + b"\n" for text in texts)


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., tuple[IngestReport, dict[str | None, float]]]:
    """Ingest files by name; gives the report, and the rows by country as a query counts them."""

    def run(files: dict[str, bytes], **options: object) -> tuple[IngestReport, dict[str | None, float]]:
        for name, data in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes(data)
        store = tmp_path / "store"
        report = ingest(PROJECT, [str(tmp_path / name) for name in files], store, IngestOptions(now=NOW, **options))
        frame = query(PROJECT, store, ["rows"], QueryOptions(by=("country",))).frames[0]
        counted: dict[str | None, float] = {}
        for _, (country,), value, _ in frame.rows():
            counted[country] = counted.get(country, 0) + (value or 0)
        assert report.rows == report.rejected + sum(counted.values()), "a row was lost"
        assert verify(store).problems == ()
        return report, counted

    return run


def reasons(report: IngestReport) -> dict[str, int]:
    return {item.reason: item.count for item in report.rejects}


def test_a_line_of_many_megabytes(read: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("metricsctl.ingest.readers.chunks.MAX_RECORD", 1 << 20)
    long = '{"country": "' + "a" * 3_000_000 + '"}'
    report, counted = read({"pays.ndjson": lines(event(), long, event()), "b.ndjson": lines(event(n=2))}, batch_bytes=1 << 16)
    assert (reasons(report), counted) == ({"too_long": 1}, {"DE": 3})
    assert (report.rejects[0].first.line, report.rejects[0].first.text[:20]) == (2, '{"country": "aaaaaaa')


@pytest.mark.slow
def test_a_line_of_a_gigabyte(tmp_path: Path) -> None:
    import resource

    with gzip.open(tmp_path / "pays.ndjson.gz", "wb", 1) as file:
        file.write(lines(event()))
        for _ in range(1000):
            file.write(b"a" * 1_000_000)
        file.write(b"\n" + lines(event()))
    report = ingest(PROJECT, [str(tmp_path / "pays.ndjson.gz")], tmp_path / "store", IngestOptions(now=NOW))
    assert (report.rows, reasons(report)) == (3, {"too_long": 1})
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 600_000


def test_nul_bytes(read: Callable) -> None:
    data = lines(event(), event() + "\0", b"\0\0\0", event(country="a\0b"), event())
    table = b"at,country,amount,n\n2026-01-01T00:00:00Z,D\0E,1,1\n\0\n2026-01-01T00:00:00Z,FR,1,1\n"
    report, counted = read({"pays.ndjson": data, "pays.csv": table})
    assert reasons(report) == {"malformed": 3}
    assert counted == {"DE": 2, "a\0b": 1, "D\0E": 1, "FR": 1}


def test_bytes_that_are_not_utf8(read: Callable) -> None:
    table = b"at,country,amount,n\n2026-01-01T00:00:00Z,D\xffE,1,1\n2026-01-01T00:00:00Z,FR,1,1\n"
    report, counted = read({"pays.ndjson": lines(event().encode().replace(b"DE", b"D\xff"), event(), b'\xc3\x28{"a'), "pays.csv": table})
    assert reasons(report) in ({"not_utf8": 3}, {"not_utf8": 2, "malformed": 1})
    assert counted == {"DE": 1, "FR": 1}


@pytest.mark.parametrize("wrong", ["much", {"a": 1}])
def test_wrong_types_in_one_row_of_a_hundred(read: Callable, wrong: object) -> None:
    report, counted = read({"pays.ndjson": lines(*(event(amount=wrong if row % 100 == 7 else 1.0) for row in range(3000)))})
    assert (reasons(report), counted) == ({"bad_value: amount": 30}, {"DE": 2970})
    assert [item.first.line for item in report.rejects] == [8]


def test_years_one_and_9999_and_infinity(read: Callable) -> None:
    times = ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", -62135596800, "infinity", "-infinity", 1e300, "NaN", None]
    report, counted = read({"pays.ndjson": lines(event(), *(event(at=time) for time in times))}, max_rejects="100%")
    assert reasons(report) == {"past_time": 2, "future_time": 1, "bad_time": 4, "missing_time": 1}
    assert counted == {"DE": 1}


def test_quoted_line_ends_wherever_the_file_is_cut(read: Callable) -> None:
    row = b'2026-01-01T00:00:00Z,"D\nE, ""x""",1,1\n'
    report, counted = read({"pays.csv": b"at,country,amount,n\n" + row * 500}, batch_bytes=777)
    assert (reasons(report), counted) == ({}, {'D\nE, "x"': 500})


def test_a_parquet_file_of_another_schema(read: Callable, tmp_path: Path) -> None:
    read({"pays.ndjson": lines(event())})
    pl.DataFrame({"time": [1], "x": ["y"]}).write_parquet(tmp_path / "other.parquet")
    with pytest.raises(DataError, match=r"other\.parquet:1: no time column 'at'"):
        ingest(PROJECT, [str(tmp_path / "other.parquet")], tmp_path / "store", IngestOptions(now=NOW))
    pl.DataFrame({"at": ["2026-01-01T00:00:00Z", "x"], "country": [1, 2], "amount": ["1", "z"], "n": [1.5, 2.0]}).write_parquet(
        tmp_path / "types.parquet"
    )
    report = ingest(PROJECT, [str(tmp_path / "types.parquet")], tmp_path / "store", IngestOptions(now=NOW))
    assert (report.rows, reasons(report)) == (2, {"bad_time": 1})
    assert verify(tmp_path / "store").problems == ()


def test_a_gzip_bomb_is_read_in_pieces(read: Callable) -> None:
    bomb = gzip.compress(lines(event() + " " * 1_000_000) * 20, 9)
    assert len(bomb) < 50_000
    report, counted = read({"pays.ndjson.gz": bomb}, batch_bytes=2 << 20)
    assert (reasons(report), counted) == ({}, {"DE": 20})


def test_odd_paths_and_values_are_only_names(read: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = ["a b", DROP, 'q"uote', "$(touch x)", "`touch x`", "*?", "[1]", "ü#%20", "-rf", "new\nline"]
    files = {f"pays {name}.ndjson": lines(event(country=name)) for name in names} | {"d/pays ; rm -rf ..csv": b"at,country,amount,n\n"}
    report, counted = read(files | {"v.ndjson": lines(event(country=DROP), event(country='"; DROP'))}, source="pays")
    assert not report.rejects
    assert counted == dict.fromkeys(names, 1) | {DROP: 1, '"; DROP': 1}
    assert not (tmp_path / "x").exists()


class _Cutting:
    """Cuts a file off while it is read."""

    def __init__(self, path: Path, size: int) -> None:
        self.path, self.size = path, size

    def start(self, what: str, total: int | None, unit: str) -> None: ...

    def advance(self, done: int, note: str = "") -> None:  # noqa: ARG002 - an observer's signature
        os.truncate(self.path, self.size)

    def finish(self) -> None: ...


def test_a_file_that_shrinks_while_it_is_read(tmp_path: Path) -> None:
    path, store = tmp_path / "pays.ndjson", tmp_path / "store"
    rows = lines(*(event(n=number) for number in range(4000)))
    path.write_bytes(rows)
    cutting = _Cutting(path, len(rows) // 3 + 5)
    report = ingest(PROJECT, [str(path)], store, IngestOptions(now=NOW, batch_bytes=20_000), progress=cutting)
    assert 0 < report.rows < 4000
    assert not report.rejects, "the line that was cut in two waits for its end"
    assert verify(store).problems == ()
    again = ingest(PROJECT, [str(path)], store, IngestOptions(now=NOW))
    assert again.rows == 0, "what was read before it was cut off counts once"
    path.write_bytes(rows)
    whole = ingest(PROJECT, [str(path)], store, IngestOptions(now=NOW))
    assert report.rows + whole.rows == 4000


def test_a_file_that_was_cut_off_is_not_read_twice(tmp_path: Path) -> None:
    path, store = tmp_path / "pays.ndjson", tmp_path / "store"
    rows = lines(*(event(n=number) for number in range(1000)))
    path.write_bytes(rows)
    assert ingest(PROJECT, [str(path)], store, IngestOptions(now=NOW, batch_bytes=20_000)).rows == 1000
    os.truncate(path, 30_005)
    report = ingest(PROJECT, [str(path)], store, IngestOptions(now=NOW))
    assert (report.rows, [item.code for item in report.diagnostics]) == (0, ["cut-off"])
    path.write_bytes(rows + lines(event(n=1000)))
    assert ingest(PROJECT, [str(path)], store, IngestOptions(now=NOW)).rows == 1


def test_other_content_under_an_old_name_is_said(tmp_path: Path) -> None:
    path, store = tmp_path / "pays.ndjson", tmp_path / "store"
    for content, expected in ((event(n=1), []), (event(n=2), ["info"]), (event(n=3, country="F"), ["warning"]), (event(n=1), [])):
        path.write_text(content + "\n")
        report = ingest(PROJECT, [str(path)], store, IngestOptions(now=NOW))
        assert [item.severity for item in report.diagnostics if item.code == "other-content"] == expected


@pytest.mark.parametrize("count", [100, pytest.param(100_000, marks=pytest.mark.slow)])
def test_many_small_files(tmp_path: Path, count: int) -> None:
    (tmp_path / "pays").mkdir()
    for number in range(count):
        (tmp_path / "pays" / f"{number}.ndjson").write_text(event(n=number) + "\n")
    report = ingest(PROJECT, [str(tmp_path / "pays")], tmp_path / "store", IngestOptions(now=NOW))
    assert (report.rows, report.groups) == (count, 1)
    assert ingest(PROJECT, [str(tmp_path / "pays")], tmp_path / "store", IngestOptions(now=NOW)).rows == 0
