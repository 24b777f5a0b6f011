"""Parity of a two-stage detector: torchvision's forward pass against the whole runtime."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torchvision.models.detection.roi_heads import expand_boxes

import edgecv_runtime
from edgecv_export.comparison import Tolerance
from edgecv_export.detected import Detected, RawOutputs
from edgecv_export.graphs.rcnn_replay import (
    BundleNetworks,
    CallerProposals,
    second_stage,
)
from edgecv_export.graphs.rcnn_stages import named_maps
from edgecv_export.replay import Preference, compare_with_replays
from edgecv_export.verify import BATCH, ParityReport

if TYPE_CHECKING:
    from edgecv_export.graphs.rcnn_cut import RcnnCut

MASK_THRESHOLD = 0.5  # masks are probabilities; half is what torchvision's examples take
PROPOSALS = 200  # for a picture, where the caller gives them


def verify_rcnn(
    cut: RcnnCut,
    bundle: Path,
    pictures: Sequence[np.ndarray],
    tolerance: Tolerance,
    done: Callable[[], None] = lambda: None,
) -> ParityReport:
    """Runs both on each picture (uint8 [H, W, 3] BGR) and compares what they find.

    Detections without a partner are judged as `replay.compare_with_replays` says. The raw outputs
    themselves are held to the tolerance.
    """
    runtime: Any = edgecv_runtime.load(bundle, engine="onnxruntime", device="cpu", precision="fp32")
    networks = BundleNetworks(bundle, cut)
    own_proposals = cut.postprocess["rpn"] is not None
    proposals = [
        None if own_proposals else _boxes(picture, i) for i, picture in enumerate(pictures)
    ]
    mask_graphs = runtime.manifest.graphs.get("mask")
    mask_size = mask_graphs[0].outputs[0].shape[-1] if mask_graphs else 0
    report = ParityReport(pictures=len(pictures), tolerance=tolerance)
    scores: list[np.ndarray] = []
    for start in range(0, len(pictures), BATCH):
        some = list(pictures[start : start + BATCH])
        given = proposals[start : start + BATCH]
        results = runtime(some) if own_proposals else runtime(some, proposals=given)
        for picture, boxes, result in zip(some, given, results, strict=True):
            expected, masks, raw = _detect(cut, picture, boxes)
            found = Detected(result.boxes, result.scores, result.labels)
            tensor = networks.preprocess(picture)
            report.add_raw(raw, _raw_outputs(cut, tensor, networks.trunk(tensor)))
            decide = functools.partial(_decide, cut, networks, picture, boxes)
            comparison, pairs = compare_with_replays(
                picture.shape, expected, found, decide, tolerance
            )
            report.add(comparison)
            if masks is not None:
                pairs = _of_the_same_pixels(expected, found, pairs, mask_size)
                _compare_masks(report, masks, result.masks, pairs)
            scores.append(expected.scores)
            done()
    report.conclude(np.concatenate(scores))
    return report


def _boxes(picture: np.ndarray, seed: int) -> np.ndarray:
    """Boxes as a caller may give them, float32 [R, 4], xyxy in pixels of the picture."""
    rng = np.random.default_rng(seed)
    height, width = picture.shape[:2]
    corners = rng.uniform(0, 1, (PROPOSALS, 2, 2)) * (width, height)
    boxes = np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1)
    return boxes.astype(np.float32)


def to_tensor(picture: np.ndarray) -> Tensor:
    """float32 [3, H, W] RGB in 0..1, as torchvision's detectors take pictures."""
    return torch.from_numpy(picture[:, :, ::-1].transpose(2, 0, 1).copy()).float() / 255


def _detect(
    cut: RcnnCut, picture: np.ndarray, proposals: np.ndarray | None
) -> tuple[Detected, Tensor | None, RawOutputs]:
    """The detector's own forward pass.

    Returns the results, their masks float32 [N, 1, H, W], probabilities, if it has any, and what
    went into its trunk and came out of it on the way.
    """
    detector: Any = cut.module
    network = detector.rpn
    tensors: list[Tensor] = []
    features: list[Tensor | dict[str, Tensor]] = []
    heads: list[tuple[list[Tensor], list[Tensor]]] = []
    hooks = [
        detector.backbone.register_forward_pre_hook(lambda _, inputs: tensors.append(inputs[0])),
        detector.backbone.register_forward_hook(lambda _, inputs, out: features.append(out)),
    ]
    try:
        if proposals is None:
            hooks.append(
                network.head.register_forward_hook(lambda _, inputs, out: heads.append(out))
            )
        else:
            detector.rpn = CallerProposals(proposals, picture.shape[:2])
        with torch.inference_mode():
            found = detector([to_tensor(picture)])[0]
    finally:
        detector.rpn = network
        for hook in hooks:
            hook.remove()
    maps = named_maps(features[0])
    outputs = [maps[name] for name in cut.feature_names]
    for objectness, deltas in heads:
        outputs += [*objectness, *deltas]
    return _detected(found), found.get("masks"), _raw_outputs(cut, tensors[0], outputs)


def _detected(found: dict[str, Tensor]) -> Detected:
    return Detected(found["boxes"].numpy(), found["scores"].numpy(), found["labels"].numpy() - 1)


def _raw_outputs(cut: RcnnCut, tensor: Tensor, outputs: list[Tensor]) -> RawOutputs:
    """Tensor [1, 3, h, w] and outputs of the trunk; logits are objectness here. Where there is no
    proposal network, the finest feature maps stand for both."""
    count = len(cut.feature_names)
    levels = (len(outputs) - count) // 2
    logits, deltas = outputs[count : count + levels], outputs[count + levels :]
    if not levels:
        logits = deltas = outputs[:1]
    flat = (torch.cat([part.flatten() for part in parts]).numpy() for parts in (logits, deltas))
    return RawOutputs(tensor[0].numpy(), *flat)


def _decide(
    cut: RcnnCut,
    networks: BundleNetworks,
    picture: np.ndarray,
    proposals: np.ndarray | None,
    preference: Preference | None,
) -> Detected:
    """torchvision's decisions on the bundle's raw outputs for a picture."""
    stage = second_stage(cut, networks, picture, proposals, like_runtime=preference is not None)
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


def _compare_masks(
    report: ParityReport, probabilities: Tensor, masks: np.ndarray, pairs: list[tuple[int, int]]
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
