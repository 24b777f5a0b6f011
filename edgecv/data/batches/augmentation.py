"""Training and test pipelines on torchvision.transforms.v2; boxes and masks move with the image."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torchvision import tv_tensors
from torchvision.transforms import v2

# Grey that the zoom-out leaves around the image; it belongs to no mask.
FILL = {tv_tensors.Image: 127, "others": 0}


def train_pipeline(size: tuple[int, int], flip: str = "horizontal") -> v2.Compose:
    """Zoom out or an IoU-guided crop, resize, flip, colour jitter; then boxes left without area go.

    Takes (tv_tensors.Image uint8 [3, H, W], {"boxes": tv_tensors.BoundingBoxes, "labels": [N]})
    and gives the same with an image of `size`.

    Args:
        size: height and width in pixels.
        flip: `horizontal`, or `both` for images without an upright direction (from a microscope,
            from above).
    """
    # As the runtime resizes, so that training sees the same sharpness.
    return _training(v2.Resize(size, antialias=False), flip)


def instance_pipeline(min_size: int, max_size: int, flip: str = "horizontal") -> v2.Compose:
    """As `train_pipeline`, but the image keeps its shape and the target may hold "masks"
    (tv_tensors.Mask uint8 [N, H, W]).

    Args:
        min_size: of the shorter side in pixels, less where the longer one would pass `max_size`.
        flip: as `train_pipeline` takes it.
    """
    return _training(v2.Resize([min_size], max_size=max_size, antialias=False), flip)


def _training(resize: v2.Resize, flip: str) -> v2.Compose:
    return v2.Compose(
        [
            v2.RandomZoomOut(fill=FILL, side_range=(1.0, 2.0), p=0.3),
            v2.RandomIoUCrop(min_scale=0.3, trials=10),
            BoxesOfMasks(),
            resize,
            *_flips(flip),
            _jitter(),
            v2.ClampBoundingBoxes(),
            v2.SanitizeBoundingBoxes(min_size=2),
        ]
    )


class BoxesOfMasks(v2.Transform):
    """Boxes become the extents of their masks: what a crop leaves of an object is often smaller
    than what it leaves of its box. Boxes without area (cut away) stay so; an empty mask makes one.
    Without masks nothing changes."""

    def forward(self, *inputs: Any) -> Any:
        image, target = inputs
        if "masks" not in target:
            return image, target
        boxes, masks = target["boxes"], target["masks"].as_subclass(Tensor)
        x1, x2 = _first_and_end(masks.amax(1))  # [N, H, W] -> [N, W]
        y1, y2 = _first_and_end(masks.amax(2))  # [N, H, W] -> [N, H]
        tight = torch.stack([x1, y1, x2, y2], 1).to(boxes.dtype)
        tight[(boxes[:, 2:] <= boxes[:, :2]).any(1)] = 0
        return image, {**target, "boxes": tv_tensors.wrap(tight, like=boxes)}


def _first_and_end(present: Tensor) -> tuple[Tensor, Tensor]:
    """Of uint8 [N, L] of 0 and 1: the first 1 of each row, and one past the last; else 0 and 0."""
    length = present.shape[1]
    position = torch.arange(length)
    first = torch.where(present > 0, position, length).amin(1)
    end = torch.where(present > 0, position + 1, 0).amax(1)
    return torch.minimum(first, end), end


def classification_pipeline(
    size: tuple[int, int], interpolation: str = "bilinear", flip: str = "horizontal"
) -> v2.Compose:
    """A random part of the image resized to `size`, flip, colour jitter; takes and gives a
    tv_tensors.Image uint8 [3, H, W].

    Args:
        size: height and width in pixels.
        interpolation: as the input record names it.
        flip: as `train_pipeline` takes it.
    """
    mode = v2.InterpolationMode(interpolation)
    part = v2.RandomResizedCrop(size, scale=(0.25, 1.0), interpolation=mode, antialias=True)
    return v2.Compose([part, *_flips(flip), _jitter()])


def crop_pipeline(size: tuple[int, int], flip: str = "horizontal") -> v2.Compose:
    """A random crop of image and labels together, neither of them resized; flip, colour jitter.

    Takes (tv_tensors.Image uint8 [3, H, W], tv_tensors.Mask [H, W]), no smaller than the crop, and
    gives the same in `size`.
    """
    return v2.Compose([v2.RandomCrop(size), *_flips(flip), _jitter()])


def _flips(flip: str) -> list[v2.Transform]:
    flips: list[v2.Transform] = [v2.RandomHorizontalFlip()]
    return [*flips, v2.RandomVerticalFlip()] if flip == "both" else flips


def _jitter() -> v2.ColorJitter:
    return v2.ColorJitter(brightness=0.2, contrast=0.2, saturation=0.2)
