"""The model in torch against its bundle in the whole runtime, whatever the family."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from edgecv_export.graphs.classifier.cut import ClassifierCut
from edgecv_export.graphs.cut import Cut
from edgecv_export.graphs.dense.cut import DenseCut
from edgecv_export.graphs.rcnn.cut import RcnnCut
from edgecv_export.graphs.segmentation.cut import SegmentationCut
from edgecv_export.graphs.ssd.cut import SsdCut
from edgecv_export.graphs.style.cut import StyleCut
from edgecv_export.parity.classifier import verify_classifier
from edgecv_export.parity.comparison import Tolerance
from edgecv_export.parity.dense import verify_dense
from edgecv_export.parity.rcnn import verify_rcnn
from edgecv_export.parity.segmentation import verify_segmentation
from edgecv_export.parity.ssd import verify_ssd
from edgecv_export.parity.style import verify_style
from edgecv_export.report import Report

CHECKS: dict[type, Callable[..., Report]] = {
    ClassifierCut: verify_classifier,
    DenseCut: verify_dense,
    RcnnCut: verify_rcnn,
    SegmentationCut: verify_segmentation,
    SsdCut: verify_ssd,
    StyleCut: verify_style,
}


def verify(
    cut: Cut,
    bundle: Path,
    images: Sequence[np.ndarray],
    tolerance: Tolerance | None = None,
    done: Callable[[], object] = lambda: None,
) -> Report:
    """Runs the module of a cut and the bundle that was made of it on each image.

    Args:
        cut: what `graphs.families.cut_model` gave.
        bundle: its folder, complete.
        images: uint8 [H, W, 3] BGR.
        tolerance: what may differ; the default one if left out.
        done: called after each image.

    Returns:
        What was compared. Nothing is raised for a difference: see its ``passed``.
    """
    return CHECKS[type(cut)](cut, bundle, images, tolerance or Tolerance(), done)
