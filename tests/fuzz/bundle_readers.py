"""Readers of bundles, and of what `edgecv wrap` makes one of."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

from edgecv_export.wrapping.inspect_onnx import inspect_onnx
from edgecv_export.wrapping.wrap import wrap
from edgecv_runtime import load
from edgecv_runtime._core import Manifest, check_graph
from edgecv_runtime.engines.built.file import read_engines, to_json
from edgecv_runtime.engines.built.record import BuiltEngine, ShapeRange
from edgecv_runtime.files.bundle import open_bundle
from fuzz.reader import Reader, put
from helpers.manifests import input_record

GOLDEN = Path(__file__).parents[1] / "golden"
_BUNDLES = {
    folder: {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
    for folder in sorted(GOLDEN.glob("bundle_*"))
}
_COMPRESSIONS = (zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2, zipfile.ZIP_STORED)
_IMAGE = np.random.default_rng(0).integers(0, 256, (32, 48, 3), np.uint8)


def _seeds(suffix: str) -> list[bytes]:
    return [
        content
        for files in _BUNDLES.values()
        for name, content in files.items()
        if name.endswith(suffix)
    ]


def _zip(compression: int) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, content in _BUNDLES[GOLDEN / "bundle_v1"].items():
            archive.writestr(name, content)
    return file.getvalue()


def _run_with(name: str, engine: str = "onnxruntime") -> Callable[[Path], object]:
    """Puts the file into the bundle that it was made of, with its hash, and runs that."""

    def read(folder: Path) -> object:
        content = (folder / name).read_bytes()
        lines = set(content.split(b"\n"))
        whose, replaced = max(
            (
                (files, own)
                for files in _BUNDLES.values()
                for own in files
                if own.endswith(Path(name).suffix)
            ),
            key=lambda one: len(lines & set(one[0][one[1]].split(b"\n"))),
        )
        changed = {**whose, replaced: content}
        if replaced != "bundle.json":
            before, after = (sha256(files[replaced]).hexdigest() for files in (whose, changed))
            changed["bundle.json"] = whose["bundle.json"].replace(before.encode(), after.encode())
        put(folder / "bundle", changed)
        return load(folder / "bundle", engine=engine, threads=1)(_IMAGE).to_dict()

    return read


def _engine() -> bytes:
    shapes = ShapeRange((1, 3, 32, 48), (2, 3, 32, 48), (4, 3, 32, 48))
    engine = BuiltEngine(
        role="main",
        kind="tensorrt",
        version="10.3.0",
        gpu="Orin",
        compute_capabilities=(87,),
        compatibility="none",
        version_compatible=False,
        precision="fp32",
        tf32=False,
        graph_sha256="a" * 64,
        profile={"images": shapes},
        built="2026-11-24T12:00:00+00:00",
        file="engines/a.plan",
        sha256="b" * 64,
    )
    return to_json([engine]).encode()


def _scores_and_boxes() -> bytes:
    """Two anchors: their scores are the image's mean, their boxes do not move."""
    nodes = [
        helper.make_node("ReduceMean", ["images", "axes"], ["mean"], keepdims=0),
        helper.make_node("Reshape", ["mean", "column"], ["level"]),
        helper.make_node("Mul", ["level", "ones"], ["scores"]),
        helper.make_node("Mul", ["level", "zeros"], ["boxes"]),
    ]
    constants = {
        "axes": np.array([1, 2, 3], np.int64),
        "column": np.array([-1, 1, 1], np.int64),
        "ones": np.ones((1, 2, 2), np.float32),
        "zeros": np.zeros((1, 2, 4), np.float32),
    }
    graph = helper.make_graph(
        nodes,
        "anchors",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["batch", 3, 32, 48])],
        [
            helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["batch", 2, 2]),
            helper.make_tensor_value_info("boxes", TensorProto.FLOAT, ["batch", 2, 4]),
        ],
        [onnx.numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8, producer_name="tests"
    )
    helper.set_model_props(model, {"names": "{0: 'dog', 1: 'cat'}"})
    return bytes(model.SerializeToString())


def _anchors(boxes: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, boxes)
    return file.getvalue()


_ANCHORS = np.array([[0.125, 0.25, 0.375, 0.75], [0.5, 0.25, 1.0, 0.75]])
_GRAPH = _scores_and_boxes()


def _manifest(**anchors: str) -> bytes:
    record = {
        "labels": ["dog", "cat"],
        "input": input_record(size=[32, 48], resize="stretch", scale=1 / 255),
        "postprocess": {
            "scores": {"output": "scores", "function": "none", "background": "none"},
            "boxes": {"output": "boxes", "encoding": "deltas", "weights": [10, 10, 5, 5]},
            "anchors": {"kind": "file", "file": "anchors.npy", "normalized": True, **anchors},
            "score_threshold": 0.01,
            "iou_threshold": 0.45,
            "topk_candidates": 400,
            "max_detections": 200,
        },
    }
    return json.dumps(record, indent=1).encode()


_HASH = sha256(_anchors(_ANCHORS)).hexdigest()


def _wrapped(folder: Path) -> object:
    """Of the ONNX file, the manifest and the anchors those that are not there are right."""
    right = {
        "model.onnx": _GRAPH,
        "manifest.json": _manifest(encoding="cxcywh"),
        "anchors.npy": _anchors(_ANCHORS),
    }
    put(folder, {name: right[name] for name in right if not (folder / name).exists()})
    return wrap(folder / "model.onnx", folder / "manifest.json", folder / "out", images=[_IMAGE])


READERS = {
    "manifest": Reader(
        "bundle.json",
        _seeds("bundle.json"),
        lambda folder: Manifest.from_json((folder / "bundle.json").read_bytes().decode("latin-1")),
    ),
    "bundle": Reader("bundle.json", _seeds("bundle.json"), _run_with("bundle.json")),
    "anchor_file": Reader("anchors.npy", _seeds("anchors.npy"), _run_with("anchors.npy")),
    "graph": Reader(
        "main.onnx",
        _seeds(".onnx"),
        lambda folder: check_graph((folder / "main.onnx").read_bytes(), "main.onnx"),
    ),
    "graph_run": Reader("main.onnx", _seeds(".onnx"), _run_with("main.onnx")),
    "graph_openvino": Reader("main.onnx", _seeds(".onnx"), _run_with("main.onnx", "openvino")),
    "zip": Reader(
        "bundle.zip",
        [_zip(kind) for kind in _COMPRESSIONS],
        lambda folder: open_bundle(folder / "bundle.zip").__enter__(),
    ),
    "engines": Reader("engines.json", [_engine()], read_engines),
    "wrap_manifest": Reader(
        "manifest.json", [_manifest(), _manifest(encoding="cxcywh", sha256=_HASH)], _wrapped
    ),
    "wrap_anchors": Reader(
        "anchors.npy",
        [_anchors(_ANCHORS.astype(kind)) for kind in (np.float32, np.float64, ">f4", np.float16)]
        + [_anchors(np.asfortranarray(_ANCHORS)), _anchors((8 * _ANCHORS).astype(np.int64))],
        _wrapped,
    ),
    "inspect": Reader(
        "model.onnx",
        [_GRAPH, *_seeds("main.onnx")],
        lambda folder: inspect_onnx(folder / "model.onnx", [_IMAGE]),
    ),
}
