import threading
import time
from collections.abc import Iterator

import pytest

from metricsctl.ingest.readers.ahead import ahead


def test_in_order_and_one_ahead() -> None:
    made: list[int] = []

    def items() -> Iterator[int]:
        for number in range(5):
            made.append(number)
            yield number

    found = ahead(items())
    assert next(found) == 0
    end = time.monotonic() + 5
    while made != [0, 1, 2] and time.monotonic() < end:
        time.sleep(0.01)
    assert made == [0, 1, 2]  # one waits in the queue, one to get there
    assert list(found) == [1, 2, 3, 4]


def test_a_failure_comes_after_what_was_made() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise OSError("gone")

    found = ahead(items())
    assert next(found) == 1
    with pytest.raises(OSError, match="gone"):
        next(found)


def test_leaving_early_ends_the_thread() -> None:
    before = threading.active_count()
    found = ahead(iter(range(100)))
    assert next(found) == 0
    found.close()
    assert threading.active_count() == before
