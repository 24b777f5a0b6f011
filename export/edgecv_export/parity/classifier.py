"""Parity of a classifier: torch on float images against the whole runtime."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

import edgecv_runtime
from edgecv_export.graphs.classifier.cut import ClassifierCut
from edgecv_export.outputs.graph_session import GraphSession
from edgecv_export.parity.classifier_report import ClassifierReport
from edgecv_export.parity.comparison import Tolerance
from edgecv_export.parity.detection_report import BATCH
from edgecv_export.parity.scores import paired, scores_of
from edgecv_export.parity.torch_input import to_tensor
from edgecv_runtime import ops


def verify_classifier(
    cut: ClassifierCut,
    bundle: Path,
    images: Sequence[np.ndarray],
    tolerance: Tolerance,
    done: Callable[[], None],
) -> ClassifierReport:
    """Runs both on each image (uint8 [H, W, 3] BGR) and compares logits and best classes."""
    runtime: Any = edgecv_runtime.load(bundle, engine="onnxruntime", device="cpu", precision="fp32")
    session = GraphSession(bundle, runtime.manifest)
    report = ClassifierReport(tolerance=tolerance)
    spread = 0.0
    for start in range(0, len(images), BATCH):
        some = list(images[start : start + BATCH])
        # Several at once, so that the runtime's batches are checked too.
        for image, result in zip(some, runtime(some), strict=True):
            own = to_tensor(image, cut.input)
            with torch.inference_mode():
                expected = paired(cut.module(own[None])[0], cut.function)
            tensor = ops.preprocess(image, runtime.manifest.input)
            difference = float(np.abs(own.numpy() - tensor).max())
            report.input_difference = max(report.input_difference, difference)
            scores = scores_of(expected, cut.function, cut.columns).numpy()
            report.add(
                expected.numpy(),
                paired(torch.from_numpy(session(tensor)[0]), cut.function).numpy(),
                float(np.abs(scores - result.probabilities).max()),
                result.labels,
            )
            spread = max(spread, float(expected.max() - expected.min()))
            done()
    report.conclude(spread)
    return report
