"""The input record of detectors that normalise by themselves, read from their own transform."""

from __future__ import annotations

from typing import Any

from torchvision.models.detection.transform import GeneralizedRCNNTransform


def input_record(transform: GeneralizedRCNNTransform) -> dict[str, Any]:
    """What the transform does in evaluation mode, as the record `input` of a bundle.

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
