"""A two-stage detector, cut: its networks, its graphs and its parity check."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from torchvision.models.detection.generalized_rcnn import GeneralizedRCNN

from edgecv_export.bundle.draft import BundleDraft
from edgecv_export.bundle.graph_record import add_graph
from edgecv_export.graphs.onnx_graph import Batch
from edgecv_export.graphs.rcnn_onnx import box_stage_to_onnx, mask_stage_to_onnx, trunk_to_onnx
from edgecv_export.graphs.rcnn_stages import BoxStage, MaskStage, Trunk
from edgecv_export.graphs.roi_align import Dialect, Pooling, make_pooler
from edgecv_export.parity.comparison import Tolerance
from edgecv_export.parity.detection_report import DetectionReport
from edgecv_export.parity.rcnn import verify_rcnn
from edgecv_runtime import InputError


@dataclass
class RcnnCut:
    """A detector cut into its networks and the description of all the rest."""

    module: GeneralizedRCNN  # the whole detector, evaluation mode
    classes: int  # without the background
    input: dict[str, Any]  # the manifest's input record
    postprocess: dict[str, Any]  # the manifest's postprocess record
    size: tuple[int, int] | None  # (h, w) of the network's input; None: any multiple of `multiple`
    multiple: int  # of pixels, to which pictures are padded
    trunk: Trunk
    feature_names: list[str]  # of the feature maps that boxes are pooled from
    feature_shapes: list[tuple[int, ...]]  # [1, C, h, w] of each for one picture
    box_pooling: Pooling
    mask_pooling: Pooling | None
    dialects: tuple[Dialect, ...]  # in which the second stage is written

    @property
    def task(self) -> Literal["detect", "instance"]:
        return "detect" if self.mask_pooling is None else "instance"

    def box_stage(self, dialect: Dialect) -> BoxStage:
        """Raises InputError where the dialect cannot express the pooling."""
        heads = self.module.roi_heads
        pooler = make_pooler(self.box_pooling, dialect)
        return BoxStage(pooler, heads.box_head, heads.box_predictor).eval()

    def mask_stage(self, dialect: Dialect) -> MaskStage:
        """Of a detector with masks. Raises InputError as box_stage."""
        heads = self.module.roi_heads
        assert self.mask_pooling is not None
        pooler = make_pooler(self.mask_pooling, dialect)
        return MaskStage(pooler, heads.mask_head, heads.mask_predictor).eval()

    def write(
        self, draft: BundleDraft, *, batch: Batch, opset: int
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """As graphs.cuts.Cut has it."""
        if batch not in ("dynamic", 1):
            raise InputError(
                f"batch is {batch}; a two-stage detector takes pictures one by one: leave out batch"
            )
        stages = {"roi": box_stage_to_onnx}
        if self.mask_pooling is not None:
            stages["mask"] = mask_stage_to_onnx
        graphs = {"trunk": [add_graph(draft, "trunk.onnx", trunk_to_onnx(self, opset))]}
        for role, stage_to_onnx in stages.items():
            graphs[role] = [
                add_graph(
                    draft,
                    f"{role}.onnx" if dialect == "onnx" else f"{role}.{dialect}.onnx",
                    stage_to_onnx(self, dialect, opset),
                    dialect=dialect,
                )
                for dialect in self.dialects
            ]
        return graphs, self.postprocess

    def verify(
        self,
        bundle: Path,
        pictures: Sequence[np.ndarray],
        tolerance: Tolerance,
        done: Callable[[], None] = lambda: None,
    ) -> DetectionReport:
        """As graphs.cuts.Cut has it."""
        return verify_rcnn(self, bundle, pictures, tolerance, done)
