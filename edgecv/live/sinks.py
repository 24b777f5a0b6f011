"""Where results go beside the loop of the program: each sink on a thread of its own."""

from __future__ import annotations

import queue
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable

from edgecv_runtime import Result

_END = object()
_LOOK_S = 0.25


class Sink(ABC):
    """Takes results, one after another, on one thread.

    Attributes:
        name: for messages and timings.
        blocks: what happens when it is slow. True: the pipeline waits, and no result is lost, as
            for a recording of a file. False: results are left out, as for a preview.
        depth: results that wait for it at most.
    """

    name = "sink"
    blocks = True
    depth = 4

    @abstractmethod
    def write(self, result: Result) -> None:
        """Takes a result. What it raises ends this sink, and no other."""

    def close(self) -> None:  # noqa: B027  (most have nothing to finish)
        """After the last result; also after a failure."""


class SinkThread:
    """Runs a sink.

    Args:
        sink: what is run; it is closed at the end.
        took: called with the milliseconds of each write.
        fail: called once, if the sink fails.
    """

    def __init__(
        self,
        sink: Sink,
        took: Callable[[float], None] = lambda ms: None,
        fail: Callable[[Sink, Exception], None] = lambda sink, error: None,
    ) -> None:
        self.sink = sink
        self.failed = False
        self.dropped = 0
        self._took, self._fail = took, fail
        self._queue: queue.Queue[object] = queue.Queue(maxsize=sink.depth)
        self._thread = threading.Thread(target=self._run, name=f"edgecv-{sink.name}", daemon=True)
        self._thread.start()

    def put(self, result: Result, stopping: Callable[[], bool]) -> None:
        """Leaves a result to the sink; it waits for room where the sink blocks, until
        `stopping`."""
        while not self.failed:
            try:
                self._queue.put(result, timeout=_LOOK_S if self.sink.blocks else 0.0)
                return
            except queue.Full:
                if not self.sink.blocks or stopping():
                    self.dropped += 1
                    return

    def close(self) -> None:
        """Waits until the sink has taken what was left to it, and has closed."""
        while self._thread.is_alive():
            try:
                self._queue.put(_END, timeout=_LOOK_S)
                break
            except queue.Full:
                continue
        self._thread.join()

    def _run(self) -> None:
        try:
            while (result := self._queue.get()) is not _END:
                started = time.perf_counter()
                self.sink.write(result)  # type: ignore[arg-type]
                self._took((time.perf_counter() - started) * 1000)
        except Exception as error:
            self._give_up(error)
        try:
            self.sink.close()
        except Exception as error:
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        if not self.failed:
            self.failed = True
            self._fail(self.sink, error)
