"""One playground with its numbers for all tests here."""

from pathlib import Path

import pytest

from metricsctl.demo.playground import Playground, make_playground


@pytest.fixture(scope="session")
def playground(tmp_path_factory: pytest.TempPathFactory) -> Playground:
    return make_playground(Path(tmp_path_factory.mktemp("demo")) / "shop")
