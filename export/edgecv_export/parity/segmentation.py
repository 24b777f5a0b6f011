"""Parity of a segmentation network: torch's own forward pass against the whole runtime."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

import edgecv_runtime
from edgecv.training.segmentation.torch_segmenter import TorchSegmenter
from edgecv_export.graphs.segmentation.cut import SegmentationCut
from edgecv_export.outputs.graph_session import GraphSession
from edgecv_export.parity.comparison import Tolerance
from edgecv_export.parity.scores import paired, scores_of
from edgecv_export.parity.segmentation_report import SegmentationReport
from edgecv_export.parity.torch_input import to_tensor
from edgecv_runtime import ops

RESIZE_ROUNDING = 1e-4  # of logits on their way to the image


def verify_segmentation(
    cut: SegmentationCut,
    bundle: Path,
    images: Sequence[np.ndarray],
    tolerance: Tolerance,
    done: Callable[[], None],
) -> SegmentationReport:
    """Runs both on each image (uint8 [H, W, 3] BGR) and compares class maps and logits.

    torch runs the whole module, its own last resize included. Where the image is stretched for
    the network, logits go to the image in one step, as in the runtime.
    """
    runtime: Any = edgecv_runtime.load(bundle, engine="onnxruntime", device="cpu", precision="fp32")
    session = GraphSession(bundle, runtime.manifest)
    module = cut.module if cut.input["resize"] == "none" else cut.network
    segmenter = TorchSegmenter(module, cut.input, cut.windows)
    report = SegmentationReport(tolerance=tolerance)
    seen: set[int] = set()
    for image in images:
        result = runtime(image, probabilities=True)
        own = to_tensor(image, cut.input)
        tensor = ops.preprocess(image, runtime.manifest.input)
        difference = float(np.abs(own.numpy() - tensor).max())
        report.input_difference = max(report.input_difference, difference)
        with torch.inference_mode():
            size = (image.shape[0], image.shape[1])
            expected = paired(segmenter.of_tensor(own, size), cut.function)
            part = segmenter.first_window(own)
            doubt = report.add_logits(cut.network(part[None])[0].numpy(), session(part.numpy())[0])
            scores = scores_of(expected, cut.function, cut.columns).numpy()
        logits = expected.numpy()
        seen |= set(np.unique(logits.argmax(0)).tolist())
        allowed = tolerance.raw * max(float(np.abs(logits).max()), 1)
        report.add(logits, result.mask, min(max(doubt, RESIZE_ROUNDING), allowed))
        largest = float(np.abs(scores - result.probabilities).max())
        report.score_difference = max(report.score_difference, largest)
        done()
    report.conclude(seen)
    return report
