"""A camera or stream that is read in a thread of its own, and opened again when it was lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace

from edgecv_runtime._core import Error, InputError
from edgecv_runtime.one_line import joined
from edgecv_runtime.sources.addresses import shown_address
from edgecv_runtime.sources.clocks import LiveClock
from edgecv_runtime.sources.frames import Frame
from edgecv_runtime.sources.live.pauses import Pauses
from edgecv_runtime.sources.live.readers.reader import Reader, Shot
from edgecv_runtime.sources.live.slot import Slot
from edgecv_runtime.sources.live.states import SourceStatus, State, StateChange

STALLED_S = 2.0  # without a frame
_NO_ANSWER = 1.5  # deadlines of a reader after which it is taken to hang


class LiveSource:
    """Keeps the newest frame of a live source, and the source open.

    A reader that has gone, is silent or sends garbage is closed and opened again, after pauses that
    grow. There is one thread, from the beginning to :meth:`stop`; a reader that hangs holds that
    one, and nothing else.

    Args:
        name: as it is shown.
        opens: opens a reader; raises InputError.
        index: of the source among the sources.
        silence_s: the deadline that the readers have.
        stalled_s: without a frame for so long, a source is stalled.
        ring: called when a frame has come and when the state has changed.
        tell: called with each change of state, from any thread.
        keep: says of each frame whether it is left in the slot.
        clock, wall: seconds, as time.monotonic() and time.time() give them.
        pauses: between two tries.
    """

    live = True

    def __init__(
        self,
        name: str,
        opens: Callable[[], Reader],
        *,
        index: int = 0,
        silence_s: float = 10.0,
        stalled_s: float = STALLED_S,
        ring: Callable[[], None] = lambda: None,
        tell: Callable[[StateChange], None] = lambda change: None,
        keep: Callable[[Frame], bool] = lambda frame: True,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        pauses: Pauses | None = None,
    ) -> None:
        self.name = name
        self.index = index
        self.ever_live = False
        self.first_failure: Error | None = None  # of a source that was never live
        self._opens = opens
        self._silence_s, self._stalled_s = silence_s, stalled_s
        self._ring, self._tell, self._keep = ring, tell, keep
        self._clock, self._wall = clock, wall
        self._pauses = pauses or Pauses()
        self._slot = Slot()
        self._lock = threading.Lock()  # of the status
        self._status = SourceStatus(name, State.CONNECTING, wall())
        self._asked = clock()  # when the reader was last asked for something
        self._stopping = threading.Event()
        self._started: float | None = None  # the first frame
        self._clock_shift = 0.0  # of the current reader's times, in milliseconds
        self._played = 0.0
        # A daemon: where a reader hangs, the process does not wait for it to end.
        self._thread = threading.Thread(target=self._run, name="edgecv-source", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Asks the thread to end; :meth:`join` waits for it."""
        self._stopping.set()

    def join(self, timeout_s: float) -> bool:
        """Whether the thread has ended. A reader that hangs ends by its own deadline."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    @property
    def ready(self) -> int:
        """Frames that can be taken: one at most."""
        return int(self._slot.filled)

    @property
    def over(self) -> bool:
        """Whether nothing is to be expected: it could not be opened, and was never live."""
        return self.first_failure is not None and not self.ever_live

    @property
    def expected(self) -> bool:
        """Whether a frame is to come soon."""
        with self._lock:
            return self._status.state is State.LIVE

    def take(self) -> Frame | None:
        return self._slot.take()

    @property
    def status(self) -> SourceStatus:
        """A copy."""
        with self._lock:
            return replace(self._status, dropped=self._slot.dropped)

    def check(self) -> None:
        """Looks for a frame that does not come. To be called several times a second."""
        with self._lock:
            state, silent = self._status.state, self._clock() - self._asked
        if state is State.LIVE and silent > self._stalled_s:
            self._enter(State.STALLED, only_from=State.LIVE)
        elif state is State.CONNECTING and silent > _NO_ANSWER * self._silence_s:
            error = f"{self.name}: it has not answered for {silent:.0f} s"
            self._enter(State.LOST, error, only_from=State.CONNECTING)
            self._remember(InputError(error))

    def _remember(self, error: Error) -> None:
        if not self.ever_live and self.first_failure is None:
            self.first_failure = error
            self._ring()

    def _enter(
        self, state: State, reason: str | None = None, only_from: State | None = None
    ) -> None:
        with self._lock:
            before = self._status.state
            if (
                self._stopping.is_set()
                or before is state
                or (only_from is not None and before is not only_from)
            ):
                return
            self._status.state, self._status.since = state, self._wall()
            if state is State.LOST:
                self._status.reason = reason
            at = self._status.since
        self._tell(StateChange(self.name, self.index, state, at, reason))
        self._ring()

    def _run(self) -> None:
        while not self._stopping.is_set():
            lived_s = self._read_once()
            if self._stopping.wait(self._pauses.after(lived_s)):
                return

    def _read_once(self) -> float:
        """Opens the source and reads it until it is lost; for how many seconds it was live."""
        self._asked = self._clock()
        self._enter(State.CONNECTING)
        reader = None
        first = last = None
        try:
            reader = self._opens()
            clock = LiveClock(made_up=reader.without_times)
            count = 0
            while not self._stopping.is_set():
                shot = reader.read()
                if self._stopping.is_set():
                    break
                self._asked = last = self._clock()
                if first is None:
                    first = last
                    self._go_live(reader)
                self._take_over(shot, clock, count)
                count += 1
        except Error as error:
            self._enter(State.LOST, joined(error))
            self._remember(error)
        except Exception as error:  # of a reader's library: a camera must not be lost for good
            text = f"{self.name}: {type(error).__name__}: {shown_address(joined(error))}"
            self._enter(State.LOST, text)
            self._remember(InputError(text))
        finally:
            if reader is not None:
                reader.close()
        return 0.0 if first is None or last is None else last - first

    def _go_live(self, reader: Reader) -> None:
        self.ever_live = True
        with self._lock:
            self._status.opened += 1
            self._status.reader, self._status.decoder = reader.name, reader.decoder or None
        how = f"{reader.name}, {reader.decoder}" if reader.decoder else reader.name
        self._enter(State.LIVE, how)

    def _take_over(self, shot: Shot, clock: LiveClock, count: int) -> None:
        self._enter(State.LIVE)  # from stalled
        now, at = self._clock(), self._wall()
        if self._started is None:
            self._started = now
        time_ms = (now - self._started) * 1000
        if count == 0:  # a stream that was opened again has a clock that starts again
            self._clock_shift = max(time_ms, self._played)
        arrival_ms = time_ms - self._clock_shift
        play_ms = self._clock_shift + clock.play_ms(
            count, arrival_ms, shot.position_ms, shot.waited_ms
        )
        self._played = play_ms
        index = self._status.frames
        frame = Frame(self.name, shot.pixels, index, time_ms, play_ms, shot.format, now, at)
        kept = self._keep(frame)
        if kept:
            self._slot.put(frame)
        with self._lock:
            self._status.frames += 1
            self._status.broken += shot.damaged
            self._status.left_out += not kept
        if kept:
            self._ring()
