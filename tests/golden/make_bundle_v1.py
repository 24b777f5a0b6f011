"""Writes the golden bundles of schema 1: bundle_v1 and bundle_v1_anchor_file.

They are committed and never written again: a later schema gets its own, and these must stay
readable. Both hold the same tiny SSD: 20 anchors over 16 x 24 pixels, three columns of scores
(background, cat, dog). Its outputs are constants plus the mean of each picture.

    python tests/golden/make_bundle_v1.py FOLDER
"""

from __future__ import annotations

import hashlib
import json
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from edgecv_runtime import Manifest

HEIGHT, WIDTH = 16, 24
FEATURE_SIZES = [[2, 2], [1, 1]]
SCALES = [[0.4, 0.6], [0.8, 0.9]]
RATIOS = [[1.0, 2.0, 0.5], [1.0, 2.0, 0.5]]
LABELS = ["cat", "dog"]


def anchors_in_unit_square() -> np.ndarray:
    """The anchors of the manifest, cell by cell: float32 [20, 4] xyxy in 0..1."""
    boxes = []
    for (rows, columns), scales, ratios in zip(FEATURE_SIZES, SCALES, RATIOS, strict=True):
        shapes = [(s, ratios[0]) for s in scales] + [(scales[0], r) for r in ratios[1:]]
        for row in range(rows):
            for column in range(columns):
                x, y = (column + 0.5) / columns, (row + 0.5) / rows
                for scale, ratio in shapes:
                    half_width = HEIGHT * scale * math.sqrt(ratio) / WIDTH / 2
                    half_height = scale / math.sqrt(ratio) / 2
                    boxes.append([x - half_width, y - half_height, x + half_width, y + half_height])
    return np.array(boxes, np.float32)


def make_graph(anchors: int) -> bytes:
    rng = np.random.default_rng(1)
    logits = rng.normal(0, 2, (1, anchors, len(LABELS) + 1)).astype(np.float32)
    deltas = rng.normal(0, 0.5, (1, anchors, 4)).astype(np.float32)
    nodes = [
        helper.make_node("ReduceMean", ["images"], ["mean"], axes=[1, 2, 3], keepdims=1),
        helper.make_node("Squeeze", ["mean", "last_axis"], ["brightness"]),
        helper.make_node("Add", ["logits_at_zero", "brightness"], ["logits"]),
        helper.make_node("Add", ["deltas_at_zero", "brightness"], ["deltas"]),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny_ssd",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["N", 3, HEIGHT, WIDTH])],
        [
            helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", anchors, 3]),
            helper.make_tensor_value_info("deltas", TensorProto.FLOAT, ["N", anchors, 4]),
        ],
        [
            numpy_helper.from_array(logits, "logits_at_zero"),
            numpy_helper.from_array(deltas, "deltas_at_zero"),
            numpy_helper.from_array(np.array([3], np.int64), "last_axis"),
        ],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name="edgecv"
    )
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString()


def make_manifest(graph: bytes, count: int, anchors: dict[str, Any]) -> str:
    def tensor(name: str, shape: list[int | None]) -> dict[str, Any]:
        return {"name": name, "dtype": "float32", "shape": shape}

    manifest = {
        "schema": 1,
        "name": "golden",
        "task": "detect",
        "architecture": "tiny_ssd",
        "labels": LABELS,
        "input": {
            "color": "rgb",
            "size": [HEIGHT, WIDTH],
            "resize": "stretch",
            "max_size": None,
            "align": "center",
            "crop": None,
            "interpolation": "bilinear",
            "antialias": False,
            "scale": 1 / 255,
            "mean": [0.485, 0.456, 0.406],
            "std": [0.229, 0.224, 0.225],
            "pad_value": 0.0,
            "pad_multiple": 1,
            "dtype": "float32",
            "layout": "nchw",
        },
        "graphs": {
            "main": [
                {
                    "file": "main.onnx",
                    "sha256": hashlib.sha256(graph).hexdigest(),
                    "precision": "fp32",
                    "dialect": "onnx",
                    "inputs": [tensor("images", [None, 3, HEIGHT, WIDTH])],
                    "outputs": [
                        tensor("logits", [None, count, 3]),
                        tensor("deltas", [None, count, 4]),
                    ],
                }
            ]
        },
        "postprocess": {
            "method": "ssd",
            "scores": {"output": "logits", "function": "softmax", "background": "first"},
            "boxes": {
                "output": "deltas",
                "encoding": "deltas",
                "normalized": False,
                "weights": [10, 10, 5, 5],
                "max_log_scale": math.log(1000 / 16),
            },
            "anchors": anchors,
            "score_threshold": 0.01,
            "iou_threshold": 0.45,
            "topk_candidates": 400,
            "max_detections": 200,
        },
        "provenance": {"made_by": "tests/golden/make_bundle_v1.py", "seed": 1},
    }
    return Manifest.from_json(json.dumps(manifest)).to_json()


def write_bundles(out: Path) -> None:
    boxes = anchors_in_unit_square()
    graph = make_graph(len(boxes))

    generated = out / "bundle_v1"
    stored = out / "bundle_v1_anchor_file"
    for folder in (generated, stored):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "main.onnx").write_bytes(graph)

    prior = {
        "kind": "multibox_prior",
        "feature_sizes": FEATURE_SIZES,
        "scales": SCALES,
        "ratios": RATIOS,
        "pixel_ratios": True,
    }
    (generated / "bundle.json").write_text(make_manifest(graph, len(boxes), prior))

    np.save(stored / "anchors.npy", boxes)
    file = {
        "kind": "file",
        "file": "anchors.npy",
        "sha256": hashlib.sha256((stored / "anchors.npy").read_bytes()).hexdigest(),
        "normalized": True,
    }
    (stored / "bundle.json").write_text(make_manifest(graph, len(boxes), file))


if __name__ == "__main__":
    write_bundles(Path(sys.argv[1]))
