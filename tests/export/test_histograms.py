"""Ranges from histograms: ONNX Runtime's, and an end even where one value lies far out."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationMethod
from onnxruntime.quantization.calibrate import HistogramCollector, create_calibrator

from edgecv_export.precision.calibration import measure_ranges
from edgecv_export.precision.histograms import MOST_BINS, SEARCHED, Histograms

Feeds = list[dict[str, np.ndarray]]


@pytest.fixture
def network() -> onnx.ModelProto:
    random = np.random.default_rng(1)
    weights = [random.normal(0, 0.3, (4, channels, 3, 3)).astype(np.float32) for channels in (3, 4)]
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["x", "w1"], ["a"], name="first"),
            helper.make_node("Conv", ["a", "w2"], ["y"], name="second"),
        ],
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 64, 64])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4, 60, 60])],
        [numpy_helper.from_array(value, f"w{i + 1}") for i, value in enumerate(weights)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    return onnx.shape_inference.infer_shapes(model)


@pytest.fixture
def feeds() -> Feeds:
    random = np.random.default_rng(2)
    return [{"x": random.normal(0, 1, (1, 3, 64, 64)).astype(np.float32)} for _ in range(4)]


def with_outlier(feed: dict[str, np.ndarray], value: float) -> dict[str, np.ndarray]:
    changed = feed["x"].copy()
    changed.flat[7] = value
    return {"x": changed}


def librarys_ranges(
    network: onnx.ModelProto, feeds: Feeds, method: str, symmetric: bool, folder: Path
) -> Any:
    onnx.save(network, folder / "network.onnx")
    calibrator = create_calibrator(
        str(folder / "network.onnx"),
        ["Conv"],
        augmented_model_path=str(folder / "augmented.onnx"),
        calibrate_method=CalibrationMethod[method.capitalize()],
        extra_options={"symmetric": symmetric} | ({"num_bins": 256} if method == "entropy" else {}),
    )
    for feed in feeds:
        calibrator.collect_data(SimpleNamespace(get_next=iter([feed, None]).__next__))
    return calibrator.compute_data()


@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize("method", ["entropy", "percentile"])
def test_histograms_are_the_librarys(
    network: onnx.ModelProto, feeds: Feeds, method: str, symmetric: bool, tmp_path: Path
) -> None:
    growing = [*feeds[:2], with_outlier(feeds[2], 3 * float(np.abs(feeds[0]["x"]).max()))]
    ours = measure_ranges(network, growing, method, ["Conv"], symmetric=symmetric)
    expected = librarys_ranges(network, growing, method, symmetric, tmp_path)
    assert ours.data.keys() == expected.data.keys() and len(ours.data) > 2
    for name, data in expected.data.items():
        assert ours.data[name].range_value == data.range_value
        np.testing.assert_array_equal(ours.data[name].hist, data.hist)


@pytest.mark.parametrize("outlier", [100.0, 1000.0, 1e30])
def test_an_outlier_ends_no_calibration(
    network: onnx.ModelProto, feeds: Feeds, outlier: float
) -> None:
    """Up to a thousand times the range it is as if it were not there."""

    def range_of(feeds: Feeds) -> tuple[float, float]:
        found = measure_ranges(network, feeds, "entropy", ["Conv"], symmetric=False)
        low, high = found.data["x"].range_value
        return low.item(), high.item()

    largest = float(np.abs(feeds[0]["x"]).max())
    low, high = range_of([*feeds, with_outlier(feeds[0], outlier * largest)])
    if outlier <= 1000:
        assert (low, high) == pytest.approx(range_of(feeds), rel=0.2)
    else:
        assert low < 0 < high < 1e30


def test_a_first_image_without_contrast(network: onnx.ModelProto, feeds: Feeds) -> None:
    faint = {"x": feeds[0]["x"] * np.float32(1e-7)}
    found = measure_ranges(network, [faint, *feeds], "entropy", ["Conv"], symmetric=True)
    largest = max(float(np.abs(feed["x"]).max()) for feed in feeds)
    assert largest / 2 < found.data["x"].range_value[1].item() <= largest


@pytest.mark.parametrize("bins", [256, SEARCHED, 1500, 20_000, MOST_BINS])
def test_searched_bins_hold_all_counts(bins: int, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(
        HistogramCollector,
        "get_entropy_threshold",
        lambda self, histogram, _: seen.append(histogram),
    )
    counts = np.random.default_rng(0).integers(0, 9, bins)
    edges = np.linspace(-7, 7, bins + 1).astype(np.float32)
    collector = Histograms("entropy", False, 256, 128, 99.999, "same")
    collector.get_entropy_threshold((counts, edges, -6.5, 6.9, np.float32(7)), 128)
    ((found, found_edges, smallest, largest, edge),) = seen
    assert (smallest, largest) == (-6.5, 6.9) and found.sum() == counts.sum()
    assert len(found) <= SEARCHED + 2 and len(found_edges) == len(found) + 1
    assert found[: len(found) // 2].sum() == counts[: bins // 2].sum(), "0 stays an edge"
    assert found_edges[-1] == edge >= 6.99
    # Each bin holds what lies between its edges.
    at = len(found) // 4
    first, last = np.searchsorted(edges, found_edges[[at, at + 1]] - 1e-6)
    assert found[at] == counts[first:last].sum()
