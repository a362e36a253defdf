"""What `metricsctl init` tells people to run next works, line by line."""

import io
import json
import shlex
import sys
from pathlib import Path

import pytest

from metricsctl.cli.app import run


def call(monkeypatch: pytest.MonkeyPatch, line: str) -> str:
    out = io.StringIO()
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", out)
        patched.setattr(sys, "stderr", io.StringIO())
        patched.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
        code = run(shlex.split(line)[1:])
    assert code == 0, line
    return out.getvalue()


def test_the_next_steps_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    steps = json.loads(call(monkeypatch, "metricsctl init . --format json"))["data"]["steps"]
    assert [shlex.split(step)[1] for step in steps] == ["lint", "lineage", "ingest", "query"]
    shown = [call(monkeypatch, step) for step in steps]
    assert "payment_rate" in shown[1]
    assert {"DE", "FR", "US"} <= set(shown[3].split())
    events = [json.loads(line) for line in (tmp_path / "events/order_log.ndjson").read_text(encoding="utf-8").splitlines()]
    expected = sum(event["amount"] for event in events if event["status"] == "paid")
    rows = call(monkeypatch, "metricsctl query revenue --grain 1mo --format csv").splitlines()
    assert float(dict(zip(rows[0].split(","), rows[1].split(","), strict=True))["value"]) == pytest.approx(expected)
