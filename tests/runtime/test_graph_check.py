"""What a bundle's ONNX file must not hold: it is refused before an engine sees it."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import AttributeProto, TensorProto, helper, numpy_helper

import edgecv
from edgecv_runtime._core import BundleError, check_graph
from edgecv_runtime.engines.onnxruntime import OnnxRuntimeEngine
from edgecv_runtime.engines.openvino import OpenVinoEngine
from helpers.tiny_bundle import write_tiny_bundle

GOLDEN = sorted((Path(__file__).parents[1] / "golden").glob("bundle_*/*.onnx"))


def tiny(tmp_path: Path) -> onnx.ModelProto:
    return onnx.load(write_tiny_bundle(tmp_path / "source") / "main.onnx")


def endless_loop(model: onnx.ModelProto) -> None:
    """The first output goes through a Loop that never ends."""
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go"], ["go_on"]),
            helper.make_node("Identity", ["value"], ["same"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("i", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("value", TensorProto.FLOAT, None),
        ],
        [
            helper.make_tensor_value_info("go_on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("same", TensorProto.FLOAT, None),
        ],
    )
    model.graph.initializer.append(numpy_helper.from_array(np.array(True), "true"))
    model.graph.node.append(helper.make_node("Loop", ["", "true", "scores"], ["x"], "l", body=body))


def external_initializer(model: onnx.ModelProto) -> None:
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")


def external_attribute(model: onnx.ModelProto) -> None:
    tensor = TensorProto(name="c", data_type=1, dims=[1], data_location=TensorProto.EXTERNAL)
    model.graph.node.append(helper.make_node("Constant", [], ["c"], value=tensor))


def other_domain(model: onnx.ModelProto) -> None:
    model.graph.node.append(helper.make_node("Evil", [], ["e"], "spell", domain="com.example"))


def function(model: onnx.ModelProto) -> None:
    model.functions.append(
        helper.make_function("local", "F", [], [], [], [helper.make_opsetid("", 18)])
    )


def subgraph_of_an_unknown_operator(model: onnx.ModelProto) -> None:
    node = helper.make_node("Custom", [], ["g"], "hidden")
    node.attribute.append(AttributeProto(name="g", graphs=[onnx.GraphProto()]))
    model.graph.node.append(node)


def claims_too_much(model: onnx.ModelProto) -> None:
    model.graph.initializer.append(
        TensorProto(name="w", data_type=1, dims=[1 << 20, 1 << 20], raw_data=bytes(4))
    )


def huge_fill(model: onnx.ModelProto) -> None:
    model.graph.node.append(helper.make_node("ConstantOfShape", ["shape"], ["filled"], "fill"))
    model.graph.initializer.append(
        numpy_helper.from_array(np.array([1 << 15, 1 << 15, 8], np.int64), "shape")
    )


def huge_tile(model: onnx.ModelProto) -> None:
    value = helper.make_tensor("v", TensorProto.INT64, [2], [1 << 20, 1 << 20])  # int64_data
    model.graph.node.append(helper.make_node("Constant", [], ["often"], value=value))
    model.graph.node.append(helper.make_node("Tile", ["images", "often"], ["tiled"], "tile"))


def sparse_outside(model: onnx.ModelProto) -> None:
    values = TensorProto(name="s", data_type=1, dims=[1], data_location=TensorProto.EXTERNAL)
    model.graph.sparse_initializer.add().values.CopyFrom(values)


def training(model: onnx.ModelProto) -> None:
    model.training_info.add().algorithm.name = "train"


def many_nodes(model: onnx.ModelProto) -> None:
    model.graph.node.extend([onnx.NodeProto(op_type="Relu", input=["x"])] * 100_001)


REFUSED = [
    (endless_loop, 'node "l" of type "Loop" holds a graph of its own'),
    (external_initializer, 'tensor "axes" lies in another file'),
    (external_attribute, 'tensor "c" lies in another file'),
    (other_domain, 'node "spell" of type "Evil" is of the domain "com.example"'),
    (function, "it holds functions"),
    (training, "it holds training steps"),
    (subgraph_of_an_unknown_operator, 'node "hidden" of type "Custom" holds a graph of its own'),
    (claims_too_much, 'tensor "w" claims 1099511627776 values and holds fewer'),
    (huge_fill, 'node "fill" of type "ConstantOfShape" makes more than 268435456 values'),
    (huge_tile, 'node "tile" of type "Tile" makes more than 268435456 values'),
    (sparse_outside, 'tensor "s" lies in another file'),
    (many_nodes, "it has more than 100000 nodes"),
]


@pytest.mark.parametrize(("change", "message"), REFUSED)
def test_what_an_engine_should_not_see_is_refused(
    tmp_path: Path, change: Callable[[onnx.ModelProto], None], message: str
) -> None:
    model = tiny(tmp_path)
    change(model)
    with pytest.raises(BundleError, match=r"x\.onnx: ") as refusal:
        check_graph(model.SerializeToString(), "x.onnx")
    assert str(refusal.value).startswith(f"x.onnx: {message}, expected ")
    assert "\n" not in str(refusal.value)


def varint(value: int) -> bytes:
    low = value & 0x7F
    return bytes([low | 0x80]) + varint(value >> 7) if value > 0x7F else bytes([low])


def part(number: int, content: bytes, above: int = 0) -> bytes:
    """A field of bytes; `above` stands in the bits of its number that protobuf drops."""
    return varint(above << 32 | number << 3 | 2) + varint(len(content)) + content


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


RELU = part(1, b"x") + part(2, b"y") + part(4, b"Relu")
OTHER = part(7, b"com.example")
BODY = part(1, b"body") + number(20, 5)
SHAPE = number(1, 2) + number(2, 7) + part(7, varint(1 << 15) * 2) + part(8, b"shape")
FILL = part(1, b"shape") + part(2, b"y") + part(4, b"ConstantOfShape")
READ_IN_ANOTHER_WAY = {
    "domain behind dropped bits": (part(1, RELU + part(7, b"com.example", above=1)), "damaged"),
    "graph behind dropped bits": (
        part(1, RELU + part(5, BODY + part(6, part(2, b"b"), above=1))),
        "damaged",
    ),
    # protobuf passes over a text that is a number, and keeps the one before
    "domain that a number hides": (part(1, RELU + OTHER + number(7, 1)), "is of the domain"),
    "size that an empty list hides": (
        part(1, RELU) + part(5, part(1, b"") + number(1, 1 << 40) + number(2, 1) + part(8, b"w")),
        'tensor "w" claims 1099511627776 values',
    ),
    "type that a text hides": (part(1, FILL) + part(5, SHAPE + part(2, b"")), "makes more than"),
}


@pytest.mark.parametrize("name", READ_IN_ANOTHER_WAY)
def test_what_protobuf_reads_in_another_way_is_seen_as_the_engine_sees_it(name: str) -> None:
    graph, message = READ_IN_ANOTHER_WAY[name]
    check_graph(number(1, 8) + part(7, part(1, RELU)), "x.onnx")
    with pytest.raises(BundleError, match=message):
        check_graph(number(1, 8) + part(7, graph), "x.onnx")


def test_a_graph_in_two_parts_is_one() -> None:
    """protobuf joins them: the large shape stands in the second."""
    with pytest.raises(BundleError, match="makes more than"):
        check_graph(number(1, 8) + part(7, part(1, FILL)) + part(7, part(5, SHAPE)), "x.onnx")


def node_of(schema: onnx.defs.OpSchema, inputs: list[str]) -> bytes:
    """A graph of one node, in the version of ONNX in which its operator is what the schema says."""
    node = helper.make_node(schema.name, inputs, ["y"], "n")
    graph = helper.make_graph([node], "g", [], [])
    opset = helper.make_opsetid("", schema.since_version)
    return bytes(helper.make_model(graph, opset_imports=[opset]).SerializeToString())


def test_every_operator_has_the_inputs_that_it_needs() -> None:
    """OpenVINO ends the process where some are missing: Conv, Pad, Max, GlobalAveragePool, …"""
    schemas = [
        schema
        for schema in onnx.defs.get_all_schemas_with_history()
        if schema.domain == ""
        and not schema.deprecated
        and schema.since_version <= 25
        and schema.name not in ("Loop", "Scan")
    ]
    assert len(schemas) > 400
    for schema in schemas:
        names = [f"x{at}" for at in range(schema.min_input)]
        check_graph(node_of(schema, names), "x.onnx")
        # The first needs none from version 18 on; of the second, exporters leave out what engines
        # do not miss.
        if schema.name in ("OptionalHasElement", "Resize"):
            continue
        for at in range(schema.min_input):
            for fewer in (names[:at], [*names[:at], "", *names[at + 1 :]]):
                with pytest.raises(BundleError) as refusal:
                    check_graph(node_of(schema, fewer), "x.onnx")
                assert f'"n" of type "{schema.name}" lacks input {at}, expected ' in str(
                    refusal.value
                ), schema.since_version


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_graphs_of_the_exporter_pass(path: Path) -> None:
    check_graph(path.read_bytes(), path.name)


@pytest.mark.parametrize("size", [0, 1, 7, 100, 250])
def test_bytes_that_end_too_early_are_no_onnx_file(tmp_path: Path, size: int) -> None:
    content = tiny(tmp_path).SerializeToString()
    with pytest.raises(BundleError, match="x is not an ONNX file, or a damaged one"):
        check_graph(content[:size], "x")


def replace_graph(folder: Path, content: bytes) -> None:
    (folder / "main.onnx").write_bytes(content)
    manifest = json.loads((folder / "bundle.json").read_text())
    manifest["graphs"]["main"][0]["sha256"] = hashlib.sha256(content).hexdigest()
    (folder / "bundle.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
@pytest.mark.parametrize("change", [endless_loop, external_initializer])
def test_a_bundle_with_such_a_graph_is_not_loaded(
    tmp_path: Path, change: Callable[[onnx.ModelProto], None], engine: str
) -> None:
    folder = write_tiny_bundle(tmp_path / "bundle")
    model = onnx.load(folder / "main.onnx")
    change(model)
    replace_graph(folder, model.SerializeToString())
    with pytest.raises(BundleError, match=r"bundle/main\.onnx: (node|tensor) "):
        edgecv.load(folder, engine=engine)


def test_nothing_but_results_goes_to_standard_output(tmp_path: Path) -> None:
    """ONNX Runtime announces on standard output that it falls back to another provider."""
    folder = write_tiny_bundle(tmp_path / "bundle")
    content = (folder / "main.onnx").read_bytes()
    replace_graph(folder, content.replace(b"Reshape", b"Resh\xffpe"))  # an error that is no UTF-8
    code = (
        "import sys, edgecv\n"
        "try: edgecv.load(sys.argv[1], engine='onnxruntime')\n"
        "except edgecv.EngineError as error: sys.exit(str(error))"
    )
    done = subprocess.run([sys.executable, "-c", code, folder], capture_output=True, text=True)
    assert done.stdout == ""
    assert "onnxruntime cannot load" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
def test_names_that_are_not_utf8_are_one_line(engine: str, tmp_path: Path) -> None:
    model = tiny(tmp_path)
    name = model.graph.output[0].name.encode()
    path = tmp_path / "names.onnx"
    path.write_bytes(model.SerializeToString().replace(name, b"\xde" * len(name)))
    opened = {"onnxruntime": OnnxRuntimeEngine, "openvino": OpenVinoEngine}[engine]
    with pytest.raises(edgecv.EngineError, match=f"^{engine} cannot load .*names.onnx: .*UTF-8$"):
        opened(path)
