"""Files as a source: every frame in order, read ahead in a thread."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator

from edgecv_runtime import Error
from edgecv_runtime.sources import Failure, Frame
from edgecv_runtime.sources.live.states import SourceStatus


class OrderedSource:
    """Gives every frame of files in their order. The thread that reads waits while `ahead` frames
    are not taken.

    Args:
        name: as it is shown.
        frames: what is read.
        index: of the source among the sources.
        ahead: frames that are read before they are taken.
        ring: called when a frame has come, and at the end.
        fail: called with each image or part of a video that cannot be read.
        keep: says of each frame whether it is given.
    """

    live = False

    def __init__(
        self,
        name: str,
        frames: Iterable[Frame | Failure],
        *,
        index: int = 0,
        ahead: int = 4,
        ring: Callable[[], None] = lambda: None,
        fail: Callable[[Failure], None] = lambda failure: None,
        keep: Callable[[Frame], bool] = lambda frame: True,
    ) -> None:
        self.name = name
        self.index = index
        self.ever_live = False  # whether there was a frame
        self.first_failure: Error | None = None
        self._frames = frames
        self._ahead, self._ring, self._fail, self._keep = ahead, ring, fail, keep
        self._waiting: deque[Frame] = deque()
        self._changed = threading.Condition()
        self._ended = self._stopped = False
        self._error: BaseException | None = None
        self._status = SourceStatus(name)
        # A daemon: a file on a network may hang.
        self._thread = threading.Thread(target=self._run, name="edgecv-source", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Asks the thread to end; :meth:`join` waits for it."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def join(self, timeout_s: float) -> bool:
        """Whether the thread has ended."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    @property
    def ready(self) -> int:
        """Frames that can be taken."""
        return len(self._waiting)

    @property
    def over(self) -> bool:
        """Whether nothing more can come."""
        return self._ended and not self._waiting

    @property
    def expected(self) -> bool:
        """Whether a frame is to come soon."""
        return not self._ended

    def take(self) -> Frame | None:
        """The next frame. Raises what the reading raised, once all before it was taken."""
        with self._changed:
            if self._waiting:
                self._changed.notify_all()
                return self._waiting.popleft()
        if self._error is not None:
            error, self._error = self._error, None
            raise error
        return None

    @property
    def status(self) -> SourceStatus:
        """A copy."""
        with self._changed:
            return SourceStatus(**self._status.__dict__)

    def check(self) -> None:
        """A file is never stalled."""

    def _run(self) -> None:
        items: Iterator[Frame | Failure] = iter(self._frames)
        try:
            self._status.since = time.time()
            for item in items:
                if not self._pass_on(item):
                    break
        except BaseException as error:
            self._error = error
        finally:
            close = getattr(items, "close", None)
            if close is not None:
                close()
            self._ended = True
            self._ring()

    def _pass_on(self, item: Frame | Failure) -> bool:
        """Whether more is wanted."""
        if isinstance(item, Failure):
            self._status.broken += 1
            self.first_failure = self.first_failure or item.error
            self._status.reason = str(item.error)
            self._fail(item)
            return not self._stopped
        self._status.frames += 1
        self.ever_live = True
        if not self._keep(item):
            self._status.left_out += 1
            return not self._stopped
        with self._changed:
            self._changed.wait_for(lambda: len(self._waiting) < self._ahead or self._stopped)
            if self._stopped:
                return False
            self._waiting.append(item)
        self._ring()
        return True
