"""Whether a network gives what its manifest says: it is run once to see."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import edgecv_runtime
from edgecv_export.pictures import generate_pictures
from edgecv_runtime import Bundle, InputError, ops
from edgecv_runtime._core import SsdSpec
from edgecv_runtime.engines import open_engine


def check_outputs(folder: Path, model_name: str) -> None:
    """Runs the bundle's network on one generated picture, then the whole detector.

    The manifest was checked against what the ONNX file declares; axes of any length and values
    show only now.

    Raises InputError saying in one line what does not fit.
    """
    bundle = Bundle.open(str(folder))
    manifest = bundle.manifest
    post = manifest.postprocess
    if not isinstance(post, SsdSpec):
        raise InputError(
            "postprocess.method: expected ssd, which alone fits networks from elsewhere; export "
            "other detectors from their torch modules"
        )
    picture = generate_pictures(1)[0]
    tensor = ops.preprocess(picture, manifest.input)
    outputs = _run(bundle, tensor)
    scores = outputs[post.scores_output]
    boxes = outputs[post.boxes_output]
    _check_shapes(post, len(manifest.labels), scores, boxes, model_name)
    if post.boxes_are_deltas:
        _check_anchors(bundle, boxes.shape[1], model_name)
    _check_values(post, scores, boxes, model_name)
    edgecv_runtime.load(folder, engine="onnxruntime", device="cpu")(picture)


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
            f"{model_name} gives {count} boxes for a picture; the manifest's anchors are {anchors}"
        )


def _check_values(post: SsdSpec, scores: np.ndarray, boxes: np.ndarray, model_name: str) -> None:
    for name, values in ((post.scores_output, scores), (post.boxes_output, boxes)):
        if not np.isfinite(values).all():
            raise InputError(
                f"{model_name}'s {name!r} holds NaN or infinity on a generated picture: check "
                "mean, std and scale"
            )
    low, high = float(scores.min()), float(scores.max())
    if post.score_function == "none" and (low < -1e-3 or high > 1 + 1e-3):
        raise InputError(
            f"{model_name}'s {post.scores_output!r} lies in {low:.3g}..{high:.3g}; the score "
            "function 'none' expects 0..1: use 'softmax' or 'sigmoid' for raw logits"
        )


def _text(shape: Any) -> str:
    return "[" + ", ".join(map(str, shape)) + "]"
