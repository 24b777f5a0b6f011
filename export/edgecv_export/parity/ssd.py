"""The parity check of an SSD: its own forward pass and decisions in torch."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.hooks import RemovableHandle
from torchvision.models.detection._utils import BoxCoder
from torchvision.models.detection.transform import resize_boxes
from torchvision.ops.boxes import clip_boxes_to_image

from edgecv.models.architecture.input_record import height_width
from edgecv_export.graphs.ssd.cut import SsdCut
from edgecv_export.graphs.ssd.networks import as_head_outputs, head_outputs
from edgecv_export.parity.comparison import Tolerance
from edgecv_export.parity.detected import Detected, RawOutputs
from edgecv_export.parity.detection_report import DetectionReport
from edgecv_export.parity.drop_empty import best_with_area, no_limit
from edgecv_export.parity.one_stage import OwnPass, verify_one_stage
from edgecv_export.parity.replay import Preference
from edgecv_export.parity.steer import steer_softmax
from edgecv_export.parity.suppression import exact_suppression
from edgecv_export.parity.torch_input import rgb_tensor


def verify_ssd(
    cut: SsdCut,
    bundle: Path,
    images: Sequence[np.ndarray],
    tolerance: Tolerance,
    done: Callable[[], None] = lambda: None,
) -> DetectionReport:
    """As `verify_one_stage`."""
    return verify_one_stage(bundle, images, tolerance, done, functools.partial(_own_pass, cut))


def _own_pass(cut: SsdCut, image: np.ndarray) -> OwnPass:
    tensors: list[Tensor] = []
    outputs: list[Any] = []
    hooks = [
        cut.entry.register_forward_pre_hook(lambda _, inputs: tensors.append(inputs[0])),
        cut.module.head.register_forward_hook(lambda _, inputs, out: outputs.append(out)),
    ]
    detected = _forward(cut, image, hooks)
    logits, deltas = (value[0].numpy() for value in head_outputs(outputs[0]))
    raw = RawOutputs(tensors[0][0].numpy(), {"logits": logits, "deltas": deltas})
    return OwnPass(detected, raw, functools.partial(_decide, cut, image))


def _decide(
    cut: SsdCut,
    image: np.ndarray,
    outputs: list[np.ndarray],
    preference: Preference | None,
) -> Detected:
    """What the detector's code makes of the bundle's raw outputs: logits [A, C + 1], background
    first, and deltas [A, 4]."""
    given = [torch.from_numpy(array) for array in outputs]
    if preference is not None:
        given[0] = _steered(cut, image, given[0], given[1], preference)

    def replace(_: Any, __: Any, own: Any) -> Any:
        return as_head_outputs(own, given[0][None], given[1][None])

    with exact_suppression(preference is not None):
        return _forward(cut, image, [cut.module.head.register_forward_hook(replace)])


def _forward(cut: SsdCut, image: np.ndarray, hooks: list[RemovableHandle]) -> Detected:
    try:
        with torch.inference_mode(), no_limit(cut.module):
            found = cut.module([rgb_tensor(image)])[0]
    finally:
        for hook in hooks:
            hook.remove()
    detected = Detected(
        boxes=found["boxes"].float().numpy(),
        scores=found["scores"].float().numpy(),
        labels=found["labels"].numpy() - 1,
    )
    return best_with_area(detected, cut.postprocess["max_detections"])


def _steered(
    cut: SsdCut, image: np.ndarray, logits: Tensor, deltas: Tensor, preference: Preference
) -> Tensor:
    record = cut.postprocess["boxes"]
    size = list(height_width(cut.input["size"]))
    boxes = BoxCoder(tuple(record["weights"]), record["max_log_scale"]).decode_single(
        deltas, cut.anchors
    )
    boxes = resize_boxes(clip_boxes_to_image(boxes, tuple(size)), size, list(image.shape[:2]))
    return steer_softmax(logits, boxes, preference)
