"""What OpenVINO finds wrong while it runs a graph is an error, never the results of another run."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from edgecv_runtime import EngineError
from edgecv_runtime.engines.openvino import OpenVinoEngine


def write_pooling(path: Path) -> Path:
    """Cuts the values under a box out of the image that `of` says."""
    given = [
        helper.make_tensor_value_info("values", TensorProto.FLOAT, ["n", 1, 4, 4]),
        helper.make_tensor_value_info("boxes", TensorProto.FLOAT, ["r", 4]),
        helper.make_tensor_value_info("of", TensorProto.INT64, ["r"]),
    ]
    sizes = {"output_height": 1, "output_width": 1, "sampling_ratio": 1}
    node = helper.make_node("RoiAlign", ["values", "boxes", "of"], ["pooled"], **sizes)
    pooled = helper.make_tensor_value_info("pooled", TensorProto.FLOAT, ["r", 1, 1, 1])
    graph = helper.make_graph([node], "pooling", given, [pooled])
    opset = helper.make_opsetid("", 17)
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=8), path)
    return path


@pytest.mark.parametrize("threads", [1, 2, None])
def test_a_run_that_fails_does_not_give_the_results_of_the_run_before(
    threads: int | None, tmp_path: Path
) -> None:
    engine = OpenVinoEngine(write_pooling(tmp_path / "pooling.onnx"), threads=threads)
    names = [each.name for each in engine.inputs]
    values, boxes, of = (names.index(name) for name in ("values", "boxes", "of"))

    def run(level: float, image: int) -> float:
        engine.input(values, (1, 1, 4, 4))[...] = level
        engine.input(boxes, (1, 4))[...] = (0, 0, 2, 2)
        engine.input(of, (1,))[...] = image
        engine.run()
        return float(engine.output(0)[0, 0, 0, 0])

    assert run(3, image=0) == 3
    with pytest.raises(EngineError, match=r"^openvino failed: .*7"):  # there is one image
        run(5, image=7)
    assert run(6, image=0) == 6
