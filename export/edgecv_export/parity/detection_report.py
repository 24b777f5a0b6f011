"""What a parity check of a detector found: the model in torch against the whole runtime."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from edgecv_export.parity.comparison import Comparison, Tolerance
from edgecv_export.parity.detected import RawOutputs
from edgecv_export.parity.table import count, difference, difference_of, parity_table

BATCH = 4
SCORES_ALIKE = 1e-4  # scores that differ by less are those of an untrained network


@dataclass
class RawDifference:
    """Of one kind of raw output."""

    difference: float = 0.0  # largest, each from its own preprocessing
    largest: float = 0.0  # magnitude in torch

    def within(self, tolerance: float) -> bool:
        return self.difference <= tolerance * max(self.largest, 1)


@dataclass
class DetectionReport:
    """What a parity check found. Differences are the largest over all images."""

    pictures: int = 0
    detections: int = 0  # of the model in torch
    matched: int = 0  # one to one, of the same label
    # Not matched, where rounding may decide: a score at the threshold, a tie in the suppression,
    # the last place of a top-k or of the limit on detections.
    excepted: int = 0
    unmatched: int = 0
    box_difference_px: float = 0.0  # in pixels of the image
    box_difference_1080p: float = 0.0  # with the image scaled to 1920 on its longer side
    score_difference: float = 0.0
    input_difference: float = 0.0  # of the preprocessed tensors, normalised units
    raw: dict[str, RawDifference] = field(default_factory=dict)
    masks: int = 0  # of matched detections, compared pixel by pixel
    # The smallest intersection over union of two masks. Pixels within the tolerance `raw` of the
    # mask threshold count for either side.
    mask_iou: float = 1.0
    degenerate: bool = False  # no detections, or all with one score: parity proves little
    tolerance: Tolerance = field(default_factory=Tolerance)
    passed: bool = False

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def add(self, comparison: Comparison) -> None:
        """Takes in what was found on one more image."""
        self.detections += comparison.detections
        self.matched += comparison.matched
        self.excepted += comparison.excepted
        self.unmatched += comparison.unmatched
        for name in ("box_difference_px", "box_difference_1080p", "score_difference"):
            setattr(self, name, max(getattr(self, name), getattr(comparison, name)))

    def add_raw(self, expected: RawOutputs, found: RawOutputs) -> bool:
        """Takes in what the model's and the bundle's networks gave for one more image. Returns
        whether they agree within the tolerance."""
        difference = float(np.abs(expected.tensor - found.tensor).max())
        self.input_difference = max(self.input_difference, difference)
        agree = True
        for name, values in expected.values.items():
            here = RawDifference(
                float(np.abs(values - found.values[name]).max(initial=0)),
                float(np.abs(values).max(initial=0)),
            )
            agree &= here.within(self.tolerance.raw)
            raw = self.raw.setdefault(name, RawDifference())
            raw.difference = max(raw.difference, here.difference)
            raw.largest = max(raw.largest, here.largest)
        return agree

    def conclude(self, scores: np.ndarray, proposals_alike: bool = False) -> None:
        """Sets ``degenerate`` and ``passed``; ``scores`` are those of all detections in torch.

        Args:
            proposals_alike: all proposals have one score, as in an untrained network: which of them
                are taken is left to rounding, and so are the detections.
        """
        scores_alike = scores.size == 0 or float(np.ptp(scores)) < SCORES_ALIKE
        self.degenerate = scores_alike or proposals_alike
        results_agree = (
            self.unmatched == 0
            and self.box_difference_1080p <= self.tolerance.box
            and self.score_difference <= self.tolerance.score
            and self.mask_iou >= self.tolerance.mask_iou
        )
        self.passed = not self._raw_beyond() and (self.degenerate or results_agree)

    def _raw_beyond(self) -> list[str]:
        return [name for name, raw in self.raw.items() if not raw.within(self.tolerance.raw)]

    def failure(self) -> str:
        """Why the check was not passed, in one line."""
        beyond = [
            f"raw {name} differ by {self.raw[name].difference:.3g} of {self.raw[name].largest:.3g}"
            for name in self._raw_beyond()
        ]
        what = ", ".join(beyond) or (
            f"{self.unmatched} detections unmatched, boxes differ by up to "
            f"{self.box_difference_1080p:.3g} px at 1080p scale, scores by "
            f"{self.score_difference:.3g}"
            + (f", masks overlap by {self.mask_iou:.4g} at least" if self.masks else "")
        )
        return (
            f"the bundle does not give the model's results ({what}), so it was not written: the "
            "model does something that the export does not read from its attributes"
        )

    def table(self) -> str:
        rows = [
            count("images", self.pictures),
            count("detections in torch", self.detections),
            count("matched one to one", self.matched),
            count("excepted (rounding decides)", self.excepted),
            count("unmatched", self.unmatched, "0"),
            difference("largest box difference, px", self.box_difference_px),
            difference("  at 1080p scale, px", self.box_difference_1080p, self.tolerance.box),
            difference("largest score difference", self.score_difference, self.tolerance.score),
            difference("preprocessed tensor", self.input_difference),
        ]
        for name, raw in self.raw.items():
            allowed = self.tolerance.raw * max(raw.largest, 1)
            rows.append(difference_of(f"raw {name}", raw.difference, raw.largest, allowed))
        if self.masks:
            iou, least = f"{self.mask_iou:.4g} of {self.masks}", f">= {self.tolerance.mask_iou:g}"
            rows.append(("smallest IoU of masks", iou, least))
        return parity_table(
            rows,
            "degenerate: no detections, or all scores (of proposals) alike, so parity proves "
            "little; only raw outputs are compared"
            if self.degenerate
            else None,
        )
