"""Wakes a thread that waits for any of several things."""

from __future__ import annotations

import threading


class Bell:
    """Rung by whoever has something new; a ring that comes before the wait is not lost.

    Example:
        >>> seen = bell.count
        >>> while not anything_ready():
        ...     seen = bell.wait(seen, timeout_s=0.5)
    """

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._count = 0

    @property
    def count(self) -> int:
        """How often it was rung."""
        return self._count

    def ring(self) -> None:
        with self._condition:
            self._count += 1
            self._condition.notify_all()

    def wait(self, seen: int, timeout_s: float) -> int:
        """Until it was rung more than `seen` times, or the time is over; the count then."""
        with self._condition:
            self._condition.wait_for(lambda: self._count > seen, timeout_s)
            return self._count
