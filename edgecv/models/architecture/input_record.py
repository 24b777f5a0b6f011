"""Input records: how an image becomes the tensor that a network takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypedDict

if TYPE_CHECKING:
    from torchvision.models.detection.transform import GeneralizedRCNNTransform

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of RGB in 0..1


class InputRecord(TypedDict):
    """The record `input` of bundle.json and of checkpoints. docs/bundle.md explains the values.

    color: `rgb`, `bgr` or `gray`; size: [height, width] in pixels or None; resize: `none`,
    `stretch`, `shortest_edge` or `letterbox`; max_size: limit of the longer side in pixels; align:
    `center` or `top_left`; crop: [height, width] of the centre that is cut out; interpolation:
    `bilinear`, `bicubic` or `nearest`; scale, mean, std: (value * scale - mean) / std; pad_value:
    after normalisation; pad_multiple: sides are padded to multiples of it.
    """

    color: str
    size: list[int] | None
    resize: str
    max_size: int | None
    align: str
    crop: list[int] | None
    interpolation: str
    antialias: bool
    scale: float
    mean: list[float]
    std: list[float]
    pad_value: float
    pad_multiple: int
    dtype: str
    layout: str


def input_of(module: Any) -> InputRecord | None:
    """The input record that a module holds in its attribute `input`; None if it has none."""
    record: InputRecord | None = getattr(module, "input", None)
    return record


def height_width(sides: Sequence[int] | None) -> tuple[int, int]:
    """`size` or `crop` of a record that has it."""
    assert sides is not None
    height, width = sides
    return height, width


def native_record(mean: Sequence[float], std: Sequence[float]) -> InputRecord:
    """Of a network that takes images in their own size; mean and std of RGB in 0..1."""
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


def stretched_record(
    size: Sequence[int], mean: Sequence[float], std: Sequence[float]
) -> InputRecord:
    """Of a network whose images are stretched to `size` (height, width)."""
    return {**native_record(mean, std), "size": [int(side) for side in size], "resize": "stretch"}


def input_record(transform: GeneralizedRCNNTransform) -> InputRecord:
    """Of a detector that normalises by itself: what its transform does in evaluation mode.

    A transform with a fixed size stretches. Any other scales the shorter side to its `min_size`,
    the longer one to `max_size` at most, and pads both sides to a multiple of `size_divisible`.
    """
    fixed = transform.fixed_size is not None
    width, height = transform.fixed_size or (transform.min_size[-1],) * 2
    return {
        **stretched_record((height, width), transform.image_mean, transform.image_std),
        "resize": "stretch" if fixed else "shortest_edge",
        "max_size": None if fixed else int(transform.max_size),
        "pad_multiple": int(transform.size_divisible),
    }


def transform_input(module: Any, arguments: dict[str, Any]) -> InputRecord:
    """`Architecture.input` of torchvision's detectors."""
    return input_record(module.transform)


def centre_record(
    edge: int,
    crop: Sequence[int],
    mean: Sequence[float],
    std: Sequence[float],
    interpolation: str = "bilinear",
    antialias: bool = True,
) -> InputRecord:
    """Of a classifier: the shorter side resized to `edge`, then the centre of `crop` (h, w)."""
    return {
        **native_record(mean, std),
        "size": [int(edge), int(edge)],
        "resize": "shortest_edge",
        "crop": [int(side) for side in crop],
        "interpolation": interpolation,
        "antialias": antialias,
    }


def imagenet_record() -> InputRecord:
    """Of most of torchvision's classifiers."""
    return centre_record(256, (224, 224), IMAGENET_MEAN, IMAGENET_STD)
