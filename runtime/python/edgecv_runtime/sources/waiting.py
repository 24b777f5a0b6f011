"""Reads a source in a thread of its own, so that whoever waits for it can be interrupted.

A read from a network or a camera may take many seconds, and Python answers Ctrl-C and SIGTERM only
between two instructions of its main thread.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Generator, Iterator
from typing import Generic, TypeVar

Item = TypeVar("Item")

_END = object()
PATIENCE_S = 0.5  # a source that takes longer hangs


def in_a_thread(read: Callable[[], Generator[Item, None, None]]) -> Iterator[Item]:
    """Gives what `read` yields, each read when it is asked for.

    Closing it closes `read`; where that hangs it is left alone, to end by its own deadline.
    """
    reader = _Reader(read)
    try:
        yield from reader
    finally:
        reader.stop()


class _Reader(Generic[Item]):
    def __init__(self, read: Callable[[], Generator[Item, None, None]]) -> None:
        self._wanted = threading.Semaphore(0)
        self._given: queue.SimpleQueue[object] = queue.SimpleQueue()
        self._stopped = False
        self._asked: float | None = None  # when, of what has not come yet
        self._error: BaseException | None = None
        # A daemon: where the source hangs, the process does not wait for it to end.
        self._thread = threading.Thread(
            target=self._run, args=(read,), name="edgecv-source", daemon=True
        )
        self._thread.start()

    def _run(self, read: Callable[[], Generator[Item, None, None]]) -> None:
        items = read()
        try:
            while self._wanted.acquire() and not self._stopped:
                self._given.put(next(items))
        except StopIteration:
            pass
        except BaseException as error:
            self._error = error
        finally:
            items.close()
            self._given.put(_END)

    def stop(self) -> None:
        self._stopped = True
        self._wanted.release()
        waited = 0.0 if self._asked is None else time.monotonic() - self._asked
        self._thread.join(timeout=max(0.0, PATIENCE_S - waited))

    def _take(self) -> object:
        self._asked = time.monotonic()
        self._wanted.release()
        while True:
            # A signal may reach the other thread; then this one looks for it when it wakes.
            with contextlib.suppress(queue.Empty):
                item = self._given.get(timeout=PATIENCE_S)
                self._asked = None
                return item

    def __iter__(self) -> Iterator[Item]:
        while (item := self._take()) is not _END:
            yield item  # type: ignore[misc]
        if self._error is not None:
            raise self._error
