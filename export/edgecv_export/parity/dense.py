"""The parity check of a dense detector: torchvision's own forward pass and decisions."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torchvision.models.detection._utils import BoxLinearCoder
from torchvision.models.detection.transform import resize_boxes
from torchvision.ops.boxes import clip_boxes_to_image

from edgecv_export.graphs.dense.cut import DenseCut
from edgecv_export.parity.comparison import Tolerance
from edgecv_export.parity.detected import Detected, RawOutputs
from edgecv_export.parity.detection_report import DetectionReport
from edgecv_export.parity.drop_empty import best_with_area, no_limit
from edgecv_export.parity.one_stage import OwnPass, verify_one_stage
from edgecv_export.parity.replay import Preference
from edgecv_export.parity.steer import steer
from edgecv_export.parity.suppression import exact_suppression
from edgecv_export.parity.torch_input import rgb_tensor

# The last one only where the head has it.
HEAD_KEYS = ("cls_logits", "bbox_regression", "bbox_ctrness")
OUTPUTS = ("logits", "deltas", "centerness")  # the same, as the report calls them


def verify_dense(
    cut: DenseCut,
    bundle: Path,
    images: Sequence[np.ndarray],
    tolerance: Tolerance,
    done: Callable[[], None],
) -> DetectionReport:
    """As `verify_one_stage`. Class 0 of the module is not a class (see graphs.dense): its logits
    are held at minus infinity."""
    return verify_one_stage(bundle, images, tolerance, done, functools.partial(_own_pass, cut))


def _own_pass(cut: DenseCut, image: np.ndarray) -> OwnPass:
    own = DenseForward(cut, image)
    raw = RawOutputs(own.tensor, dict(zip(OUTPUTS, own.outputs, strict=False)))
    return OwnPass(own.detected, raw, functools.partial(decided, cut, image, own.features))


class DenseForward:
    """The detector's own forward pass.

    Attributes:
        detected: the results.
        tensor: [3, h, w] on the way to the network.
        features: what the backbone gave.
        outputs: the network's, as the bundle's graph has them.
    """

    def __init__(self, cut: DenseCut, image: np.ndarray) -> None:
        self._first = cut.first_class
        hooks = [
            cut.module.backbone.register_forward_hook(self._watch_backbone),
            cut.module.head.register_forward_hook(self._watch_head),
        ]
        try:
            with torch.inference_mode(), no_limit(cut.module):
                found = cut.module([rgb_tensor(image)])[0]
        finally:
            for hook in hooks:
                hook.remove()
        self.detected = _detected(cut, found)

    def _watch_backbone(self, _: Any, inputs: tuple[Tensor], features: Any) -> None:
        self.tensor = inputs[0][0].clone().numpy()
        self.features = features

    def _watch_head(self, _: Any, __: Any, outputs: dict[str, Tensor]) -> dict[str, Tensor]:
        values = [outputs[key] for key in HEAD_KEYS if key in outputs]
        self.outputs = [
            values[0][0, :, self._first :].numpy(),
            *(value[0].numpy() for value in values[1:]),
        ]
        values[0] = values[0].clone()
        values[0][..., : self._first] = -torch.inf
        return dict(zip(HEAD_KEYS, values, strict=False))


class _Given(nn.Module):
    """Replaces a part of the detector: returns the given outputs."""

    def __init__(self, outputs: Any) -> None:
        super().__init__()
        self.outputs = outputs

    def forward(self, *_: Any) -> Any:
        return self.outputs


def decided(
    cut: DenseCut,
    image: np.ndarray,
    features: Any,
    raw: list[np.ndarray],
    preference: Preference | None,
) -> Detected:
    """What the detector's code makes of the bundle's raw outputs."""
    values = [torch.from_numpy(array)[None] for array in raw]  # [1, A, columns] each
    if preference is not None:
        values[0] = _steered(cut, image, features, values, preference)
    values[0] = nn.functional.pad(values[0], (cut.first_class, 0), value=-torch.inf)
    module = copy.copy(cut.module)
    outputs = dict(zip(HEAD_KEYS, values, strict=False))
    module._modules = {
        **cut.module._modules,
        "backbone": _Given(features),
        "head": _Given(outputs),
    }
    with torch.inference_mode(), no_limit(module), exact_suppression(preference is not None):
        return _detected(cut, module([rgb_tensor(image)])[0])


def _steered(
    cut: DenseCut,
    image: np.ndarray,
    features: Any,
    values: list[Tensor],
    preference: Preference,
) -> Tensor:
    """Logits [1, A, C]."""
    module: Any = cut.module
    logits, deltas, *centerness = (value[0] for value in values)
    scores = logits.sigmoid()
    if centerness:
        scores = (scores * centerness[0].sigmoid()).sqrt()
    images, _ = module.transform([rgb_tensor(image)])
    maps = [features] if isinstance(features, Tensor) else list(features.values())
    anchors = module.anchor_generator(images, maps)[0]
    resized = images.image_sizes[0]
    coder = module.box_coder
    decode = coder.decode if isinstance(coder, BoxLinearCoder) else coder.decode_single
    boxes = clip_boxes_to_image(decode(deltas, anchors), resized)
    boxes = resize_boxes(boxes, list(resized), list(image.shape[:2]))
    return steer(logits, logits.double(), scores, boxes, preference)[None]


def _detected(cut: DenseCut, found: dict[str, Tensor]) -> Detected:
    detected = Detected(
        boxes=found["boxes"].numpy(),
        scores=found["scores"].numpy(),
        labels=found["labels"].numpy() - cut.first_class,
    )
    return best_with_area(detected, cut.postprocess["max_detections"])
