"""A small multiscale SSD (arXiv 1512.02325): a light backbone, five feature maps."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models.detection._utils import BoxCoder
from torchvision.ops import batched_nms, clip_boxes_to_image

from edgecv_runtime import ops

from .architecture.input_record import IMAGENET_MEAN, IMAGENET_STD, stretched_record
from .architecture.record import Architecture, own_input
from .registry import register

# Sides of the anchors as fractions of the input's height, two for each feature map.
SCALES = ((0.08, 0.12), (0.18, 0.26), (0.36, 0.45), (0.55, 0.67), (0.8, 0.95))
RATIOS = (1.0, 2.0, 0.5)


def _conv(channels_in: int, channels_out: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, 3, stride, padding=1, bias=False),
        nn.BatchNorm2d(channels_out),
        nn.ReLU(inplace=True),
    )


class _Largest(nn.Module):
    """The largest value of each channel, [B, C, 1, 1]: as AdaptiveMaxPool2d(1), which torch.onnx
    cannot export before 2.11."""

    def forward(self, features: Tensor) -> Tensor:
        return features.amax((2, 3), keepdim=True)


class SsdTinyHead(nn.Module):
    """Class and box predictions by 3x3 convolutions on each feature map."""

    def __init__(self, channels: list[int], anchors_per_cell: list[int], num_classes: int) -> None:
        super().__init__()
        self.num_classes = num_classes
        levels = list(zip(channels, anchors_per_cell, strict=True))
        self.classes = nn.ModuleList(nn.Conv2d(c, a * num_classes, 3, padding=1) for c, a in levels)
        self.boxes = nn.ModuleList(nn.Conv2d(c, a * 4, 3, padding=1) for c, a in levels)
        for convolution in [*self.classes, *self.boxes]:
            nn.init.xavier_uniform_(convolution.weight)
            nn.init.zeros_(convolution.bias)

    def forward(self, features: list[Tensor]) -> tuple[Tensor, Tensor]:
        logits, deltas = [], []
        for x, classes, boxes in zip(features, self.classes, self.boxes, strict=True):
            # [B, a * k, h, w] -> [B, h * w * a * k]
            logits.append(classes(x).permute(0, 2, 3, 1).flatten(1))
            deltas.append(boxes(x).permute(0, 2, 3, 1).flatten(1))
        return (
            torch.cat(logits, 1).unflatten(1, (-1, self.num_classes)),
            torch.cat(deltas, 1).unflatten(1, (-1, 4)),
        )


class SsdTiny(nn.Module):
    """Takes and gives what torchvision's detectors take and give.

    In training mode `module(images, targets)` returns the losses `classification` and
    `bbox_regression`; in evaluation mode `module(images)` returns for each image `boxes` (float32
    [N, 4], xyxy in pixels of that image), `labels` (int64 [N], 1 and up) and `scores` (float32 [N],
    falling). `images` are float32 [3, H, W], RGB in 0..1, of any size: each is stretched to `size`.

    Args:
        num_classes: classes, the background included.
        size: height and width of the network's input in pixels, each at least 64.
        scales: anchor sides as fractions of the input's height, a sequence for each feature map.
        ratios: width : height of the anchors in pixels, the same for each feature map.
        width: channels at a quarter of the input's size; deeper maps have 2 and 4 times as many.
    """

    def __init__(
        self,
        num_classes: int,
        size: tuple[int, int] = (256, 256),
        scales: tuple[tuple[float, ...], ...] = SCALES,
        ratios: tuple[float, ...] = RATIOS,
        width: int = 32,
        score_threshold: float = 0.01,
        iou_threshold: float = 0.45,
        topk_candidates: int = 400,
        max_detections: int = 200,
    ) -> None:
        super().__init__()
        if num_classes < 2:
            raise ValueError(
                f"num_classes is {num_classes}; it counts the background, so at least 2"
            )
        if len(scales) != 5:
            raise ValueError(f"scales has {len(scales)} entries; expected one for each of 5 levels")
        height, width_px = size
        if min(size) < 64:
            raise ValueError(f"size is {height}x{width_px}; expected at least 64x64")
        self.size = (int(height), int(width_px))
        self.num_classes = num_classes
        self.score_threshold = score_threshold
        self.iou_threshold = iou_threshold
        self.topk_candidates = topk_candidates
        self.max_detections = max_detections
        self.box_coder = BoxCoder(weights=(10.0, 10.0, 5.0, 5.0))

        w = width
        channels = [2 * w, 4 * w, 4 * w, 4 * w, 4 * w]
        self.stages = nn.ModuleList(
            [
                nn.Sequential(
                    _conv(3, w // 2, 2), _conv(w // 2, w, 2), _conv(w, w),
                    _conv(w, 2 * w, 2), _conv(2 * w, 2 * w), _conv(2 * w, 2 * w),
                ),
                nn.Sequential(_conv(2 * w, 4 * w, 2), _conv(4 * w, 4 * w), _conv(4 * w, 4 * w)),
                nn.Sequential(_conv(4 * w, 4 * w, 2), _conv(4 * w, 4 * w)),
                nn.Sequential(_conv(4 * w, 4 * w, 2), _conv(4 * w, 4 * w)),
                _Largest(),
            ]
        )  # fmt: skip
        for module in self.stages.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        anchors_per_cell = [len(level) + len(ratios) - 1 for level in scales]
        self.head = SsdTinyHead(channels, anchors_per_cell, num_classes)

        sizes = [
            tuple(math.ceil(side / stride) for side in self.size) for stride in (8, 16, 32, 64)
        ]
        self.anchor_spec: dict[str, Any] = {
            "kind": "multibox_prior",
            "feature_sizes": [list(s) for s in sizes] + [[1, 1]],
            "scales": [list(level) for level in scales],
            "ratios": [list(ratios) for _ in scales],
            "pixel_ratios": True,
        }
        self.input = stretched_record(self.size, IMAGENET_MEAN, IMAGENET_STD)
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(3, 1, 1), persistent=False)
        anchors = torch.from_numpy(self._anchors())
        self.register_buffer("anchors", anchors, persistent=False)
        self.anchors: Tensor
        self.mean: Tensor
        self.std: Tensor

    def _anchors(self) -> np.ndarray:
        height, width = self.size
        spec = self.anchor_spec
        levels = [
            ops.multibox_prior(tuple(feature), scales, ratios, image_size=self.size)
            for feature, scales, ratios in zip(
                spec["feature_sizes"], spec["scales"], spec["ratios"], strict=True
            )
        ]
        return np.concatenate(levels) * np.array([width, height, width, height], np.float32)

    def forward_head(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Raw outputs for normalised images float32 [B, 3, H, W] of the input's size.

        Returns:
            logits [B, A, num_classes], background first, and deltas [B, A, 4], anchors level by
            level, cells row by row.
        """
        features = []
        for stage in self.stages:
            images = stage(images)
            features.append(images)
        return self.head(features)

    def forward(
        self, images: list[Tensor], targets: list[dict[str, Tensor]] | None = None
    ) -> dict[str, Tensor] | list[dict[str, Tensor]]:
        sizes = [(image.shape[-2], image.shape[-1]) for image in images]
        logits, deltas = self.forward_head(torch.stack([self.prepare(i) for i in images]))
        if self.training:
            if targets is None:
                raise ValueError("targets are missing; training needs boxes and labels")
            boxes = [self._to_input(t["boxes"], s) for t, s in zip(targets, sizes, strict=True)]
            return self.losses(logits, deltas, boxes, [t["labels"] for t in targets])
        return [self._detections(*outputs) for outputs in zip(logits, deltas, sizes, strict=True)]

    def prepare(self, image: Tensor) -> Tensor:
        if tuple(image.shape[-2:]) != self.size:
            image = F.interpolate(image[None], self.size, mode="bilinear", align_corners=False)[0]
        return (image - self.mean) / self.std

    def _scale(self, image_size: tuple[int, int]) -> Tensor:
        scale_y, scale_x = (own / of for own, of in zip(self.size, image_size, strict=True))
        return torch.tensor([scale_x, scale_y, scale_x, scale_y], device=self.anchors.device)

    def _to_input(self, boxes: Tensor, image_size: tuple[int, int]) -> Tensor:
        return boxes * self._scale(image_size)

    def losses(
        self, logits: Tensor, deltas: Tensor, boxes: list[Tensor], labels: list[Tensor]
    ) -> dict[str, Tensor]:
        """Cross-entropy over the assigned anchors and the hardest others, smooth L1 on the offsets.

        `boxes` ([N, 4] xyxy in pixels of the network's input) and `labels` ([N], 1 and up) are one
        pair for each image.
        """
        classes = torch.zeros(logits.shape[:2], dtype=torch.int64)  # [B, A], 0 is the background
        offsets = []
        anchors = self.anchors.cpu().numpy()
        for row, image_boxes, image_labels in zip(classes, boxes, labels, strict=True):
            truth = image_boxes.cpu().numpy().astype(np.float32)
            assigned = ops.assign_anchors(anchors, truth, iou_threshold=0.5)
            matched = np.flatnonzero(assigned >= 0)
            index = assigned[matched]
            row[matched] = image_labels.cpu()[index]
            offsets.append(ops.encode_boxes(truth[index], anchors[matched], (10, 10, 5, 5)))
        classes = classes.to(logits.device)
        positive = classes > 0
        count = max(int(positive.sum()), 1)

        error = F.cross_entropy(logits.float().flatten(0, 1), classes.flatten(), reduction="none")
        others = error.detach().masked_fill(positive.flatten(), -math.inf)
        # Over the whole minibatch, so that images without objects teach the background too.
        hardest = others.topk(min(3 * count, int((~positive).sum()))).indices
        classification = (error[positive.flatten()].sum() + error[hardest].sum()) / count

        wanted = torch.from_numpy(np.concatenate(offsets)).to(deltas.device)
        regression = F.smooth_l1_loss(deltas[positive].float(), wanted, reduction="sum") / count
        return {"classification": classification, "bbox_regression": regression}

    def _detections(
        self, logits: Tensor, deltas: Tensor, image_size: tuple[int, int]
    ) -> dict[str, Tensor]:
        probabilities = logits.float().softmax(-1)
        decoded = self.box_coder.decode_single(deltas.float(), self.anchors)
        decoded = clip_boxes_to_image(decoded, self.size)
        boxes, scores, labels = [], [], []
        for label in range(1, self.num_classes):
            score = probabilities[:, label]
            candidates = (score > self.score_threshold).nonzero().flatten()
            score, order = score[candidates].topk(min(self.topk_candidates, len(candidates)))
            boxes.append(decoded[candidates[order]])
            scores.append(score)
            labels.append(torch.full_like(order, label))
        all_boxes, all_scores, all_labels = torch.cat(boxes), torch.cat(scores), torch.cat(labels)
        keep = batched_nms(all_boxes, all_scores, all_labels, self.iou_threshold)
        keep = keep[: self.max_detections]
        return {
            "boxes": all_boxes[keep] / self._scale(image_size),
            "labels": all_labels[keep],
            "scores": all_scores[keep],
        }


register(Architecture("ssd_tiny", "detect", SsdTiny, own_input))
