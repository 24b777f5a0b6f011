"""A bundle written in a test: two boxes whose scores grow with the brightness of the image."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from helpers.manifests import graph, input_record, write_manifest

LABELS = ["left", "right"]
# xyxy in 0..1; the first box is of the first class, the second of the second.
BOXES = np.array([[0.125, 0.25, 0.375, 0.75], [0.5, 0.25, 1.0, 0.75]], np.float32)
# The score of each box in its class on a white image; on others times the mean level / 255.
SCORES = np.array([[0.9, 0.0], [0.0, 0.6]], np.float32)
POSTPROCESS = {
    "method": "ssd",
    "scores": {"output": "scores", "function": "none", "background": "none"},
    "boxes": {
        "output": "boxes",
        "encoding": "xyxy",
        "normalized": True,
        "weights": [10, 10, 5, 5],
        "max_log_scale": 4.135166556742356,
    },
    "anchors": None,
    "score_threshold": 0.01,
    "iou_threshold": 0.45,
    "topk_candidates": 400,
    "max_detections": 200,
}


def write_tiny_bundle(folder: Path, batch: int | None = None) -> Path:
    """Writes a detector for 32 x 48 images (height x width) into the folder: any number of them
    in a run, or `batch`."""
    folder.mkdir(parents=True)
    (folder / "main.onnx").write_bytes(_model(batch or "batch").SerializeToString())
    digest = hashlib.sha256((folder / "main.onnx").read_bytes()).hexdigest()
    return write_manifest(
        folder,
        "detect",
        {
            "main": graph(
                {"images": [batch, 3, 32, 48]},
                {"scores": [batch, 2, 2], "boxes": [batch, 2, 4]},
                sha256=digest,
            )
        },
        POSTPROCESS,
        labels=LABELS,
        input=input_record(size=[32, 48], resize="stretch", scale=1 / 255),
        schema=1,
        name="tiny",
        architecture="brightness",
        provenance={"parity": {"images": 8, "largest_box_difference": 0.25}},
    )


def _model(batch: int | str) -> onnx.ModelProto:
    nodes = [
        helper.make_node("ReduceMean", ["images", "axes"], ["mean"], keepdims=0),  # [B]
        helper.make_node("Reshape", ["mean", "column"], ["level"]),  # [B, 1, 1]
        helper.make_node("Mul", ["level", "white_scores"], ["scores"]),  # [B, 2, 2]
        helper.make_node("Mul", ["level", "zero"], ["nothing"]),
        helper.make_node("Add", ["nothing", "corners"], ["boxes"]),  # [B, 2, 4]
    ]
    constants = {
        "axes": np.array([1, 2, 3], np.int64),
        "column": np.array([-1, 1, 1], np.int64),
        "white_scores": SCORES[None],
        "zero": np.zeros((1, 1, 1), np.float32),
        "corners": BOXES[None],
    }
    made = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, [batch, 3, 32, 48])],
        [
            helper.make_tensor_value_info("scores", TensorProto.FLOAT, [batch, 2, 2]),
            helper.make_tensor_value_info("boxes", TensorProto.FLOAT, [batch, 2, 4]),
        ],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(
        made, opset_imports=[helper.make_opsetid("", 18)], ir_version=8, producer_name="tests"
    )
