"""What a detector, whichever it is, made of one picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass
class Detected:
    boxes: np.ndarray  # float32 [N, 4], xyxy in pixels of the picture
    scores: np.ndarray  # float32 [N], 0..1
    labels: np.ndarray  # int64 [N], the background not counted

    def part(self, indices: list[int]) -> Detected:
        return Detected(self.boxes[indices], self.scores[indices], self.labels[indices])


@dataclass
class RawOutputs:
    """Of the network behind one picture: A anchors, C classes.

    An SSD gives logits [A, C + 1], background first, and deltas [A, 4]. For other detectors the
    parity check lays all outputs that scores come from into ``logits``, all that boxes come from
    into ``deltas``, in any shape that it keeps to.
    """

    tensor: np.ndarray  # float32 [3, h, w], the preprocessed picture
    logits: np.ndarray  # float32
    deltas: np.ndarray  # float32
