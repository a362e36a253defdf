"""The year of the real shop, ingested once for all tests that look at it."""

import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

import metricsctl
from metricsctl.detect.report import AnomalyReport
from metricsctl.workspace import Workspace

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "retail"
DAYS = Path(os.environ.get("METRICSCTL_TEST_DATA") or ROOT.parent / "shared" / "data") / "online_retail" / "by-day"


@pytest.fixture(scope="session")
def retail(once) -> Workspace:
    """`examples/retail` over the full data, in one command as one would type it; skips where the data is absent."""
    if not DAYS.is_dir():
        pytest.skip(f"no data at {DAYS}: METRICSCTL_TEST_DATA names a folder with online_retail/by-day")

    def fill(folder: Path) -> None:
        command = [sys.executable, "-m", "metricsctl", "ingest", str(DAYS), "--final", "-p", str(EXAMPLE), "--store", str(folder / "store")]
        done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=300, check=False)
        assert done.returncode == 0, done.stderr
        assert "541,909 events from 305 files" in done.stderr

    return metricsctl.open(EXAMPLE, once("retail", fill) / "store")


@pytest.fixture(scope="session")
def year(once, retail: Workspace) -> AnomalyReport:
    """What `detect` finds in all its metrics."""
    folder = once("retail-year", lambda folder: (folder / "pickled").write_bytes(pickle.dumps(retail.detect())))
    found = pickle.loads((folder / "pickled").read_bytes())
    assert isinstance(found, AnomalyReport)
    return found
