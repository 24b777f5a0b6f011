"""A bundle around an ONNX file that was made elsewhere. Needs no torch."""

from __future__ import annotations

import copy
import importlib.metadata
import os
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edgecv.data.reading.text import MAX_TEXT, read_json
from edgecv_export.bundle.draft import MANIFEST, BundleDraft, check_target, name_of, new_bundle
from edgecv_export.bundle.graph_record import tensor_record
from edgecv_export.bundle.node_names import name_nodes
from edgecv_export.generated_images import generate_images
from edgecv_export.wrapping.anchor_guess import ENCODINGS, stored_arrays, to_xyxy
from edgecv_export.wrapping.output_checks import check_outputs
from edgecv_runtime import BundleError, InputError, Manifest
from edgecv_runtime._core import check_graph
from edgecv_runtime.files.regular import check_regular
from edgecv_runtime.one_line import brief, first_line, one_line, printable
from edgecv_runtime.versions import require

if TYPE_CHECKING:
    import onnx

GRAPH_FILE = "model.onnx"
_MAX_BYTES = 2 << 30  # an ONNX file with all its weights inside has less
_IMAGES = 4  # generated, where none are given
ANCHOR_FILE = "anchors.npy"

# Keys that are rarely set; all others of a record are required.
_INPUT_DEFAULTS = {
    "max_size": None,
    "align": "center",
    "crop": None,
    "interpolation": "bilinear",
    "antialias": False,
    "pad_value": 0.0,
    "pad_multiple": 1,
    "dtype": "float32",
    "layout": "nchw",
}
# Finished boxes need no coder, and deltas are never normalised: their records still hold the keys.
_BOXES_DEFAULTS = {"max_log_scale": 4.135166556742356}
_FINISHED_BOXES_DEFAULTS = {"weights": [10, 10, 5, 5], **_BOXES_DEFAULTS}
_DELTAS_DEFAULTS = {"normalized": False, **_BOXES_DEFAULTS}
# By task, where the manifest does not say the method.
_METHODS = {"classify": "classify", "segment": "segment"}


def wrap(
    model: str | os.PathLike[str],
    manifest: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    images: Sequence[NDArray[np.uint8]] | None = None,
    overwrite: bool = False,
) -> Path:
    """Writes a bundle around an ONNX file, after running it on some images to see that it fits.

    Args:
        model: the ONNX file: one image tensor in. A detector has scores float32 [B, A, columns] and
            boxes float32 [B, A, 4] among its outputs, a classifier [B, C], a segmentation network
            [B, C, h, w].
        manifest: a JSON file with the keys of ``bundle.json``. It may leave out ``schema``,
            ``name``, ``task``, ``architecture``, ``graphs``, ``provenance``, every ``sha256`` and
            the keys of ``input`` that have a usual value (docs/wrap.md). An anchor file's path is
            relative to this file.
        out: the bundle's folder. It must not exist, be empty, or, with ``overwrite``, be a bundle.

        images: uint8 [H, W, 3] BGR, such as the network was made for; generated ones if left out,
            on which less can be seen.

    Returns:
        The bundle's folder. It appears there complete and tried, or not at all.

    Raises:
        InputError: a file cannot be read, or the network does not fit what the manifest says.
        BundleError: the manifest has an unknown key, lacks one, or has a value that cannot be.
    """
    require("onnx")
    target = check_target(out, overwrite)
    model, manifest = Path(model), Path(manifest)
    record = _read_json(manifest)
    graph = read_onnx(model)
    with new_bundle(target, overwrite) as draft:
        digest = draft.add_file(GRAPH_FILE, _content(model, graph))
        draft.manifest = _complete(record, name_of(target), model.stem)
        draft.manifest["graphs"] = {"main": [_graph_record(record, graph, digest)]}
        if "provenance" not in record:
            draft.manifest["provenance"] = _provenance(model)
        _add_anchor_file(draft, manifest, graph)
        try:
            draft.write_manifest()
        except BundleError as error:
            # The user knows the manifest by its own name.
            raise BundleError(str(error).replace(MANIFEST, manifest.name, 1)) from error
        some = generate_images(_IMAGES) if images is None else list(images)
        check_outputs(draft.folder, model.name, graph, some)
    return target


def _read_json(path: Path) -> dict[str, Any]:
    record = read_json(path, MAX_TEXT)
    if not isinstance(record, dict):
        raise InputError(f"{path}: expected a JSON object with the keys of bundle.json")
    return record


def read_onnx(path: Path) -> onnx.ModelProto:
    import onnx

    if not path.is_file():
        raise InputError(f"{path}: no such file; expected an ONNX model")
    try:
        if _stored_bytes(path) >= _MAX_BYTES:
            raise InputError(f"{path}: 2 GB or more with its side files; expected a smaller model")
        model = onnx.load(path)
        onnx.checker.check_model(model)
    except InputError:
        raise
    except Exception as error:  # protobuf's, onnx's and the file system's have no common base
        raise InputError(f"{path} is not a valid ONNX model: {first_line(error)}") from error
    check_graph(model.SerializeToString(), os.fspath(path))  # side files have been read into it
    return model


def _stored_bytes(path: Path) -> int:
    """Of the file and its side files, which onnx would read whole, whatever their tensors need."""
    import onnx

    size = path.stat().st_size
    if size >= _MAX_BYTES:
        return size
    graph = onnx.load(path, load_external_data=False).graph
    values = (attribute.t for node in graph.node for attribute in node.attribute)
    places = {
        entry.value
        for tensor in (*graph.initializer, *values)
        for entry in tensor.external_data
        if entry.key == "location"
    }
    files = [path.parent / place for place in places]
    return size + sum(file.stat().st_size for file in files if file.is_file())


def _content(path: Path, model: onnx.ModelProto) -> bytes:
    """The file as it is, or written anew where its weights lie in side files, or nodes have no
    name of their own."""
    import onnx

    stored = path.read_bytes()
    # Loading from the path has read the side files; the bytes still say that there are any.
    weights = onnx.load_model_from_string(stored).graph.initializer
    external = any(t.data_location == onnx.TensorProto.EXTERNAL for t in weights)
    return model.SerializeToString() if name_nodes(model) or external else stored


def _complete(record: dict[str, Any], name: str, architecture: str) -> dict[str, Any]:
    """The record with what may be left out. What is wrong in it stays: the runtime's record says
    so with the key's name."""
    given = record.get("postprocess")
    method = given.get("method", "ssd") if isinstance(given, dict) else "ssd"
    task = method if method in ("classify", "segment") else "detect"
    full = {
        "schema": Manifest.current_schema,
        "name": name,
        "task": task,
        "architecture": architecture,
        **copy.deepcopy(record),
    }
    if isinstance(full.get("input"), dict):
        full["input"] = {**_INPUT_DEFAULTS, **full["input"]}
    postprocess = full.get("postprocess")
    if isinstance(postprocess, dict):
        postprocess.setdefault("method", _METHODS.get(str(full["task"]), "ssd"))
        if postprocess["method"] == "segment":
            postprocess.setdefault("windows", None)
        boxes = postprocess.get("boxes")
        if isinstance(boxes, dict):
            deltas = boxes.get("encoding") == "deltas"
            defaults = _DELTAS_DEFAULTS if deltas else _FINISHED_BOXES_DEFAULTS
            postprocess["boxes"] = {**defaults, **boxes}
            if not deltas:
                postprocess.setdefault("anchors", None)
    return full


def _graph_record(record: dict[str, Any], model: onnx.ModelProto, digest: str) -> dict[str, Any]:
    weights = {tensor.name for tensor in model.graph.initializer}
    inputs = [tensor_record(value) for value in model.graph.input if value.name not in weights]
    if len(inputs) != 1:
        names = ", ".join(tensor["name"] for tensor in inputs) or "none"
        raise InputError(
            f"the network takes {len(inputs)} inputs ({printable(names)}); expected one, images"
        )
    given = _given_graph(record)
    return {
        "file": GRAPH_FILE,
        "sha256": digest,
        "precision": given.get("precision", "fp32"),
        "dialect": given.get("dialect", "onnx"),
        "inputs": inputs,
        "outputs": [tensor_record(value) for value in model.graph.output],
    }


def _given_graph(record: dict[str, Any]) -> dict[str, Any]:
    """Precision and dialect, where the manifest says them; the rest is read from the ONNX file."""
    graphs = record.get("graphs", {"main": [{}]})
    if not (
        isinstance(graphs, dict)
        and set(graphs) == {"main"}
        and isinstance(graphs["main"], list)
        and len(graphs["main"]) == 1
        and isinstance(graphs["main"][0], dict)
    ):
        raise InputError(
            "graphs: expected one entry under main, or nothing: there is one ONNX file"
        )
    given: dict[str, Any] = graphs["main"][0]
    return given


def _add_anchor_file(draft: BundleDraft, manifest: Path, model: onnx.ModelProto) -> None:
    postprocess = draft.manifest.get("postprocess")
    anchors = postprocess.get("anchors") if isinstance(postprocess, dict) else None
    if not isinstance(anchors, dict) or anchors.get("kind") != "file":
        return
    encoding = anchors.pop("encoding", "xyxy")
    if encoding not in ENCODINGS:
        raise InputError(
            f"postprocess.anchors.encoding: expected {', '.join(ENCODINGS)}, got {brief(encoding)}"
        )
    if "initializer" in anchors:
        array = _anchors_inside(anchors, model)
    else:
        array = _anchors_of(anchors, manifest)
    corners = to_xyxy(array.astype(np.float32), encoding)
    anchors["sha256"] = draft.add_array(ANCHOR_FILE, corners)
    anchors["file"] = ANCHOR_FILE


def _anchors_inside(anchors: dict[str, Any], model: onnx.ModelProto) -> NDArray[Any]:
    """Of a weight or constant of the graph."""
    name = anchors.pop("initializer")
    if "file" in anchors or "sha256" in anchors:
        raise InputError("postprocess.anchors: expected file or initializer, not both")
    found = stored_arrays(model)
    if not isinstance(name, str) or name not in found:
        raise InputError(
            f"postprocess.anchors.initializer: expected a weight of the ONNX file with finite "
            f"numbers [A, 4], got {brief(name)}; "
            f"it has {', '.join(map(brief, list(found)[:8])) or 'none'}"
        )
    return found[name]


def _anchors_of(anchors: dict[str, Any], manifest: Path) -> NDArray[Any]:
    """Of an .npy file beside the manifest."""
    if not isinstance(anchors.get("file"), str):
        raise InputError("postprocess.anchors.file: expected the path of an .npy file")
    path = manifest.parent / anchors["file"]
    check_regular(path)
    with one_line(path, "expected an .npy file of anchors"):
        array = np.load(path, allow_pickle=False)
    if not isinstance(array, np.ndarray) or array.ndim != 2 or array.shape[1] != 4:
        raise InputError(
            f"{path} holds an array of shape {list(np.shape(array))}; expected anchors [A, 4], xyxy"
        )
    if array.dtype.kind not in "fiu" or not np.isfinite(array).all():
        raise InputError(f"{path}: expected finite numbers, xyxy")
    given = anchors.get("sha256")
    if given is not None and not isinstance(given, str):
        raise InputError(
            f"postprocess.anchors.sha256: expected 64 hex digits, got {brief(given)}; leave it out "
            "where it is not known"
        )
    if given is not None and given.lower() != sha256(path.read_bytes()).hexdigest():
        raise InputError(f"{path} does not have the sha256 that {manifest.name} says")
    return array


def _provenance(model: Path) -> dict[str, Any]:
    packages = ("edgecv", "onnx", "onnxruntime")
    return {
        "versions": {package: importlib.metadata.version(package) for package in packages},
        "wrapped": {"file": model.name, "sha256": sha256(model.read_bytes()).hexdigest()},
    }
