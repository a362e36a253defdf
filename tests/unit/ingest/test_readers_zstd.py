"""zstd files are read as gzip ones are: all frames, up to a damage, known by what is in them."""

import importlib
import io
from pathlib import Path
from typing import Any

import pytest

from metricsctl.core.errors import UsageError
from metricsctl.ingest.readers import Chunk, FileReader, discover

zstandard: Any = pytest.importorskip("zstandard")
LINES = b"".join(b'{"n": %d}\n' % number for number in range(30_000))


def read(path: Path, chunk: int = 1 << 20) -> tuple[FileReader, list[Chunk]]:
    (file,) = discover([str(path)])
    reader = FileReader(file, (), chunk_bytes=chunk, spool_dir=path.parent)
    return reader, list(reader.chunks())


@pytest.mark.parametrize("chunk", [500, 1 << 20])
def test_all_frames_are_read(tmp_path: Path, chunk: int) -> None:
    path = tmp_path / "a.ndjson.zst"
    path.write_bytes(zstandard.compress(LINES[:70_000]) + zstandard.compress(LINES[70_000:]))
    reader, chunks = read(path, chunk)
    assert b"".join(bytes(item.data) for item in chunks) == LINES
    assert reader.status == "read"
    plain = tmp_path / "a.ndjson"
    plain.write_bytes(LINES)
    assert chunks[-1].mark == read(plain, chunk)[1][-1].mark


def test_the_first_bytes_tell_it_and_standard_input_may_be_zstd(tmp_path: Path) -> None:
    (file,) = discover(["-"], stdin=io.BytesIO(zstandard.compress(b"a,b\n1,2\n")), spool_dir=tmp_path)
    assert (file.format, file.packed) == ("csv", True)


@pytest.mark.parametrize(("damage", "says"), [(slice(0, -20), "end early"), (None, "are damaged")])
def test_a_damaged_file_is_read_up_to_there(tmp_path: Path, damage: slice | None, says: str) -> None:
    path = tmp_path / "a.ndjson.zst"
    whole = zstandard.compress(LINES)
    path.write_bytes(whole[damage] if damage is not None else whole + b"rubbish of some length")
    reader, chunks = read(path)
    assert reader.status == "truncated"
    assert says in reader.diagnostics[0].message
    found = b"".join(bytes(item.data) for item in chunks)
    assert LINES.startswith(found)
    assert damage is not None or found == LINES


def test_what_is_packed_to_nearly_nothing_comes_out_bit_by_bit(tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson.zst"
    path.write_bytes(zstandard.compress(b'{"n": 1}' + b" " * (16 << 20) + b"\n" + LINES))
    reader, chunks = read(path)
    assert reader.status == "read"
    assert sum(len(item.data) for item in chunks) == len(LINES) + (16 << 20) + 9


def test_without_the_package_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", gone)
    (tmp_path / "a.ndjson.zst").write_bytes(b"")
    with pytest.raises(UsageError, match="zstd needs the package zstandard") as raised:
        discover([str(tmp_path / "a.ndjson.zst")])
    assert "metricsctl[zstd]" in str(raised.value.hint)
