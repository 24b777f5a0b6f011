"""Manifests (bundle.json) of bundles that tests write. Those of tests/golden are written by their
own scripts, which stay as they are."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

Shape = Sequence[int | str | None]  # None, -1 or a name: any length


def input_record(**changes: Any) -> dict[str, Any]:
    """RGB images in their own size, levels 0..255 as they are, but for `changes`."""
    return {
        "color": "rgb",
        "size": None,
        "resize": "none",
        "max_size": None,
        "align": "center",
        "crop": None,
        "interpolation": "bilinear",
        "antialias": False,
        "scale": 1.0,
        "mean": [0, 0, 0],
        "std": [1, 1, 1],
        "pad_value": 0.0,
        "pad_multiple": 1,
        "dtype": "float32",
        "layout": "nchw",
        **changes,
    }


def graph(
    inputs: Mapping[str, Shape],
    outputs: Mapping[str, Shape],
    *,
    file: str = "main.onnx",
    sha256: str = "0" * 64,
) -> dict[str, Any]:
    """The record of a graph whose tensors are float32."""

    def tensors(shapes: Mapping[str, Shape]) -> list[dict[str, Any]]:
        return [
            {
                "name": name,
                "dtype": "float32",
                "shape": [
                    length if isinstance(length, int) and length >= 0 else None for length in shape
                ],
            }
            for name, shape in shapes.items()
        ]

    return {
        "file": file,
        "sha256": sha256,
        "precision": "fp32",
        "dialect": "onnx",
        "inputs": tensors(inputs),
        "outputs": tensors(outputs),
    }


def write_manifest(
    folder: Path,
    task: str,
    graphs: Mapping[str, dict[str, Any]],
    postprocess: Mapping[str, Any],
    *,
    labels: Sequence[str] = (),
    input: Mapping[str, Any] | None = None,
    schema: int = 2,
    **more: Any,
) -> Path:
    """Writes ``bundle.json`` with one graph for each role; gives the folder.

    Args:
        input: the input record; None: that of `input_record`.
        more: other keys, such as name, architecture or provenance.
    """
    record = {
        "schema": schema,
        "name": "fake",
        "task": task,
        "architecture": "fake",
        "labels": list(labels),
        "input": input_record() if input is None else dict(input),
        "graphs": {role: [each] for role, each in graphs.items()},
        "postprocess": dict(postprocess),
        "provenance": {},
        **more,
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "bundle.json").write_text(json.dumps(record), encoding="utf-8")
    return folder
