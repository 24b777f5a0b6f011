"""ONNX files that give the same for every image: what values say of a network from elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SIDES = (48, 64)
RNG = np.random.default_rng(0)
ANCHORS = 120


def spread_boxes(unit: float = 1.0) -> np.ndarray:
    """xyxy all over the input, [A, 4], in pixels by `unit` 1."""
    centre = RNG.uniform(0.1, 0.9, (ANCHORS, 2)) * SIDES[::-1]
    half = RNG.uniform(2, 5, (ANCHORS, 2))
    return np.asarray(np.hstack([centre - half, centre + half]) / unit, np.float32)


XYXY = spread_boxes()
CXCYWH = np.hstack([(XYXY[:, :2] + XYXY[:, 2:]) / 2, XYXY[:, 2:] - XYXY[:, :2]])
XYWH = np.hstack([XYXY[:, :2], XYXY[:, 2:] - XYXY[:, :2]])
SCALE = np.array([64, 48, 64, 48], np.float32)
# Background in the first column, as a trained network has it.
LOGITS = RNG.normal(0, 1, (ANCHORS, 3)).astype(np.float32) + np.array([7, 0, 0], np.float32)


def network(
    path: Path, arrays: dict[str, np.ndarray], last: str = "Identity", **extra: Any
) -> Path:
    """Gives the same for every image; `last` is the operator that the scores come out of."""
    nodes, values, outputs = [], [], []
    for name, array in arrays.items():
        operator = last if name == "scores" else "Identity"
        attributes = {"axis": -1} if operator == "Softmax" else {}
        nodes.append(helper.make_node(operator, [f"{name}_value"], [name], **attributes))
        values.append(numpy_helper.from_array(array[None].astype(np.float32), f"{name}_value"))
        shape = [1, *array.shape]
        outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
    values += [numpy_helper.from_array(array, name) for name, array in extra.items()]
    images = helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, *SIDES])
    graph = helper.make_graph(nodes, "made", [images], outputs, values)
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), path)
    return path
