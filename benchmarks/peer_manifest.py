"""The manifest of a torchvision SSD300, for benchmarks that need no network."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

SIZE, ANCHORS, COLUMNS = 300, 8732, 91


def write_manifest(folder: Path, feature_sizes: list[tuple[int, int]], network: Any) -> Path:
    generator = network.anchor_generator
    axes = [1, ANCHORS]
    manifest = {
        "schema": 1,
        "name": "ssd300",
        "task": "detect",
        "architecture": "ssd300_vgg16",
        "labels": [f"class {index}" for index in range(1, COLUMNS)],
        "input": {
            "color": "rgb",
            "size": [SIZE, SIZE],
            "resize": "stretch",
            "max_size": None,
            "align": "center",
            "crop": None,
            "interpolation": "bilinear",
            "antialias": False,
            "scale": 1 / 255,
            "mean": [0.0, 0.0, 0.0],
            "std": [1.0, 1.0, 1.0],
            "pad_value": 0.0,
            "pad_multiple": 1,
            "dtype": "float32",
            "layout": "nchw",
        },
        "graphs": {
            "main": [
                {
                    "file": "main.onnx",
                    "sha256": "0" * 64,
                    "precision": "fp32",
                    "dialect": "onnx",
                    "inputs": [{"name": "images", "dtype": "float32", "shape": [1, 3, SIZE, SIZE]}],
                    "outputs": [
                        {"name": "logits", "dtype": "float32", "shape": [*axes, COLUMNS]},
                        {"name": "deltas", "dtype": "float32", "shape": [*axes, 4]},
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
                "weights": list(network.box_coder.weights),
                "max_log_scale": network.box_coder.bbox_xform_clip,
            },
            "anchors": {
                "kind": "default_boxes",
                "feature_sizes": [list(size) for size in feature_sizes],
                "aspect_ratios": generator.aspect_ratios,
                "scales": generator.scales,
                "steps": generator.steps,
                "clip": generator.clip,
            },
            "score_threshold": network.score_thresh,
            "iou_threshold": network.nms_thresh,
            "topk_candidates": network.topk_candidates,
            "max_detections": network.detections_per_img,
        },
        "provenance": {},
    }
    (folder / "bundle.json").write_text(json.dumps(manifest))
    return folder
