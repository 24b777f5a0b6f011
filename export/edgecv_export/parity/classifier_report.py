"""What a parity check of a classifier found."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from edgecv_export.parity.comparison import Tolerance
from edgecv_export.parity.table import count, difference, difference_of, parity_table

FLAT = 1e-4  # logits that spread by less are those of an untrained network


@dataclass
class ClassifierReport:
    """Differences are the largest over all images."""

    pictures: int = 0
    same_top: int = 0  # images whose best classes are the same in the same order
    # Images whose best classes differ, where the logits are so close that rounding decides.
    excepted: int = 0
    different: int = 0
    input_difference: float = 0.0  # of the preprocessed tensors, normalised units
    logits_difference: float = 0.0  # each from its own preprocessing
    logits_largest: float = 0.0
    score_difference: float = 0.0
    degenerate: bool = False  # the same logits for all classes: parity proves little
    tolerance: Tolerance = field(default_factory=Tolerance)
    passed: bool = False

    def add(
        self,
        expected: np.ndarray,
        logits: np.ndarray,
        score_difference: float,
        top: np.ndarray,
    ) -> None:
        """Takes in one image: logits [C] of the model and of the bundle's graph, and the
        runtime's best classes, the best first."""
        difference = float(np.abs(expected - logits).max())
        self.pictures += 1
        self.logits_difference = max(self.logits_difference, difference)
        self.logits_largest = max(self.logits_largest, float(np.abs(expected).max()))
        self.score_difference = max(self.score_difference, score_difference)
        best = np.argsort(-expected, kind="stable")[: len(top)]
        # Two logits may change places if each is off by what was measured, within the tolerance.
        allowed = self.tolerance.raw * max(float(np.abs(expected).max()), 1)
        apart = np.abs(expected[best] - expected[top])
        if np.array_equal(best, top):
            self.same_top += 1
        elif (apart <= 2 * min(difference, allowed)).all():
            self.excepted += 1
        else:
            self.different += 1

    def conclude(self, spread: float) -> None:
        """Sets ``degenerate`` and ``passed``; ``spread`` is the largest difference of two classes'
        logits for one image."""
        self.degenerate = spread < FLAT
        self.passed = (
            self.different == 0
            and self.logits_difference <= self.tolerance.raw * max(self.logits_largest, 1)
            and self.score_difference <= self.tolerance.score
        )

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def failure(self) -> str:
        return (
            f"the bundle does not give the model's results (best classes differ for "
            f"{self.different} of {self.pictures} images, logits by up to "
            f"{self.logits_difference:.3g}, scores by {self.score_difference:.3g}), so it was not "
            "written: the model does something that the export does not read from its attributes"
        )

    def table(self) -> str:
        allowed = self.tolerance.raw * max(self.logits_largest, 1)
        return parity_table(
            [
                count("images", self.pictures),
                count("same best classes", self.same_top),
                count("excepted (rounding decides)", self.excepted),
                count("different best classes", self.different, "0"),
                difference("preprocessed tensor", self.input_difference),
                difference_of("logits", self.logits_difference, self.logits_largest, allowed),
                difference("scores", self.score_difference, self.tolerance.score),
            ],
            "degenerate: all classes have the same logits, so parity proves little"
            if self.degenerate
            else None,
        )
