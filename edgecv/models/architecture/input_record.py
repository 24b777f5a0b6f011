"""Input records: how a picture becomes the tensor that a network takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torchvision.models.detection.transform import GeneralizedRCNNTransform

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def input_record(transform: GeneralizedRCNNTransform) -> dict[str, Any]:
    """Of a detector that normalises by itself, read from its own transform.

    What the transform does in evaluation mode, as the record `input` of a bundle.

    A transform with a fixed size stretches; any other scales the shorter edge to its `min_size`,
    the longer one to `max_size` at most, and pads both sides to a multiple of `size_divisible`.
    """
    fixed = transform.fixed_size is not None
    width, height = transform.fixed_size or (transform.min_size[-1],) * 2
    return {
        "color": "rgb",
        "size": [int(height), int(width)],
        "resize": "stretch" if fixed else "shortest_edge",
        "max_size": None if fixed else int(transform.max_size),
        "align": "center",
        "crop": None,
        "interpolation": "bilinear",
        "antialias": False,
        "scale": 1 / 255,
        "mean": [float(value) for value in transform.image_mean],
        "std": [float(value) for value in transform.image_std],
        "pad_value": 0.0,
        "pad_multiple": int(transform.size_divisible),
        "dtype": "float32",
        "layout": "nchw",
    }


def centre_record(
    edge: int,
    crop: Sequence[int],
    mean: Sequence[float],
    std: Sequence[float],
    interpolation: str = "bilinear",
    antialias: bool = True,
) -> dict[str, Any]:
    """Of a classifier: the shorter side resized to `edge`, then the centre of `crop` (h, w)."""
    record = native_record(mean, std)
    return record | {
        "size": [int(edge), int(edge)],
        "resize": "shortest_edge",
        "crop": [int(side) for side in crop],
        "interpolation": interpolation,
        "antialias": antialias,
    }


def imagenet_record() -> dict[str, Any]:
    """Of most of torchvision's classifiers."""
    return centre_record(256, (224, 224), IMAGENET_MEAN, IMAGENET_STD)


def native_record(mean: Sequence[float], std: Sequence[float]) -> dict[str, Any]:
    """Of a network that takes pictures in their own size; mean and std of RGB in 0..1."""
    return {
        "color": "rgb",
        "size": None,
        "resize": "none",
        "max_size": None,
        "align": "center",
        "crop": None,
        "interpolation": "bilinear",
        "antialias": False,
        "scale": 1 / 255,
        "mean": [float(value) for value in mean],
        "std": [float(value) for value in std],
        "pad_value": 0.0,
        "pad_multiple": 1,
        "dtype": "float32",
        "layout": "nchw",
    }
