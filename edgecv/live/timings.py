"""How long things took, lately: percentiles of the last values."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping

import numpy as np

_LAST = 1000  # values that are kept of each kind
PERCENTILES = (50, 95, 99)


class Timings:
    """The last 1000 values of each kind, in milliseconds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: dict[str, deque[float]] = {}

    def add(self, values: Mapping[str, float]) -> None:
        with self._lock:
            for name, value in values.items():
                self._values.setdefault(name, deque(maxlen=_LAST)).append(value)

    def percentiles(self) -> dict[str, dict[str, float]]:
        """``{"age": {"p50": …, "p95": …, "p99": …}}`` of each kind, rounded to microseconds."""
        with self._lock:
            copies = {name: list(values) for name, values in self._values.items()}
        found = {}
        for name, values in copies.items():
            at = np.percentile(values, PERCENTILES)
            found[name] = {
                f"p{percent}": round(float(value), 3)
                for percent, value in zip(PERCENTILES, at, strict=True)
            }
        return found
