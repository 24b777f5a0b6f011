"""Writes the golden bundle of schema 1 for a two-stage detector with masks: bundle_v1_rcnn.

It is committed and never written again. A tiny Mask R-CNN with seeded weights: two feature maps
(strides 8 and 16), two anchors at each place, RoIAlign, two classes and masks of 4 x 4.

    python tests/golden/make_bundle_v1_rcnn.py FOLDER
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
from onnx import NodeProto, TensorProto, helper, numpy_helper

from edgecv_runtime import Manifest

LABELS = ["cat", "dog"]
CHANNELS, ANCHORS, POOLED, MASK = 4, 2, 3, 4
LEVELS = (0, 1)
SCALES = [1 / 8, 1 / 16]

Tensors = dict[str, np.ndarray]
Ports = dict[str, tuple[str, list[int | str]]]  # name -> dtype, shape


def model(nodes: list[NodeProto], inputs: Ports, outputs: Ports, constants: Tensors) -> bytes:
    def infos(ports: Ports) -> list[onnx.ValueInfoProto]:
        types = {"float32": TensorProto.FLOAT, "int64": TensorProto.INT64}
        return [
            helper.make_tensor_value_info(name, types[dtype], shape)
            for name, (dtype, shape) in ports.items()
        ]

    graph = helper.make_graph(
        nodes,
        "tiny_rcnn",
        infos(inputs),
        infos(outputs),
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    result = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name="edgecv"
    )
    onnx.checker.check_model(result, full_check=True)
    return result.SerializeToString()


def random_weights(rng: np.random.Generator, std: float, *shape: int) -> np.ndarray:
    return rng.normal(0, std, shape).astype(np.float32)


def feature_ports() -> Ports:
    return {
        f"features_{level}": ("float32", [1, CHANNELS, f"h{level}", f"w{level}"])
        for level in LEVELS
    }


def trunk_graph(rng: np.random.Generator) -> tuple[bytes, Ports, Ports]:
    constants = {
        "patch": random_weights(rng, 0.07, CHANNELS, 3, 8, 8),
        "objectness": random_weights(rng, 3.0, ANCHORS, CHANNELS, 1, 1),
        "deltas": random_weights(rng, 0.5, 4 * ANCHORS, CHANNELS, 1, 1),
    }
    nodes = [
        helper.make_node("Conv", ["images", "patch"], ["cells"], strides=[8, 8]),
        helper.make_node("Tanh", ["cells"], ["features_0"]),
        helper.make_node(
            "AveragePool", ["features_0"], ["features_1"], kernel_shape=[2, 2], strides=[2, 2]
        ),
    ]
    outputs = feature_ports()
    for name, planes in (("objectness", ANCHORS), ("deltas", 4 * ANCHORS)):
        for level in LEVELS:
            output = f"{name}_{level}"
            nodes.append(helper.make_node("Conv", [f"features_{level}", name], [output]))
            outputs[output] = ("float32", [1, planes, f"h{level}", f"w{level}"])
    inputs: Ports = {"images": ("float32", [1, 3, "height", "width"])}
    return model(nodes, inputs, outputs, constants), inputs, outputs


def pooling(side: int) -> tuple[list[NodeProto], Ports, Tensors]:
    """RoIAlign of each level's boxes, one level after another: [R, CHANNELS, side, side]."""
    nodes = []
    for level, scale in zip(LEVELS, SCALES, strict=True):
        nodes += [
            helper.make_node("Shape", [f"boxes_{level}"], [f"count_{level}"], start=0, end=1),
            helper.make_node(
                "ConstantOfShape",
                [f"count_{level}"],
                [f"picture_{level}"],
                value=numpy_helper.from_array(np.zeros(1, np.int64)),
            ),
            helper.make_node(
                "RoiAlign",
                [f"features_{level}", f"boxes_{level}", f"picture_{level}"],
                [f"pooled_{level}"],
                coordinate_transformation_mode="output_half_pixel",
                output_height=side,
                output_width=side,
                sampling_ratio=2,
                spatial_scale=scale,
            ),
        ]
    pooled = [f"pooled_{level}" for level in LEVELS]
    nodes.append(helper.make_node("Concat", pooled, ["pooled"], axis=0))
    ports: Ports = {f"boxes_{level}": ("float32", [f"R{level}", 4]) for level in LEVELS}
    return nodes, {**feature_ports(), **ports}, {}


def roi_graph(rng: np.random.Generator) -> tuple[bytes, Ports, Ports]:
    nodes, inputs, constants = pooling(POOLED)
    cells, columns = CHANNELS * POOLED * POOLED, len(LABELS) + 1
    constants |= {
        "classes": random_weights(rng, 0.6, cells, columns),
        "offsets": random_weights(rng, 0.8, cells, 4 * columns),
    }
    nodes += [
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("MatMul", ["flat", "classes"], ["logits"]),
        helper.make_node("MatMul", ["flat", "offsets"], ["deltas"]),
    ]
    outputs: Ports = {
        "logits": ("float32", ["R", columns]),
        "deltas": ("float32", ["R", 4 * columns]),
    }
    return model(nodes, inputs, outputs, constants), inputs, outputs


def mask_graph(rng: np.random.Generator) -> tuple[bytes, Ports, Ports]:
    nodes, inputs, constants = pooling(MASK)
    constants |= {
        "masks_of_classes": random_weights(rng, 6.0, len(LABELS) + 1, CHANNELS, 1, 1),
        "last": np.array([1], np.int64),
    }
    nodes += [
        helper.make_node("Conv", ["pooled", "masks_of_classes"], ["all_masks"]),
        helper.make_node("Unsqueeze", ["labels", "last"], ["own_class"]),
        helper.make_node("GatherND", ["all_masks", "own_class"], ["own_masks"], batch_dims=1),
        helper.make_node("Unsqueeze", ["own_masks", "last"], ["mask_logits"]),
        helper.make_node("Sigmoid", ["mask_logits"], ["masks"]),
    ]
    inputs["labels"] = ("int64", ["R"])
    outputs: Ports = {"masks": ("float32", ["R", 1, MASK, MASK])}
    return model(nodes, inputs, outputs, constants), inputs, outputs


def make_manifest(graphs: dict[str, tuple[bytes, Ports, Ports]]) -> str:
    def tensors(ports: Ports) -> list[dict[str, Any]]:
        return [
            {
                "name": name,
                "dtype": dtype,
                "shape": [length if isinstance(length, int) else None for length in shape],
            }
            for name, (dtype, shape) in ports.items()
        ]

    manifest = {
        "schema": 1,
        "name": "golden",
        "task": "instance",
        "architecture": "tiny_rcnn",
        "labels": LABELS,
        "input": {
            "color": "rgb",
            "size": [64, 64],
            "resize": "shortest_edge",
            "max_size": 128,
            "align": "center",
            "crop": None,
            "interpolation": "bilinear",
            "antialias": False,
            "scale": 1 / 255,
            "mean": [0.485, 0.456, 0.406],
            "std": [0.229, 0.224, 0.225],
            "pad_value": 0.0,
            "pad_multiple": 16,
            "dtype": "float32",
            "layout": "nchw",
        },
        "graphs": {
            role: [
                {
                    "file": f"{role}.onnx",
                    "sha256": hashlib.sha256(content).hexdigest(),
                    "precision": "fp32",
                    "dialect": "onnx",
                    "inputs": tensors(inputs),
                    "outputs": tensors(outputs),
                }
            ]
            for role, (content, inputs, outputs) in graphs.items()
        },
        "postprocess": {
            "method": "rcnn",
            "rpn": {
                "objectness": [f"objectness_{level}" for level in LEVELS],
                "deltas": [f"deltas_{level}" for level in LEVELS],
                "anchors": {
                    "sizes": [[16.0], [32.0]],
                    "aspect_ratios": [[0.5, 1.0], [0.5, 1.0]],
                },
                "weights": [1, 1, 1, 1],
                "max_log_scale": math.log(1000 / 16),
                "pre_nms_top_n": 60,
                "post_nms_top_n": 40,
                "iou_threshold": 0.7,
                "score_threshold": 0.0,
                "min_size": 0.001,
            },
            "roi": {
                "features": [f"features_{level}" for level in LEVELS],
                "levels": {"scales": SCALES, "canonical_scale": 32.0, "canonical_level": 4},
                "logits": "logits",
                "deltas": "deltas",
                "weights": [10, 10, 5, 5],
                "max_log_scale": math.log(1000 / 16),
                "score_threshold": 0.4,
                "iou_threshold": 0.5,
                "max_detections": 20,
                "min_size": 0.01,
            },
            "mask": {"output": "masks", "threshold": 0.5},
        },
        "provenance": {"made_by": "tests/golden/make_bundle_v1_rcnn.py", "seed": 1},
    }
    return Manifest.from_json(json.dumps(manifest)).to_json()


def write_bundle(out: Path) -> None:
    folder = out / "bundle_v1_rcnn"
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(1)
    graphs = {"trunk": trunk_graph(rng), "roi": roi_graph(rng), "mask": mask_graph(rng)}
    for role, (content, _, _) in graphs.items():
        (folder / f"{role}.onnx").write_bytes(content)
    (folder / "bundle.json").write_text(make_manifest(graphs))


if __name__ == "__main__":
    write_bundle(Path(sys.argv[1]))
