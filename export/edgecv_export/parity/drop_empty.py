"""torchvision's detections as the runtime reports them: without boxes that have no area."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from edgecv_export.parity.detected import Detected

LIMITS = ("detections_per_img", "max_detections")  # torchvision's name, ssd_tiny's


@contextmanager
def no_limit(module: Any) -> Iterator[None]:
    """Inside, a one-stage detector reports all that its suppression keeps: boxes without area count
    towards torchvision's limit, but not towards the runtime's."""
    name = next(name for name in LIMITS if hasattr(module, name))
    limit = getattr(module, name)
    setattr(module, name, 2**31)
    try:
        yield
    finally:
        setattr(module, name, limit)


def best_with_area(detected: Detected, limit: int) -> Detected:
    """The first ``limit`` detections whose boxes have an area."""
    boxes = detected.boxes
    kept = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
    return detected.part(kept.nonzero()[0][:limit].tolist())
