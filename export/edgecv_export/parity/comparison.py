"""How the results of two detectors for one image differ, and what may differ."""

from __future__ import annotations

from dataclasses import dataclass

LONG_SIDE_1080P = 1920


@dataclass(frozen=True)
class Tolerance:
    """What may differ between the model and its bundle."""

    box: float = 0.5  # each side of a box, in pixels of the image scaled to 1920 on its longer side
    score: float = 1e-3
    raw: float = 1e-3  # raw outputs relative to the largest of their kind (to 1, if none is larger)
    mask_iou: float = 0.99  # at least
    pixels: float = 0.9995  # share of a class map that is the same, at least


@dataclass
class Comparison:
    """Counts and largest differences for one image, as DetectionReport describes them."""

    detections: int
    matched: int
    excepted: int
    unmatched: int
    box_difference_px: float
    box_difference_1080p: float
    score_difference: float
