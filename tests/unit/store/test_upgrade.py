"""Stores of format 1, as the version of 2026-11-25 left them: one whole, one killed after a commit and before its publication."""

import shutil
import tarfile
from pathlib import Path

import pytest

from metricsctl.core.timegrid import Grain
from metricsctl.definition.load import load_text
from metricsctl.definition.project import Project
from metricsctl.ingest.run import IngestOptions, ingest
from metricsctl.query.run import QueryOptions, query
from metricsctl.store.info import verify

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures" / "store-format1"
NOW = 1_770_000_000_000_000
FILES = [str(FIXTURES / "pays-1.ndjson"), str(FIXTURES / "pays-2.ndjson")]
METRICS = ["n", "total", "users"]


@pytest.fixture
def stores(tmp_path: Path) -> Path:
    with tarfile.open(FIXTURES / "stores.tar.xz") as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path


@pytest.fixture(scope="module")
def project() -> Project:
    return load_text((FIXTURES / "metrics.yml").read_text())


def answer(project: Project, store: Path) -> list[list[tuple]]:
    frames = query(project, store, METRICS, QueryOptions(by=("country",), grain=Grain.parse("1d"))).frames
    return [[row[:3] for row in frame.rows()] for frame in frames]


@pytest.mark.parametrize("name", ["whole", "interrupted"])
def test_an_older_store_goes_on(stores: Path, project: Project, name: str) -> None:
    store, fresh = stores / name, stores / "fresh"
    ingest(project, FILES[:1], fresh, IngestOptions(now=NOW))
    assert answer(project, store) == answer(project, fresh)  # readers need no upgrade
    assert verify(store).problems == ()

    first = ingest(project, FILES[:1], store, IngestOptions(now=NOW))
    assert [file.status for file in first.files] == ["unchanged"]
    second = ingest(project, FILES, store, IngestOptions(now=NOW))
    assert [file.status for file in second.files] == ["unchanged", "unchanged" if name == "interrupted" else "read"]
    ingest(project, FILES, fresh, IngestOptions(now=NOW))
    assert answer(project, store) == answer(project, fresh)
    assert verify(store).problems == ()


def test_a_grown_file_goes_on(stores: Path, project: Project) -> None:
    grown = stores / "pays.ndjson"
    shutil.copy(FILES[0], grown)
    with grown.open("ab") as file:
        file.write(Path(FILES[1]).read_bytes())
    report = ingest(project, [str(grown)], stores / "whole", IngestOptions(now=NOW))
    assert [(file.status, file.bytes) for file in report.files] == [("grown", Path(FILES[1]).stat().st_size)]


def test_a_percentile_of_an_older_store_waits_for_a_rebuild(stores: Path, project: Project) -> None:
    """It is kept as another state since then; that is said, and nothing is read half."""
    store = stores / "whole"
    (found,) = (item for item in query(project, store, ["middle"]).diagnostics if item.code == "needs-rebuild")
    assert "middle" in found.message
    ingest(project, FILES, store, IngestOptions(now=NOW, rebuild=True))
    assert query(project, store, ["middle"]).diagnostics == ()
