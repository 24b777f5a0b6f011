"""Which shapes an engine is built for: from the bundle's manifest and the user's wishes."""

from __future__ import annotations

import math
from dataclasses import dataclass

from edgecv_runtime import GraphFile, InputError, InputSpec, Manifest, TensorSpec
from edgecv_runtime._core import RcnnSpec, StylizeSpec
from edgecv_runtime.engines.built.record import ShapeRange

Numbers = tuple[int, int, int]  # smallest, typical, largest
Sizes = tuple[tuple[int, int], tuple[int, int], tuple[int, int]]  # (height, width) of these

# Of images without a size of their own: up to full HD.
_ANY_SIZE: Sizes = ((64, 64), (720, 1280), (1088, 1920))
_CALLERS_BOXES: Numbers = (1, 300, 2000)


@dataclass(frozen=True)
class ShapeWishes:
    """Ranges that the user gives; None leaves them to the bundle.

    Attributes:
        batch: images in one run.
        height_width: of the network's input, in pixels.
        boxes: in one run of a second stage.
    """

    batch: Numbers | None = None
    height_width: Sizes | None = None
    boxes: Numbers | None = None


def shape_ranges(
    manifest: Manifest, role: str, graph: GraphFile, wishes: ShapeWishes
) -> dict[str, ShapeRange]:
    """A range for each input of the graph that has lengths left open.

    Raises:
        InputError: a wish that the graph cannot fulfil.
    """
    if role in ("main", "trunk"):
        (images,) = graph.inputs
        shape = images.shape
        batch, sizes = _batch(shape[0], wishes), _sizes(manifest.input, images, wishes)
        if -1 not in shape:
            return {}
        ranges = [
            _image_shape(manifest.input, n, size) for n, size in zip(batch, sizes, strict=True)
        ]
        return {images.name: ShapeRange(*ranges)}
    if isinstance(manifest.postprocess, StylizeSpec):
        return _tiles(manifest.postprocess, role, graph)
    return _second_stage(manifest, role, graph, wishes)


def check_wishes(manifest: Manifest, wishes: ShapeWishes) -> None:
    """Raises InputError for a wish that no graph of the bundle has a use for."""
    if wishes.boxes is not None and not isinstance(manifest.postprocess, RcnnSpec):
        raise InputError("`boxes`: this bundle has no second stage that takes boxes; leave it out")


def _batch(length: int, wishes: ShapeWishes) -> Numbers:
    if length == -1:
        return wishes.batch or (1, 1, 1)
    if wishes.batch not in (None, (length, length, length)):
        raise InputError(
            f"`ShapeWishes.batch`: the graph takes {length} images in a run and no other number: "
            "leave it out"
        )
    return (length, length, length)


def _sizes(spec: InputSpec, images: TensorSpec, wishes: ShapeWishes) -> Sizes:
    nchw = spec.layout == "nchw"
    height, width = images.shape[2:] if nchw else images.shape[1:3]
    if height != -1 and width != -1:
        fixed = (height, width)
        if wishes.height_width not in (None, (fixed,) * 3):
            raise InputError(
                f"`height_width`: the graph takes {height}x{width} and nothing else: leave it out"
            )
        return (fixed, fixed, fixed)
    if wishes.height_width is None:
        return _sizes_of_record(spec)
    for h, w in wishes.height_width:
        if h % spec.pad_multiple or w % spec.pad_multiple:
            raise InputError(
                f"`height_width={h}x{w}`: expected multiples of {spec.pad_multiple}, "
                "to which the bundle pads images"
            )
    return wishes.height_width


def _sizes_of_record(spec: InputSpec) -> Sizes:
    """What the input record's resize can give; one size where it always gives the same."""

    def padded(height: float, width: float) -> tuple[int, int]:
        multiple = spec.pad_multiple
        return (
            math.ceil(height / multiple) * multiple,
            math.ceil(width / multiple) * multiple,
        )

    if spec.crop is not None:
        fixed = padded(*spec.crop)
        return (fixed, fixed, fixed)
    if spec.size is None:
        smallest, typical, largest = _ANY_SIZE
        return padded(*smallest), padded(*typical), padded(*largest)
    if spec.resize != "shortest_edge":
        fixed = padded(*spec.size)
        return (fixed, fixed, fixed)
    short = spec.size[0]
    long = spec.max_size or 2 * short
    # Of a panorama the longer side decides, and the shorter one is below `short`: half allows
    # images nearly four times as wide as high.
    smallest = padded(short / 2, short / 2)
    return smallest, padded(short, long), padded(max(short, long), max(short, long))


def _image_shape(spec: InputSpec, count: int, size: tuple[int, int]) -> tuple[int, ...]:
    channels = 1 if spec.color == "gray" else 3
    return (count, channels, *size) if spec.layout == "nchw" else (count, *size, channels)


def _second_stage(
    manifest: Manifest, role: str, graph: GraphFile, wishes: ShapeWishes
) -> dict[str, ShapeRange]:
    spec = manifest.postprocess
    assert isinstance(spec, RcnnSpec)
    (images,) = manifest.graphs["trunk"][0].inputs
    sizes = _sizes(manifest.input, images, wishes)
    boxes = wishes.boxes or _boxes(spec, role)
    ranges = {}
    for port in graph.inputs:
        if -1 not in port.shape:
            continue
        if port.name in spec.features:
            scale = spec.levels.scales[spec.features.index(port.name)]
            ranges[port.name] = _feature_range(port, sizes, scale)
        else:
            ranges[port.name] = ShapeRange(*((n, *port.shape[1:]) for n in boxes))
    return ranges


def _tiles(spec: StylizeSpec, role: str, graph: GraphFile) -> dict[str, ShapeRange]:
    """Of the graphs that stylize tile by tile: thumbnails of any shape, tiles cut by the image."""
    assert spec.tiles is not None
    least = (spec.smallest_side, spec.smallest_side)
    thumbnail = spec.tiles.thumbnail
    typical, largest = spec.tiles.size, spec.tiles.size
    if role == "statistics":
        typical, largest = (thumbnail * 9 // 16, thumbnail), (thumbnail, thumbnail)
    ranges = {}
    for port in graph.inputs:
        if -1 in port.shape:
            ranges[port.name] = ShapeRange(*((1, 3, *size) for size in (least, typical, largest)))
    return ranges


def _boxes(spec: RcnnSpec, role: str) -> Numbers:
    if role == "mask":
        most = spec.box_head.max_detections
        return (1, min(10, most), most)
    if spec.rpn is None:
        return _CALLERS_BOXES
    return (1, spec.rpn.post_nms_top_n, spec.rpn.post_nms_top_n)


def _feature_range(port: TensorSpec, sizes: Sizes, scale: float) -> ShapeRange:
    """A feature map has its part of the image's cells; backbones round up or down."""
    (low, typical, high) = sizes
    channels = port.shape[:2]
    return ShapeRange(
        (*channels, *(max(1, math.floor(n * scale)) for n in low)),
        (*channels, *(math.ceil(n * scale) for n in typical)),
        (*channels, *(math.ceil(n * scale) for n in high)),
    )
