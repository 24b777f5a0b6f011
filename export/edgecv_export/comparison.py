"""The results of two detectors for one picture, and whether rounding explains why they differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from edgecv_export.decisions import OPEN, Margins, Rule, decide
from edgecv_export.detected import Detected, RawOutputs
from edgecv_export.matching import differences, match_overlapping, match_within

LONG_SIDE_1080P = 1920
SMALLEST_SCORE_MARGIN = 1e-6  # a few units in the last place of a softmax in float32


@dataclass(frozen=True)
class Tolerance:
    """What may differ between the model and its bundle."""

    box: float = (
        0.5  # each side of a box, in pixels of the picture scaled to 1920 on its longer side
    )
    score: float = 1e-3
    # Raw outputs relative to the largest of them; decides where detections prove nothing.
    raw: float = 1e-3
    mask_iou: float = 0.99  # at least
    pixels: float = 0.9995  # share of a class map that is the same, at least


class Cut(Protocol):
    """What the check needs of a model that was cut; graphs.ssd.SsdCut documents it."""

    @property
    def input(self) -> dict[str, Any]: ...
    @property
    def postprocess(self) -> dict[str, Any]: ...
    def detect(self, image: np.ndarray) -> tuple[Detected, RawOutputs]: ...
    def candidates(
        self, logits: np.ndarray, deltas: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]: ...


@dataclass
class Comparison:
    """Counts and largest differences for one picture, as ParityReport describes them."""

    detections: int
    matched: int
    excepted: int
    unmatched: int
    box_difference_px: float
    box_difference_1080p: float
    score_difference: float


def compare(
    cut: Cut,
    size: tuple[int, int],
    expected: Detected,
    found: Detected,
    raw: RawOutputs,
    runtime_raw: RawOutputs,
    tolerance: Tolerance,
) -> Comparison:
    """Compares what torch (``expected``) and the runtime (``found``) saw on a picture of ``size``.

    ``raw`` and ``runtime_raw`` are what the networks gave behind either.
    """
    to_1080p = LONG_SIDE_1080P / max(size)
    box_limit = tolerance.box / to_1080p
    near = match_within(expected, found, box_limit, tolerance.score)
    decisions = _Decisions(cut, size, raw, runtime_raw, box_limit, tolerance.score)
    left = [i for i in near.reference_left if not decisions.excuse(expected, i, found)]
    extra = [j for j in near.other_left if not decisions.excuse(found, j, expected)]
    off = match_overlapping(expected, found, left, extra)

    pairs = near.pairs + off
    box, score = differences(expected, found)
    box_px = max((float(box[pair]) for pair in pairs), default=0.0)
    return Comparison(
        detections=len(expected.scores),
        matched=len(pairs),
        excepted=len(near.reference_left) - len(left) + len(near.other_left) - len(extra),
        unmatched=len(left) + len(extra) - 2 * len(off),
        box_difference_px=box_px,
        box_difference_1080p=box_px * to_1080p,
        score_difference=max((float(score[pair]) for pair in pairs), default=0.0),
    )


class _Decisions:
    """What the postprocessing decided about each candidate, and how narrowly."""

    def __init__(
        self,
        cut: Cut,
        size: tuple[int, int],
        raw: RawOutputs,
        runtime_raw: RawOutputs,
        box_limit: float,
        score_limit: float,
    ) -> None:
        self._scores, boxes = cut.candidates(raw.logits, raw.deltas)
        runtime_scores, runtime_boxes = cut.candidates(runtime_raw.logits, runtime_raw.deltas)
        self._network_boxes = boxes
        height, width = cut.input["size"]
        to_picture = np.array([size[1] / width, size[0] / height] * 2, np.float32)
        self._boxes = boxes * to_picture
        self._box_limit, self._score_limit = box_limit, score_limit

        # The margins are the differences that are really there. Those beyond the tolerance are no
        # rounding and excuse nothing.
        box = float(np.abs(boxes - runtime_boxes).max())
        # torchvision's batched_nms may shift the boxes of each class apart, which costs digits.
        box += float(np.spacing(np.float32(self._scores.shape[1] * (max(height, width) + 1))))
        score = float(np.abs(self._scores - runtime_scores).max())
        self._margins = Margins(
            score=min(max(score, SMALLEST_SCORE_MARGIN), score_limit),
            box=min(box, box_limit / float(to_picture.max())),
        )
        post = cut.postprocess
        self._rule = Rule(post["score_threshold"], post["iou_threshold"], post["topk_candidates"])
        self._max_detections: int = post["max_detections"]
        self._states: dict[int, np.ndarray] = {}

    def excuse(self, own: Detected, index: int, other: Detected) -> bool:
        """Whether detection ``index`` of one list may rightly be missing in the other."""
        score, label = float(own.scores[index]), int(own.labels[index])
        other_is_full = len(other.scores) == self._max_detections
        if other_is_full and score <= float(other.scores.min()) + 2 * self._margins.score:
            return True
        box_distance = np.abs(self._boxes - own.boxes[index]).max(axis=1)
        score_distance = np.abs(self._scores[:, label] - score)
        distance = np.maximum(box_distance / self._box_limit, score_distance / self._score_limit)
        nearest = int(distance.argmin())
        return bool(distance[nearest] <= 1 and self._state(label)[nearest] == OPEN)

    def _state(self, label: int) -> np.ndarray:
        if label not in self._states:
            self._states[label] = decide(
                self._scores[:, label], self._network_boxes, self._rule, self._margins
            )
        return self._states[label]
