"""Which frames run together: whatever is ready, from all sources in turn."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from edgecv_runtime import Error
from edgecv_runtime.sources import Frame
from edgecv_runtime.sources.live.bell import Bell
from edgecv_runtime.sources.live.states import SourceStatus

_LOOK_S = 0.25  # between two looks at sources that do not ring


class Source(Protocol):
    """Where frames are taken: a LiveSource or an OrderedSource."""

    name: str
    index: int
    live: bool
    ever_live: bool
    first_failure: Error | None

    @property
    def ready(self) -> int:
        """Frames that can be taken: one at most of a live source."""
        ...

    @property
    def expected(self) -> bool:
        """Whether another frame is to come soon."""
        ...

    @property
    def over(self) -> bool:
        """Whether nothing more can come."""
        ...

    @property
    def status(self) -> SourceStatus: ...
    def start(self) -> None: ...
    def stop(self) -> None: ...
    def join(self, timeout_s: float) -> bool: ...
    def check(self) -> None: ...
    def take(self) -> Frame | None: ...


class Taken(NamedTuple):
    """A frame and the source that it is from."""

    frame: Frame
    source: int


class Batches:
    """Takes frames in batches.

    A batch has at most one frame of each live source, and of files as many as there is room for.
    Sources take turns at the first place, so that none is left out.

    Args:
        sources: where the frames are.
        batch: the most frames of a batch.
        max_wait_s: how long a ready frame waits for others at most.
        bell: rung by the sources.
        clock: seconds, as time.monotonic() gives them.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        batch: int,
        max_wait_s: float,
        bell: Bell,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sources = list(sources)
        self._batch, self._max_wait_s = batch, max_wait_s
        self._bell, self._clock = bell, clock
        self._first = 0  # the source whose turn it is
        self._lock = threading.Lock()
        self._count = 0
        self._stopped = False

    def stop(self) -> None:
        """Ends every wait."""
        self._stopped = True
        self._bell.ring()

    def next(self) -> tuple[int, list[Taken]] | None:
        """The batch's number, from 0, and its frames; None when nothing more can come.

        Raises:
            Error: no source could be opened; what reading a file raised.
        """
        with self._lock:
            taken = self._next()
            if taken is None:
                return None
            number = self._count
            self._count += 1
            return number, taken

    def _next(self) -> list[Taken] | None:
        since: float | None = None  # when the first frame was seen
        while not self._stopped:
            seen = self._bell.count
            for source in self._sources:
                source.check()
            now = self._clock()
            if any(source.ready for source in self._sources):
                since = now if since is None else since
                left = since + self._max_wait_s - now
                if left <= 0 or not self._worth_waiting():
                    if taken := self._take():
                        return taken
                    since = None
                    continue
                self._bell.wait(seen, min(left, _LOOK_S))
                continue
            since = None
            if all(source.over for source in self._sources):
                # Once more: a file's last frame may have come since.
                if not any(source.ready for source in self._sources):
                    self._raise_failure()
                    return None
                continue
            self._bell.wait(seen, _LOOK_S)
        return None

    def _worth_waiting(self) -> bool:
        """Whether more frames would fit, and are to come."""
        ready = sum(source.ready for source in self._sources)
        # A live source gives one at a time, a file as many as there is room for.
        more = any(
            source.expected and not (source.live and source.ready) for source in self._sources
        )
        return ready < self._batch and more

    def _take(self) -> list[Taken]:
        taken: list[Taken] = []
        count = len(self._sources)
        turn = [self._sources[(self._first + at) % count] for at in range(count)]
        for source in turn:
            if len(taken) < self._batch and (frame := source.take()) is not None:
                taken.append(Taken(frame, source.index))
                self._first = (source.index + 1) % count
        files = [source for source in turn if not source.live]
        while files and len(taken) < self._batch:
            files = [source for source in files if source.ready]
            for source in files:
                if len(taken) < self._batch and (frame := source.take()) is not None:
                    taken.append(Taken(frame, source.index))
        return taken

    def _raise_failure(self) -> None:
        """Where there was not one frame, the first reason why. Also what broke the reading."""
        for source in self._sources:
            source.take()
        if not any(source.ever_live for source in self._sources):
            for source in self._sources:
                if source.first_failure is not None:
                    raise source.first_failure
