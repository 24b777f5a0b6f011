"""Bundles against torchvision's own forward pass, with an oracle that shares nothing with ours."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torchvision.ops import box_iou

import edgecv_runtime
from edgecv_export import GraphOptions, export
from helpers.all_scores import load_all_scores

BOX_TOLERANCE_1080P = 0.5
SCORE_TOLERANCE = 1e-3


def torch_detections(module: Any, image: np.ndarray) -> dict[str, torch.Tensor]:
    tensor = torch.from_numpy(image[:, :, ::-1].copy()).permute(2, 0, 1) / 255
    with torch.inference_mode():
        found: dict[str, torch.Tensor] = module([tensor])[0]
    return found


def assert_same(module: Any, result: Any, image: np.ndarray, score_threshold: float) -> int:
    """Each detection of either side has its own partner on the other; returns how many.

    Boxes that enclose nothing are torchvision's alone: edgecv drops them."""
    expected = torch_detections(module, image)
    boxes, scores = torch.from_numpy(result.boxes.copy()), torch.from_numpy(result.scores.copy())
    labels = torch.from_numpy(result.labels.copy()) + 1
    limit = BOX_TOLERANCE_1080P * max(image.shape[:2]) / 1920
    # One of the best 200 or 300 may fall off the end where the last scores lie within tolerance.
    cut = max(score_threshold, *(float(s.min()) for s in (scores, expected["scores"]) if len(s)))

    free = torch.ones(len(scores), dtype=torch.bool)
    matched = 0
    for box, score, label in zip(
        expected["boxes"], expected["scores"], expected["labels"], strict=True
    ):
        fits = (
            free
            & (labels == label)
            & ((scores - score).abs() <= SCORE_TOLERANCE)
            & ((boxes - box).abs().amax(1) <= limit)
        )
        if not fits.any():
            if float((box[2:] - box[:2]).min()) <= limit:
                continue
            assert score <= cut + SCORE_TOLERANCE, f"no partner for {label} {score} {box}"
            continue
        overlap = box_iou(box[None], boxes)[0].nan_to_num(nan=1.0)
        free[int(torch.where(fits, overlap, -1).argmax())] = False
        matched += 1
    assert (scores[free] <= cut + SCORE_TOLERANCE).all()
    return matched


def assert_bundle_is_model(module: Any, bundle: Path, images: list[np.ndarray]) -> None:
    runtime = load_all_scores(bundle, engine="onnxruntime", device="cpu")
    threshold = runtime.manifest.postprocess.score_threshold
    counts = [assert_same(module, runtime(p), p, threshold) for p in images]
    # Degenerate weights would pass with nothing found.
    assert min(counts) >= 5
    assert sum(counts) >= 25 * len(images)


def real_images(data: Path) -> list[np.ndarray]:
    """16 real images, no two of one shape."""
    by_shape: dict[tuple[int, ...], np.ndarray] = {}
    paths = sorted((data / "coco_mini").rglob("*.jpg"))[::5]
    for path in paths + sorted((data / "pennfudan" / "images").glob("*.jpg")):
        image = edgecv_runtime.read_image(path)
        by_shape.setdefault(image.shape, image)
        if len(by_shape) == 16:
            break
    assert len(by_shape) == 16
    return list(by_shape.values())


@pytest.fixture(scope="module")
def ssdlite(make_varied: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    module = make_varied("ssdlite320_mobilenet_v3_large", num_classes=91, margin=9)
    out = tmp_path_factory.mktemp("ssdlite") / "bundle"
    return module, export(module, out, labels=[f"c{i}" for i in range(90)]).folder


@pytest.fixture(scope="module")
def ssd300(make_varied: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    module = make_varied("ssd300_vgg16", num_classes=91, margin=12)
    out = tmp_path_factory.mktemp("ssd300") / "bundle"
    return module, export(module, out, labels=[f"c{i}" for i in range(90)]).folder


@pytest.mark.parametrize("name", ["ssdlite", "ssd300"])
def test_torchvision_models_on_generated_images(
    name: str, request: pytest.FixtureRequest, images: list[np.ndarray]
) -> None:
    module, bundle = request.getfixturevalue(name)
    assert len({p.shape for p in images[:6]}) == 6
    assert_bundle_is_model(module, bundle, images[:6])


@pytest.mark.parametrize("name", ["ssdlite", "ssd300"])
def test_torchvision_models_on_imagegraphs(
    name: str, request: pytest.FixtureRequest, data: Path
) -> None:
    module, bundle = request.getfixturevalue(name)
    assert_bundle_is_model(module, bundle, real_images(data))


def test_own_trunk_anchors_and_size(
    small_detector: Any, small_bundle: Path, images: list[np.ndarray]
) -> None:
    assert_bundle_is_model(small_detector, small_bundle, images)


def test_ssd_tiny(
    make_varied: Callable[..., Any], images: list[np.ndarray], tmp_path: Path
) -> None:
    module = make_varied("ssd_tiny", num_classes=4, margin=9, size=(96, 128), width=8)
    bundle = export(module, tmp_path / "tiny", labels=["a", "b", "c"]).folder
    assert_bundle_is_model(module, bundle, images)


def test_input_padded_to_a_multiple(
    small_parts: Any, images: list[np.ndarray], tmp_path: Path
) -> None:
    from helpers.varied_detections import varied_detector

    def build() -> Any:
        detector = small_parts.make_detector()
        detector.transform.fixed_size = (150, 90)
        detector.transform.size_divisible = 32
        return detector

    module = varied_detector(build, images)
    bundle = export(module, tmp_path / "padded", labels=["a", "b", "c", "d"]).folder
    graph = edgecv_runtime.Bundle.open(str(bundle)).manifest.graphs["main"][0]
    assert graph.inputs[0].shape == (-1, 3, 96, 160)
    assert_bundle_is_model(module, bundle, images)


def test_generator_without_parameters(
    small_parts: Any, images: list[np.ndarray], tmp_path: Path
) -> None:
    from helpers.varied_detections import varied_detector

    module = varied_detector(
        lambda: small_parts.make_detector(generator=small_parts.ShiftedAnchors),
        images,
    )
    bundle = export(module, tmp_path / "shifted", labels=["a", "b", "c", "d"]).folder
    assert (bundle / "anchors.npy").is_file()
    assert_bundle_is_model(module, bundle, images)


@pytest.mark.parametrize("batch", [1, 3])
def test_fixed_batch(
    batch: int, small_detector: Any, images: list[np.ndarray], tmp_path: Path
) -> None:
    bundle = export(
        small_detector, tmp_path / "b", labels=["a", "b", "c", "d"], graph=GraphOptions(batch=batch)
    ).folder
    runtime = load_all_scores(bundle)
    assert runtime.manifest.graphs["main"][0].inputs[0].shape == (batch, 3, 96, 160)
    # Seven images: the last run of a batch of three is not full.
    threshold = runtime.manifest.postprocess.score_threshold
    for image, result in zip(images[:7], runtime(images[:7]), strict=True):
        assert assert_same(small_detector, result, image, threshold) > 0


def test_dynamic_batch_gives_what_each_gives_alone(
    small_bundle: Path, images: list[np.ndarray]
) -> None:
    runtime = load_all_scores(small_bundle)
    assert runtime.manifest.graphs["main"][0].inputs[0].shape == (-1, 3, 96, 160)
    for image, together in zip(images, runtime(images), strict=True):
        alone = runtime(image)
        np.testing.assert_array_equal(alone.labels, together.labels)
        np.testing.assert_allclose(alone.boxes, together.boxes, atol=1e-2)
        np.testing.assert_allclose(alone.scores, together.scores, atol=1e-5)
