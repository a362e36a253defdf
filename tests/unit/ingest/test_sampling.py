"""`sample`: the entities it keeps, in every format and however the files are cut; personal data; what it refuses."""

import gzip
import hashlib
import itertools
import json
from collections import Counter
from pathlib import Path

import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metricsctl.core.errors import UsageError
from metricsctl.definition.load import load_text
from metricsctl.ingest.run import IngestOptions, ingest
from metricsctl.ingest.sampling import SampleOptions, sample
from metricsctl.ingest.sampling.choose import Chooser, parse_rate
from metricsctl.ingest.sampling.mask import Masker

PROJECT = load_text("""
version: 1
sources:
  - name: pays
    time: at
    entities: {user: user_id}
    columns:
      - {name: at, type: timestamp}
      - {name: user_id, type: bigint}
      - {name: email, type: string, pii: true}
      - {name: born, type: date, pii: true}
      - {name: phone.home, type: string, pii: true}
      - {name: phone, type: string}
      - {name: note, type: string}
metrics: [{name: n, type: simple, source: pays, agg: count}]
""")
NOTES = ["", "a, b", 'say "hi"', "two\nlines", "ü"]
ROWS = [
    {"at": f"2026-01-01T00:00:{number % 60:02}Z", "user_id": number % 97, "email": f"u{number % 97}@example.org", "note": NOTES[number % 5]}
    for number in range(2000)
]
KEPT = {user for user in range(97) if Chooser("s", 0.2).keeps(str(user))}


def drawn(tmp_path: Path, *paths: Path, rate: float = 0.2, by: str = "user_id", seed: str = "s") -> tuple[dict[str, bytes], object]:
    folder = tmp_path / f"sample{len(list(tmp_path.glob('sample*')))}"
    report = sample(PROJECT, [str(path) for path in paths], folder, SampleOptions(by, rate, seed))
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}, report


def lines(rows: list[dict]) -> bytes:
    return b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows)


def hashed(text: str, seed: str = "s") -> str:
    return hashlib.sha256(f"{seed}\x1f{text}".encode()).hexdigest()[:16]


def test_it_keeps_the_same_users_in_every_format(tmp_path: Path) -> None:
    events = tmp_path / "events"
    events.mkdir()
    expected = [row | {"email": hashed(row["email"])} for row in ROWS if row["user_id"] in KEPT]
    assert 0 < len(KEPT) < 97
    frame = pd.DataFrame(ROWS)
    (events / "a.ndjson").write_bytes(lines(ROWS))
    (events / "b.ndjson.gz").write_bytes(gzip.compress(lines(ROWS)))
    frame.to_csv(events / "c.csv", index=False)
    frame.to_csv(events / "d.tsv", index=False, sep="\t")
    pl.DataFrame(ROWS).write_parquet(events / "e.parquet")
    (events / "f.parquet.gz").write_bytes(gzip.compress((events / "e.parquet").read_bytes()))
    files, report = drawn(tmp_path, events)
    assert sorted(files) == [f"pays/{name}" for name in ("a.ndjson", "b.ndjson.gz", "c.csv", "d.tsv", "e.parquet", "f.parquet.gz")]
    assert {(file.rows, file.kept, file.malformed) for file in report.files} == {(2000, len(expected), 0)}

    assert [json.loads(line) for line in files["pays/a.ndjson"].splitlines()] == expected
    assert gzip.decompress(files["pays/b.ndjson.gz"]) == files["pays/a.ndjson"]
    for name, separator in (("c.csv", ","), ("d.tsv", "\t")):
        (tmp_path / name).write_bytes(files[f"pays/{name}"])
        assert pd.read_csv(tmp_path / name, sep=separator, keep_default_na=False).to_dict("records") == expected
    (tmp_path / "e.parquet").write_bytes(files["pays/e.parquet"])
    assert pl.read_parquet(tmp_path / "e.parquet").to_dicts() == expected
    assert gzip.decompress(files["pays/f.parquet.gz"]) == files["pays/e.parquet"]


@settings(max_examples=5)
@given(cuts=st.lists(st.integers(0, 300), max_size=4), seed=st.text(max_size=3))
def test_the_cut_into_files_and_the_order_do_not_matter(tmp_path_factory: pytest.TempPathFactory, cuts: list[int], seed: str) -> None:
    rows = [row if number % 7 else row | {"user_id": None} for number, row in enumerate(ROWS[:300])]
    edges = [0, *sorted(cuts), 300]
    folder = tmp_path_factory.mktemp("cut")
    (folder / "parts").mkdir()
    for number, (start, end) in enumerate(itertools.pairwise(edges)):
        (folder / "parts" / f"{9 - number}.ndjson").write_bytes(lines(rows[start:end]))
    (folder / "whole.ndjson").write_bytes(lines(rows))
    parts, _ = drawn(folder, folder / "parts", seed=seed)
    whole, _ = drawn(folder, folder / "whole.ndjson", seed=seed)
    together = b"".join(parts[name] for name in sorted(parts, reverse=True))
    assert together == whole["pays/whole.ndjson"]


def test_distinct_counts_and_rows_of_the_kept_users_are_whole(tmp_path: Path) -> None:
    (tmp_path / "pays.ndjson").write_bytes(lines(ROWS))
    files, _ = drawn(tmp_path, tmp_path / "pays.ndjson")
    found = Counter(json.loads(line)["user_id"] for line in files["pays/pays.ndjson"].splitlines())
    assert found == {user: number for user, number in Counter(row["user_id"] for row in ROWS).items() if user in KEPT}


def test_the_share_of_keys_is_about_the_rate() -> None:
    chosen = sum(Chooser("any", 0.05).keeps(str(user)) for user in range(20_000))
    assert abs(chosen - 1000) < 4 * (20_000 * 0.05 * 0.95) ** 0.5
    assert all(Chooser("any", 1.0).keeps(str(user)) for user in range(1000))


def test_an_entity_names_its_column_and_a_nested_key_is_found(tmp_path: Path) -> None:
    rows = [{"at": 1, "user_id": number % 50, "user": {"id": number % 50}} for number in range(500)]
    (tmp_path / "pays.ndjson").write_bytes(lines(rows))
    pl.DataFrame(rows).write_parquet(tmp_path / "pays.parquet")
    by_entity, _ = drawn(tmp_path, tmp_path / "pays.ndjson", by="user")
    nested, report = drawn(tmp_path, tmp_path / "pays.ndjson", tmp_path / "pays.parquet", by="user.id")
    assert by_entity["pays/pays.ndjson"] == nested["pays/pays.ndjson"]
    assert len({file.kept for file in report.files}) == 1
    assert [item.code for item in report.diagnostics] == ["undeclared"]


def test_personal_data_are_hashed_where_they_are_nested_and_nulled_where_no_hash_fits(tmp_path: Path) -> None:
    row = {"at": 1, "user_id": 7, "email": None, "born": "1990-02-03", "phone": {"home": "12", "work": "34"}, "note": "x"}
    text = json.dumps(row).replace('"x"', "1.50")
    (tmp_path / "pays.ndjson").write_text(text + "\n")
    pl.DataFrame([row | {"email": "e"}]).write_parquet(tmp_path / "pays.parquet")
    files, report = drawn(tmp_path, tmp_path / "pays.ndjson", tmp_path / "pays.parquet", rate=1.0)
    assert files["pays/pays.ndjson"].decode() == text.replace('"1990-02-03"', "null").replace('"12"', f'"{hashed("12")}"') + "\n"
    (tmp_path / "read.parquet").write_bytes(files["pays/pays.parquet"])
    (found,) = pl.read_parquet(tmp_path / "read.parquet").to_dicts()
    assert found["phone"] == {"home": hashed("12"), "work": "34"}
    assert (found["born"], found["email"]) == (None, hashed("e"))
    assert report.hashed == {"pays": ("born", "email", "phone.home")}


@given(st.dictionaries(st.text(max_size=4), st.recursive(st.none() | st.integers() | st.text(max_size=4), st.lists), max_size=4), st.text())
@settings(max_examples=25)
def test_a_stand_in_changes_nothing_but_its_value(record: dict, email: str) -> None:
    text = json.dumps(record | {"email": email}, indent=1)
    found = json.loads(Masker("s\x1f", {"email": "string"}).line(text))
    assert found == record | {"email": hashed(email)}


def test_bad_rows_are_left_out_and_counted(tmp_path: Path) -> None:
    bad = [b"{broken", b'{"user_id": 1, "note": "\xff"}', b"[1]", b'{"user_id": "\\ud800"}']
    (tmp_path / "pays.ndjson").write_bytes(b"\n".join([*bad, b"", lines(ROWS[:200]).strip()]) + b"\n")
    (tmp_path / "pays.csv").write_bytes(b"user_id,note\n1,a,b\n1,\xff\n1,good\n")
    files, report = drawn(tmp_path, tmp_path / "pays.ndjson", tmp_path / "pays.csv", rate=1.0)
    assert [(file.rows, file.kept, file.malformed) for file in report.files] == [(204, 200, 4), (3, 1, 2)]
    assert files["pays/pays.csv"] == b"user_id,note\n1,good\n"
    assert [item.code for item in report.diagnostics if item.code == "malformed"] == ["malformed"] * 2


def test_a_sample_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    (tmp_path / "pays.ndjson").write_bytes(lines(ROWS[:10]))
    (tmp_path / "pays.csv").write_bytes(b"note\nx\n")
    target = tmp_path / "out"
    for paths, by, message in (
        (["pays.ndjson"], "usr", "no row of source 'pays' has a 'usr'"),
        (["pays.ndjson", "pays.csv"], "user_id", "no column 'user_id'"),
    ):
        with pytest.raises(UsageError, match=message):
            sample(PROJECT, [str(tmp_path / path) for path in paths], target, SampleOptions(by, 0.5))
        assert sorted(path.name for path in tmp_path.iterdir()) == ["pays.csv", "pays.ndjson"]
    target.mkdir()
    (target / "mine").touch()
    with pytest.raises(UsageError, match="is there already"):
        sample(PROJECT, [str(tmp_path / "pays.ndjson")], target, SampleOptions("user_id", 0.5))


def test_a_file_that_is_read_only_in_part_is_said_by_the_exit_code(tmp_path: Path, cli, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "metrics.yml").write_text(
        "version: 1\nsources:\n  - {name: pays, time: at, columns: [{name: at, type: timestamp}, {name: user_id, type: bigint}]}\n"
        "metrics: [{name: n, type: simple, source: pays, agg: count}]\n"
    )
    whole = gzip.compress(lines(ROWS))
    monkeypatch.chdir(tmp_path)
    for name, data, code in (("whole", whole, 0), ("cut", whole[: len(whole) // 2], 3)):
        (tmp_path / f"{name}.ndjson.gz").write_bytes(data)
        done = cli("sample", f"{name}.ndjson.gz", "--rate", "50%", "--by", "user_id", "-o", f"{name}-sample", "-p", "metrics.yml")
        assert (done.returncode, "damaged-file" in done.stderr) == (code, code == 3), done.stderr


def test_rates() -> None:
    assert parse_rate("100%") == 1.0
    for wrong in ("0", "101%", "-1%", "1%%", "x", ""):
        with pytest.raises(UsageError, match="not a share"):
            parse_rate(wrong)


MIXED = load_text("""
version: 1
sources:
  - name: ads
    time: at
    match: {kind: ad}
    columns: [{name: at, type: timestamp}, {name: user_id, type: string}, {name: ip, type: string, pii: true}]
  - name: pays
    time: at
    match: {kind: pay}
    columns: [{name: at, type: timestamp}, {name: user_id, type: string}, {name: card, type: string, pii: true}]
metrics:
  - {name: n, type: simple, source: ads, agg: count}
  - {name: m, type: simple, source: pays, agg: count}
""")


def test_a_mixed_stream_is_drawn_once_and_masked_for_all_its_sources(tmp_path: Path) -> None:
    rows = [{"at": 1_770_000_000, "kind": ["ad", "pay"][n % 2], "user_id": f"u{n % 40}", "ip": "1.2.3.4", "card": "99"} for n in range(400)]
    (tmp_path / "stream.ndjson").write_bytes(lines(rows))
    report = sample(MIXED, [str(tmp_path / "stream.ndjson")], tmp_path / "out", SampleOptions("user_id", 0.5))
    assert [(file.source, file.written) for file in report.files] == [("ads, pays", "mixed/stream.ndjson")]
    found = [json.loads(line) for line in (tmp_path / "out" / "mixed" / "stream.ndjson").read_text().splitlines()]
    assert 0 < len(found) < 400
    assert {(row["ip"], row["card"]) for row in found} == {(hashed("1.2.3.4", "0"), hashed("99", "0"))}
    assert not report.diagnostics
    read = ingest(MIXED, [str(tmp_path / "out")], tmp_path / "store", IngestOptions(now=1_780_000_000_000_000))
    assert {source.name: source.accepted for source in read.sources} == Counter({"ad": "ads", "pay": "pays"}[row["kind"]] for row in found)
