"""TensorRT's progress as a bar, and Ctrl-C while it works."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def watching(trt: Any, config: Any, title: str, progress: bool) -> Iterator[None]:
    """Shows a build's progress on stderr inside the ``with`` block.

    An interrupt ends the build at its next step and is raised when the block ends: an exception
    must not pass through TensorRT's own frames.
    """
    from tqdm import tqdm

    interrupted = threading.Event()
    bar = tqdm(total=0, disable=not progress, leave=False, unit="step", desc=title, file=sys.stderr)
    config.progress_monitor = monitor = _make_monitor(trt, bar, title, interrupted)
    main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGINT, lambda *_: interrupted.set()) if main else None
    try:
        yield
    finally:
        if main:
            signal.signal(signal.SIGINT, before)
        bar.close()
        del monitor
    if interrupted.is_set():
        raise KeyboardInterrupt


def _make_monitor(trt: Any, bar: Any, title: str, interrupted: threading.Event) -> Any:
    class Monitor(trt.IProgressMonitor):
        """Counts the steps of the outermost phase; TensorRT may call it from several threads."""

        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)
            self._outermost: str | None = None

        def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
            if not parent_phase:
                self._outermost = phase_name
                bar.reset(total=num_steps)
            bar.set_description(f"{title}: {phase_name}")

        def step_complete(self, phase_name: str, step: int) -> bool:
            if phase_name == self._outermost:
                bar.update(step + 1 - bar.n)
            return not interrupted.is_set()

        def phase_finish(self, phase_name: str) -> None:
            if phase_name == self._outermost:
                bar.update((bar.total or 0) - bar.n)

    return Monitor()
