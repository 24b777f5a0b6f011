"""What a detector, whichever it is, found on one picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass
class Detected:
    boxes: np.ndarray  # float32 [N, 4], xyxy in pixels of the picture
    scores: np.ndarray  # float32 [N], 0..1
    labels: np.ndarray  # int64 [N], the background not counted
