"""Nodes of the graphs that are written: each has a name of its own. test_rtx_families.py looks at
those of every family."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from edgecv.cli.diagnosis.self_test import families, open_archive
from edgecv_export import GraphOptions, export
from edgecv_export.bundle.node_names import name_nodes
from edgecv_export.generated_images import generate_images
from edgecv_export.precision import fp16_variant as half
from edgecv_export.precision import int8_variant as int8
from edgecv_export.precision import sources
from edgecv_export.precision.accuracy_gate import Gate
from edgecv_export.precision.int8_variant import Quantization
from edgecv_export.precision.variant import add_variant


def doubled(model: onnx.ModelProto) -> dict[str, int]:
    counts = Counter(node.name for node in model.graph.node)
    return {name: count for name, count in counts.items() if count > 1 or not name}


def assert_named(folder: Path, *, at_least: int) -> None:
    files = sorted(folder.glob("*.onnx"))
    assert len(files) >= at_least
    for file in files:
        assert doubled(onnx.load(file)) == {}, file.name


def graph_without_names() -> onnx.ModelProto:
    """A name twice, none, and one that a new name could be."""
    ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [4]) for name in "xy"]
    nodes = [
        helper.make_node("Relu", ["x"], ["a"], name="same"),
        helper.make_node("Relu", ["a"], ["b"], name="same"),
        helper.make_node("Relu", ["b"], ["c"]),
        helper.make_node("Relu", ["c"], ["y"], name="same_1"),
    ]
    return helper.make_model(helper.make_graph(nodes, "g", ports[:1], ports[1:]))


def test_names_that_are_there_stay() -> None:
    model = graph_without_names()
    assert name_nodes(model)
    assert [node.name for node in model.graph.node] == ["same", "same_2", "Relu_1", "same_1"]
    assert not name_nodes(model)


def test_subgraphs_have_names_of_their_own() -> None:
    branch = graph_without_names().graph
    inner = helper.make_graph(branch.node, "branch", [], branch.output)
    node = helper.make_node("If", ["x"], ["y"], then_branch=inner, else_branch=inner)
    outer = helper.make_model(helper.make_graph([node], "g", branch.input, branch.output))
    assert name_nodes(outer)
    (named,) = outer.graph.node
    for attribute in named.attribute:
        names = [node.name for node in attribute.g.node]
        assert names == ["same", "same_2", "Relu_1", "same_1"]


@pytest.mark.parametrize("precision", ["fp16", "int8"])
def test_variants_of_a_bundle_without_names(
    small_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, precision: str
) -> None:
    """What is cast or quantised is written with names, whatever it was made from."""
    bundle = Path(shutil.copytree(small_bundle, tmp_path / "bundle"))

    def nameless(*args: Any) -> onnx.ModelProto:
        model = sources.read_graph(*args)
        for node in model.graph.node:
            node.name = ""
        return model

    monkeypatch.setattr(half if precision == "fp16" else int8, "read_graph", nameless)
    images = [image[:200, :180].copy() for image in generate_images(8, seed=1)]
    if precision == "int8":
        quantization = Quantization(images, "minmax", gate=Gate(0.5))
        add_variant(bundle, "int8", quantization=quantization)
    else:
        add_variant(bundle, "fp16", images=images)
    assert_named(bundle, at_least=2)


def test_uint8_input(small_detector: Any, tmp_path: Path) -> None:
    labels = ["ant", "bee", "cow", "dog"]
    folder = export(
        small_detector, tmp_path / "bundle", labels=labels, graph=GraphOptions(input_dtype="uint8")
    ).folder
    record = json.loads((folder / "bundle.json").read_text())["input"]
    assert np.dtype(record["dtype"]) == np.uint8
    assert_named(folder, at_least=1)


def test_the_self_test_needs_no_renaming(tmp_path: Path) -> None:
    """Names would take too much of the wheel; only nodes that ONNX Runtime fuses have one."""
    with open_archive() as archive:
        archive.extractall(tmp_path)
    for family in families():
        for file in sorted((tmp_path / family).glob("*.onnx")):
            fused = [
                node.name
                for node in onnx.load(file).graph.node
                if node.op_type in ("Gather", "Slice")
            ]
            assert "" not in fused and len(set(fused)) == len(fused), file
