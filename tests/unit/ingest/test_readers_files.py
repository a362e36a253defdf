"""Which files the arguments of a command mean."""

from __future__ import annotations

import gzip
import io
import os
from pathlib import Path

import pytest

from metricsctl.core.errors import DataError, MetricsctlError, UsageError
from metricsctl.ingest.readers import discover


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    names = ["b.csv", "a.NDJSON", "sub/c.tsv.gz", "sub/deep/d.parquet", "README.md", ".hidden.csv", ".git/e.csv", "[x].jsonl"]
    for name in names:
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(b"a\tb\n") if name.endswith(".gz") else b"a,b\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "data"


def names(*arguments: str) -> list[str]:
    return [file.name for file in discover(arguments)]


@pytest.mark.usefixtures("folder")
def test_a_folder_gives_its_files_of_events_sorted_without_hidden_ones() -> None:
    found = discover(["data"])
    assert [(file.name, file.format, file.packed) for file in found] == [
        ("data/[x].jsonl", "ndjson", False),
        ("data/a.NDJSON", "ndjson", False),
        ("data/b.csv", "csv", False),
        ("data/sub/c.tsv.gz", "tsv", True),
        ("data/sub/deep/d.parquet", "parquet", False),
    ]


@pytest.mark.usefixtures("folder")
def test_patterns_and_files_that_look_like_patterns() -> None:
    assert names("data/*.csv") == ["data/b.csv"]
    assert names("data/**") == names("data")
    assert names("data/[x].jsonl") == ["data/[x].jsonl"]
    assert names("data/*.md", "data/b.csv") == ["data/README.md", "data/b.csv"]


def test_the_same_file_counts_once(folder: Path) -> None:
    (folder / "link.csv").symlink_to(folder / "b.csv")
    (folder / "sub" / "up").symlink_to(folder)
    assert names("data/b.csv", "data/./b.csv", str(folder / "b.csv"), "data/link.csv") == ["data/b.csv"]
    assert len(names("data", "data/*")) == 5


@pytest.mark.parametrize(
    ("argument", "says"),
    [
        ("nothing.csv", "no such file or folder: nothing.csv"),
        ("data/*.json", r"no file matches data/\*\.json"),
        ("empty", "no file of events in the folder empty"),
        ("-", "no standard input"),
        ("notes", "cannot tell the format of notes"),
        ("n\0ul.csv", "no such file"),
    ],
)
def test_what_cannot_be_used_is_named(folder: Path, argument: str, says: str) -> None:
    Path("empty").mkdir()
    Path("notes").write_text("some words\n")
    with pytest.raises(UsageError, match=says) as raised:
        discover([str(folder / "b.csv"), argument])
    assert raised.value.hint
    assert raised.value.exit_code == 2


def test_an_unreadable_file_is_bad_data(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, *_: object) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(DataError, match=r"cannot read .*b\.csv: Permission denied") as raised:
        discover([str(folder / "b.csv")])
    assert raised.value.exit_code == 3


@pytest.mark.parametrize("name", ["a.json", "a.json.gz", "a.txt"])
def test_a_json_array_is_refused_with_a_hint(tmp_path: Path, name: str) -> None:
    data = b'\xef\xbb\xbf\n [{"a": 1}]'
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    with pytest.raises(MetricsctlError, match="is one JSON array") as raised:
        discover([str(tmp_path / name)])
    assert "one object a line" in (raised.value.hint or "")


@pytest.mark.parametrize(
    ("data", "form"),
    [(b'\xef\xbb\xbf\n{"a":1}\n', "ndjson"), (b"a,b\n1,2\n", "csv"), (b"a\tb\n1,2\t3\n", "tsv"), (b"PAR1...", "parquet"), (b"", "ndjson")],
)
@pytest.mark.parametrize("packed", [False, True])
def test_the_format_is_told_from_the_first_bytes(tmp_path: Path, data: bytes, form: str, packed: bool) -> None:
    content = gzip.compress(data) if packed else data
    (tmp_path / "app.log").write_bytes(content)
    (named,) = discover([str(tmp_path / "app.log")])
    assert (named.format, named.packed, named.spooled) == (form, packed, False)
    (piped,) = discover(["-", "-"], stdin=io.BytesIO(content), spool_dir=tmp_path)
    assert (piped.name, piped.format, piped.packed, piped.spooled) == ("<stdin>", form, packed, True)
    assert piped.path.parent == tmp_path
    assert piped.path.read_bytes() == content


def test_nothing_is_left_of_a_standard_input_of_unknown_format(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot tell the format of <stdin>"):
        discover(["-"], stdin=io.BytesIO(b"words"), spool_dir=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_pipe_is_copied_first(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.write(writing, b'{"a":1}\n')
    os.close(writing)
    try:
        (file,) = discover([f"/dev/fd/{reading}"], spool_dir=tmp_path)
    finally:
        os.close(reading)
    assert (file.format, file.spooled, file.path.read_bytes()) == ("ndjson", True, b'{"a":1}\n')


def test_names_that_are_no_text_can_be_shown(tmp_path: Path) -> None:
    path = os.fsdecode(os.fsencode(tmp_path) + b"/\xff.csv")
    Path(path).write_bytes(b"a,b\n")
    (file,) = discover([path])
    assert file.name.encode().endswith("/\N{REPLACEMENT CHARACTER}.csv".encode())
