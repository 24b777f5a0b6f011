"""Parity of a one-stage detector: its own forward pass in torch against the whole runtime."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import edgecv_runtime
from edgecv_export.outputs.graph_session import GraphSession
from edgecv_export.parity.comparison import Tolerance
from edgecv_export.parity.detected import Detected, RawOutputs
from edgecv_export.parity.detection_report import BATCH, DetectionReport
from edgecv_export.parity.replay import Preference, compare_with_replays
from edgecv_runtime import ops


@dataclass(frozen=True)
class OwnPass:
    """The forward pass of a model on one image.

    Attributes:
        detected: the results.
        raw: of the network, in the order of the bundle's outputs.
        decide: what the model's code finds when it is given the bundle's raw outputs instead.
    """

    detected: Detected
    raw: RawOutputs
    decide: Callable[[list[np.ndarray], Preference | None], Detected]


def verify_one_stage(
    bundle: Path,
    images: Sequence[np.ndarray],
    tolerance: Tolerance,
    done: Callable[[], None],
    own_pass: Callable[[np.ndarray], OwnPass],
) -> DetectionReport:
    """Runs the model and its bundle on each image (uint8 [H, W, 3] BGR) and compares the results.

    ``done`` is called after each image. Nothing is raised for a difference: see ``passed``.
    Detections without a partner are judged as `replay.compare_with_replays` says.
    """
    runtime = edgecv_runtime.load(bundle, engine="onnxruntime", device="cpu", precision="fp32")
    assert isinstance(runtime, edgecv_runtime.Detector)
    runtime.thresholds = runtime.measuring_threshold  # the module's own
    network = GraphSession(bundle, runtime.manifest)
    report = DetectionReport(pictures=len(images), tolerance=tolerance)
    scores: list[np.ndarray] = []
    for start in range(0, len(images), BATCH):
        some = list(images[start : start + BATCH])
        # Several at once, so that the runtime's batches are checked too.
        for image, result in zip(some, runtime(some), strict=True):
            own = own_pass(image)
            tensor = ops.preprocess(image, runtime.manifest.input)
            outputs = network(tensor)
            raw = RawOutputs(tensor, dict(zip(own.raw.values, outputs, strict=True)))
            decide = functools.partial(own.decide, outputs)
            comparison, _ = compare_with_replays(
                image.shape,
                own.detected,
                Detected(result.boxes, result.scores, result.labels),
                decide if report.add_raw(own.raw, raw) else None,
                tolerance,
            )
            report.add(comparison)
            scores.append(own.detected.scores)
            done()
    report.conclude(np.concatenate(scores))
    return report
