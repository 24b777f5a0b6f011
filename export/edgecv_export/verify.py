"""Parity: the model in torch against the whole runtime, on the same pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import edgecv_runtime
from edgecv_export.comparison import Comparison, Cut, Tolerance, compare
from edgecv_export.detected import Detected, RawOutputs
from edgecv_export.parity_table import count, difference, difference_of, parity_table
from edgecv_runtime import ops

MIN_PICTURES = 8
BATCH = 4
SCORES_ALIKE = 1e-4  # scores that differ by less are those of an untrained network


@dataclass
class ParityReport:
    """What a parity check found. Differences are the largest over all pictures."""

    pictures: int = 0
    detections: int = 0  # of the model in torch
    matched: int = 0  # one to one, of the same label
    # Not matched, where rounding may decide: a score at the threshold, a tie in the suppression,
    # the last place of a top-k or of the limit on detections.
    excepted: int = 0
    unmatched: int = 0
    box_difference_px: float = 0.0  # in pixels of the picture
    box_difference_1080p: float = 0.0  # with the picture scaled to 1920 on its longer side
    score_difference: float = 0.0
    input_difference: float = 0.0  # of the preprocessed tensors, normalised units
    logits_difference: float = 0.0  # of the raw outputs, each from its own preprocessing
    logits_largest: float = 0.0
    deltas_difference: float = 0.0
    deltas_largest: float = 0.0
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
        """Takes in what was found on one more picture."""
        self.detections += comparison.detections
        self.matched += comparison.matched
        self.excepted += comparison.excepted
        self.unmatched += comparison.unmatched
        for name in ("box_difference_px", "box_difference_1080p", "score_difference"):
            setattr(self, name, max(getattr(self, name), getattr(comparison, name)))

    def add_raw(self, expected: RawOutputs, found: RawOutputs) -> None:
        """Takes in what the model's and the bundle's network gave for one more picture."""
        for name, one, other in (
            ("input_difference", expected.tensor, found.tensor),
            ("logits_difference", expected.logits, found.logits),
            ("deltas_difference", expected.deltas, found.deltas),
            ("logits_largest", expected.logits, 0),
            ("deltas_largest", expected.deltas, 0),
        ):
            largest = float(np.abs(one - other).max())
            setattr(self, name, max(getattr(self, name), largest))

    def conclude(self, scores: np.ndarray) -> None:
        """Sets ``degenerate`` and ``passed``; ``scores`` are those of all detections in torch."""
        self.degenerate = scores.size == 0 or float(np.ptp(scores)) < SCORES_ALIKE
        raw_agrees = all(
            difference <= self.tolerance.raw * max(largest, 1)
            for difference, largest in (
                (self.logits_difference, self.logits_largest),
                (self.deltas_difference, self.deltas_largest),
            )
        )
        results_agree = (
            self.unmatched == 0
            and self.box_difference_1080p <= self.tolerance.box
            and self.score_difference <= self.tolerance.score
            and self.mask_iou >= self.tolerance.mask_iou
        )
        self.passed = raw_agrees if self.degenerate else results_agree

    def failure(self) -> str:
        """Why the check was not passed, in one line."""
        what = (
            f"raw outputs differ by {self.logits_difference:.3g} and {self.deltas_difference:.3g}"
            if self.degenerate
            else f"{self.unmatched} detections unmatched, boxes differ by up to "
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
            count("pictures", self.pictures),
            count("detections in torch", self.detections),
            count("matched one to one", self.matched),
            count("excepted (rounding decides)", self.excepted),
            count("unmatched", self.unmatched, "0"),
            difference("largest box difference, px", self.box_difference_px),
            difference("  at 1080p scale, px", self.box_difference_1080p, self.tolerance.box),
            difference("largest score difference", self.score_difference, self.tolerance.score),
            difference("preprocessed tensor", self.input_difference),
            difference_of("raw logits", self.logits_difference, self.logits_largest),
            difference_of("raw deltas", self.deltas_difference, self.deltas_largest),
        ]
        if self.masks:
            iou, least = f"{self.mask_iou:.4g} of {self.masks}", f">= {self.tolerance.mask_iou:g}"
            rows.append(("smallest IoU of masks", iou, least))
        return parity_table(
            rows,
            "degenerate: no detections, or all scores alike, so parity proves little; "
            f"raw outputs compared instead (allowed {self.tolerance.raw:g} of the largest)"
            if self.degenerate
            else None,
        )


def verify(
    cut: Cut,
    bundle: Path,
    pictures: Sequence[np.ndarray],
    tolerance: Tolerance,
    done: Callable[[], None] = lambda: None,
) -> ParityReport:
    """Runs both on each picture (uint8 [H, W, 3] BGR) and compares what they find.

    ``done`` is called after each picture. Nothing is raised for a difference: see ``passed``.
    """
    runtime = edgecv_runtime.load(bundle, engine="onnxruntime", device="cpu", precision="fp32")
    assert isinstance(runtime, edgecv_runtime.Detector)
    network = _RuntimeNetwork(bundle, runtime.manifest)
    report = ParityReport(pictures=len(pictures), tolerance=tolerance)
    all_scores: list[np.ndarray] = []
    # Several at once, so that the runtime's batches are checked too.
    results = [
        result
        for start in range(0, len(pictures), BATCH)
        for result in runtime(list(pictures[start : start + BATCH]))
    ]
    for picture, result in zip(pictures, results, strict=True):
        found = Detected(result.boxes, result.scores, result.labels)
        expected, raw = cut.detect(picture)
        runtime_raw = network(picture)
        report.add_raw(raw, runtime_raw)
        all_scores.append(expected.scores)
        comparison = compare(cut, picture.shape[:2], expected, found, raw, runtime_raw, tolerance)
        report.add(comparison)
        done()
    report.conclude(np.concatenate(all_scores))
    return report


class _RuntimeNetwork:
    """The bundle's graph alone, behind the runtime's preprocessing."""

    def __init__(self, bundle: Path, manifest: edgecv_runtime.Manifest) -> None:
        import onnxruntime

        graph = manifest.graphs["main"][0]
        self._session = onnxruntime.InferenceSession(
            str(bundle / graph.file), providers=["CPUExecutionProvider"]
        )
        self._spec = manifest.input
        self._batch = graph.inputs[0].shape[0]

    def __call__(self, picture: np.ndarray) -> RawOutputs:
        tensor = ops.preprocess(picture, self._spec)
        batch = np.repeat(tensor[None], max(self._batch, 1), axis=0)
        logits, deltas = self._session.run(["logits", "deltas"], {"images": batch})
        return RawOutputs(tensor, logits[0], deltas[0])
