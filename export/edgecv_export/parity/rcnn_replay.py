"""torchvision's own decisions on a bundle's raw outputs."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import onnxruntime
import torch
from torch import Tensor, nn
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.rpn import concat_box_prediction_layers
from torchvision.models.detection.transform import resize_boxes
from torchvision.ops.boxes import clip_boxes_to_image

from edgecv.training.preprocessing import spec_of
from edgecv_export.graphs.rcnn.cut import RcnnCut
from edgecv_export.parity.detected import Detected
from edgecv_export.parity.replay import Preference
from edgecv_export.parity.steer import steer, steer_softmax
from edgecv_runtime import ops
from edgecv_runtime._core import plan, propose
from edgecv_runtime.engines.graph_source import path_or_content

# How far two computations of one proposal may lie apart, in pixels of the network's input.
PROPOSAL_BOX, PROPOSAL_SCORE = 0.05, 1e-5


class BundleNetworks:
    """The graphs `trunk` and `roi` in ONNX Runtime, behind the runtime's preprocessing."""

    def __init__(self, bundle: Path, cut: RcnnCut) -> None:
        self.spec = spec_of(cut.input)
        self._backbone = _session(bundle / "trunk.onnx")
        self._roi = _session(bundle / "roi.onnx")
        self._features: list[str] = cut.postprocess["roi"]["features"]

    def preprocess(self, image: np.ndarray) -> Tensor:
        """float32 [1, 3, h, w] from uint8 [H, W, 3] BGR."""
        return torch.from_numpy(ops.preprocess(image, self.spec))[None]

    def backbone(self, images: Tensor) -> list[Tensor]:
        outputs = self._backbone.run(None, {"images": images.numpy()})
        return [torch.from_numpy(output) for output in outputs]

    def roi(self, features: list[Tensor], boxes: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Boxes float32 [R_i, 4] of each level. Returns logits and deltas in that order."""
        feed = dict(zip(self._features, features, strict=True))
        feed |= {f"boxes_{level}": each for level, each in enumerate(boxes)}
        logits, deltas = self._roi.run(None, {name: each.numpy() for name, each in feed.items()})
        return torch.from_numpy(logits), torch.from_numpy(deltas)


class CallerProposals(nn.Module):
    """Replaces the proposal network: gives the caller's boxes."""

    def __init__(self, boxes: np.ndarray, size: tuple[int, ...]) -> None:
        super().__init__()
        self.boxes = torch.from_numpy(boxes)  # float32 [R, 4], xyxy in pixels of the image
        self.size = [int(side) for side in size[:2]]  # (h, w) of the image

    def forward(self, images: ImageList, *_: Any) -> tuple[list[Tensor], dict[str, Tensor]]:
        return [resize_boxes(self.boxes, self.size, list(images.image_sizes[0]))], {}


@dataclass
class SecondStage:
    """The raw outputs of a bundle's graphs for one image."""

    detector: Any
    boxes: Tensor  # float32 [R, 4], proposals, xyxy in pixels of the network's input
    logits: Tensor  # float32 [R, classes + 1]
    deltas: Tensor  # float32 [R, 4 * (classes + 1)]
    resized: tuple[int, int]  # (h, w) of the image inside the network's input
    size: tuple[int, int]  # (h, w) of the image

    def decide(self, preference: Preference | None = None) -> dict[str, Tensor]:
        """Boxes, scores and labels that torchvision's code makes of it."""
        heads, transform = self.detector.roi_heads, self.detector.transform
        with torch.inference_mode():
            logits = self.logits if preference is None else self._steered(preference)
            boxes, scores, labels = heads.postprocess_detections(
                logits, self.deltas, [self.boxes], [self.resized]
            )
            result = {"boxes": boxes[0], "scores": scores[0], "labels": labels[0]}
            return dict(transform.postprocess([result], [self.resized], [self.size])[0])

    def _steered(self, preference: Preference) -> Tensor:
        boxes = self.detector.roi_heads.box_coder.decode(self.deltas, [self.boxes])
        columns = boxes.shape[1]
        boxes = clip_boxes_to_image(boxes.flatten(0, 1), self.resized)
        boxes = resize_boxes(boxes, list(self.resized), list(self.size))
        return steer_softmax(self.logits, boxes.unflatten(0, (-1, columns)), preference)


def second_stage(
    cut: RcnnCut,
    networks: BundleNetworks,
    image: np.ndarray,
    proposals: np.ndarray | None,
    *,
    like_runtime: bool = False,
) -> SecondStage:
    """Runs a bundle's graphs, with torchvision's own code between them.

    With ``like_runtime`` that code prefers the proposals that the runtime makes of the same
    outputs, where rounding decides.
    """
    tensor = networks.preprocess(image)
    height, width = plan(networks.spec, image.shape[:2]).resized
    images = ImageList(tensor, [(height, width)])
    outputs = networks.backbone(tensor)
    features = outputs[: len(cut.feature_names)]
    detector: Any = cut.module
    with torch.inference_mode():
        if proposals is None:
            boxes = _propose(cut, images, outputs[len(features) :], like_runtime)
        else:
            boxes = CallerProposals(proposals, image.shape[:2])(images)[0][0]
        logits, deltas = run_second_stage(cut, networks, features, boxes)
    size = (image.shape[0], image.shape[1])
    return SecondStage(detector, boxes, logits, deltas, (height, width), size)


def _propose(cut: RcnnCut, images: ImageList, outputs: list[Tensor], like_runtime: bool) -> Tensor:
    """RegionProposalNetwork.forward with the convolutions left out."""
    rpn: Any = cast(Any, cut.module).rpn
    levels = len(outputs) // 2
    objectness, deltas = outputs[:levels], outputs[levels:]
    if like_runtime:
        objectness = _steered_objectness(cut, images, objectness, deltas)
    network = copy.copy(rpn)
    network._modules = {**rpn._modules, "head": _Given(objectness, deltas)}
    # Anchors depend on the feature maps' sizes alone, and objectness has these.
    maps = {str(level): outputs[level] for level in range(levels)}
    boxes, _ = network(images, maps)
    proposals: Tensor = boxes[0]
    return proposals


def _steered_objectness(
    cut: RcnnCut, images: ImageList, objectness: list[Tensor], deltas: list[Tensor]
) -> list[Tensor]:
    """Objectness [1, anchors, h, w] of each level."""
    rpn: Any = cast(Any, cut.module).rpn
    anchors = rpn.anchor_generator(images, objectness)[0]
    logits, offsets = concat_box_prediction_layers(list(objectness), list(deltas))
    boxes = clip_boxes_to_image(
        rpn.box_coder.decode(offsets, [anchors])[:, 0], images.image_sizes[0]
    )
    wanted = _runtime_proposals(cut, images, objectness, deltas)
    preference = Preference(wanted, wanted.part([]), PROPOSAL_BOX, PROPOSAL_SCORE)
    flat = steer(logits, logits.double(), logits.sigmoid(), boxes, preference)
    steered = []
    for level, part in zip(
        objectness, flat[:, 0].split([level.numel() for level in objectness]), strict=True
    ):
        _, count, height, width = level.shape
        steered.append(part.view(1, height, width, count).permute(0, 3, 1, 2))
    return steered


def _runtime_proposals(
    cut: RcnnCut, images: ImageList, objectness: list[Tensor], deltas: list[Tensor]
) -> Detected:
    spec = cut.postprocess["rpn"]
    boxes, scores = propose(
        [level[0].numpy() for level in objectness],
        [level[0].numpy() for level in deltas],
        images.image_sizes[0],
        tuple(images.tensors.shape[2:]),
        **spec["anchors"],
        weights=spec["weights"],
        max_log_scale=spec["max_log_scale"],
        pre_nms_top_n=spec["pre_nms_top_n"],
        post_nms_top_n=spec["post_nms_top_n"],
        nms_threshold=spec["iou_threshold"],
        score_threshold=spec["score_threshold"],
        min_size=spec["min_size"],
    )
    return Detected(boxes, scores, np.zeros(len(scores), np.int64))


class _Given(nn.Module):
    def __init__(self, objectness: list[Tensor], deltas: list[Tensor]) -> None:
        super().__init__()
        self.outputs = objectness, deltas

    def forward(self, features: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        return self.outputs


def run_second_stage(
    cut: RcnnCut, networks: BundleNetworks, features: list[Tensor], boxes: Tensor
) -> tuple[Tensor, Tensor]:
    """What the bundle's second stage gives for boxes float32 [R, 4], each pooled from the level
    that torchvision gives it. Returns logits [R, C + 1] and deltas [R, 4 * (C + 1)]."""
    count = len(features)
    mapper = getattr(cut.module.roi_heads.box_roi_pool, "map_levels", None)
    if count == 1 or mapper is None:
        levels = torch.zeros(len(boxes), dtype=torch.int64)
    else:
        levels = mapper([boxes])
    order = torch.argsort(levels, stable=True)
    logits, deltas = networks.roi(features, [boxes[levels == level] for level in range(count)])
    back = torch.argsort(order)
    return logits[back], deltas[back]


def _session(path: Path) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(path_or_content(path), providers=["CPUExecutionProvider"])
