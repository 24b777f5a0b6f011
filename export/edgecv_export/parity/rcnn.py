"""Parity of a two-stage detector: torchvision's forward pass against the whole runtime."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torchvision.models.detection.roi_heads import expand_boxes

import edgecv_runtime
from edgecv_export.graphs.rcnn.cut import MASK_THRESHOLD, RcnnCut
from edgecv_export.graphs.rcnn.networks import named_maps
from edgecv_export.parity.comparison import Tolerance
from edgecv_export.parity.detected import Detected, RawOutputs
from edgecv_export.parity.detection_report import BATCH, SCORES_ALIKE, DetectionReport
from edgecv_export.parity.rcnn_replay import (
    BundleNetworks,
    CallerProposals,
    run_second_stage,
    second_stage,
)
from edgecv_export.parity.replay import Preference, compare_with_replays
from edgecv_export.parity.suppression import exact_suppression
from edgecv_export.parity.torch_input import rgb_tensor

PROPOSALS = 200  # for an image, where the caller gives them


def verify_rcnn(
    cut: RcnnCut,
    bundle: Path,
    images: Sequence[np.ndarray],
    tolerance: Tolerance,
    done: Callable[[], None] = lambda: None,
) -> DetectionReport:
    """Runs both on each image (uint8 [H, W, 3] BGR) and compares what they find.

    Detections without a partner are judged as `replay.compare_with_replays` says. The raw outputs
    themselves are held to the tolerance.
    """
    runtime: Any = edgecv_runtime.load(bundle, engine="onnxruntime", device="cpu", precision="fp32")
    runtime.thresholds = runtime.measuring_threshold  # the module's own
    networks = BundleNetworks(bundle, cut)
    own_proposals = cut.postprocess["rpn"] is not None
    proposals = [None if own_proposals else _boxes(image, i) for i, image in enumerate(images)]
    mask_graphs = runtime.manifest.graphs.get("mask")
    mask_size = mask_graphs[0].outputs[0].shape[-1] if mask_graphs else 0
    report = DetectionReport(pictures=len(images), tolerance=tolerance)
    scores: list[np.ndarray] = []
    proposals_alike = own_proposals
    for start in range(0, len(images), BATCH):
        some = list(images[start : start + BATCH])
        given = proposals[start : start + BATCH]
        results = runtime(some) if own_proposals else runtime(some, proposals=given)
        for image, boxes, result in zip(some, given, results, strict=True):
            own = _detect(cut, image, boxes)
            expected, masks = own.detected, own.masks
            found = Detected(result.boxes, result.scores, result.labels)
            tensor = networks.preprocess(image)
            raw = _raw_outputs(cut, own.tensor, own.backbone, own.logits, own.deltas)
            if own_proposals:
                spread = float(np.ptp(raw.values["objectness"]))
                proposals_alike = proposals_alike and spread < SCORES_ALIKE
            agree = report.add_raw(
                raw,
                _raw_outputs(
                    cut,
                    tensor,
                    networks.backbone(tensor),
                    # On torch's own maps and boxes: two proposal networks may keep other boxes.
                    *run_second_stage(
                        cut, networks, own.backbone[: len(cut.feature_names)], own.proposals
                    ),
                ),
            )
            decide = functools.partial(_decide, cut, networks, image, boxes) if agree else None
            comparison, pairs = compare_with_replays(
                image.shape, expected, found, decide, tolerance
            )
            report.add(comparison)
            if masks is not None:
                pairs = _of_the_same_pixels(expected, found, pairs, mask_size)
                compare_masks(report, masks, result.masks, pairs)
            scores.append(expected.scores)
            done()
    report.conclude(np.concatenate(scores), proposals_alike)
    return report


def _boxes(image: np.ndarray, seed: int) -> np.ndarray:
    """Boxes as a caller may give them, float32 [R, 4], xyxy in pixels of the image."""
    rng = np.random.default_rng(seed)
    height, width = image.shape[:2]
    corners = rng.uniform(0, 1, (PROPOSALS, 2, 2)) * (width, height)
    boxes = np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1)
    return boxes.astype(np.float32)


@dataclass
class _Forward:
    """What the detector's own forward pass found, and what passed on the way."""

    detected: Detected
    masks: Tensor | None  # float32 [N, 1, H, W], probabilities
    tensor: Tensor  # [1, 3, h, w], into the backbone
    backbone: list[Tensor]  # what the bundle's graph `trunk` gives
    proposals: Tensor  # float32 [R, 4], xyxy in pixels of the network's input
    logits: Tensor  # float32 [R, C + 1] of the second stage
    deltas: Tensor  # float32 [R, 4 * (C + 1)]


def _detect(cut: RcnnCut, image: np.ndarray, proposals: np.ndarray | None) -> _Forward:
    detector: Any = cut.module
    network, heads = detector.rpn, detector.roi_heads
    tensors: list[Tensor] = []
    features: list[Tensor | dict[str, Tensor]] = []
    rpn_outputs: list[tuple[list[Tensor], list[Tensor]]] = []
    pooled: list[tuple[Any, list[Tensor], Any]] = []
    predicted: list[tuple[Tensor, Tensor]] = []
    hooks = [
        detector.backbone.register_forward_pre_hook(lambda _, inputs: tensors.append(inputs[0])),
        detector.backbone.register_forward_hook(lambda _, __, out: features.append(out)),
        heads.box_roi_pool.register_forward_pre_hook(lambda _, inputs: pooled.append(inputs)),
        heads.box_predictor.register_forward_hook(lambda _, __, out: predicted.append(out)),
    ]
    try:
        if proposals is None:
            hooks.append(
                network.head.register_forward_hook(lambda _, __, out: rpn_outputs.append(out))
            )
        else:
            detector.rpn = CallerProposals(proposals, image.shape[:2])
        with torch.inference_mode():
            found = detector([rgb_tensor(image)])[0]
    finally:
        detector.rpn = network
        for hook in hooks:
            hook.remove()
    maps = named_maps(features[0])
    outputs = [maps[name] for name in cut.feature_names]
    for objectness, deltas in rpn_outputs:
        outputs += [*objectness, *deltas]
    boxes = pooled[0][1][0]
    return _Forward(_detected(found), found.get("masks"), tensors[0], outputs, boxes, *predicted[0])


def _detected(found: dict[str, Tensor]) -> Detected:
    return Detected(found["boxes"].numpy(), found["scores"].numpy(), found["labels"].numpy() - 1)


def _raw_outputs(
    cut: RcnnCut, tensor: Tensor, backbone: list[Tensor], logits: Tensor, deltas: Tensor
) -> RawOutputs:
    """Of the outputs of the graph `trunk` those of the proposal network, or the feature maps."""
    count = len(cut.feature_names)
    levels = (len(backbone) - count) // 2
    parts = {
        "objectness": backbone[count : count + levels],
        "proposal deltas": backbone[count + levels :],
        "features": [] if levels else backbone,
        "logits": [logits],
        "deltas": [deltas],
    }
    values = {
        name: torch.cat([part.flatten() for part in some]).numpy()
        for name, some in parts.items()
        if some
    }
    return RawOutputs(tensor[0].numpy(), values)


def _decide(
    cut: RcnnCut,
    networks: BundleNetworks,
    image: np.ndarray,
    proposals: np.ndarray | None,
    preference: Preference | None,
) -> Detected:
    """torchvision's decisions on the bundle's raw outputs for an image."""
    preferring = preference is not None
    with exact_suppression(preferring):
        stage = second_stage(cut, networks, image, proposals, like_runtime=preferring)
        return _detected(stage.decide(preference))


def _of_the_same_pixels(
    expected: Detected, found: Detected, pairs: list[tuple[int, int]], mask_size: int
) -> list[tuple[int, int]]:
    """The pairs whose masks are stretched over the same pixels. A mask covers the whole pixels that
    its box (widened by the border of the mask) touches: where rounding moves a side of a box over
    a pixel's edge, it moves the mask."""
    own, other = (
        expand_boxes(torch.from_numpy(each.boxes), 1 + 2 / mask_size).trunc()
        for each in (expected, found)
    )
    return [(i, j) for i, j in pairs if torch.equal(own[i], other[j])]


def compare_masks(
    report: DetectionReport, probabilities: Tensor, masks: np.ndarray, pairs: list[tuple[int, int]]
) -> None:
    """Masks of the runtime, bool [M, H, W], against torchvision's, [N, 1, H, W]."""
    for i, j in pairs:
        probability = probabilities[i, 0].numpy()
        undecided = np.abs(probability - MASK_THRESHOLD) <= report.tolerance.raw
        own = np.where(undecided, masks[j], probability > MASK_THRESHOLD)
        union = np.count_nonzero(own | masks[j])
        iou = float(np.count_nonzero(own & masks[j]) / union) if union else 1.0
        report.masks += 1
        report.mask_iou = min(report.mask_iou, iou)
