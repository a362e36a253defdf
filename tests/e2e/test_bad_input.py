"""What people do wrong, and what the world does to their files: one clear error, the right exit code, never a traceback."""

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import pytest

PROGRAM = [sys.executable, "-m", "metricsctl"]
ENVIRONMENT = {key: value for key, value in os.environ.items() if key not in {"NO_COLOR", "FORCE_COLOR", "COLUMNS"}}
METRICS = """\
version: 1
defaults: {owner: team, grain: 1h}
sources:
  - name: orders
    description: One row an order.
    time: {column: at, lateness: 1h}
    dimensions: [country]
    columns:
      - {name: at, type: timestamp}
      - {name: amount, type: double}
      - {name: country, type: string}
metrics:
  - {name: revenue, description: Value., type: simple, source: orders, agg: sum, expr: amount}
  - {name: sales, description: Orders., type: simple, source: orders, agg: count}
"""
OTHER_TOOLS = {
    "docker-compose.yml": "version: '3'\nservices: {web: {image: nginx}}\n",
    "ci.yaml": "on: [push]\njobs: {test: {runs-on: ubuntu-latest}}\n",
    "values.yml": "replicas: 2\nimage: {{ .Values.image }}\n",
    "tabs.yml": "a:\n\tb: 1\n",
}


def event(number: int, amount: float = 1.0) -> str:
    return json.dumps({"at": f"2026-01-01T{number // 60 % 24:02}:{number % 60:02}:00Z", "amount": amount, "country": "DE"}) + "\n"


EVENTS = "".join(event(number) for number in range(120))


class Result(Protocol):
    """What a command line gave."""

    returncode: int
    stdout: str
    stderr: str


Run = Callable[..., Result]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "metrics.yml").write_text(METRICS, encoding="utf-8")
    (tmp_path / "orders.ndjson").write_text(EVENTS, encoding="utf-8")
    return tmp_path


@pytest.fixture
def run(shop: Path, cli: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A command line in the shop's folder."""
    monkeypatch.chdir(shop)
    return cli


def assert_one_error(done: Result, code: int, *words: str) -> None:
    """An error of one line and at most a hint, all on stderr."""
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert "fault of ours" not in done.stderr
    assert done.stderr.count("error:") == 1, done.stderr
    assert len(done.stderr.splitlines()) <= 2, done.stderr
    for word in words:
        assert word in done.stderr


def revenue(run: Run, *options: str) -> list[tuple[str, str, str]]:
    """Time, value and status by hour."""
    done = run("query", "revenue", "--format", "csv", *options)
    assert done.returncode == 0, done.stderr
    rows = [line.split(",") for line in done.stdout.splitlines()[1:]]
    return [(cells[1], cells[2], cells[3]) for cells in rows]


# -- arguments and definitions


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("lint", "nowhere"), ("nowhere",)),
        (("ingest", "nowhere.ndjson"), ("no such file or folder: nowhere.ndjson",)),
        (("ingest", "*.csv"), ("no file matches *.csv",)),
        (("query", "revenue", "-p", "nowhere"), ("nowhere",)),
        (("query", "revenue"), ("no store at ",)),
        (("query", "revnue"), ("unknown metric 'revnue'", "did you mean 'revenue'?")),
        (("query", "revenue", "--grain", "1fortnight"), ("--grain",)),
        (("ingest", "orders.ndjson", "--source", "order"), ("unknown source 'order'", "did you mean 'orders'?")),
    ],
    ids=" ".join,
)
def test_wrong_arguments(arguments: tuple[str, ...], words: tuple[str, ...], run: Run) -> None:
    assert_one_error(run(*arguments), 2, *words)


@pytest.mark.parametrize("arguments", ["ingest nowhere.ndjson", "query revnue", "store verify", "lint nowhere", "lint --colour"])
def test_errors_in_json(arguments: str, run: Run) -> None:
    done = run(*arguments.split(), "--format", "json")
    report = json.loads(done.stdout)
    assert (done.returncode, report["data"], done.stderr) == (2, None, "")
    assert report["error"]["message"]
    assert report["error"]["hint"]


def test_a_folder_without_yaml(shop: Path, run: Run) -> None:
    (shop / "empty").mkdir()
    assert_one_error(run("lint", "empty"), 2, "empty")
    assert_one_error(run("ingest", "orders.ndjson", "-p", "empty"), 2, "empty")
    assert_one_error(run("ingest", "empty"), 2, "no file of events in the folder empty")


def test_yaml_indented_with_tabs(shop: Path, run: Run) -> None:
    (shop / "metrics.yml").write_text("version: 1\nmetrics:\n\t- {name: a}\n", encoding="utf-8")
    done = run("lint")
    assert done.returncode == 1
    assert "metrics.yml:3:1" in done.stdout
    assert "tab" in done.stdout.lower()
    done = run("ingest", "orders.ndjson")
    assert (done.returncode, done.stdout) == (2, "")
    assert "metrics.yml:3:1" in done.stderr
    assert "Traceback" not in done.stderr


def test_yaml_of_other_tools_is_left_alone(shop: Path, run: Run) -> None:
    for name, text in OTHER_TOOLS.items():
        (shop / name).write_text(text, encoding="utf-8")
    done = run("lint", "--select", "M0,M1")
    assert (done.returncode, done.stdout) == (0, ""), done.stdout
    assert "4 other" in done.stderr
    assert run("ingest", "orders.ndjson").returncode == 0


# -- event files


def test_a_file_that_cannot_be_read(shop: Path, run: Run) -> None:
    (shop / "orders.csv").symlink_to(shop / "gone.csv")
    assert_one_error(run("ingest", "orders.csv"), 2, "orders.csv")
    locked = shop / "locked.ndjson"
    locked.write_text(EVENTS, encoding="utf-8")
    locked.chmod(0)
    if not os.access(locked, os.R_OK):
        assert_one_error(run("ingest", "locked.ndjson"), 3, "cannot read locked.ndjson: Permission denied")
    if Path("/proc/self/mem").exists():  # nobody, not even root, can read its first byte
        assert_one_error(run("ingest", "/proc/self/mem"), 3, "cannot read /proc/self/mem: Input/output error")


def test_a_truncated_file_goes_on_when_it_is_repaired(shop: Path, run: Run) -> None:
    lines = "".join(event(number, number * 0.37) for number in range(1440))
    whole = gzip.compress(lines.encode())
    (shop / "cut.ndjson.gz").write_bytes(whole[: len(whole) * 2 // 3])
    done = run("ingest", "cut.ndjson.gz")
    assert done.returncode == 3
    assert "truncated" in done.stdout
    assert "cut.ndjson.gz" in done.stderr
    partial = len(revenue(run))
    assert 0 < partial < 24
    (shop / "cut.ndjson.gz").write_bytes(whole)
    done = run("ingest", "cut.ndjson.gz", "--final")
    assert done.returncode == 0
    assert "grown" in done.stdout
    found = revenue(run)
    expected = [sum((hour * 60 + minute) * 0.37 for minute in range(60)) for hour in range(24)]
    assert [float(value) for _, value, _ in found] == pytest.approx(expected)


def test_a_csv_without_the_time_column(shop: Path, run: Run) -> None:
    (shop / "other.csv").write_text("when,amount,country\n2026-01-01T00:00:00Z,1,DE\n", encoding="utf-8")
    assert_one_error(run("ingest", "other.csv"), 3, "other.csv", "'at'")


def test_broken_lines_are_rejected_one_by_one(shop: Path, run: Run) -> None:
    broken = [
        b'{"at":"2026-01-01","at":"2026-01-02"}',  # a key twice
        b"[1]",
        b'{"at":',
        b'{"at":"2026-01-01","country":"\xff"}',
        b'{"at":"2026-01-01","country":"\\ud800"}',
        b"\0\0",
        b"\x1b[31mred",
        b"[" * 2000,
    ]
    (shop / "dirty.ndjson").write_bytes(b"\n".join([line for bad in broken for line in (event(0).strip().encode(), bad)]) + b"\n")
    done = run("ingest", "dirty.ndjson", "--max-rejects", "50%", "--rejects", "rejected.jsonl")
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout
    rejects = [json.loads(line) for line in (shop / "rejected.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [reject["line"] for reject in rejects] == [2 * number + 2 for number in range(len(broken))]
    assert [reject["reason"] for reject in rejects].count("not_utf8") == 1
    assert [value for _, value, _ in revenue(run)] == ["8"]


def test_an_empty_file_is_no_error(shop: Path, run: Run) -> None:
    for name in ("empty.ndjson", "empty.csv"):
        (shop / name).write_bytes(b"")
    done = run("ingest", "empty.ndjson", "empty.csv")
    assert done.returncode == 0, done.stderr
    assert "2 empty" in done.stdout
    assert "nothing new in 2 files" in done.stderr


def test_one_absurd_time_does_not_poison_the_watermark(shop: Path, run: Run) -> None:
    with (shop / "orders.ndjson").open("a", encoding="utf-8") as file:
        file.write(event(0).replace("2026", "2099"))
    done = run("ingest", "orders.ndjson", "--max-rejects", "0")
    assert done.returncode == 3
    assert "1 rejected, more than --max-rejects 0 allows" in done.stderr
    assert "future_time" in done.stdout
    (shop / "more.ndjson").write_text(event(120), encoding="utf-8")
    done = run("ingest", "more.ndjson", "--format", "json")
    assert done.returncode == 0
    (source,) = json.loads(done.stdout)["data"]["sources"]
    assert (source["max_time"], source["watermark"]) == ("2026-01-01T02:00:00Z", "2026-01-01T01:00:00Z")
    assert [status for _, _, status in revenue(run)] == ["final", "open", "open"]


# -- the store


@pytest.mark.parametrize("name", ["sp ace", "ümlaut", "a#b", "it's"])
def test_stores_in_odd_folders(name: str, run: Run) -> None:
    assert run("ingest", "orders.ndjson", "--store", name).returncode == 0
    assert [value for _, value, _ in revenue(run, "--store", name)] == ["60", "60"]


def test_a_store_in_a_folder_that_cannot_be_is_refused(shop: Path, run: Run) -> None:
    assert_one_error(run("ingest", "orders.ndjson", "--store", "br[a]"), 2, "cannot have [ ] in it", "br[a]", "--store")
    assert not (shop / "br[a]").exists()
    assert_one_error(run("query", "revenue", "--store", "br[a]"), 2, "cannot have [ ] in it")


@pytest.fixture
def holder(shop: Path) -> Iterator[int]:
    """A process that writes to the store of the shop and does not end."""
    code = "import sys; from pathlib import Path; from metricsctl.store.lock import StoreLock; lock = StoreLock.take(Path(sys.argv[1]));"
    code += "print('held', flush=True); sys.stdin.read()"
    store = shop / ".metricsctl" / "store"
    command = [sys.executable, "-c", code, str(store)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process.pid
        process.communicate("")


def test_a_locked_store_names_the_process(run: Run, request: pytest.FixtureRequest) -> None:
    assert run("ingest", "orders.ndjson", "--final").returncode == 0
    pid = request.getfixturevalue("holder")
    assert_one_error(run("ingest", "orders.ndjson"), 3, f"locked by process {pid}:", "wait until it has finished")
    assert [value for _, value, _ in revenue(run)] == ["60", "60"]  # readers need not wait


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.usefixtures("heeding_interrupts")
def test_an_interrupted_ingest_is_finished_by_the_next(shop: Path, run: Run) -> None:
    folder = shop / "many"
    folder.mkdir()
    day = "".join(event(number) for number in range(1440)) * 60
    for part in range(6):
        (folder / f"{part}.ndjson").write_text(day.replace('"amount": 1.0', f'"amount": {part}.1'), encoding="utf-8")
    command = [*PROGRAM, "ingest", "many", "--final"]
    process = subprocess.Popen(command, cwd=shop, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)
    lock = shop / ".metricsctl" / "store" / "lock"
    while process.poll() is None and not (lock.exists() and lock.read_text(encoding="ascii")):
        time.sleep(0.01)
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode in {130, -signal.SIGINT}  # the interpreter may end by the signal itself, which a shell shows as 130 too
    assert (out, err) == ("", "interrupted\n")
    assert run("ingest", "many", "--final").returncode == 0
    assert run("ingest", "many", "--final", "--store", "undisturbed").returncode == 0
    assert revenue(run) == revenue(run, "--store", "undisturbed")
    assert len(revenue(run)) == 24
    assert run("store", "verify").returncode == 0


# -- pipes


def test_json_is_all_that_is_on_stdout(shop: Path, run: Run) -> None:
    (shop / "bad.ndjson").write_text("{broken\n", encoding="utf-8")
    assert run("ingest", "bad.ndjson", "--format", "json").returncode == 3
    verbs = ("ingest orders.ndjson", "query revenue sales", "store info", "store verify", "lint", "lineage", "list", "describe revenue")
    for verb in (*verbs, "rule M104", "schema", "config", "init other"):
        done = run(*verb.split(), "--format", "json")
        assert done.returncode == 0, verb
        assert json.loads(done.stdout)["schema"].startswith("metricsctl/"), verb


@pytest.mark.skipif(os.name == "nt", reason="needs a pipe that closes")
def test_a_reader_that_leaves_is_no_fault(shop: Path, run: Run) -> None:
    lines = [
        event(hour * 60).replace("2026-01-01", f"2025-{day // 28 + 1:02}-{day % 28 + 1:02}") for day in range(330) for hour in range(24)
    ]
    (shop / "orders.ndjson").write_text("".join(lines), encoding="utf-8")
    assert run("ingest", "orders.ndjson").returncode == 0
    for form in ("json", "csv", "parquet"):
        command = [*PROGRAM, "query", "revenue", "sales", "--format", form]
        process = subprocess.Popen(command, cwd=shop, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT)
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.read(1)
        process.stdout.close()
        err = process.stderr.read()
        process.stderr.close()
        assert (process.wait(30), err) == (0, b""), form
