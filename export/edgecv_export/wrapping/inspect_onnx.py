"""What an ONNX file from elsewhere gives, and a manifest to begin with. Needs no torch."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgecv_export.bundle.graph_record import tensor_record
from edgecv_export.generated_images import generate_images
from edgecv_export.wrapping.manifest_draft import Seen, draft_manifest
from edgecv_export.wrapping.wrap import read_onnx
from edgecv_runtime import InputError
from edgecv_runtime.engines.graph_source import path_or_content
from edgecv_runtime.files.whole import write_file
from edgecv_runtime.one_line import first_line, printable

_SIDE = 320  # of an axis that may have any length
_IMAGES = 2


@dataclass(frozen=True)
class Output:
    """What one output was like on the images."""

    name: str
    dtype: str
    declared: list[int | None]
    shape: list[int]
    low: float
    high: float
    finite: bool

    def __str__(self) -> str:
        extent = f"{self.low:.4g}..{self.high:.4g}" if self.finite else "NaN or infinity"
        return f"{self.name}  {self.dtype} {_shape(self.shape)}  {extent}"


@dataclass
class Inspection:
    """What was found.

    Attributes:
        inputs: the records of the graph's inputs: name, dtype, shape (None: any length).
        outputs: what they were like on the images; empty where the network could not be run.
        convention: in words, which of the forms that `wrap` takes it is; None: none of them.
        notes: what was seen, and what the user has to say.
        manifest: a manifest to begin with, ready for `wrap` where ``notes`` leave nothing open.
    """

    file: str
    inputs: list[dict[str, Any]]
    outputs: list[Output] = field(default_factory=list)
    convention: str | None = None
    notes: list[str] = field(default_factory=list)
    manifest: dict[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "file": self.file,
            "inputs": self.inputs,
            "outputs": [vars(output) for output in self.outputs],
            "convention": self.convention,
            "notes": self.notes,
            "manifest": self.manifest,
        }

    def text(self) -> str:
        """For a person."""
        lines = [self.file]
        for record in self.inputs:
            lines.append(f"  input   {record['name']}  {record['dtype']} {_shape(record['shape'])}")
        lines += [f"  output  {output}" for output in self.outputs]
        lines.append(f"  looks like: {self.convention or 'nothing that edgecv wrap takes'}")
        lines += [f"  - {note}" for note in self.notes]
        return "\n".join(map(printable, lines))


def inspect_onnx(
    model: str | os.PathLike[str], images: Sequence[NDArray[np.uint8]] | None = None
) -> Inspection:
    """Runs an ONNX file on images and says what its outputs are.

    Args:
        model: the ONNX file.
        images: uint8 [H, W, 3] BGR, such as the network was made for; generated ones if left out.

    Raises InputError: the file cannot be read, or is not a valid ONNX model.
    """
    path = Path(model)
    graph = read_onnx(path)
    weights = {tensor.name for tensor in graph.graph.initializer}
    inputs = [tensor_record(value) for value in graph.graph.input if value.name not in weights]
    found = Inspection(path.name, inputs)
    layout = _layout(inputs)
    if layout is None:
        found.notes.append(
            "expected one input, images [B, 3, H, W] or [B, H, W, 3] (or 1 channel), float32 or "
            "uint8: the others must be constants of the graph"
        )
        return found
    some = generate_images(_IMAGES, seed=1) if images is None else list(images)[:8]
    tensors, note = _tensors(some, inputs[0], layout)
    if note:
        found.notes.append(note)
    try:
        values = _run(path, inputs[0]["name"], tensors)
    except Exception as error:  # whatever ONNX Runtime raises: the user sees it
        found.notes.append(f"it does not run: {first_line(error)}")
        return found
    declared = {value.name: value for value in graph.graph.output}
    for name, arrays in values.items():
        flat = np.concatenate([np.asarray(a).ravel() for a in arrays])
        finite = bool(np.isfinite(flat).all()) if flat.dtype.kind == "f" else True
        low, high = (float(flat.min()), float(flat.max())) if flat.size and finite else (0.0, 0.0)
        shape = tensor_record(declared[name])["shape"]
        found.outputs.append(
            Output(name, arrays[0].dtype.name, shape, list(arrays[0].shape), low, high, finite)
        )
    if not all(output.finite for output in found.outputs):
        found.notes.append(
            "an output holds NaN or infinity: images were scaled to 0..1, another scale may fit"
        )
        return found
    shape = tensors[0].shape
    sides = (shape[1], shape[2]) if layout == "nhwc" else (shape[2], shape[3])
    seen = Seen(graph, path, inputs[0], layout, sides, tensors[0], values)
    convention, manifest, notes = draft_manifest(seen)
    found.convention, found.manifest = convention, manifest
    found.notes += notes
    return found


def write_manifest_draft(found: Inspection, path: str | os.PathLike[str]) -> None:
    """Writes the manifest into a new file. Raises InputError where there is no manifest, or the
    file exists."""
    if found.manifest is None:
        raise InputError(
            f"{found.file} does not look like a model that edgecv wrap takes: no manifest is "
            "written"
        )
    if os.path.lexists(path):
        raise InputError(f"{path} is there already: give another file")
    try:
        write_file(path, json.dumps(found.manifest, indent=2, ensure_ascii=False) + "\n")
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from error


def _layout(inputs: list[dict[str, Any]]) -> str | None:
    if len(inputs) != 1 or len(inputs[0]["shape"]) != 4:
        return None
    if inputs[0]["dtype"] not in ("float32", "uint8"):
        return None
    shape = inputs[0]["shape"]
    if shape[1] in (1, 3):
        return "nchw"
    return "nhwc" if shape[3] in (1, 3) else "nchw" if shape[1] is None else None


def _tensors(
    images: Sequence[NDArray[np.uint8]], record: dict[str, Any], layout: str
) -> tuple[list[NDArray[Any]], str | None]:
    """The images stretched to the input, in 0..1 or as bytes, one tensor for each."""
    from edgecv_runtime import ops
    from edgecv_runtime._core import InputSpec

    shape = record["shape"]
    sides = shape[1:3] if layout == "nhwc" else shape[2:4]
    channels = shape[3] if layout == "nhwc" else shape[1]
    height, width = (side or _SIDE for side in sides)
    note = None
    if None in sides:
        note = f"height or width may be any: it was tried at {height} x {width}, set input.size"
    uint8 = record["dtype"] == "uint8"
    spec = InputSpec(
        color="gray" if channels == 1 else "rgb",
        size=(height, width),
        resize="stretch",
        scale=1.0 if uint8 else 1 / 255,
        mean=(0.0, 0.0, 0.0),
        std=(1.0, 1.0, 1.0),
        dtype=record["dtype"],
        layout=layout,
    )
    batch = shape[0] or 1
    return [np.repeat(ops.preprocess(i, spec)[None], batch, axis=0) for i in images], note


def _run(path: Path, name: str, tensors: Sequence[NDArray[Any]]) -> dict[str, list[NDArray[Any]]]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(
        path_or_content(path), options, providers=["CPUExecutionProvider"]
    )
    names = [output.name for output in session.get_outputs()]
    runs = [session.run(names, {name: tensor}) for tensor in tensors]
    return {output: [run[i] for run in runs] for i, output in enumerate(names)}


def _shape(shape: Sequence[int | None]) -> str:
    return "[" + ", ".join("?" if side is None else str(side) for side in shape) + "]"
