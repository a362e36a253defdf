"""`explain.segments` on published incidents; the whole of them is `benchmarks/explain.py`."""

import os
from pathlib import Path

import pandas as pd
import pytest

from metricsctl import explain

ROOT = Path(__file__).parents[2]
CASES = Path(os.environ.get("METRICSCTL_TEST_DATA") or ROOT.parent / "shared" / "data") / "rca_segments" / "synth"
pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason=f"no data at {CASES}: METRICSCTL_TEST_DATA names a folder with rca_segments")


def test_every_fifth_synthetic_incident():
    right = wrong = missed = 0
    for row in pd.read_csv(CASES / "injection_info.csv").iloc[::5].itertuples():
        truth = {frozenset(part.split("&")) for part in row.set.split(";")}
        found = explain.segments(pd.read_csv(CASES / f"{row.timestamp}.csv.gz"), list("abcd"), "real", "predict").to_dict()["set"]
        named = {frozenset(f"{name}={value}" for name, value in item.items()) for item in found}
        right, wrong, missed = right + len(named & truth), wrong + len(named - truth), missed + len(truth - named)
    assert 2 * right / (2 * right + wrong + missed) >= 0.9
