"""What a parity check of a segmentation network found."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from edgecv_export.parity.comparison import Tolerance
from edgecv_export.parity.table import count, difference, difference_of, parity_table


@dataclass
class SegmentationReport:
    """Differences are the largest over all images."""

    pictures: int = 0
    pixels: int = 0
    different: int = 0  # pixels of another class than in torch
    # Of these, pixels whose two best classes are so close in torch that rounding decides.
    excepted: int = 0
    classes_seen: int = 0  # that torch gives to any pixel
    input_difference: float = 0.0  # of the preprocessed tensors, normalised units
    logits_difference: float = 0.0  # of the graph's output
    logits_largest: float = 0.0
    score_difference: float = 0.0  # of the probabilities of each pixel
    degenerate: bool = False  # one class everywhere: class maps prove little
    tolerance: Tolerance = field(default_factory=Tolerance)
    passed: bool = False

    @property
    def agreement(self) -> float:
        """Share of the pixels that have the same class."""
        return 1 - self.different / max(self.pixels, 1)

    def add_logits(self, expected: np.ndarray, found: np.ndarray) -> float:
        """Takes in the outputs of the network in torch and of the graph; gives their difference."""
        difference = float(np.abs(expected - found).max())
        self.logits_difference = max(self.logits_difference, difference)
        self.logits_largest = max(self.logits_largest, float(np.abs(expected).max()))
        return difference

    def add(self, expected: np.ndarray, mask: np.ndarray, doubt: float) -> None:
        """Takes in one image: the model's logits [C, H, W], the runtime's class map [H, W], and
        by how much the logits of both may differ."""
        classes = expected.argmax(0)
        wrong = classes != mask
        best, other = (
            np.take_along_axis(expected, index[None].astype(np.int64), 0)[0]
            for index in (classes, mask)
        )
        self.pictures += 1
        self.pixels += int(mask.size)
        self.different += int(wrong.sum())
        self.excepted += int((wrong & (best - other <= 2 * doubt)).sum())

    def conclude(self, seen: set[int]) -> None:
        """Sets ``degenerate`` and ``passed``; ``seen`` are the classes in the model's maps."""
        self.classes_seen = len(seen)
        self.degenerate = len(seen) < 2
        maps_agree = self.agreement >= self.tolerance.pixels or self.different == self.excepted
        self.passed = (
            maps_agree
            and self.logits_difference <= self.tolerance.raw * max(self.logits_largest, 1)
            and self.score_difference <= self.tolerance.score
        )

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "agreement": self.agreement}

    def failure(self) -> str:
        return (
            f"the bundle does not give the model's results ({self.different} of {self.pixels} "
            f"pixels have another class, logits differ by up to {self.logits_difference:.3g}, "
            f"probabilities by {self.score_difference:.3g}), so it was not written: the model does "
            "something that the export does not read from its attributes"
        )

    def table(self) -> str:
        allowed = self.tolerance.raw * max(self.logits_largest, 1)
        same, least = f"{100 * self.agreement:.4f}", f"{100 * self.tolerance.pixels:g}"
        return parity_table(
            [
                count("images", self.pictures),
                count("pixels", self.pixels),
                count("classes seen", self.classes_seen),
                ("pixels of the same class, %", same, f">= {least}"),
                count("  different", self.different),
                count("  of these, rounding decides", self.excepted),
                difference("preprocessed tensor", self.input_difference),
                difference_of("logits", self.logits_difference, self.logits_largest, allowed),
                difference("probabilities", self.score_difference, self.tolerance.score),
            ],
            "degenerate: one class everywhere, so class maps prove little"
            if self.degenerate
            else None,
        )
