"""Fair timing: the peers take turns in one process, and medians are compared."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from statistics import median
from typing import Any

import numpy as np

from edgecv_runtime.models.detection_model import DetectionModel

THREADS = 2
_LARGER_THAN_CACHES = 96 << 20


class Timed:
    """Milliseconds of each run of one peer."""

    def __init__(self) -> None:
        self.runs: list[float] = []

    @property
    def median(self) -> float:
        return median(self.runs)

    def percentile(self, q: float) -> float:
        return float(np.percentile(self.runs, q))


def alternate(
    peers: Mapping[str, Callable[[], object]],
    rounds: int,
    warmup: int = 3,
    cold: bool = False,
) -> dict[str, Timed]:
    """Runs the peers in turn.

    Args:
        peers: what to time, by name. A peer that returns a float has timed itself, in ms.
        rounds: counted runs of each.
        warmup: runs of each that are not counted.
        cold: write through a buffer larger than the caches before each run.
    """
    results = {name: Timed() for name in peers}
    buffer = np.zeros(_LARGER_THAN_CACHES if cold else 0, np.uint8)
    for index in range(warmup + rounds):
        for name, peer in peers.items():
            buffer += 1
            started = time.perf_counter()
            own = peer()
            elapsed = (time.perf_counter() - started) * 1000
            if index >= warmup:
                results[name].runs.append(own if isinstance(own, float) else elapsed)
    return results


def row(*cells: object) -> str:
    return "| " + " | ".join(f"{c:.3g}" if isinstance(c, float) else str(c) for c in cells) + " |"


def header(*names: str) -> str:
    return row(*names) + "\n" + row(*["---"] * len(names))


def at_all_scores(model: Any) -> Any:
    """The model with a detector's thresholds as low as its PyTorch peer's, so that both find the
    same."""
    if isinstance(model, DetectionModel):
        model.thresholds = model.measuring_threshold
    return model
