"""A segmentation network, cut."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from torch import nn
from torchvision.models.segmentation._utils import _SimpleSegmentationModel
from torchvision.models.segmentation.lraspp import LRASPP

from edgecv.models.architecture.input_record import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    InputRecord,
    height_width,
    input_of,
    native_record,
)
from edgecv.models.architecture.windows import WindowPlan, plan_windows, windows_of
from edgecv_export.graphs.cut import CutRequest, Kind
from edgecv_export.graphs.input_records import require_plain
from edgecv_export.graphs.probe import outputs_of, segmentation_logits
from edgecv_export.graphs.segmentation.networks import HeadOnly, Logits
from edgecv_export.outputs.score_function import ScoreFunction, usual_function
from edgecv_runtime import InputError

# What a graph of any size is traced with: no two lengths alike, at any stride.
EXAMPLE = (160, 224)


@dataclass
class SegmentationCut:
    """See `graphs.cut.Cut`."""

    module: nn.Module  # the whole of it, evaluation mode
    network: nn.Module  # float32 [B, 3, H, W], normalised -> [B, columns, h, w]
    columns: int  # scores of a pixel
    input: InputRecord
    windows: WindowPlan | None  # the plan of the windows; None: whole images
    size: tuple[int, int] | None  # (H, W) of every tensor; None: any
    function: ScoreFunction  # what turns its outputs into scores in 0..1

    task: ClassVar[Literal["segment"]] = "segment"
    longest_image: ClassVar[int] = 640  # of those that are generated: the network sees all of it

    @property
    def classes(self) -> int:
        """One score decides between two."""
        return max(self.columns, 2)


def _matches(module: nn.Module) -> bool:
    if isinstance(module, (_SimpleSegmentationModel, LRASPP)):
        return True
    return segmentation_logits(outputs_of(module, EXAMPLE)) is not None


def cut_segmentation(module: Any, request: CutRequest) -> SegmentationCut:
    windows = plan_windows(windows_of(module), request.windows)
    record = input_of(module)
    if record is None:
        record = native_record(IMAGENET_MEAN, IMAGENET_STD)
        warnings.warn(
            f"{type(module).__name__} has no input record, so that of torchvision's segmentation "
            "models is taken (images as they are, ImageNet's mean and std): set the module's "
            "`input` to another where it is wrong",
            stacklevel=2,
        )
    require_plain(record)
    if windows is not None:
        if request.size is not None:
            raise InputError("windows are cut from images in their own size: leave out size")
        record = {**record, "resize": "none", "size": None}
        size: tuple[int, int] | None = (windows["size"][0], windows["size"][1])
    elif request.size is not None:
        size = request.size
        record = {**record, "resize": "stretch", "size": list(size)}
    else:
        size = height_width(record["size"]) if record["resize"] == "stretch" else None
    torchvisions = isinstance(module, (_SimpleSegmentationModel, LRASPP))
    logits = segmentation_logits(outputs_of(module, size or EXAMPLE))
    if logits is None:
        raise InputError(
            f"{type(module).__name__} does not take images of {size or EXAMPLE} (h, w)"
        )
    network = HeadOnly(module) if torchvisions else Logits(module)
    columns = int(logits.shape[1])
    function = usual_function(columns)
    return SegmentationCut(module, network.eval(), columns, record, windows, size, function)


SEGMENTATION = Kind(
    _matches,
    "a segmentation network (torchvision's, or a module that gives logits [B, classes, h, w] or a "
    'dict with them in "out")',
    cut_segmentation,
    windows=True,
)
