"""Segmentation: torchvision's FCN, DeepLabV3 and LR-ASPP, edgecv's own FCN, and any module that
gives logits for the pixels of a picture.

The graph takes normalised pictures and gives logits: at the head's own stride where the last step
is a bilinear resize, which the runtime does together with the choice of the class. Pictures go
through whole, in any height and width, or in crops of one size.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from torch import Tensor, nn
from torchvision.models.segmentation._utils import _SimpleSegmentationModel
from torchvision.models.segmentation.lraspp import LRASPP

from edgecv.models.input_record import IMAGENET_MEAN, IMAGENET_STD, native_record
from edgecv.models.windows import plan_windows
from edgecv_export.bundle.draft import BundleDraft
from edgecv_export.bundle.graph_record import add_graph
from edgecv_export.graphs.cuts import CutRequest, register_cut
from edgecv_export.graphs.onnx_graph import Batch, pictures_to_onnx
from edgecv_export.graphs.probe import outputs_of, segmentation_logits
from edgecv_export.outputs.score_function import ScoreFunction, usual_function
from edgecv_export.parity.comparison import Tolerance
from edgecv_export.parity.segmentation_report import SegmentationReport
from edgecv_export.parity.torch_input import check_record
from edgecv_runtime import InputError

# What a graph of any size is traced with: no two lengths alike, at any stride.
EXAMPLE = (160, 224)


@dataclass
class SegmentationCut:
    """As graphs.cuts.Cut has it."""

    module: nn.Module  # the whole of it, evaluation mode
    network: nn.Module  # float32 [B, 3, H, W], normalised -> [B, columns, h, w]
    columns: int  # scores of a pixel
    input: dict[str, Any]
    windows: dict[str, Any] | None  # the plan of the crops; None: whole pictures
    size: tuple[int, int] | None  # (H, W) of every tensor; None: any
    function: ScoreFunction  # what turns its outputs into scores in 0..1

    task: ClassVar[Literal["segment"]] = "segment"
    longest_picture: ClassVar[int] = 640  # of those that are generated: the network sees all of it

    @property
    def classes(self) -> int:
        """One score decides between two."""
        return max(self.columns, 2)

    def write(
        self, draft: BundleDraft, *, batch: Batch, opset: int
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        model = pictures_to_onnx(
            self.network,
            self.size or EXAMPLE,
            outputs=["logits"],
            batch=batch,
            opset=opset,
            size_multiple=None if self.size else 1,
        )
        windows = self.windows
        if windows is not None and batch != "dynamic":
            windows = {**windows, "batch": batch}
        postprocess = {
            "method": "segment",
            "scores": {"output": "logits", "function": self.function},
            "windows": windows,
        }
        return {"main": [add_graph(draft, "main.onnx", model)]}, postprocess

    def verify(
        self,
        bundle: Path,
        pictures: Sequence[np.ndarray],
        tolerance: Tolerance,
        done: Callable[[], None] = lambda: None,
    ) -> SegmentationReport:
        from edgecv_export.parity.segmentation import verify_segmentation

        return verify_segmentation(self, bundle, pictures, tolerance, done)


class HeadOnly(nn.Module):
    """torchvision's segmentation models without their last step, the resize to the picture."""

    def __init__(self, module: Any) -> None:
        super().__init__()
        self.backbone = module.backbone
        self.classifier = module.classifier
        self.takes_all = isinstance(module, LRASPP)

    def forward(self, images: Tensor) -> Tensor:
        features = self.backbone(images)
        logits: Tensor = self.classifier(features if self.takes_all else features["out"])
        return logits


class Logits(nn.Module):
    """A module that gives logits, or a dict with them in "out"."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, images: Tensor) -> Tensor:
        logits = segmentation_logits(self.module(images))
        assert logits is not None
        return logits


def _matches(module: nn.Module) -> bool:
    if isinstance(module, (_SimpleSegmentationModel, LRASPP)):
        return True
    return segmentation_logits(outputs_of(module, EXAMPLE)) is not None


@register_cut(
    _matches,
    "a segmentation network (torchvision's, or a module that gives logits [B, classes, h, w] or a "
    'dict with them in "out")',
    windows=True,
)
def cut_segmentation(module: Any, request: CutRequest) -> SegmentationCut:
    windows = plan_windows(getattr(module, "windows", None), request.windows)
    record = getattr(module, "input", None)
    if record is None:
        record = native_record(IMAGENET_MEAN, IMAGENET_STD)
        warnings.warn(
            f"{type(module).__name__} has no input record, so that of torchvision's segmentation "
            "models is taken (pictures as they are, ImageNet's mean and std): set the module's "
            "`input` to another where it is wrong",
            stacklevel=2,
        )
    check_record(record)
    if windows is not None:
        if request.size is not None:
            raise InputError("crops are cut from pictures in their own size: leave out size")
        record = {**record, "resize": "none", "size": None}
        size: tuple[int, int] | None = (windows["size"][0], windows["size"][1])
    elif request.size is not None:
        size = request.size
        record = {**record, "resize": "stretch", "size": list(size)}
    else:
        size = tuple(record["size"]) if record["resize"] == "stretch" else None
    torchvisions = isinstance(module, (_SimpleSegmentationModel, LRASPP))
    logits = segmentation_logits(outputs_of(module, size or EXAMPLE))
    if logits is None:
        raise InputError(
            f"{type(module).__name__} does not take pictures of {size or EXAMPLE} (h, w)"
        )
    network = HeadOnly(module) if torchvisions else Logits(module)
    columns = int(logits.shape[1])
    function = usual_function(columns)
    return SegmentationCut(module, network.eval(), columns, record, windows, size, function)
