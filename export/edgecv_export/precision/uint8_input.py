"""Images as bytes: the graph normalises inside, and the copy to a device is a quarter.

The runtime resizes in float and rounds to whole levels; that rounding is all that differs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from edgecv_export.bundle.draft import BundleDraft
from edgecv_export.bundle.node_names import graph_bytes
from edgecv_export.errors import RefusedError
from edgecv_export.precision.agreement import agreement
from edgecv_export.precision.pipeline import Pipeline
from edgecv_export.precision.sources import fp32_files
from edgecv_runtime import Bundle, InputError

if TYPE_CHECKING:
    import onnx

LEAST_AGREEMENT = 0.98
_TASKS = ("classify", "detect", "instance", "segment")


def check_uint8_fits(task: str, record: Mapping[str, Any], postprocess: dict[str, Any]) -> None:
    """Raises InputError where bytes cannot stand for what the network was made for.

    Detectors that pad do so with the mean colour, which in general is not a whole level.
    """
    if task not in _TASKS or postprocess.get("windows") is not None:
        raise InputError(
            "`GraphOptions.input_dtype=uint8`: networks that take images in windows or tiles, and "
            "stylizers, take float32 only; leave it out"
        )
    pads = record["resize"] == "letterbox" or record["pad_multiple"] > 1
    if pads and _level_of_padding(record) is None:
        raise InputError(
            "`GraphOptions.input_dtype=uint8`: the model pads images with its mean colour, which "
            "is not a whole level from 0 to 255: leave it out"
        )


def take_uint8(draft: BundleDraft, images: Sequence[npt.NDArray[np.uint8]]) -> dict[str, Any]:
    """Changes a draft of a bundle, complete and checked, so that its first graph takes uint8.

    Returns what was compared, for the provenance. Raises InputError as `check_uint8_fits`, and
    RefusedError if results are not those of the float graph.
    """
    import onnx

    manifest = draft.manifest
    record = manifest["input"]
    check_uint8_fits(manifest["task"], record, manifest["postprocess"])
    before = Bundle.open(str(draft.folder))
    reference = Pipeline(before, fp32_files(before, "onnx"))
    expected = [reference(image) for image in images]
    for graph in manifest["graphs"]["main" if "main" in manifest["graphs"] else "trunk"]:
        path = Path(draft.folder) / graph["file"]
        model = onnx.load(path)
        _normalise_inside(model, graph["inputs"][0]["name"], record)
        content = graph_bytes(model)
        path.write_bytes(content)
        graph["sha256"] = hashlib.sha256(content).hexdigest()
        graph["inputs"][0]["dtype"] = "uint8"
    level = _level_of_padding(record)
    channels = len(record["mean"])
    changed = {"scale": 1.0, "mean": [0.0] * channels, "std": [1.0] * channels, "dtype": "uint8"}
    padding = {"pad_value": float(level) if level is not None else 0.0}
    manifest["input"] = {**record, **changed, **padding}
    draft.write_manifest()
    after = Bundle.open(str(draft.folder))
    other = Pipeline(after, fp32_files(after, "onnx"))
    pairs = zip(expected, (other(image) for image in images), strict=True)
    try:
        found = agreement(manifest["task"], pairs)
    except InputError as error:
        return {"agreement": None, "not_compared": str(error)}
    if found.value < LEAST_AGREEMENT:
        raise RefusedError(
            f"`GraphOptions.input_dtype=uint8` gives other results than float32: {found}, expected "
            f"{100 * LEAST_AGREEMENT:.0f} %: leave it out"
        )
    return {
        "measure": found.measure,
        "agreement": found.value,
        "count": found.count,
        "unit": found.unit,
    }


def _level_of_padding(record: Mapping[str, Any]) -> int | None:
    """The level 0..255 that the padding stands for in every channel, if there is one."""
    values = {
        (record["pad_value"] * std + mean) / record["scale"]
        for mean, std in zip(record["mean"], record["std"], strict=True)
    }
    level = round(next(iter(values)))
    exact = all(abs(value - level) < 1e-4 for value in values)
    return level if exact and 0 <= level <= 255 else None


def _normalise_inside(model: onnx.ModelProto, name: str, record: dict[str, Any]) -> None:
    """``(x * scale - mean) / std`` in float32, in front of everything that took the input."""
    from onnx import TensorProto, helper, numpy_helper

    graph = model.graph
    mean, std = (np.array(record[key], np.float64) for key in ("mean", "std"))
    shape = (1, -1, 1, 1) if record["layout"] == "nchw" else (1, 1, 1, -1)
    weights = {
        f"{name}_factor": (record["scale"] / std).reshape(shape),
        f"{name}_offset": (-mean / std).reshape(shape),
    }
    for node in graph.node:
        for position, taken in enumerate(node.input):
            if taken == name:
                node.input[position] = f"{name}_normalised"
    steps = [
        helper.make_node("Cast", [name], [f"{name}_float"], f"{name}_cast", to=TensorProto.FLOAT),
        helper.make_node(
            "Mul", [f"{name}_float", f"{name}_factor"], [f"{name}_scaled"], f"{name}_scale"
        ),
        helper.make_node(
            "Add", [f"{name}_scaled", f"{name}_offset"], [f"{name}_normalised"], f"{name}_shift"
        ),
    ]
    for step in reversed(steps):
        graph.node.insert(0, step)
    for key, value in weights.items():
        graph.initializer.append(numpy_helper.from_array(value.astype(np.float32), key))
    (port,) = (value for value in graph.input if value.name == name)
    port.type.tensor_type.elem_type = TensorProto.UINT8
