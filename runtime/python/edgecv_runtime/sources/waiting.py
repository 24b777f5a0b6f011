"""Reads a source in a thread of its own, so that whoever waits for it can be interrupted.

A read from a network or a camera may take many seconds, and Python answers Ctrl-C and SIGTERM only
between two instructions of its main thread.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Generator, Iterator
from typing import Generic, TypeVar

Item = TypeVar("Item")

_END = object()
_PATIENCE_S = 0.5


def in_a_thread(read: Callable[[], Generator[Item, None, None]]) -> Iterator[Item]:
    """Gives what `read` yields, one ahead at most. Closing it closes `read` as soon as it can."""
    reader = _Reader(read)
    try:
        yield from reader
    finally:
        reader.stop()


class _Reader(Generic[Item]):
    def __init__(self, read: Callable[[], Generator[Item, None, None]]) -> None:
        self._slot: queue.Queue[object] = queue.Queue(maxsize=1)
        self._stopped = threading.Event()
        self._error: BaseException | None = None
        # A daemon: where the source hangs, the process does not wait for it to end.
        self._thread = threading.Thread(
            target=self._run, args=(read,), name="edgecv-source", daemon=True
        )
        self._thread.start()

    def _run(self, read: Callable[[], Generator[Item, None, None]]) -> None:
        items = read()
        try:
            for item in items:
                if not self._put(item):
                    return
        except BaseException as error:
            self._error = error
        finally:
            items.close()
            self._put(_END)

    def _put(self, item: object) -> bool:
        while not self._stopped.is_set():
            try:
                self._slot.put(item, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join(timeout=_PATIENCE_S)

    def _take(self) -> object:
        while True:
            # A signal may reach the other thread; then this one looks for it when it wakes.
            with contextlib.suppress(queue.Empty):
                return self._slot.get(timeout=_PATIENCE_S)

    def __iter__(self) -> Iterator[Item]:
        while (item := self._take()) is not _END:
            yield item  # type: ignore[misc]
        if self._error is not None:
            raise self._error
