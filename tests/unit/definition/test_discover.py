"""Which YAML is ours."""

import pytest

from metricsctl.definition.discover import belongs


@pytest.mark.parametrize(
    ("text", "ours"),
    [
        ("version: 1\nmetrics: []\n", True),
        ('"version": 1\n"metrics": []\n', True),
        ("'version' : 1\n'sources': []\n", True),
        ("metrics:\n  - {name: a, type: counter}\n", True),
        ('"metrics":\n  - {"name": "a", "type": "counter"}\n', True),
        ("metrics: []\n", False),
        ("version: 2\nservices: {}\n", False),
        ("version: 1\nother:\n  metrics: []\n", False),
    ],
)
def test_a_file_of_ours_is_told_by_its_first_keys_quoted_or_not(text: str, ours: bool) -> None:
    assert belongs(text) == ours
