"""What a detector, whichever it is, made of one picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass
class Detected:
    boxes: np.ndarray  # float32 [N, 4], xyxy in pixels of the picture
    scores: np.ndarray  # float32 [N], 0..1
    labels: np.ndarray  # int64 [N], the background not counted


@dataclass
class RawOutputs:
    """Of the network: A anchors, C classes and the background."""

    tensor: np.ndarray  # float32 [3, h, w], the preprocessed picture
    logits: np.ndarray  # float32 [A, C + 1]
    deltas: np.ndarray  # float32 [A, 4]
