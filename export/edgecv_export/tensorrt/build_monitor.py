"""TensorRT's progress, and Ctrl-C while it works."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from edgecv.training.run.progress import Bar, MakeBar
from edgecv_export.progress import Silent


@contextmanager
def watching(trt: Any, config: Any, title: str, progress: MakeBar | None) -> Iterator[None]:
    """Shows a build's progress inside the ``with`` block, a bar for each outermost phase.

    An interrupt ends the build at its next step and is raised when the block ends: an exception
    must not pass through TensorRT's own frames.
    """
    interrupted = threading.Event()
    phases = _Phases(progress or Silent, title)
    config.progress_monitor = monitor = _make_monitor(trt, phases, interrupted)
    main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGINT, lambda *_: interrupted.set()) if main else None
    try:
        yield
    finally:
        if main:
            signal.signal(signal.SIGINT, before)
        phases.end()
        del monitor
    if interrupted.is_set():
        raise KeyboardInterrupt


class _Phases:
    """A bar for each outermost phase; TensorRT may report from several threads."""

    def __init__(self, make: MakeBar, title: str) -> None:
        self._make, self._title = make, title
        self._lock = threading.Lock()
        self._bar: Bar | None = None
        self._name: str | None = None
        self._done = self._total = 0

    def begin(self, name: str, parent: str | None, steps: int) -> None:
        with self._lock:
            if not parent:
                self._close()
                self._bar = self._make(steps, "step", f"{self._title}: {name}")
                self._name, self._done, self._total = name, 0, steps
            elif self._bar is not None:
                self._bar.update(0, name)

    def reach(self, name: str, done: int | None) -> None:
        """`done` steps of the phase are over; None: all."""
        with self._lock:
            if name == self._name and self._bar is not None:
                done = self._total if done is None else done
                self._bar.update(done - self._done)
                self._done = done

    def end(self) -> None:
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
        self._bar = None


def _make_monitor(trt: Any, phases: _Phases, interrupted: threading.Event) -> Any:
    class Monitor(trt.IProgressMonitor):
        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)

        def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
            phases.begin(phase_name, parent_phase, num_steps)

        def step_complete(self, phase_name: str, step: int) -> bool:
            phases.reach(phase_name, step + 1)
            return not interrupted.is_set()

        def phase_finish(self, phase_name: str) -> None:
            phases.reach(phase_name, None)

    return Monitor()
