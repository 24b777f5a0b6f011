"""One-stage detectors over fixed anchors: torchvision's SSD and kin, and our ssd_tiny.

The graph takes normalised pictures and gives raw logits and deltas. Anchors, decoding, thresholds
and suppression stay outside; everything about them is read from the object, not from its name.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torchvision.models.detection import _utils as detection_utils
from torchvision.models.detection.ssd import SSD
from torchvision.models.detection.transform import GeneralizedRCNNTransform

from edgecv.models.input_record import input_record
from edgecv_export.bundle.draft import BundleDraft
from edgecv_export.bundle.graph_record import add_graph
from edgecv_export.graphs.anchors import describe_generator, run_generator
from edgecv_export.graphs.cuts import CutRequest, register_cut
from edgecv_export.graphs.onnx_graph import Batch, pictures_to_onnx
from edgecv_export.graphs.ssd_outputs import head_outputs
from edgecv_export.parity.comparison import Tolerance
from edgecv_export.parity.detection_report import DetectionReport
from edgecv_export.parity.ssd import verify_ssd
from edgecv_runtime import InputError

ANCHOR_FILE = "anchors.npy"


@dataclass
class SsdCut:
    """A detector cut into its network and the description of all the rest.

    Pictures are uint8 [H, W, 3] BGR, as the runtime takes them. A is the number of anchors, C the
    number of classes without the background; boxes are xyxy.
    """

    module: Any  # the whole detector, evaluation mode
    entry: nn.Module  # the part of it that the normalised tensor reaches first
    network: nn.Module  # float32 [B, 3, h, w], normalised -> logits [B, A, C + 1], deltas [B, A, 4]
    tensor_size: tuple[int, int]  # (h, w) of the network's input, padding included
    classes: int
    input: dict[str, Any]  # the manifest's input record
    postprocess: dict[str, Any]  # the manifest's postprocess record
    anchors: Tensor = field(repr=False)  # float32 [A, 4], xyxy in pixels of the network's input
    anchor_file: np.ndarray | None = field(default=None, repr=False)  # to be stored, or None

    task: ClassVar[Literal["detect"]] = "detect"

    def write(
        self, draft: BundleDraft, *, batch: Batch, opset: int
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """As graphs.cuts.Cut has it."""
        model = pictures_to_onnx(
            self.network, self.tensor_size, outputs=["logits", "deltas"], batch=batch, opset=opset
        )
        postprocess = self.postprocess
        if self.anchor_file is not None:
            sha256 = draft.add_array(ANCHOR_FILE, self.anchor_file)
            anchors = {**postprocess["anchors"], "file": ANCHOR_FILE, "sha256": sha256}
            postprocess = {**postprocess, "anchors": anchors}
        return {"main": [add_graph(draft, "main.onnx", model)]}, postprocess

    def verify(
        self,
        bundle: Path,
        pictures: Sequence[np.ndarray],
        tolerance: Tolerance,
        done: Callable[[], None] = lambda: None,
    ) -> DetectionReport:
        """As graphs.cuts.Cut has it."""
        return verify_ssd(self, bundle, pictures, tolerance, done)


class _TorchvisionNetwork(nn.Module):
    def __init__(self, detector: SSD) -> None:
        super().__init__()
        self.backbone = detector.backbone
        self.head = detector.head

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        return head_outputs(self.head(_feature_maps(self.backbone, images)))


@register_cut(
    lambda module: isinstance(module, SSD),
    "a torchvision SSD (torchvision.models.detection.ssd.SSD or a subclass)",
)
def _cut_torchvision(detector: SSD, request: CutRequest) -> SsdCut:
    _refuse_size(request)
    coder = detector.box_coder
    if type(coder) is not detection_utils.BoxCoder:
        raise InputError(
            f"cannot record box_coder {type(coder).__name__}: expected torchvision's BoxCoder"
        )
    record = _input_record(detector.transform)
    multiple = record["pad_multiple"]
    height, width = (math.ceil(side / multiple) * multiple for side in record["size"])
    network = _TorchvisionNetwork(detector).eval()
    with torch.inference_mode():
        blank = torch.zeros(1, 3, height, width)
        features = _feature_maps(network.backbone, blank)
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


class _SsdTinyNetwork(nn.Module):
    detector: Any

    def __init__(self, detector: nn.Module) -> None:
        super().__init__()
        self.detector = detector

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        outputs: tuple[Tensor, Tensor] = self.detector.forward_head(images)
        return outputs


@register_cut(
    lambda module: hasattr(module, "forward_head") and hasattr(module, "anchor_spec"),
    "edgecv's ssd_tiny",
)
def _cut_ssd_tiny(detector: Any, request: CutRequest) -> SsdCut:
    _refuse_size(request)
    height, width = detector.size
    network = _SsdTinyNetwork(detector).eval()
    with torch.inference_mode():
        logits, deltas = network(torch.zeros(1, 3, height, width))
    _check_outputs(logits, deltas, detector.anchors)
    return SsdCut(
        module=detector,
        entry=detector.stages[0],
        network=network,
        tensor_size=(height, width),
        classes=logits.shape[-1] - 1,
        input=dict(detector.input),
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


def _input_record(transform: Any) -> dict[str, Any]:
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


def _feature_maps(backbone: nn.Module, images: Tensor) -> list[Tensor]:
    features = backbone(images)
    return [features] if isinstance(features, Tensor) else list(features.values())


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
