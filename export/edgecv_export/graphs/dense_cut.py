"""A dense detector cut into its network and the description of all the rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor, nn

from edgecv_export.bundle.draft import BundleDraft
from edgecv_export.bundle.graph_record import add_graph
from edgecv_export.graphs.onnx_graph import Batch, pictures_to_onnx
from edgecv_export.parity.comparison import Tolerance
from edgecv_export.parity.detection_report import DetectionReport

# The example that a graph of any size is traced with, in multiples of the padding.
_EXAMPLE = (5, 7)


@dataclass
class DenseCut:
    """As graphs.cuts.Cut has it. A is the number of anchors, C that of the bundle's classes."""

    module: Any  # the whole detector, evaluation mode
    # float32 [B, 3, h, w], normalised -> logits [B, A, C], deltas [B, A, 4] and, for FCOS,
    # centerness [B, A, 1]
    network: nn.Module
    outputs: list[str]  # their names
    first_class: int  # column of the module's logits that is the bundle's class 0
    classes: int
    size: tuple[int, int] | None  # (h, w) of every tensor, padding included; None: any multiple
    multiple: int  # what h and w are multiples of
    input: dict[str, Any]
    postprocess: dict[str, Any]

    task: ClassVar[Literal["detect"]] = "detect"

    def write(
        self, draft: BundleDraft, *, batch: Batch, opset: int
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        example = self.multiple * _EXAMPLE[0], self.multiple * _EXAMPLE[1]
        model = pictures_to_onnx(
            self.network,
            self.size or example,
            outputs=self.outputs,
            batch=batch,
            opset=opset,
            size_multiple=None if self.size else self.multiple,
        )
        return {"main": [add_graph(draft, "main.onnx", model)]}, self.postprocess

    def verify(
        self,
        bundle: Path,
        pictures: Sequence[np.ndarray],
        tolerance: Tolerance,
        done: Callable[[], None] = lambda: None,
    ) -> DetectionReport:
        from edgecv_export.parity.dense import verify_dense

        return verify_dense(self, bundle, pictures, tolerance, done)


def feature_maps(backbone: nn.Module, images: Tensor) -> list[Tensor]:
    with torch.set_grad_enabled(torch.is_grad_enabled() and backbone.training):
        features = backbone(images)
    return [features] if isinstance(features, Tensor) else list(features.values())
