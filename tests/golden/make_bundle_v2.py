"""Writes the golden bundles of schema 2: bundle_v2_classify and bundle_v2_segment.

They are committed and never written again: a later schema gets its own, and these must stay
readable. Both hold one convolution with seeded weights over patches of 4 x 4 pixels: the classifier
averages its result over the picture, the segmenter gives it as logits at stride 4.

    python tests/golden/make_bundle_v2.py FOLDER
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from edgecv_runtime import Manifest

Axes = list[int | str]
CLASSIFY_LABELS = ["cat", "dog", "horse"]
SEGMENT_LABELS = ["background", "road", "tree", "sky"]


def model(name: str, classes: int, seed: int, average: bool, pictures: Axes, scores: Axes) -> bytes:
    rng = np.random.default_rng(seed)
    constants = {"patch": rng.normal(0, 0.5, (classes, 3, 4, 4)).astype(np.float32)}
    convolved = "cells" if average else "logits"
    nodes = [helper.make_node("Conv", ["images", "patch"], [convolved], strides=[4, 4])]
    if average:
        constants["axes"] = np.array([2, 3], np.int64)
        nodes.append(helper.make_node("ReduceMean", ["cells", "axes"], ["logits"], keepdims=0))
    graph = helper.make_graph(
        nodes,
        name,
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, pictures)],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, scores)],
        [numpy_helper.from_array(value, key) for key, value in constants.items()],
    )
    result = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8, producer_name="edgecv"
    )
    onnx.checker.check_model(result, full_check=True)
    return result.SerializeToString()


def write_bundle(
    folder: Path,
    task: str,
    labels: list[str],
    content: bytes,
    pictures: Axes,
    scores: Axes,
    input_record: dict[str, Any],
    postprocess: dict[str, Any],
) -> None:
    def tensor(name: str, shape: Axes) -> dict[str, Any]:
        lengths = [length if isinstance(length, int) else None for length in shape]
        return {"name": name, "dtype": "float32", "shape": lengths}

    manifest = {
        "schema": 2,
        "name": "golden",
        "task": task,
        "architecture": "one_convolution",
        "labels": labels,
        "input": {
            "color": "rgb",
            "size": None,
            "resize": "none",
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
            **input_record,
        },
        "graphs": {
            "main": [
                {
                    "file": "main.onnx",
                    "sha256": hashlib.sha256(content).hexdigest(),
                    "precision": "fp32",
                    "dialect": "onnx",
                    "inputs": [tensor("images", pictures)],
                    "outputs": [tensor("logits", scores)],
                }
            ]
        },
        "postprocess": postprocess,
        "provenance": {"made_by": "tests/golden/make_bundle_v2.py"},
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "main.onnx").write_bytes(content)
    (folder / "bundle.json").write_text(Manifest.from_json(json.dumps(manifest)).to_json())


def main(out: Path) -> None:
    scores = {"output": "logits", "function": "softmax"}

    pictures: Axes = ["batch", 3, 16, 16]
    logits: Axes = ["batch", len(CLASSIFY_LABELS)]
    write_bundle(
        out / "bundle_v2_classify",
        "classify",
        CLASSIFY_LABELS,
        model("classify", len(CLASSIFY_LABELS), 1, True, pictures, logits),
        pictures,
        logits,
        {"size": [20, 20], "resize": "shortest_edge", "crop": [16, 16], "antialias": True},
        {"method": "classify", "scores": scores, "topk": 2},
    )

    pictures = ["batch", 3, "height", "width"]
    logits = ["batch", len(SEGMENT_LABELS), "rows", "columns"]
    windows = {"size": [16, 24], "overlap": 0.25, "weight": "gaussian", "batch": 4}
    write_bundle(
        out / "bundle_v2_segment",
        "segment",
        SEGMENT_LABELS,
        model("segment", len(SEGMENT_LABELS), 2, False, pictures, logits),
        pictures,
        logits,
        {"pad_multiple": 4},
        {"method": "segment", "scores": scores, "windows": windows},
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
