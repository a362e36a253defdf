"""Options of the whole test suite."""

import pytest
from hypothesis import settings

settings.register_profile("suite", deadline=None)  # how long one example takes says more of the machine than of the code
settings.load_profile("suite")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="rewrite the expected output of tests/golden; read the diff before you commit"
    )
