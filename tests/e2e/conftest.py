"""The year of the real shop, ingested once for all tests that look at it."""

import os
from pathlib import Path

import pytest

import metricsctl
from metricsctl.detect.report import AnomalyReport
from metricsctl.workspace import Workspace

ROOT = Path(__file__).parents[2]
DAYS = Path(os.environ.get("METRICSCTL_TEST_DATA") or ROOT.parent / "shared" / "data") / "online_retail" / "by-day"


@pytest.fixture(scope="session")
def retail(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """`examples/retail` over the full data; skips where the data is absent."""
    if not DAYS.is_dir():
        pytest.skip(f"no data at {DAYS}: METRICSCTL_TEST_DATA names a folder with online_retail/by-day")
    shop = metricsctl.open(ROOT / "examples" / "retail", tmp_path_factory.mktemp("retail") / "store")
    shop.ingest(DAYS, source="invoice_lines", final=True)
    return shop


@pytest.fixture(scope="session")
def year(retail: Workspace) -> AnomalyReport:
    """What `detect` finds in all its metrics."""
    return retail.detect()
