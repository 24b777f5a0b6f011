"""Checks that a network gives what its manifest says, by running it on some images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import edgecv_runtime
from edgecv_export.outputs.activation import activation_inside
from edgecv_export.outputs.score_function import scores_on
from edgecv_export.wrapping.box_values import wrong_background, wrong_encoding, wrong_unit
from edgecv_runtime import Bundle, InputError, ops
from edgecv_runtime._core import ClassifySpec, SegmentSpec, SsdSpec
from edgecv_runtime.engines import open_engine

if TYPE_CHECKING:
    import onnx


def check_outputs(
    folder: Path, model_name: str, model: onnx.ModelProto, images: Sequence[NDArray[np.uint8]]
) -> None:
    """Runs the bundle's network on the images, then the whole pipeline on the first.

    The manifest was checked against what the ONNX file declares; axes of any length and values
    show only now.

    Args:
        images: uint8 [H, W, 3] BGR, at least one.

    Raises InputError saying in one line what does not fit.
    """
    bundle = Bundle.open(str(folder))
    manifest = bundle.manifest
    post = manifest.postprocess
    if isinstance(post, SsdSpec):
        outputs = [_run(bundle, ops.preprocess(image, manifest.input)) for image in images]
        _check_detector(bundle, post, model_name, model, outputs)
    elif isinstance(post, ClassifySpec | SegmentSpec):
        scores = scores_on(folder, manifest, images, post.scores_output)
        _check_finite(model_name, post.scores_output, scores)
        _check_function(post, model_name, model, scores, axis=0)
    else:
        raise InputError(
            "postprocess.method: expected ssd, classify or segment, which alone fit networks from "
            "elsewhere; export other models from their torch modules"
        )
    edgecv_runtime.load(folder, engine="onnxruntime", device="cpu")(images[0])


def _check_detector(
    bundle: Bundle,
    post: SsdSpec,
    model_name: str,
    model: onnx.ModelProto,
    outputs: Sequence[dict[str, NDArray[Any]]],
) -> None:
    scores = [each[post.scores_output] for each in outputs]
    boxes = [each[post.boxes_output] for each in outputs]
    _check_shapes(post, len(bundle.manifest.labels), scores[0], boxes[0], model_name)
    if post.boxes_are_deltas:
        _check_anchors(bundle, boxes[0].shape[1], model_name)
    _check_finite(model_name, post.scores_output, scores)
    _check_finite(model_name, post.boxes_output, boxes)
    _check_function(post, model_name, model, scores, axis=2)
    rows = np.concatenate([each[0] for each in scores])  # [images * A, columns]
    if post.background != "none":
        other = wrong_background(rows, post.background)
        if other is not None:
            raise InputError(
                f"{model_name}'s {post.scores_output!r} has its largest value in the {other} "
                f'column nearly everywhere, as a background does: write "background": "{other}" '
                f"in postprocess.scores, not {post.background!r}"
            )
    if post.boxes_are_deltas:
        return
    found = np.concatenate([each[0] for each in boxes])  # [images * A, 4]
    size = bundle.manifest.graphs["main"][0].inputs[0].shape
    layout = bundle.manifest.input.layout
    sides = size[1:3] if layout == "nhwc" else size[2:4]
    if min(sides) < 1:
        sides = bundle.manifest.input.size or (320, 320)
    low, high = float(found.min()), float(found.max())
    unit = wrong_unit(found, post.boxes_normalized, sides)
    if unit is not None:
        raise InputError(
            f"{model_name}'s {post.boxes_output!r} lies in {low:.4g}..{high:.4g}, so its boxes are "
            f"in {unit}, the network's input is {sides[1]} x {sides[0]}: write "
            f'"normalized": {str(not post.boxes_normalized).lower()} in postprocess.boxes'
        )
    encoding = wrong_encoding(found, post.box_format, sides, post.boxes_normalized)
    if encoding is not None:
        raise InputError(
            f"{model_name}'s {post.boxes_output!r} does not hold {post.box_format}: {encoding} in "
            "postprocess.boxes.encoding"
        )


def _run(bundle: Bundle, tensor: np.ndarray) -> dict[str, np.ndarray]:
    graph = bundle.manifest.graphs["main"][0]
    batch = np.repeat(tensor[None], max(graph.inputs[0].shape[0], 1), axis=0)
    engine = open_engine("onnxruntime", bundle.verified_path(graph.file, graph.sha256))
    engine.input(0, batch.shape)[...] = batch
    engine.run()
    return {spec.name: np.array(engine.output(index)) for index, spec in enumerate(engine.outputs)}


def _check_shapes(
    post: SsdSpec, classes: int, scores: np.ndarray, boxes: np.ndarray, model_name: str
) -> None:
    columns = classes + (post.background != "none")
    if scores.ndim != 3 or scores.shape[2] != columns:
        with_background = "" if post.background == "none" else " and the background"
        raise InputError(
            f"{model_name}'s {post.scores_output!r} has shape {_text(scores.shape)}; expected "
            f"[B, A, {columns}] for {classes} labels{with_background}"
        )
    if boxes.ndim != 3 or boxes.shape[2] != 4:
        raise InputError(
            f"{model_name}'s {post.boxes_output!r} has shape {_text(boxes.shape)}; "
            "expected [B, A, 4]"
        )
    if scores.shape[:2] != boxes.shape[:2]:
        raise InputError(
            f"{model_name}'s {post.scores_output!r} has shape {_text(scores.shape)} and "
            f"{post.boxes_output!r} {_text(boxes.shape)}; expected the same B and A"
        )


def _check_anchors(bundle: Bundle, count: int, model_name: str) -> None:
    anchors = len(bundle.anchors())
    if anchors != count:
        raise InputError(
            f"{model_name} gives {count} boxes for an image; the manifest's anchors are {anchors}"
        )


def _check_finite(model_name: str, output: str, values: Sequence[NDArray[Any]]) -> None:
    if not all(np.isfinite(each).all() for each in values):
        raise InputError(
            f"{model_name}'s {output!r} holds NaN or infinity on an image: check mean, std and "
            "scale"
        )


def _check_function(
    post: SsdSpec | ClassifySpec | SegmentSpec,
    model_name: str,
    model: onnx.ModelProto,
    scores: Sequence[NDArray[Any]],
    axis: int,
) -> None:
    low = min(float(each.min()) for each in scores)
    high = max(float(each.max()) for each in scores)
    function, where = post.score_function, f"lies in {low:.3g}..{high:.3g}"
    if function == "none":
        if low < -1e-3 or high > 1 + 1e-3:
            raise InputError(
                f"{model_name}'s {post.scores_output!r} {where}; the score function 'none' expects "
                "0..1: use 'softmax' or 'sigmoid' for raw logits"
            )
        return
    inside = activation_inside(model, post.scores_output, scores, axis)
    if inside in ("softmax", "sigmoid"):
        how = "adds up to 1 over the classes" if inside == "softmax" else "comes out of a sigmoid"
        raise InputError(
            f"{model_name}'s {post.scores_output!r} holds probabilities already (it {where} and "
            f"{how}), a {function} would be applied twice: write "
            '"function": "none" in postprocess.scores'
        )


def _text(shape: Any) -> str:
    return "[" + ", ".join(map(str, shape)) + "]"
