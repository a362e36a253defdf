"""Reading ahead: the next item is made in a second thread while the first is worked on."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from typing import Generic, TypeVar

__all__ = ["ahead"]

T = TypeVar("T")
_PATIENCE = 0.1  # seconds after which a thread that waits looks whether it is still wanted


def ahead(items: Iterator[T]) -> Iterator[T]:
    """The items, each made while the one before is used; what raises there raises here.

    Leaving the iterator early ends the thread, at the latest when it has made its item.
    """
    worker = _Worker(items)
    worker.thread.start()
    try:
        yield from worker.made()
    finally:
        worker.stopped.set()
        worker.thread.join()


class _Worker(Generic[T]):
    def __init__(self, items: Iterator[T]) -> None:
        self.items = items
        self.queue: queue.Queue[tuple[T] | BaseException | None] = queue.Queue(maxsize=1)
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self.work, name="metricsctl-read-ahead", daemon=True)

    def work(self) -> None:
        try:
            for item in self.items:
                self.put((item,))
                if self.stopped.is_set():
                    return
            self.put(None)
        except BaseException as error:  # noqa: BLE001 - it is raised where the items are used
            self.put(error)

    def put(self, item: tuple[T] | BaseException | None) -> None:
        while not self.stopped.is_set():
            try:
                self.queue.put(item, timeout=_PATIENCE)
            except queue.Full:
                continue
            return

    def made(self) -> Iterator[T]:
        while True:
            item = self.queue.get()
            if item is None:
                return
            if isinstance(item, BaseException):
                raise item
            yield item[0]
