"""Readers of live sources whose frames a test hands out one by one."""

from __future__ import annotations

import queue
import threading
import time

import numpy as np

from edgecv_runtime import InputError
from edgecv_runtime.sources.live.readers.reader import Shot


def shot(level=0, position_ms=0.0, damaged=False, size=(4, 6)):
    """A frame of one gray level."""
    return Shot(np.full((*size, 3), level, np.uint8), "bgr", position_ms, 0.0, damaged)


class FakeCamera:
    """Gives readers. What `send` is given is read: shots, or errors that are raised there.

    With `absent` set, it cannot be opened. `opened` and `closed` count.
    """

    def __init__(self, without_times=True):
        self.absent = False
        self.opened = self.closed = self.refused = 0
        self._without_times = without_times
        self._items: queue.Queue = queue.Queue()

    def open(self):
        if self.absent:
            self.refused += 1
            raise InputError("cam: cannot be opened: nobody is there")
        self.opened += 1
        return _Reader(self, self._items, self._without_times)

    def send(self, *items):
        for item in items:
            self._items.put(item)


class _Reader:
    name, decoder = "fake", "none"

    def __init__(self, camera, items, without_times):
        self._camera, self._items = camera, items
        self.without_times = without_times

    def read(self):
        item = self._items.get(timeout=30)
        if isinstance(item, Exception):
            raise item
        return item

    def close(self):
        self._camera.closed += 1


class FakeClock:
    """Seconds that pass when a test says so."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


class NoPauses:
    """In place of pauses: none, and how long the source had lived before each."""

    def __init__(self):
        self.lived = []

    def after(self, lived_s):
        self.lived.append(lived_s)
        return 0.0


class Heard:
    """Collects what it is called with; `wait_for` waits until that holds."""

    def __init__(self):
        self.items = []
        self._changed = threading.Condition()

    def __call__(self, item=None):
        with self._changed:
            self.items.append(item)
            self._changed.notify_all()

    def wait_for(self, holds, timeout=30):
        """Not everything that `holds` looks at is heard of, so it is asked time and again."""
        until = time.monotonic() + timeout
        with self._changed:
            while not holds(self.items):
                assert time.monotonic() < until, self.items
                self._changed.wait(0.01)
