"""A RetinaNet or FCOS, cut."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from torch import nn
from torchvision.models.detection import _utils as detection_utils
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.fcos import FCOS
from torchvision.models.detection.retinanet import RetinaNet
from torchvision.models.detection.transform import GeneralizedRCNNTransform

from edgecv.models.architecture.input_record import InputRecord, height_width, input_record
from edgecv_export.graphs.cut import CutRequest, Kind
from edgecv_export.graphs.dense.networks import DenseNetwork, feature_maps
from edgecv_export.graphs.input_records import letterboxed
from edgecv_export.graphs.letterbox import LetterboxTransform
from edgecv_export.graphs.torchvision_parts import anchor_values, check_cells, expect_part
from edgecv_runtime import InputError

# Cells of the coarsest level on which strides are read, and on which they are tried.
_CELLS = (4, 6)


@dataclass
class DenseCut:
    """See `graphs.cut.Cut`. A is the number of anchors, C that of the bundle's classes."""

    module: Any  # the whole detector, evaluation mode
    # float32 [B, 3, h, w], normalised -> logits [B, A, C], deltas [B, A, 4] and, for FCOS,
    # centerness [B, A, 1]
    network: nn.Module
    outputs: list[str]  # their names
    first_class: int  # column of the module's logits that is the bundle's class 0
    classes: int
    size: tuple[int, int] | None  # (h, w) of every tensor, padding included; None: any multiple
    multiple: int  # what h and w are multiples of
    input: InputRecord
    postprocess: dict[str, Any]

    task: ClassVar[Literal["detect"]] = "detect"


def cut_retinanet(detector: Any, request: CutRequest) -> DenseCut:
    coder = detector.box_coder
    expect_part(coder, detection_utils.BoxCoder, "box_coder")
    boxes = {
        "output": "deltas",
        "weights": [float(weight) for weight in coder.weights],
        "max_log_scale": float(coder.bbox_xform_clip),
    }
    return _cut(detector, request, {"method": "retinanet"}, boxes)


def cut_fcos(detector: Any, request: CutRequest) -> DenseCut:
    expect_part(detector.box_coder, detection_utils.BoxLinearCoder, "box_coder")
    if not detector.box_coder.normalize_by_size:
        raise InputError("cannot record a BoxLinearCoder without normalize_by_size")
    method = {"method": "fcos", "centerness": {"output": "centerness"}}
    return _cut(detector, request, method, {"output": "deltas"})


def _cut(
    detector: Any, request: CutRequest, method: dict[str, Any], boxes: dict[str, Any]
) -> DenseCut:
    expect_part(detector.transform, GeneralizedRCNNTransform, "transform")
    expect_part(detector.anchor_generator, AnchorGenerator, "anchor_generator")
    record = input_record(detector.transform)
    multiple = record["pad_multiple"]
    size = None
    if request.size is not None:
        size = request.size
        record = letterboxed(record, size)
        detector.transform = LetterboxTransform(detector.transform, size)
    elif record["resize"] == "stretch":
        height, width = height_width(record["size"])
        size = math.ceil(height / multiple) * multiple, math.ceil(width / multiple) * multiple
    strides = _strides(detector.backbone, multiple, size)
    anchors = _anchor_record(detector.anchor_generator, strides)

    columns = _columns(detector, size or (multiple * _CELLS[0], multiple * _CELLS[1]), anchors)
    first = 0 if request.labels == columns else 1
    if columns <= first:
        raise InputError(
            f"the head's cls_logits have {columns} column; expected the background and classes"
        )
    network = DenseNetwork(detector, first).eval()
    return DenseCut(
        module=detector,
        network=network,
        outputs=["logits", "deltas", *(["centerness"] if "centerness" in method else [])],
        first_class=first,
        classes=columns - first,
        size=size,
        multiple=multiple,
        input=record,
        postprocess={
            **method,
            "scores": {"output": "logits"},
            "boxes": boxes,
            "anchors": anchors,
            "score_threshold": float(detector.score_thresh),
            "iou_threshold": float(detector.nms_thresh),
            "topk_candidates": int(detector.topk_candidates),
            "max_detections": int(detector.detections_per_img),
        },
    )


def _strides(backbone: nn.Module, multiple: int, size: tuple[int, int] | None) -> list[int]:
    """Pixels per cell of each level; a level has a cell for each stride that is begun."""
    side = max(512, multiple)
    side += -side % multiple
    features = feature_maps(backbone, torch.zeros(1, 3, side, side))
    strides = [side // feature.shape[-1] for feature in features]
    for height, width in (size or (5 * multiple, 3 * multiple), (side, side)):
        maps = feature_maps(backbone, torch.zeros(1, 3, height, width))
        found = [tuple(feature.shape[-2:]) for feature in maps]
        expected = [(math.ceil(height / s), math.ceil(width / s)) for s in strides]
        if found != expected:
            raise InputError(
                f"the backbone's feature maps of a {height}x{width} image are {found}; expected "
                f"{expected}, a cell for each of {strides} pixels"
            )
    return strides


def _anchor_record(generator: AnchorGenerator, strides: list[int]) -> dict[str, Any]:
    sizes, ratios = anchor_values(generator)
    if len(sizes) != len(strides) or len(ratios) != len(strides):
        raise InputError(
            f"anchor_generator has sizes for {len(sizes)} levels and ratios for {len(ratios)}; the "
            f"backbone gives {len(strides)} feature maps"
        )
    check_cells(generator, "anchor_generator")
    return {"sizes": sizes, "aspect_ratios": ratios, "strides": strides}


def _columns(detector: Any, size: tuple[int, int], anchors: dict[str, Any]) -> int:
    """Columns of the logits, after checking that all outputs fit the anchors."""
    with torch.inference_mode():
        maps = feature_maps(detector.backbone, torch.zeros(1, 3, *size))
        outputs = detector.head(maps)
    per_cell = [
        len(s) * len(r) for s, r in zip(anchors["sizes"], anchors["aspect_ratios"], strict=True)
    ]
    count = sum(m.shape[-2] * m.shape[-1] * cell for m, cell in zip(maps, per_cell, strict=True))
    columns = int(outputs["cls_logits"].shape[-1])
    expected = {"cls_logits": columns, "bbox_regression": 4, "bbox_ctrness": 1}
    for name, output in outputs.items():
        if list(output.shape) != [1, count, expected.get(name, -1)]:
            raise InputError(
                f"the head's {name} has shape {list(output.shape)}; expected "
                f"[1, {count}, {expected.get(name, '?')}] for the {count} anchors of the generator"
            )
    return columns


RETINANET = Kind(
    lambda module: isinstance(module, RetinaNet),
    "a torchvision RetinaNet (torchvision.models.detection.RetinaNet or a subclass)",
    cut_retinanet,
)
FCOS_DETECTOR = Kind(
    lambda module: isinstance(module, FCOS),
    "a torchvision FCOS (torchvision.models.detection.FCOS or a subclass)",
    cut_fcos,
)
