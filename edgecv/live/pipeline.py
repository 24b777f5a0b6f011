"""Cameras and files through one model, in overlapping steps."""

from __future__ import annotations

import atexit
import queue
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Any, Protocol

from edgecv.live.batches import Batches, Source, Taken
from edgecv.live.following import Following, ZoneFiles
from edgecv.live.opening import LiveOptions, open_sources
from edgecv.live.sinks import Sink, SinkThread
from edgecv.live.timings import Timings
from edgecv_runtime import Error, InputError, Result
from edgecv_runtime.models.model import Model
from edgecv_runtime.sources import Failure, SourceLike
from edgecv_runtime.sources.live.bell import Bell
from edgecv_runtime.sources.live.states import SourceStatus, StateChange

_LOOK_S = 0.25  # between two looks at whether the run is to end
_PATIENCE_S = 0.5  # for readers to end; one that hangs ends by its own deadline
_END = object()


class Step(Protocol):
    """What is done with each result of one source, in order: a tracker, or zones."""

    def update(self, result: Any) -> Any:
        """The result with what it finds: the same one, or another in its place."""
        ...


class Live:
    """Runs a model on cameras, streams and files, and gives each result as it comes.

    Of a camera only the newest frame is run; of a file every frame, in order. A camera that is lost
    is opened again, for as long as it takes, while the others go on. Reading, running the network
    and what the loop does with a result overlap.

    Args:
        model: a loaded model.
        sources: a camera's number, an address, a video, a folder, a glob; or a list of these.
        batch: frames that share a run of the network at most, where the graph allows it.
        max_wait_ms: how long a ready frame waits for others, to share a run.
        reader: "opencv", "pyav" or "gstreamer" for cameras and streams; None: the best that is
            installed.
        timeout: seconds. A camera that sends nothing for so long is opened again.
        max_fps: frames that are run of each source in a second at most.
        skip: frames of each source that are left out after each one that is run.
        motion: True, or the share of the image (0..1) that has to change: frames on which nothing
            moves are left out. True stands for 0.002.
        track: "bytetrack", "ocsort" or True (the first): results have `track_ids`. Until it is
            closed the model's thresholds are the tracker's, which takes unsure detections, too.
        zones: with `track`, a file of zones for all sources, or a list with one (or None) for each:
            results have `zones`.
        steps: functions that make what updates the results of one source, such as
            a tracker; each is called once for each source. A step's ``update(result)``
            gives the result that goes on.
        sinks: take every result, each on a thread of its own.
        on_event: called with each :class:`StateChange` of a camera, from any thread. What it raises
            is raised in the loop.
        on_failure: called with each image or part of a video that cannot be read, and with sinks
            that fail; without it these are warnings.

    Raises:
        InputError: an option out of range, a path that does not exist. In the loop: no source could
            be opened.
        EngineError: in the loop, the network failed.

    Example:
        >>> with edgecv.Live(model, ["rtsp://10.0.0.2/1", "rtsp://10.0.0.3/1"], batch=2) as live:
        ...     for result in live:
        ...         print(result.source, result.frame, round(result.age_ms), result.summary())
    """

    def __init__(
        self,
        model: Model[Any],
        sources: SourceLike,
        *,
        batch: int = 1,
        max_wait_ms: float = 10.0,
        reader: str | None = None,
        timeout: float = 10.0,
        max_fps: float | None = None,
        skip: int = 0,
        motion: bool | float = False,
        track: bool | str = False,
        zones: ZoneFiles = None,
        steps: Sequence[Callable[[], Step]] = (),
        sinks: Sequence[Sink] = (),
        on_event: Callable[[StateChange], None] | None = None,
        on_failure: Callable[[str, Error], None] | None = None,
    ) -> None:
        options = LiveOptions(batch, max_wait_ms, reader, timeout, max_fps, skip, motion)
        options.check()
        self.model = model
        self._on_event = on_event or (lambda change: None)
        self._on_failure = on_failure or _warn
        self._bell = Bell()
        self._sources: list[Source] = open_sources(
            sources, options, self._bell.ring, self._tell, self._failed
        )
        self._following = Following(model, track, zones, len(self._sources))
        self._steps = [[*own, *(make() for make in steps)] for own in self._following.steps]
        self._timings = Timings()
        self._batches = Batches(self._sources, batch, max_wait_ms / 1000, self._bell)
        # Two calls at a time give more results a second, and older ones.
        self._workers = 1 if any(source.live for source in self._sources) else 2
        # A batch has a place from when it is taken until the loop has its last result, so that
        # no frame is taken long before its result is wanted.
        self._places = threading.Semaphore(self._workers if self._workers == 1 else 4)
        self._results: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._turn = threading.Condition()
        self._next = 0  # the number of the batch whose results come next
        self._running = 0
        self._stopping = self._over = False
        self._threads: list[threading.Thread] = []
        self._sinks: list[SinkThread] = []
        self._to_run = list(sinks)
        self._started: float | None = None
        self._ended: float | None = None
        self._count = self._runs = 0

    @property
    def sources(self) -> list[SourceStatus]:
        """The state and the counters of each source, as they are now."""
        return [source.status for source in self._sources]

    def stats(self) -> dict[str, Any]:
        """What was measured, as plain values for JSON.

        Returns:
            ``seconds`` since the start, ``results``, ``results_per_second``, ``batch`` (frames in a
            run of the network, on average), ``ms`` (p50, p95 and p99 of the last 1000 of each step:
            ``wait`` from the reading of a frame until it is taken, the steps of `model.steps`,
            ``steps``, each sink, and ``age`` from reading to result) and ``sources``.
        """
        now = time.monotonic() if self._ended is None else self._ended
        seconds = 0.0 if self._started is None else now - self._started
        return {
            "seconds": round(seconds, 3),
            "results": self._count,
            "results_per_second": round(self._count / seconds, 2) if seconds > 0 else 0.0,
            "batch": round(self._count / self._runs, 2) if self._runs else 0.0,
            "ms": self._timings.percentiles(),
            "sources": [status.to_dict() for status in self.sources],
        }

    def __enter__(self) -> Live:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def start(self) -> None:
        """Opens the sources and begins. The loop does it, too."""
        if self._started is not None:
            return
        self._started = time.monotonic()
        # A program that ends without closing it must not hang, nor leave the network in a run.
        atexit.register(self.close)
        for sink in self._to_run:
            self._sinks.append(
                SinkThread(sink, _adder(self._timings, sink.name), self._sink_failed)
            )
        for source in self._sources:
            source.start()
        self._running = self._workers
        for _ in range(self._workers):
            thread = threading.Thread(target=self._work, name="edgecv-model", daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """Ends the loop, from any thread: what is running is given, and then nothing more."""
        self._stopping = True
        self._batches.stop()
        with self._turn:
            self._turn.notify_all()

    def close(self) -> None:
        """Ends everything, and waits until the model and the sinks have finished. Cameras are given
        back; a reader that hangs ends by its own deadline. May be called twice."""
        atexit.unregister(self.close)
        self.stop()
        for source in self._sources:
            source.stop()
        for thread in self._threads:
            thread.join()
        for sink in self._sinks:
            sink.close()
        self._following.restore()
        if self._started is not None and self._ended is None:
            self._ended = time.monotonic()
            deadline = self._ended + _PATIENCE_S
            for source in self._sources:
                source.join(max(0.0, deadline - time.monotonic()))

    def __iter__(self) -> Iterator[Result]:
        while not self.over:
            result = self.wait(_LOOK_S)  # Python answers signals between two waits
            if result is not None:
                yield result

    @property
    def over(self) -> bool:
        """Whether every result was given: all files were read, or it was stopped."""
        return self._over

    def wait(self, timeout_s: float) -> Result | None:
        """The next result, for loops that have other work, too; None if none comes in time, and at
        the end. Raises what the loop raises."""
        self.start()
        if self._over:
            return None
        try:
            item = self._results.get(timeout=timeout_s)
        except queue.Empty:
            return None
        if item is _END:
            self._over = True
            return None
        if isinstance(item, BaseException):
            raise item
        result, last = item
        if last:
            self._places.release()
        found: Result = result
        return found

    def _work(self) -> None:
        try:
            while self._have_place():
                found = self._batches.next()
                if found is None:
                    break
                self._run(*found)
        except BaseException as error:
            self._results.put(error)
            self.stop()
        finally:
            with self._turn:
                self._running -= 1
                if self._running == 0:
                    self._results.put(_END)

    def _have_place(self) -> bool:
        while not self._stopping:
            if self._places.acquire(timeout=_LOOK_S):
                return True
        return False

    def _run(self, number: int, taken: list[Taken]) -> None:
        started = time.monotonic()
        failure: BaseException | None = None
        try:
            results = self.model.predict_frames([each.frame for each in taken])
            timing = self.model.timing  # of this thread's last call
            steps = {step: getattr(timing, f"{step}_ms") for step in self.model.steps}
        except BaseException as error:  # it is raised behind the results of the frames before
            failure = error
        with self._turn:  # files: the results of two workers, in order
            self._turn.wait_for(lambda: self._next == number or self._stopping)
            if self._next != number:
                return
            try:
                if failure is not None:
                    raise failure
                self._finish(started, taken, results, steps)
            finally:
                self._next = number + 1
                self._turn.notify_all()

    def _finish(
        self, started: float, taken: list[Taken], results: list[Any], steps: dict[str, float]
    ) -> None:
        self._runs += 1
        self._timings.add(steps)
        for at, ((frame, source), result) in enumerate(zip(taken, results, strict=True)):
            result.source_index = source
            before = time.perf_counter()
            for step in self._steps[source]:
                result = step.update(result)
            times = {"steps": (time.perf_counter() - before) * 1000} if self._steps[source] else {}
            captured = frame.captured if frame.captured is not None else started
            result.age_ms = (time.monotonic() - captured) * 1000
            times["wait"] = max(0.0, started - captured) * 1000
            self._timings.add({**times, "age": result.age_ms})
            self._count += 1
            for sink in self._sinks:
                sink.put(result, lambda: self._stopping)
            self._results.put((result, at == len(results) - 1))

    def _tell(self, change: StateChange) -> None:
        self._call(self._on_event, change)

    def _failed(self, failure: Failure) -> None:
        self._call(self._on_failure, failure.name, failure.error)

    def _sink_failed(self, sink: Sink, error: Exception) -> None:
        told = error if isinstance(error, Error) else InputError(f"{sink.name}: {error}")
        self._call(self._on_failure, sink.name, told)

    def _call(self, function: Callable[..., None], *values: Any) -> None:
        """What a function of the user raises is raised in the loop, not in a thread of ours."""
        try:
            function(*values)
        except Exception as error:
            self._results.put(error)
            self.stop()


def _adder(timings: Timings, name: str) -> Callable[[float], None]:
    return lambda ms: timings.add({name: ms})


def _warn(name: str, error: Error) -> None:
    warnings.warn(f"skipped: {error}", stacklevel=2)
