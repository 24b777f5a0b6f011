"""Dense detectors over a feature pyramid: torchvision's RetinaNet and FCOS.

The graph takes normalised pictures and gives raw logits, deltas (FCOS: distances, and centerness)
of all levels, one level after another. Anchors, thresholds and suppression stay outside; everything
about them is read from the object, not from its name.

torchvision's logits have a column for class 0, which its models keep for the background and never
train ("number of classes, background included"). The graph leaves it out, so that label i of the
bundle is torchvision's label i + 1. A model whose classes start at 0 is told by its labels: where
there is a name for every column, every column stays.
"""

from __future__ import annotations

import copy
import math
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.models.detection import _utils as detection_utils
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.fcos import FCOS, FCOSClassificationHead
from torchvision.models.detection.retinanet import RetinaNet, RetinaNetClassificationHead
from torchvision.models.detection.transform import GeneralizedRCNNTransform

from edgecv.models.input_record import input_record
from edgecv_export.graphs.cuts import CutRequest, register_cut
from edgecv_export.graphs.dense_cut import DenseCut, feature_maps
from edgecv_export.graphs.letterbox import LetterboxTransform
from edgecv_runtime import InputError

# Torchvision's heads with one convolution for all levels.
_HEADS = (RetinaNetClassificationHead, FCOSClassificationHead)
# Cells of the coarsest level on which strides are read, and on which they are tried.
_CELLS = (4, 6)


@register_cut(
    lambda module: isinstance(module, RetinaNet),
    "a torchvision RetinaNet (torchvision.models.detection.RetinaNet or a subclass)",
)
def cut_retinanet(detector: Any, request: CutRequest) -> DenseCut:
    coder = detector.box_coder
    _expect(coder, detection_utils.BoxCoder, "box_coder")
    boxes = {
        "output": "deltas",
        "weights": [float(weight) for weight in coder.weights],
        "max_log_scale": float(coder.bbox_xform_clip),
    }
    return _cut(detector, request, {"method": "retinanet"}, boxes)


@register_cut(
    lambda module: isinstance(module, FCOS),
    "a torchvision FCOS (torchvision.models.detection.FCOS or a subclass)",
)
def cut_fcos(detector: Any, request: CutRequest) -> DenseCut:
    _expect(detector.box_coder, detection_utils.BoxLinearCoder, "box_coder")
    if not detector.box_coder.normalize_by_size:
        raise InputError("cannot record a BoxLinearCoder without normalize_by_size")
    method = {"method": "fcos", "centerness": {"output": "centerness"}}
    return _cut(detector, request, method, {"output": "deltas"})


def _cut(
    detector: Any, request: CutRequest, method: dict[str, Any], boxes: dict[str, Any]
) -> DenseCut:
    _expect(detector.transform, GeneralizedRCNNTransform, "transform")
    _expect(detector.anchor_generator, AnchorGenerator, "anchor_generator")
    record = input_record(detector.transform)
    multiple = record["pad_multiple"]
    size = None
    if request.size is not None:
        size = request.size
        record = _letterbox(record, size)
        detector.transform = LetterboxTransform(detector.transform, size)
    elif record["resize"] == "stretch":
        height, width = (math.ceil(side / multiple) * multiple for side in record["size"])
        size = height, width
    strides = _strides(detector.backbone, multiple, size)
    anchors = _anchor_record(detector.anchor_generator, strides)

    columns = _columns(detector, size or (multiple * _CELLS[0], multiple * _CELLS[1]), anchors)
    first = 0 if request.labels == columns else 1
    if columns <= first:
        raise InputError(
            f"the head's cls_logits have {columns} column; expected the background and classes"
        )
    network = _Network(detector, first).eval()
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


class _Network(nn.Module):
    def __init__(self, detector: Any, first_class: int) -> None:
        super().__init__()
        self.backbone = detector.backbone
        self.head, self.first_column = _without_columns(detector.head, first_class)

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        outputs = self.head(feature_maps(self.backbone, images))
        logits = outputs["cls_logits"][..., self.first_column :]
        if "bbox_ctrness" in outputs:
            return logits, outputs["bbox_regression"], outputs["bbox_ctrness"]
        return logits, outputs["bbox_regression"]


def _without_columns(head: Any, count: int) -> tuple[nn.Module, int]:
    """The head without its first ``count`` classes, or the head itself and how many columns are
    still to be cut off: cutting weights costs nothing at run time, cutting logits copies them."""
    part = head.classification_head
    if count == 0 or type(part) not in _HEADS:
        return head, count
    head = copy.deepcopy(head)
    part = head.classification_head
    old: nn.Conv2d = part.cls_logits
    new = copy.copy(old)
    new._parameters = dict(old._parameters)
    for name in ("weight", "bias"):
        values = getattr(old, name)
        # [anchors * classes, ...] -> [anchors, classes, ...], without the first classes
        rows = values.detach().unflatten(0, (-1, part.num_classes))[:, count:]
        setattr(new, name, nn.Parameter(rows.flatten(0, 1).clone(), requires_grad=False))
    new.out_channels = new.weight.shape[0]
    part.cls_logits = new
    part.num_classes -= count
    return head, 0


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
                f"the backbone's feature maps of a {height}x{width} picture are {found}; expected "
                f"{expected}, a cell for each of {strides} pixels"
            )
    return strides


def _anchor_record(generator: AnchorGenerator, strides: list[int]) -> dict[str, Any]:
    sizes = [[float(size) for size in level] for level in generator.sizes]
    ratios = [[float(ratio) for ratio in level] for level in generator.aspect_ratios]
    if len(sizes) != len(strides) or len(ratios) != len(strides):
        raise InputError(
            f"anchor_generator has sizes for {len(sizes)} levels and ratios for {len(ratios)}; the "
            f"backbone gives {len(strides)} feature maps"
        )
    rebuilt = AnchorGenerator(generator.sizes, generator.aspect_ratios)
    for own, built in zip(generator.cell_anchors, rebuilt.cell_anchors, strict=True):
        if not torch.equal(own, built):
            raise InputError(
                "anchor_generator.cell_anchors are not those of its sizes and aspect_ratios"
            )
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


def _letterbox(record: dict[str, Any], size: tuple[int, int]) -> dict[str, Any]:
    multiple = record["pad_multiple"]
    if any(side % multiple for side in size):
        raise InputError(
            f"size {size[0]}x{size[1]}: expected height and width as multiples of {multiple}, "
            "which the model's transform pads to"
        )
    changed = {"size": list(size), "resize": "letterbox", "max_size": None, "align": "top_left"}
    return {**record, **changed}


def _expect(part: Any, kind: type, name: str) -> None:
    if type(part) is not kind:
        raise InputError(
            f"cannot record {name} {type(part).__name__}: expected torchvision's {kind.__name__}"
        )
