"""Writes the golden bundle of a style network in schema 2: bundle_v2_style.

It is committed and never written again: a later schema gets its own, and this must stay readable.
The network takes the mean of each channel away and adds 128, as a normalisation would: tiles with
the whole picture's means give what the whole picture gives.

    python tests/golden/make_bundle_v2_style.py FOLDER
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

PICTURES = ["N", 3, "H", "W"]
ROLES: dict[str, tuple[dict[str, Any], str, list[Any]]] = {
    "main": ({"images": PICTURES}, "picture", PICTURES),
    "statistics": ({"images": PICTURES}, "statistics", ["N", 2, 3]),
    "tile": ({"images": PICTURES, "statistics": [1, 2, 3]}, "picture", PICTURES),
}
MEAN = helper.make_node("ReduceMean", ["images"], ["mean"], axes=[2, 3], keepdims=1)
NODES = {
    "main": [
        MEAN,
        helper.make_node("Sub", ["images", "mean"], ["centred"]),
        helper.make_node("Add", ["centred", "grey"], ["picture"]),
    ],
    "statistics": [
        MEAN,
        helper.make_node("Squeeze", ["mean", "last_axes"], ["row"]),
        helper.make_node("Unsqueeze", ["row", "rows"], ["means"]),
        helper.make_node("Concat", ["means", "ones"], ["statistics"], axis=1),
    ],
    "tile": [
        helper.make_node("Slice", ["statistics", "first", "second", "rows"], ["means"]),
        helper.make_node("Reshape", ["means", "column"], ["mean"]),
        helper.make_node("Sub", ["images", "mean"], ["centred"]),
        helper.make_node("Add", ["centred", "grey"], ["picture"]),
    ],
}
CONSTANTS = {
    "grey": np.array(128, np.float32),
    "last_axes": np.array([2, 3], np.int64),
    "rows": np.array([1], np.int64),
    "ones": np.ones((1, 1, 3), np.float32),
    "first": np.array([0], np.int64),
    "second": np.array([1], np.int64),
    "column": np.array([1, 3, 1, 1], np.int64),
}


def graph_of(role: str) -> bytes:
    inputs, output, shape = ROLES[role]
    used = {name for node in NODES[role] for name in node.input}
    graph = helper.make_graph(
        NODES[role],
        role,
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in inputs.items()],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(v, name) for name, v in CONSTANTS.items() if name in used],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString()


def manifest(digests: dict[str, str]) -> dict[str, Any]:
    def tensor(name: str, shape: list[Any]) -> dict[str, Any]:
        lengths = [length if isinstance(length, int) else None for length in shape]
        return {"name": name, "dtype": "float32", "shape": lengths}

    return {
        "schema": 2,
        "name": "golden_style",
        "task": "stylize",
        "architecture": "mean_to_grey",
        "labels": [],
        "input": {
            "color": "rgb",
            "size": None,
            "resize": "none",
            "max_size": None,
            "align": "center",
            "crop": None,
            "interpolation": "bilinear",
            "antialias": False,
            "scale": 1.0,
            "mean": [0.0, 0.0, 0.0],
            "std": [1.0, 1.0, 1.0],
            "pad_value": 0.0,
            "pad_multiple": 1,
            "dtype": "float32",
            "layout": "nchw",
        },
        "graphs": {
            role: [
                {
                    "file": f"{role}.onnx",
                    "sha256": digests[role],
                    "precision": "fp32",
                    "dialect": "onnx",
                    "inputs": [tensor(name, shape) for name, shape in inputs.items()],
                    "outputs": [tensor(output, shape)],
                }
            ]
            for role, (inputs, output, shape) in ROLES.items()
        },
        "postprocess": {
            "method": "stylize",
            "picture": {"output": "picture", "color": "rgb", "scale": 1.0, "offset": 0.0},
            "smallest_side": 8,
            "tiles": {
                "size": [32, 32],
                "overlap": 0.25,
                "thumbnail": 40,
                "align": 4,
                "above": 4000,
            },
        },
        "provenance": {"made_by": "tests/golden/make_bundle_v2_style.py"},
    }


def main(folder: Path) -> None:
    target = folder / "bundle_v2_style"
    target.mkdir(parents=True)
    digests = {}
    for role in ROLES:
        content = graph_of(role)
        (target / f"{role}.onnx").write_bytes(content)
        digests[role] = hashlib.sha256(content).hexdigest()
    text = Manifest.from_json(json.dumps(manifest(digests))).to_json()
    (target / "bundle.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
