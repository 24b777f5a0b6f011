"""Both forms of RoIAlign, and MaxRoiPool, against torchvision's own operators."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import Tensor
from torchvision.ops import roi_align, roi_pool

from edgecv_export.graphs.onnx_graph import to_onnx
from edgecv_export.graphs.rcnn.roi_align import AtlasRoIAlign, LevelPooler, Pooling, make_pooler
from edgecv_runtime import InputError

SCALES = (0.25, 0.125, 0.0625, 0.0625)
HEIGHT, WIDTH = 160, 208  # of the network's input


@pytest.fixture(scope="module")
def features() -> list[Tensor]:
    """Large values next to small ones: a sample that strays into another level would be seen."""
    generator = torch.Generator().manual_seed(1)
    return [
        (10.0**level) * torch.randn(1, 6, int(HEIGHT * s), int(WIDTH * s), generator=generator)
        for level, s in enumerate(SCALES)
    ]


def inner_boxes() -> Tensor:
    corners = torch.rand(200, 2, 2, generator=torch.Generator().manual_seed(2))
    low, high = corners.amin(1), corners.amax(1)
    return torch.cat([low, high], 1) * torch.tensor([WIDTH, HEIGHT, WIDTH, HEIGHT])


def border_boxes() -> Tensor:
    w, h = float(WIDTH), float(HEIGHT)
    return torch.tensor(
        [
            [0, 0, w, h],  # the whole image
            [0, 0, 3, 3],  # smaller than a cell
            [w - 1, h - 1, w, h],  # widened to a cell, beyond the border
            [w - 0.3, 0, w, 2],
            [0, h - 0.3, 4, h],
            [-30, -30, 20, 30],  # over the border
            [w - 10, h - 10, w + 30, h + 60],
            [-90, -90, -50, -50],  # outside
            [w + 20, h + 20, w + 60, h + 60],
            [50, 50, 50, 50],  # without area
        ]
    )


def expected(
    pool: Callable[..., Tensor], features: list[Tensor], boxes: Tensor, levels: Tensor
) -> Tensor:
    """Level by level, put back into the order of the boxes."""
    rows: list[Tensor] = [
        pool(features[level], box[None], SCALES[level])
        for box, level in zip(boxes, levels.tolist(), strict=True)
    ]
    return torch.cat(rows)


@pytest.mark.parametrize("boxes", [inner_boxes(), border_boxes()], ids=["inner", "border"])
@pytest.mark.parametrize("sampling_ratio", [1, 2, 4])
@pytest.mark.parametrize("output_size", [(7, 7), (3, 5)])
def test_the_atlas_gives_what_roi_align_gives(
    features: list[Tensor], boxes: Tensor, sampling_ratio: int, output_size: tuple[int, int]
) -> None:
    boxes = boxes.repeat(4, 1)
    levels = torch.arange(4, dtype=torch.int32).repeat_interleave(len(boxes) // 4)
    reference = expected(
        lambda feature, box, scale: roi_align(feature, [box], output_size, scale, sampling_ratio),
        features,
        boxes,
        levels,
    )
    pooled = AtlasRoIAlign(Pooling("align", output_size, sampling_ratio, SCALES))(
        features, [boxes, levels]
    )
    # Rounding of positions, in parts of the values of each level.
    for level in range(4):
        own = levels == level
        difference = (pooled[own] - reference[own]).abs().max()
        assert difference <= 5e-5 * features[level].abs().max()
    # Zero exactly where no sample counts.
    assert torch.equal(pooled.abs().amax((1, 2, 3)) == 0, reference.abs().amax((1, 2, 3)) == 0)


def run(model: onnx.ModelProto, inputs: dict[str, Tensor]) -> np.ndarray:
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    (output,) = session.run(None, {name: value.numpy() for name, value in inputs.items()})
    result: np.ndarray = output
    return result


def level_graph(pooling: Pooling, features: list[Tensor]) -> onnx.ModelProto:
    lengths = [{2: torch.export.Dim(f"h{i}"), 3: torch.export.Dim(f"w{i}")} for i in range(3)]
    return to_onnx(
        LevelPooler(pooling).eval(),
        (features, [inner_boxes()[:3] for _ in features]),
        inputs=[f"features_{i}" for i in range(4)] + [f"boxes_{i}" for i in range(4)],
        outputs=["pooled"],
        dynamic=([*lengths, lengths[2]], [{0: torch.export.Dim.DYNAMIC}] * 4),
        opset=18,
    )


@pytest.mark.parametrize(
    ("kind", "sampling_ratio", "operator"),
    [("align", -1, "RoiAlign"), ("align", 0, "RoiAlign"), ("align", 2, "RoiAlign"),
     ("max", 1, "MaxRoiPool")],
)  # fmt: skip
def test_the_operator_with_any_number_of_boxes(
    features: list[Tensor], kind: Any, sampling_ratio: int, operator: str
) -> None:
    graph = level_graph(Pooling(kind, (4, 5), sampling_ratio, SCALES), features)
    assert [node.op_type for node in graph.graph.node].count(operator) == 4
    inside = border_boxes()[:5]
    for boxes in (
        [inner_boxes(), inside, inside[:1], inner_boxes()[:7]],
        [inside[:0], inside, inside[:0], inside[:1]],  # levels without a box
    ):
        levels = torch.tensor([i for i, each in enumerate(boxes) for _ in range(len(each))])
        reference = expected(
            lambda feature, box, scale: (
                roi_pool(feature, [box], (4, 5), scale)
                if kind == "max"
                else roi_align(feature, [box], (4, 5), scale, sampling_ratio)
            ),
            features,
            torch.cat(boxes),
            levels,
        )
        inputs = {f"features_{i}": feature for i, feature in enumerate(features)}
        pooled = run(graph, inputs | {f"boxes_{i}": each for i, each in enumerate(boxes)})
        np.testing.assert_allclose(pooled, reference.numpy(), rtol=1e-5, atol=1e-3)


def test_the_atlas_as_a_graph(features: list[Tensor]) -> None:
    pooling = Pooling("align", (7, 7), 2, SCALES)
    lengths = [{2: torch.export.Dim(f"h{i}"), 3: torch.export.Dim(f"w{i}")} for i in range(3)]
    count = {0: torch.export.Dim.DYNAMIC}
    levels = torch.arange(5, dtype=torch.int32) % 4
    graph = to_onnx(
        AtlasRoIAlign(pooling).eval(),
        (features, [inner_boxes()[:5], levels]),
        inputs=[f"features_{i}" for i in range(4)] + ["boxes", "levels"],
        outputs=["pooled"],
        dynamic=([*lengths, lengths[2]], [count, count]),
        opset=18,
    )
    operators = [node.op_type for node in graph.graph.node]
    assert operators.count("GridSample") == 1
    assert not {"RoiAlign", "NonZero", "Loop", "If", "ScatterND"} & set(operators)

    # Another image's size and another number of boxes than the graph was traced with.
    generator = torch.Generator().manual_seed(5)
    others = [torch.randn(1, 6, int(96 * s), int(128 * s), generator=generator) for s in SCALES]
    boxes = torch.cat([inner_boxes(), border_boxes()])
    levels = torch.arange(len(boxes), dtype=torch.int32) % 4
    inputs = {f"features_{i}": feature for i, feature in enumerate(others)}
    pooled = run(graph, inputs | {"boxes": boxes, "levels": levels})
    reference = expected(
        lambda feature, box, scale: roi_align(feature, [box], (7, 7), scale, 2),
        others,
        boxes,
        levels,
    )
    np.testing.assert_allclose(pooled, reference.numpy(), atol=2e-4)


@pytest.mark.parametrize(
    ("pooling", "message"),
    [
        (Pooling("align", (7, 7), -1, SCALES), "sampling_ratio -1 of RoIAlign is adaptive"),
        (Pooling("align", (7, 7), 0, SCALES), "sampling_ratio 0 of RoIAlign is adaptive"),
        (Pooling("max", (7, 7), 1, SCALES[:1]), r"roi_pool \(max\) has no TensorRT form"),
    ],
)
def test_what_tensorrt_has_no_form_for(pooling: Pooling, message: str) -> None:
    with pytest.raises(InputError, match=f"{message}.*`dialects="):
        make_pooler(pooling, "tensorrt")
    assert isinstance(make_pooler(pooling, "onnx"), LevelPooler)
