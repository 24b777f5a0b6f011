"""Operations on boxes and images, on NumPy arrays, done by the C++ core.

Names and argument orders follow ``torchvision.ops`` where a twin exists. A box is four floats,
``xyxy`` (x1, y1, x2, y2) unless said otherwise. Arrays of another float or integer dtype are
converted; a wrong shape raises :class:`edgecv.InputError`. The examples need ``import edgecv`` and
``import numpy as np``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv_runtime import _core
from edgecv_runtime._core import InputError, InputSpec
from edgecv_runtime.results.masks import Masks

Float32 = npt.NDArray[np.float32]
Int64 = npt.NDArray[np.int64]

__all__ = [
    "assign_anchors",
    "batched_nms",
    "box_convert",
    "box_iou",
    "clip_boxes_to_image",
    "decode_boxes",
    "encode_boxes",
    "generate_anchors",
    "linear_assignment",
    "multibox_prior",
    "nms",
    "paste_mask_crops",
    "paste_masks",
    "preprocess",
    "sliding_windows",
]


def nms(boxes: npt.ArrayLike, scores: npt.ArrayLike, iou_threshold: float) -> Int64:
    """Greedy non-maximum suppression.

    Args:
        boxes: float32 ``[N, 4]``, xyxy.
        scores: float32 ``[N]``.
        iou_threshold: a box goes when its IoU with a better one that was kept is above this.

    Returns:
        int64 ``[K]``: indices of the boxes kept, by falling score; equal scores by rising index.

    Example:
        >>> boxes = [[0, 0, 4, 4], [1, 0, 5, 4], [8, 8, 9, 9]]
        >>> edgecv.ops.nms(boxes, [0.9, 0.8, 0.7], iou_threshold=0.5).tolist()
        [0, 2]
    """
    xyxy = _boxes(boxes, "boxes")
    return _core.nms(xyxy, _vector(scores, "scores", len(xyxy), np.float32), iou_threshold)


def batched_nms(
    boxes: npt.ArrayLike,
    scores: npt.ArrayLike,
    labels: npt.ArrayLike,
    iou_threshold: float,
    max_kept: int = -1,
) -> Int64:
    """:func:`nms` within each label.

    Args:
        boxes: float32 ``[N, 4]``, xyxy.
        scores: float32 ``[N]``.
        labels: int64 ``[N]``; boxes of different labels do not suppress each other.
        iou_threshold: as in :func:`nms`.
        max_kept: stop once this many are kept (they are the best); -1 for no limit.

    Returns:
        int64 ``[K]``: indices of the boxes kept, by falling score.

    Example:
        >>> boxes = [[0, 0, 4, 4], [1, 0, 5, 4], [1, 0, 5, 4]]
        >>> edgecv.ops.batched_nms(boxes, [0.9, 0.8, 0.7], [0, 0, 1], iou_threshold=0.5).tolist()
        [0, 2]
    """
    xyxy = _boxes(boxes, "boxes")
    return _core.batched_nms(
        xyxy,
        _vector(scores, "scores", len(xyxy), np.float32),
        _vector(labels, "labels", len(xyxy), np.int64),
        iou_threshold,
        max_kept,
    )


def box_iou(boxes1: npt.ArrayLike, boxes2: npt.ArrayLike) -> Float32:
    """Intersection over union of each of N boxes with each of M.

    Args:
        boxes1: float32 ``[N, 4]``, xyxy.
        boxes2: float32 ``[M, 4]``, xyxy.

    Returns:
        float32 ``[N, M]`` in 0..1; NaN where both boxes have no area.

    Example:
        >>> edgecv.ops.box_iou([[0, 0, 4, 4]], [[0, 0, 4, 4], [0, 0, 2, 4], [8, 8, 9, 9]]).tolist()
        [[1.0, 0.5, 0.0]]
    """
    return _core.box_iou(_boxes(boxes1, "boxes1"), _boxes(boxes2, "boxes2"))


def box_convert(boxes: npt.ArrayLike, in_fmt: str, out_fmt: str) -> Float32:
    """Boxes from one format to another.

    Args:
        boxes: float32 ``[N, 4]``.
        in_fmt: ``"xyxy"`` (corners), ``"cxcywh"`` (centre, size) or ``"xywh"`` (corner, size).
        out_fmt: likewise.

    Returns:
        float32 ``[N, 4]``.

    Example:
        >>> edgecv.ops.box_convert([[0, 0, 4, 2]], "xyxy", "cxcywh").tolist()
        [[2.0, 1.0, 4.0, 2.0]]
    """
    return _core.box_convert(_boxes(boxes, "boxes"), in_fmt, out_fmt)


def clip_boxes_to_image(boxes: npt.ArrayLike, size: tuple[int, int]) -> Float32:
    """Boxes cut to an image: x to 0..width, y to 0..height.

    Args:
        boxes: float32 ``[N, 4]``, xyxy in pixels.
        size: (height, width) of the image.

    Returns:
        float32 ``[N, 4]``.

    Example:
        >>> edgecv.ops.clip_boxes_to_image([[-5, 2, 120, 40]], size=(30, 100)).tolist()
        [[0.0, 2.0, 100.0, 30.0]]
    """
    height, width = size
    return _core.clip_boxes(_boxes(boxes, "boxes"), height, width)


def encode_boxes(
    boxes: npt.ArrayLike,
    anchors: npt.ArrayLike,
    weights: tuple[float, float, float, float] = (10.0, 10.0, 5.0, 5.0),
) -> Float32:
    """Offsets from anchors to boxes (Faster R-CNN, arXiv 1506.01497, section 3.1.2).

    ``dx = wx (cx - cx_a) / w_a``, ``dw = ww log(w / w_a)``, and the same for y and h. The default
    weights divide by the standard deviations 0.1, 0.1, 0.2, 0.2.

    Args:
        boxes: float32 ``[N, 4]``, xyxy.
        anchors: float32 ``[N, 4]``, xyxy, in the unit of the boxes, with positive sides.
        weights: (wx, wy, ww, wh).

    Returns:
        float32 ``[N, 4]``: dx, dy, dw, dh.

    Example:
        >>> edgecv.ops.encode_boxes([[2, 0, 6, 4]], anchors=[[0, 0, 4, 4]]).tolist()
        [[5.0, 0.0, 0.0, 0.0]]
    """
    xyxy = _boxes(boxes, "boxes")
    return _core.encode_boxes(xyxy, _boxes(anchors, "anchors", len(xyxy)), *weights)


def decode_boxes(
    deltas: npt.ArrayLike,
    anchors: npt.ArrayLike,
    weights: tuple[float, float, float, float] = (10.0, 10.0, 5.0, 5.0),
    max_log_scale: float = float(np.log(1000.0 / 16)),
) -> Float32:
    """The inverse of :func:`encode_boxes`.

    Args:
        deltas: float32 ``[N, 4]``: dx, dy, dw, dh.
        anchors: float32 ``[N, 4]``, xyxy.
        weights: (wx, wy, ww, wh) as they were encoded with.
        max_log_scale: ``dw / ww`` and ``dh / wh`` are cut here, so that no box overflows.

    Returns:
        float32 ``[N, 4]``, xyxy in the unit of the anchors.

    Example:
        >>> edgecv.ops.decode_boxes([[5, 0, 0, 0]], anchors=[[0, 0, 4, 4]]).tolist()
        [[2.0, 0.0, 6.0, 4.0]]
    """
    values = _boxes(deltas, "deltas")
    return _core.decode_boxes(
        values, _boxes(anchors, "anchors", len(values)), *weights, max_log_scale
    )


def multibox_prior(
    feature_size: tuple[int, int],
    scales: Sequence[float],
    ratios: Sequence[float],
    image_size: tuple[int, int] | None = None,
) -> Float32:
    """Anchor boxes centred on each cell of a feature map, from n scales and m ratios.

    At each cell, row by row: first every scale with the first ratio, then the first scale with the
    other ratios. A scale s and ratio r make a box ``s √r`` wide and ``s / √r`` high in units of the
    image's sides. With ``image_size`` the ratio refers to pixels: the box is ``h s √r`` pixels wide
    and ``h s / √r`` high on an image h pixels high.

    Args:
        feature_size: (height, width) of the feature map, in cells.
        scales: n positive scales.
        ratios: m positive ratios of width to height.
        image_size: (height, width) of the image in pixels.

    Returns:
        float32 ``[height · width · (n + m - 1), 4]``, xyxy in 0..1 of the image; boxes may reach
        beyond it.

    Example:
        >>> edgecv.ops.multibox_prior(feature_size=(1, 2), scales=[0.5], ratios=[1]).tolist()
        [[0.0, 0.25, 0.5, 0.75], [0.5, 0.25, 1.0, 0.75]]
    """
    return _core.multibox_prior(
        _size(feature_size, "feature_size"),
        [float(scale) for scale in scales],
        [float(ratio) for ratio in ratios],
        None if image_size is None else _size(image_size, "image_size"),
    )


def generate_anchors(
    feature_sizes: Sequence[tuple[int, int]],
    image_size: tuple[int, int],
    sizes: Sequence[Sequence[float]],
    aspect_ratios: Sequence[Sequence[float]],
) -> Float32:
    """Anchors of region proposal networks and RetinaNet, as torchvision's ``AnchorGenerator``.

    Around the corner of each cell lie boxes of every size and ratio, rounded to whole pixels.

    Args:
        feature_sizes: (height, width) of each level's feature map, in cells.
        image_size: (height, width) of the network's input in pixels; a level's cells lie
            ``height // cells`` and ``width // cells`` apart.
        sizes: for each level, sides of squares of the same area, in pixels.
        aspect_ratios: for each level, ratios of height to width.

    Returns:
        float32 ``[A, 4]``, xyxy in pixels, level by level, cells row by row; in a cell all sizes of
        the first ratio come first. Boxes may reach beyond the input.

    Example:
        >>> edgecv.ops.generate_anchors([(1, 2)], (32, 64), [[16]], aspect_ratios=[[1]]).tolist()
        [[-8.0, -8.0, 8.0, 8.0], [24.0, -8.0, 40.0, 8.0]]
    """
    return _core.generate_anchors(
        [_size(size, "feature_sizes") for size in feature_sizes],
        _size(image_size, "image_size"),
        [[float(size) for size in level] for level in sizes],
        [[float(ratio) for ratio in level] for level in aspect_ratios],
    )


def assign_anchors(
    anchors: npt.ArrayLike, boxes: npt.ArrayLike, iou_threshold: float = 0.5
) -> Int64:
    """Ground-truth boxes assigned to anchors.

    First each box gets an anchor of its own, greedily by the largest IoU left; then every other
    anchor takes the box that it overlaps most, if their IoU reaches the threshold.

    Args:
        anchors: float32 ``[A, 4]``, xyxy.
        boxes: float32 ``[N, 4]``, xyxy in the unit of the anchors.
        iou_threshold: 0..1.

    Returns:
        int64 ``[A]``: the index of the box, or -1 for background.

    Example:
        >>> anchors = [[0, 0, 4, 4], [0, 0, 3, 4], [8, 8, 9, 9]]
        >>> edgecv.ops.assign_anchors(anchors, boxes=[[0, 0, 4, 4]]).tolist()
        [0, 0, -1]
    """
    return _core.assign_anchors(_boxes(anchors, "anchors"), _boxes(boxes, "boxes"), iou_threshold)


def linear_assignment(cost: npt.ArrayLike) -> Int64:
    """Pairs of rows and columns whose costs have the lowest sum: the linear assignment problem.

    Every row gets a column of its own; where there are more rows than columns every column gets a
    row. As ``scipy.optimize.linear_sum_assignment``.

    Args:
        cost: float64 ``[R, C]``, finite.

    Returns:
        int64 ``[R]``: for each row its column, or -1.

    Raises:
        InputError: another number of dimensions, NaN or infinity.

    Example:
        >>> edgecv.ops.linear_assignment([[4, 1, 3], [2, 0, 5], [3, 2, 2]]).tolist()
        [1, 0, 2]
    """
    matrix = np.ascontiguousarray(cost, np.float64)
    if matrix.ndim != 2:
        raise InputError(f"cost: expected [R, C], got {list(matrix.shape)}")
    return _core.linear_assignment(matrix)


def paste_masks(
    masks: npt.ArrayLike,
    boxes: npt.ArrayLike,
    image_size: tuple[int, int],
    threshold: float = 0.5,
) -> npt.NDArray[np.bool_]:
    """The masks that a mask head gives for its boxes, on the whole image.

    The pixels are those of torchvision's ``paste_masks_in_image(masks, boxes, image_size)`` above
    the threshold, on a CPU with fused multiply-add.

    Args:
        masks: float32 ``[N, M, M]`` or ``[N, 1, M, M]``, probabilities.
        boxes: float32 ``[N, 4]``, xyxy in pixels; may reach beyond the image.
        image_size: (height, width) of the image in pixels.
        threshold: pixels with a probability above it belong to the instance.

    Returns:
        bool ``[N, H, W]``; for many masks :func:`paste_mask_crops` takes far less memory.

    Example:
        >>> masks = np.ones((1, 4, 4), np.float32)
        >>> pasted = edgecv.ops.paste_masks(masks, [[1, 1, 5, 5]], image_size=(6, 8), threshold=0.4)
        >>> pasted.shape, pasted.dtype, int(pasted.sum())
        ((1, 6, 8), dtype('bool'), 25)
    """
    return paste_mask_crops(masks, boxes, image_size, threshold).paint()


def paste_mask_crops(
    masks: npt.ArrayLike,
    boxes: npt.ArrayLike,
    image_size: tuple[int, int],
    threshold: float = 0.5,
) -> Masks:
    """:func:`paste_masks` cut to the boxes; for its arguments see there.

    Example:
        >>> masks = np.ones((1, 4, 4), np.float32)
        >>> pasted = edgecv.ops.paste_mask_crops(masks, [[1, 1, 5, 5]], image_size=(6, 8))
        >>> len(pasted), pasted.image_size
        (1, (6, 8))
    """
    height, width = _size(image_size, "image_size")
    cells = _numeric(masks, "masks", np.float32)
    if cells.ndim == 4 and cells.shape[1] == 1:
        cells = cells[:, 0]
    if cells.ndim != 3 or cells.shape[1] != cells.shape[2] or 0 in cells.shape[1:]:
        raise InputError(
            f"masks: expected shape [N, M, M] or [N, 1, M, M], got {list(cells.shape)}"
        )
    xyxy = _boxes(boxes, "boxes", len(cells))
    return Masks(_core.paste_masks(cells, xyxy, height, width, threshold), (height, width))


def preprocess(
    image: npt.NDArray[np.uint8], spec: InputSpec, color: str = "bgr"
) -> npt.NDArray[Any]:
    """The tensor that a network takes, from an image, in one pass.

    Args:
        image: uint8 ``[H, W, 3]`` (``[H, W, 4]`` for bgra and rgba, ``[H, W]`` for gray,
            ``[H · 3/2, W]`` for nv12 and i420, ``[H, W, 2]`` for yuyv and yvyu), or uint16
            ``[H · 3/2, W]`` for p010. Rows may be any distance apart, also from the bottom up.
        spec: the input record; in order: colour, resize, crop, ``(x · scale - mean) / std``, pad.
        color: ``"bgr" | "rgb" | "bgra" | "rgba" | "gray" | "nv12" | "i420" | "p010" | "yuyv" |
            "yvyu"``; the last five are BT.601 in studio range.

    Returns:
        ``[C, H, W]`` or ``[H, W, C]`` by ``spec.layout``, of ``spec.dtype``.

    Example:
        >>> image = np.full((480, 640, 3), (1, 2, 3), np.uint8)  # blue, green, red
        >>> spec = edgecv.InputSpec(color="rgb", size=(320, 320), scale=1.0)
        >>> tensor = edgecv.ops.preprocess(image, spec)
        >>> tensor.shape, tensor[:, 0, 0].tolist()
        ((3, 320, 320), [3.0, 2.0, 1.0])
    """
    dtype = np.dtype("<u2") if color == "p010" else np.dtype(np.uint8)
    if not isinstance(image, np.ndarray) or image.dtype != dtype or image.ndim not in (2, 3):
        raise InputError(
            f"image: expected a {dtype.name} array [H, W, C] or [H, W], got {_describe(image)}"
        )
    planes = color in ("nv12", "i420", "p010")  # those of i420 have rows of half the length
    apart = image.strides[0] < 0 if color != "i420" else not image.flags.c_contiguous
    if image.size and (not image[0].flags.c_contiguous or (planes and apart)):
        image = np.ascontiguousarray(image)
    return _core.preprocess(image.view(np.uint8), spec, color)


def sliding_windows(
    image_size: tuple[int, int], window: tuple[int, int], overlap: float = 0.25
) -> Int64:
    """Windows of one size that cover an image, placed as in MONAI's ``sliding_window_inference``.

    They lie ``int(window * (1 - overlap))`` pixels apart, at least 1, until one reaches the end of
    the image; that one is moved back inside it.

    Args:
        image_size: (height, width) of the image in pixels, sides up to 65535.
        window: (height, width); where it is larger than the image it is cut to it.
        overlap: the part of a window's side that neighbours share, from 0 to below 1.

    Returns:
        int64 ``[N, 4]``, xyxy in pixels, row by row.

    Example:
        >>> edgecv.ops.sliding_windows((4, 6), window=(4, 4), overlap=0.5).tolist()
        [[0, 0, 4, 4], [2, 0, 6, 4]]
    """
    return _core.sliding_windows(
        _size(image_size, "image_size"), _size(window, "window"), float(overlap)
    )


def _boxes(values: npt.ArrayLike, name: str, count: int | None = None) -> Float32:
    array = _numeric(values, name, np.float32)
    if array.size == 0 and array.ndim <= 2:
        array = array.reshape(0, 4)
    if array.ndim != 2 or array.shape[1] != 4 or count not in (None, len(array)):
        rows = "N" if count is None else count
        raise InputError(f"{name}: expected shape [{rows}, 4], got {list(array.shape)}")
    return array


def _vector(values: npt.ArrayLike, name: str, count: int, dtype: type[Any]) -> npt.NDArray[Any]:
    array = _numeric(values, name, dtype)
    if array.shape != (count,):
        raise InputError(
            f"{name}: expected shape [{count}], one for each box, got {list(array.shape)}"
        )
    return array


def _numeric(values: npt.ArrayLike, name: str, dtype: type[Any]) -> npt.NDArray[Any]:
    try:
        array = np.asarray(values)
    except ValueError as error:  # ragged lists
        raise InputError(f"{name}: expected an array of numbers, got ragged lists") from error
    integral = np.issubdtype(dtype, np.integer)
    if array.size and array.dtype.kind not in ("iu" if integral else "fiu"):
        expected = "integers" if integral else "numbers"
        raise InputError(f"{name}: expected {expected}, got dtype {array.dtype}")
    return np.ascontiguousarray(array, dtype=dtype)


def _size(size: tuple[int, int], name: str) -> tuple[int, int]:
    if len(size) != 2 or min(size) <= 0:
        raise InputError(f"{name}: expected (height, width), both positive, got {tuple(size)}")
    return int(size[0]), int(size[1])


def _describe(value: object) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {list(value.shape)}"
    return type(value).__name__
