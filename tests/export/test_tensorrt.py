"""What TensorRT for RTX makes of two-stage detectors, and of graphs and ranges that do not fit. All
families: test_rtx_families.py."""

from __future__ import annotations

from typing import Any

import onnx
import pytest
import torch
from onnx import TensorProto, helper

from edgecv_export.graphs.cut import CutRequest
from edgecv_export.graphs.families import cut_model
from edgecv_export.graphs.onnx_graph import images_to_onnx
from edgecv_export.graphs.rcnn.to_onnx import (
    backbone_to_onnx,
    box_stage_to_onnx,
    mask_stage_to_onnx,
)
from edgecv_export.tensorrt.plan import BuildOptions, Plan, ShapeRange
from edgecv_export.tensorrt.plan import build_plan as build
from edgecv_runtime import EngineError, InputError
from helpers import small_rcnn

pytest.importorskip("tensorrt_rtx", reason="TensorRT for RTX is not installed")

AMPERE = BuildOptions(compute_capabilities=(86,))
IMAGES = ShapeRange((1, 3, 64, 64), (1, 3, 96, 160), (1, 3, 160, 160))


def build_plan(
    content: bytes, ranges: dict[str, ShapeRange] | None = None, options: BuildOptions = AMPERE
) -> Plan:
    return build(content, ranges, options=options)


@pytest.fixture(scope="module")
def cut() -> Any:
    torch.manual_seed(0)
    return cut_model(small_rcnn.make_mask())


def ranges_of_second_stage(labels: bool) -> dict[str, ShapeRange]:
    count = [(1,), (50,), (100,)]
    ranges = {
        "features_0": ShapeRange((1, 16, 8, 8), (1, 16, 12, 20), (1, 16, 20, 20)),
        "features_1": ShapeRange((1, 16, 4, 4), (1, 16, 6, 10), (1, 16, 10, 10)),
        "boxes": ShapeRange(*((*n, 4) for n in count)),
        "levels": ShapeRange(*count),
    }
    return ranges | ({"labels": ShapeRange(*count)} if labels else {})


def ports(plan: Plan) -> dict[str, tuple[str, tuple[int, ...]]]:
    assert len(plan.content) > 1000
    return {port.name: (port.dtype, port.shape) for port in plan.inputs + plan.outputs}


def test_trunk_with_any_height_and_width(cut: Any) -> None:
    plan = build_plan(backbone_to_onnx(cut, 18).SerializeToString(), {"images": IMAGES})
    found = ports(plan)
    assert found["images"] == ("float32", (1, 3, -1, -1))
    assert found["features_0"] == ("float32", (1, 16, -1, -1))
    assert found["objectness_2"] == ("float32", (1, 6, -1, -1))
    assert found["deltas_2"] == ("float32", (1, 24, -1, -1))
    assert len(found) == 1 + 2 + 3 + 3


def test_second_stage_with_any_number_of_boxes(cut: Any) -> None:
    graph = box_stage_to_onnx(cut, "tensorrt", 18)
    found = ports(build_plan(graph.SerializeToString(), ranges_of_second_stage(labels=False)))
    assert found == {
        "features_0": ("float32", (1, 16, -1, -1)),
        "features_1": ("float32", (1, 16, -1, -1)),
        "boxes": ("float32", (-1, 4)),
        "levels": ("int32", (-1,)),
        "logits": ("float32", (-1, 5)),
        "deltas": ("float32", (-1, 20)),
    }


def test_mask_head_with_any_number_of_boxes(cut: Any) -> None:
    graph = mask_stage_to_onnx(cut, "tensorrt", 18)
    found = ports(build_plan(graph.SerializeToString(), ranges_of_second_stage(labels=True)))
    assert found["labels"] == ("int64", (-1,))
    assert found["masks"] == ("float32", (-1, 1, 14, 14))


def test_fixed_size_and_several_capabilities() -> None:
    torch.manual_seed(0)
    cut: Any = cut_model(small_rcnn.make_faster(), CutRequest(size=(96, 160)))
    content = backbone_to_onnx(cut, 18).SerializeToString()
    plan = build_plan(content, options=BuildOptions((86, 89)))
    assert ports(plan)["features_0"] == ("float32", (1, 16, 12, 20))


def graph_of(node: onnx.NodeProto, *outputs: tuple[str, int]) -> bytes:
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 3])
    infos = [helper.make_tensor_value_info(name, kind, None) for name, kind in outputs]
    graph = helper.make_graph([node], "graph", [value], infos)
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 18), helper.make_opsetid("mine", 1)]
    )
    return bytes(model.SerializeToString())


def test_an_operator_that_tensorrt_does_not_have() -> None:
    node = helper.make_node("Frobnicate", ["x"], ["y"], name="odd_one", domain="mine")
    with pytest.raises(EngineError, match=r"refuses Frobnicate \(odd_one\)") as caught:
        build_plan(graph_of(node, ("y", TensorProto.FLOAT)))
    assert "\n" not in str(caught.value)


def test_bytes_that_are_no_onnx_file() -> None:
    with pytest.raises(EngineError, match="TensorRT for RTX refuses the graph"):
        build_plan(b"no graph at all")


def test_ranges_that_do_not_fit(cut: Any) -> None:
    content = backbone_to_onnx(cut, 18).SerializeToString()
    with pytest.raises(InputError, match=r"input 'images' has shape .*: give a range for it"):
        build_plan(content)
    with pytest.raises(InputError, match=r"a range is given for 'frames'; .* are images"):
        build_plan(content, {"images": IMAGES, "frames": IMAGES})
    with pytest.raises(InputError, match="compute capability: expected some of 75, 80"):
        build_plan(content, {"images": IMAGES}, BuildOptions())
    with pytest.raises(InputError, match="compute capability 87: expected one of 75, 80, 86, 89"):
        build_plan(content, {"images": IMAGES}, BuildOptions((87,)))


def test_einsum_in_small_letters() -> None:
    """torchvision's MaxVit spells its equations in capitals, with blanks."""

    class Attention(torch.nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return torch.einsum("B C H I, B C H J -> B C I J", images, images)

    model = images_to_onnx(Attention(), (8, 12), outputs=["products"], batch=1, opset=18)
    equations = [
        attribute.s.decode()
        for node in model.graph.node if node.op_type == "Einsum"
        for attribute in node.attribute
    ]  # fmt: skip
    assert all(text == text.lower() and " " not in text for text in equations)
    found = ports(build_plan(model.SerializeToString()))
    assert found["products"] == ("float32", (1, 3, 12, 12))
