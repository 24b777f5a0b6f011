"""Training images of their own sizes, with masks where a model learns them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset
from torchvision import tv_tensors
from torchvision.transforms import v2

from ..reading.masks import decode_masks
from ..reading.records import Record
from .decoded_images import DecodedImages


class Instances(NamedTuple):
    """One image: uint8 [3, H, W] RGB; boxes float32 [N, 4] xyxy in its pixels; labels int64 [N],
    indices of the data set's labels; masks uint8 [N, H, W] of 0 and 1, None for boxes only."""

    image: Tensor
    boxes: Tensor
    labels: Tensor
    masks: Tensor | None


class InstanceBatch(NamedTuple):
    """Images of different sizes; `objects` as torchvision's detectors take them."""

    images: list[Tensor]
    objects: list[dict[str, Tensor]]

    def targets(self) -> list[dict[str, Tensor]]:
        """boxes, labels from 1, and masks if there are any."""
        return [dict(entry) for entry in self.objects]


class TrainingInstances(Dataset[Instances]):
    """Gives `Instances` after the pipeline; objects marked `ignore` are left out, and where masks
    are learnt those without a mask too.

    Args:
        records: with masks, if `masks`.
        pipeline: takes and gives (image, {"boxes", "labels"} and "masks" if `masks`).
        masks: whether the model learns them.
    """

    def __init__(self, records: list[Record], pipeline: v2.Compose, masks: bool) -> None:
        self.records = records
        self.pipeline = pipeline
        self.masks = masks
        self._image = DecodedImages([record.image for record in records])

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, index: int) -> Instances:
        record = self.records[index]
        rgb = torch.from_numpy(self._image(index)).permute(2, 0, 1)  # [H, W, 3] -> [3, H, W]
        size = (int(rgb.shape[1]), int(rgb.shape[2]))
        kept = ~record.ignore
        if self.masks:
            assert record.masks is not None
            kept &= np.array([code is not None for code in record.masks], np.bool_)
        target = {
            "boxes": tv_tensors.BoundingBoxes(
                torch.from_numpy(record.boxes[kept]), format="XYXY", canvas_size=size
            ),
            "labels": torch.from_numpy(record.labels[kept]),
        }
        if self.masks:
            masks = zip(record.masks or [], kept, strict=True)
            codes = [code for code, keep in masks if keep and code is not None]
            target["masks"] = tv_tensors.Mask(torch.from_numpy(decode_masks(codes, size)))
        image, target = self.pipeline(tv_tensors.Image(rgb), target)
        return Instances(
            image.as_subclass(Tensor),
            target["boxes"].as_subclass(Tensor).float(),
            target["labels"],
            target["masks"].as_subclass(Tensor) if self.masks else None,
        )


def collate_instances(samples: list[Instances]) -> InstanceBatch:
    """Nothing is padded here: torchvision's detectors pad after they normalise."""
    objects = []
    for sample in samples:
        entry = {"boxes": sample.boxes, "labels": sample.labels + 1}
        if sample.masks is not None:
            entry["masks"] = sample.masks
        objects.append(entry)
    return InstanceBatch([sample.image for sample in samples], objects)
