"""torchvision's steps around the graphs of the golden two-stage bundle."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import onnxruntime
import torch
from torchvision.models.detection._utils import BoxCoder
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.roi_heads import RoIHeads, paste_masks_in_image
from torchvision.models.detection.rpn import RegionProposalNetwork, concat_box_prediction_layers
from torchvision.models.detection.transform import GeneralizedRCNNTransform, resize_boxes
from torchvision.ops.poolers import LevelMapper

LEVELS = 2


class Expected(NamedTuple):
    boxes: np.ndarray
    scores: np.ndarray
    labels: np.ndarray
    masks: np.ndarray
    proposals: int


class Oracle:
    """GeneralizedRCNN.forward, with ONNX Runtime in place of its modules."""

    def __init__(self, bundle: Path) -> None:
        self.sessions = {
            role: onnxruntime.InferenceSession(
                bundle / f"{role}.onnx", providers=["CPUExecutionProvider"]
            )
            for role in ("trunk", "roi", "mask")
        }
        self.transform = GeneralizedRCNNTransform(
            64, 128, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225], size_divisible=16
        ).eval()
        self.rpn = RegionProposalNetwork(
            AnchorGenerator(((16,), (32,)), ((0.5, 1.0),) * 2),
            torch.nn.Identity(),
            0.7,
            0.3,
            1,
            0.5,
            {"training": 1, "testing": 60},
            {"training": 1, "testing": 40},
            0.7,
        ).eval()
        self.heads = SimpleNamespace(
            box_coder=BoxCoder((10.0, 10.0, 5.0, 5.0)),
            score_thresh=0.4,
            nms_thresh=0.5,
            detections_per_img=20,
        )
        self.mapper = LevelMapper(3, 4, 32, 4)

    def run(self, role: str, feeds: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        session = self.sessions[role]
        results = session.run(None, {name: value.numpy() for name, value in feeds.items()})
        names = [output.name for output in session.get_outputs()]
        return {name: torch.from_numpy(value) for name, value in zip(names, results, strict=True)}

    def pooled(
        self,
        role: str,
        features: dict[str, torch.Tensor],
        boxes: torch.Tensor,
        **more: torch.Tensor,
    ) -> dict[str, torch.Tensor]:
        """The graph on boxes split by level; its outputs in the boxes' own order."""
        levels = self.mapper([boxes])
        order = torch.cat([torch.where(levels == level)[0] for level in range(LEVELS)])
        split = {f"boxes_{level}": boxes[levels == level] for level in range(LEVELS)}
        ordered = {name: value[order] for name, value in more.items()}
        outputs = self.run(role, {**features, **split, **ordered})
        return {name: value[torch.argsort(order)] for name, value in outputs.items()}

    @torch.inference_mode()
    def __call__(self, image_bgr: np.ndarray, given: np.ndarray | None = None) -> Expected:
        picture = torch.from_numpy(image_bgr[:, :, ::-1].copy()).permute(2, 0, 1) / 255
        size = (int(picture.shape[1]), int(picture.shape[2]))
        images, _ = self.transform([picture])
        trunk = self.run("trunk", {"images": images.tensors})
        features = {f"features_{level}": trunk[f"features_{level}"] for level in range(LEVELS)}
        if given is None:
            proposals = self.propose(images, trunk)
        else:
            proposals = resize_boxes(torch.from_numpy(given), size, images.image_sizes[0])
        found = self.pooled("roi", features, proposals)
        boxes, scores, labels = (
            one[0]
            for one in RoIHeads.postprocess_detections(
                self.heads, found["logits"], found["deltas"], [proposals], images.image_sizes
            )
        )
        masks = torch.zeros(0, 1, 4, 4)
        if len(boxes):
            masks = self.pooled("mask", features, boxes, labels=labels)["masks"]
        boxes = resize_boxes(boxes, images.image_sizes[0], size)
        frames = paste_masks_in_image(masks, boxes, size)[:, 0] > 0.5
        return Expected(
            boxes.numpy(), scores.numpy(), labels.numpy() - 1, frames.numpy(), len(proposals)
        )

    def propose(self, images: ImageList, trunk: dict[str, torch.Tensor]) -> torch.Tensor:
        objectness = [trunk[f"objectness_{level}"] for level in range(LEVELS)]
        deltas = [trunk[f"deltas_{level}"] for level in range(LEVELS)]
        features = [trunk[f"features_{level}"] for level in range(LEVELS)]
        anchors = self.rpn.anchor_generator(images, features)
        counts = [int(level[0].numel()) for level in objectness]
        logits, offsets = concat_box_prediction_layers(objectness, deltas)
        boxes = self.rpn.box_coder.decode(offsets, anchors).view(1, -1, 4)
        proposals, _ = self.rpn.filter_proposals(boxes, logits, images.image_sizes, counts)
        return proposals[0]
