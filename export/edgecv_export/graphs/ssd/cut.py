"""An SSD, torchvision's or ssd_tiny, cut."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torchvision.models.detection import _utils as detection_utils
from torchvision.models.detection.ssd import SSD
from torchvision.models.detection.transform import GeneralizedRCNNTransform

from edgecv.models.architecture.input_record import InputRecord, height_width, input_record
from edgecv_export.graphs.cut import CutRequest, Kind
from edgecv_export.graphs.ssd.anchors import describe_generator, run_generator
from edgecv_export.graphs.ssd.networks import SsdTinyNetwork, TorchvisionNetwork, feature_maps
from edgecv_export.graphs.torchvision_parts import expect_part
from edgecv_runtime import InputError


@dataclass
class SsdCut:
    """See `graphs.cut.Cut`. A is the number of anchors, C that of classes without the background;
    boxes are xyxy."""

    module: Any  # the whole detector, evaluation mode
    entry: nn.Module  # the part of it that the normalised tensor reaches first
    network: nn.Module  # float32 [B, 3, h, w], normalised -> logits [B, A, C + 1], deltas [B, A, 4]
    tensor_size: tuple[int, int]  # (h, w) of the network's input, padding included
    classes: int
    input: InputRecord  # the manifest's input record
    postprocess: dict[str, Any]  # the manifest's postprocess record
    anchors: Tensor = field(repr=False)  # float32 [A, 4], xyxy in pixels of the network's input
    anchor_file: np.ndarray | None = field(default=None, repr=False)  # to be stored, or None

    task: ClassVar[Literal["detect"]] = "detect"


def cut_torchvision_ssd(detector: SSD, request: CutRequest) -> SsdCut:
    _refuse_size(request)
    coder = detector.box_coder
    expect_part(coder, detection_utils.BoxCoder, "box_coder")
    record = ssd_input_record(detector.transform)
    multiple = record["pad_multiple"]
    sides = height_width(record["size"])
    height, width = (math.ceil(side / multiple) * multiple for side in sides)
    network = TorchvisionNetwork(detector).eval()
    with torch.inference_mode():
        blank = torch.zeros(1, 3, height, width)
        features = feature_maps(network.backbone, blank)
        logits, deltas = network(blank)
        anchors = run_generator(detector.anchor_generator, (height, width), features)
        anchor_record, anchor_file = describe_generator(
            detector.anchor_generator, (height, width), features
        )
    _check_outputs(logits, deltas, anchors)
    return SsdCut(
        module=detector,
        entry=detector.backbone,
        network=network,
        tensor_size=(height, width),
        classes=logits.shape[-1] - 1,
        input=record,
        postprocess=_postprocess_record(
            anchor_record,
            weights=coder.weights,
            max_log_scale=coder.bbox_xform_clip,
            score_threshold=detector.score_thresh,
            iou_threshold=detector.nms_thresh,
            topk_candidates=detector.topk_candidates,
            max_detections=detector.detections_per_img,
        ),
        anchors=anchors,
        anchor_file=anchor_file,
    )


def cut_ssd_tiny(detector: Any, request: CutRequest) -> SsdCut:
    _refuse_size(request)
    height, width = detector.size
    network = SsdTinyNetwork(detector).eval()
    with torch.inference_mode():
        logits, deltas = network(torch.zeros(1, 3, height, width))
    _check_outputs(logits, deltas, detector.anchors)
    return SsdCut(
        module=detector,
        entry=detector.stages[0],
        network=network,
        tensor_size=(height, width),
        classes=logits.shape[-1] - 1,
        input=detector.input,
        postprocess=_postprocess_record(
            dict(detector.anchor_spec),
            weights=detector.box_coder.weights,
            max_log_scale=detector.box_coder.bbox_xform_clip,
            score_threshold=detector.score_threshold,
            iou_threshold=detector.iou_threshold,
            topk_candidates=detector.topk_candidates,
            max_detections=detector.max_detections,
        ),
        anchors=detector.anchors,
    )


def _refuse_size(request: CutRequest) -> None:
    if request.size is not None:
        raise InputError("an SSD has its input size built in: leave out size")


def ssd_input_record(transform: Any) -> InputRecord:
    if not isinstance(transform, GeneralizedRCNNTransform):
        raise InputError(
            f"cannot record transform {type(transform).__name__}: expected torchvision's "
            "GeneralizedRCNNTransform"
        )
    if transform.fixed_size is None:
        raise InputError("the model's transform has no fixed_size: an SSD needs one input size")
    return input_record(transform)


def _postprocess_record(
    anchors: dict[str, Any],
    *,
    weights: tuple[float, ...],
    max_log_scale: float,
    score_threshold: float,
    iou_threshold: float,
    topk_candidates: int,
    max_detections: int,
) -> dict[str, Any]:
    return {
        "method": "ssd",
        "scores": {"output": "logits", "function": "softmax", "background": "first"},
        "boxes": {
            "output": "deltas",
            "encoding": "deltas",
            "normalized": False,
            "weights": [float(weight) for weight in weights],
            "max_log_scale": float(max_log_scale),
        },
        "anchors": anchors,
        "score_threshold": float(score_threshold),
        "iou_threshold": float(iou_threshold),
        "topk_candidates": int(topk_candidates),
        "max_detections": int(max_detections),
    }


def _check_outputs(logits: Tensor, deltas: Tensor, anchors: Tensor) -> None:
    count = anchors.shape[0]
    if logits.ndim != 3 or logits.shape[1] != count or logits.shape[2] < 2:
        raise InputError(
            f"the head's cls_logits have shape {list(logits.shape)}; expected [1, {count}, classes "
            f"with background] for the {count} anchors of the generator"
        )
    if list(deltas.shape) != [1, count, 4]:
        raise InputError(
            f"the head's bbox_regression has shape {list(deltas.shape)}; expected [1, {count}, 4] "
            f"for the {count} anchors of the generator"
        )


TORCHVISION_SSD = Kind(
    lambda module: isinstance(module, SSD),
    "a torchvision SSD (torchvision.models.detection.ssd.SSD or a subclass)",
    cut_torchvision_ssd,
)
SSD_TINY = Kind(
    lambda module: hasattr(module, "forward_head") and hasattr(module, "anchor_spec"),
    "edgecv's ssd_tiny",
    cut_ssd_tiny,
)
