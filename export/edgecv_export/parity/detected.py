"""The detections of one image, from torch or from a bundle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass
class Detected:
    boxes: np.ndarray  # float32 [N, 4], xyxy in pixels of the image
    scores: np.ndarray  # float32 [N], 0..1
    labels: np.ndarray  # int64 [N], the background not counted

    def part(self, indices: list[int]) -> Detected:
        return Detected(self.boxes[indices], self.scores[indices], self.labels[indices])


@dataclass
class RawOutputs:
    """The outputs of the networks for one image."""

    tensor: np.ndarray  # float32 [3, h, w], the preprocessed image
    values: dict[str, np.ndarray]  # float32, by the names that the report calls them by
