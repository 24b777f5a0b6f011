from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper
from torch import nn

from edgecv_export import ExportError, export
from edgecv_export.graphs.onnx_graph import images_to_onnx
from edgecv_export.graphs.operators import check_operators
from edgecv_runtime import InputError


def graph_of(*nodes: onnx.NodeProto) -> onnx.ModelProto:
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [4])
    return helper.make_model(helper.make_graph(list(nodes), "g", [value], [value]))


@pytest.mark.parametrize("operator", ["NonZero", "NonMaxSuppression", "TopK", "Loop", "If"])
def test_operators_that_depend_on_data_are_refused(operator: str) -> None:
    with pytest.raises(ExportError, match=f"the graph holds {operator} \\(here\\)"):
        check_operators(graph_of(helper.make_node(operator, ["x"], ["y"], name="here")))


def test_plugins_are_refused() -> None:
    node = helper.make_node("Fancy", ["x"], ["y"], domain="com.acme")
    with pytest.raises(ExportError, match=r"com\.acme::Fancy"):
        check_operators(graph_of(node))


def test_ordinary_operators_are_taken() -> None:
    check_operators(graph_of(helper.make_node("Relu", ["x"], ["y"])))


def test_a_head_that_selects_by_value_is_refused(small_parts: Any, tmp_path: Path) -> None:
    class Selecting(nn.Module):
        def __init__(self, head: nn.Module) -> None:
            super().__init__()
            self.head = head

        def forward(self, features: Any) -> Any:
            outputs = self.head(features)
            best = outputs["cls_logits"].amax(-1).topk(1380).indices  # all of them, reordered
            index = best[..., None].expand(-1, -1, 4)
            return {**outputs, "bbox_regression": outputs["bbox_regression"].gather(1, index)}

    module = small_parts.make_detector()
    module.head = Selecting(module.head)
    with pytest.raises(ExportError, match="the graph holds TopK"):
        export(module, tmp_path / "out", labels=["a", "b", "c", "d"])
    assert list(tmp_path.iterdir()) == []


def test_control_flow_that_torch_cannot_export_is_one_line(tmp_path: Path) -> None:
    class Branching(nn.Module):
        def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            if images.sum() > 0:
                return images, images
            return images + 1, images

    with pytest.raises(ExportError, match=r"torch\.onnx cannot export the network") as caught:
        images_to_onnx(Branching(), (8, 8), outputs=["a", "b"], batch=1, opset=18)
    assert "\n" not in str(caught.value)


def test_opsets() -> None:
    network = nn.Conv2d(3, 4, 3)
    model = images_to_onnx(network, (8, 8), outputs=["y"], batch=1, opset=20)
    assert [o.version for o in model.opset_import if o.domain == ""] == [20]
    with pytest.raises(InputError, match="cannot write this network in opset 99: ask for 18"):
        images_to_onnx(network, (8, 8), outputs=["y"], batch=1, opset=99)


def test_the_file_says_nothing_about_the_machine(small_bundle: Path) -> None:
    content = (small_bundle / "main.onnx").read_bytes()
    assert str(Path(torch.__file__).parent).encode() not in content
    assert str(Path(__file__).parent).encode() not in content
    model = onnx.load_from_string(content)
    assert not any(node.metadata_props or node.doc_string for node in model.graph.node)
    assert [o.version for o in model.opset_import if o.domain == ""] == [18]


def test_weights_are_inside_and_nothing_is_printed(
    capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    network = nn.Conv2d(3, 4, 3)
    model = images_to_onnx(network, (8, 8), outputs=["y"], batch=1, opset=18)
    assert capfd.readouterr() == ("", "")
    weights = {tuple(t.dims): onnx.numpy_helper.to_array(t) for t in model.graph.initializer}
    np.testing.assert_array_equal(weights[4, 3, 3, 3], network.weight.detach().numpy())
