"""Labelled images as torch minibatches: decoding with a cache, augmentation, padding of boxes."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.utils.data import Dataset
from torchvision import tv_tensors
from torchvision.transforms import v2

from ..reading.records import Record
from .decoded_images import DecodedImages

PADDING = -1


class Minibatch(NamedTuple):
    """images uint8 [B, 3, H, W] RGB; boxes float32 [B, M, 4] xyxy in pixels of them; labels int64
    [B, M], indices of the data set's labels. Rows beyond an image's boxes hold -1."""

    images: Tensor
    boxes: Tensor
    labels: Tensor

    def targets(self) -> list[dict[str, Tensor]]:
        """Without padding, as torchvision's detectors take them: labels count from 1."""
        rows = [labels != PADDING for labels in self.labels]
        return [
            {"boxes": boxes[row], "labels": labels[row] + 1}
            for boxes, labels, row in zip(self.boxes, self.labels, rows, strict=True)
        ]


Sample = tuple[Tensor, Tensor, Tensor]


class TrainingImages(Dataset[Sample]):
    """Gives (image, boxes, labels) after the pipeline; boxes marked `ignore` are left out."""

    def __init__(self, records: list[Record], pipeline: v2.Compose) -> None:
        self.records = records
        self.pipeline = pipeline
        self._image = DecodedImages([record.image for record in records])

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, index: int) -> Sample:
        record = self.records[index]
        rgb = torch.from_numpy(self._image(index)).permute(2, 0, 1)  # [H, W, 3] -> [3, H, W]
        boxes = tv_tensors.BoundingBoxes(
            torch.from_numpy(record.boxes[~record.ignore]),
            format="XYXY",
            canvas_size=tuple(rgb.shape[-2:]),
        )
        labels = torch.from_numpy(record.labels[~record.ignore])
        image, target = self.pipeline(tv_tensors.Image(rgb), {"boxes": boxes, "labels": labels})
        return (
            image.as_subclass(Tensor),
            target["boxes"].as_subclass(Tensor).float(),
            target["labels"],
        )


def collate(samples: list[Sample]) -> Minibatch:
    """Stacks images of one size; boxes and labels are padded with -1 to the longest list."""
    images, boxes, labels = zip(*samples, strict=True)
    longest = max(len(rows) for rows in labels)
    padded_boxes = torch.full((len(samples), longest, 4), float(PADDING))
    padded_labels = torch.full((len(samples), longest), PADDING, dtype=torch.int64)
    for i, (own_boxes, own_labels) in enumerate(zip(boxes, labels, strict=True)):
        padded_boxes[i, : len(own_boxes)] = own_boxes
        padded_labels[i, : len(own_labels)] = own_labels
    return Minibatch(torch.stack(images), padded_boxes, padded_labels)
