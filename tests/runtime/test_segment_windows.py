"""Sliding crops against the book, written out: logits of crops averaged where they overlap."""

import numpy as np
import pytest
import torch
from torch.nn.functional import interpolate

from edgecv import ops
from edgecv_runtime import EngineError, InputError
from helpers.fake_engine import segmenter


def random_image(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def network_of(classes, stride, seed=1):
    """A convolution over patches of stride x stride, which depends on the crop's own place in it:
    neighbours disagree where they overlap."""
    rng = np.random.default_rng(seed)
    patch = torch.from_numpy(rng.normal(0, 0.02, (classes, 3, stride, stride)).astype(np.float32))

    def network(crops):
        cells = torch.nn.functional.conv2d(torch.from_numpy(crops), patch, stride=stride)
        rows = torch.arange(cells.shape[2])[:, None] % 5 - 2
        columns = torch.arange(cells.shape[3]) % 7 - 3
        bent = cells * (1 + 0.1 * rows) + 0.3 * columns
        return bent.numpy()

    return network


def window_weight(kind, side):
    i, centre = np.arange(side), (side - 1) / 2
    if kind == "gaussian":
        return np.exp(-0.5 * ((i - centre) / (side / 8)) ** 2)
    if kind == "linear":
        return 1 - np.abs(i - centre) / ((side + 1) / 2)
    return np.ones(side)


def by_the_book(image, network, classes, size, overlap, kind="uniform", pad_value=0.0):
    """Crop by crop: [C, H, W], the weighted mean of the crops' upsampled logits, float64."""
    height, width = image.shape[:2]
    rgb = image[:, :, ::-1].transpose(2, 0, 1).astype(np.float32)
    total, weights = np.zeros((classes, height, width)), np.zeros((height, width))
    weight = np.outer(window_weight(kind, size[0]), window_weight(kind, size[1]))
    if kind == "gaussian":
        weight = np.maximum(weight, 1e-3)
    for x1, y1, x2, y2 in ops.sliding_windows((height, width), size, overlap):
        crop = np.full((1, 3, *size), pad_value, np.float32)
        crop[0, :, : y2 - y1, : x2 - x1] = rgb[:, y1:y2, x1:x2]
        logits = torch.from_numpy(network(crop)).double()
        logits = interpolate(logits, size=size, mode="bilinear", align_corners=False)[0].numpy()
        inside = weight[: y2 - y1, : x2 - x1]
        total[:, y1:y2, x1:x2] += logits[:, : y2 - y1, : x2 - x1] * inside
        weights[y1:y2, x1:x2] += inside
    return total / weights


def assert_same_classes(mask, values):
    top = np.sort(values, 0)[-2:]
    close = top[-1] - top[0] < 1e-4 if len(values) > 1 else np.zeros(mask.shape, bool)
    assert close.mean() < 0.01
    np.testing.assert_array_equal(mask[~close], values.argmax(0)[~close])


@pytest.mark.parametrize("weight", ["uniform", "gaussian", "linear"])
@pytest.mark.parametrize("stride", [1, 4, 8])
@pytest.mark.parametrize(
    ("size", "window", "overlap"),
    [
        ((70, 101), (16, 24), 0.25),
        ((70, 101), (16, 24), 0.0),
        ((40, 50), (32, 24), 0.75),  # many windows deep
        ((32, 48), (32, 48), 0.25),  # one
        ((9, 100), (16, 24), 0.5),  # lower than a window
        ((5, 7), (16, 24), 0.25),  # smaller on both sides
    ],
)
def test_class_maps_and_probabilities_are_those_of_the_book(
    tmp_path, size, window, overlap, stride, weight
):
    network = network_of(6, stride)
    windows = {"size": window, "overlap": overlap, "weight": weight, "batch": 3}
    model = segmenter(tmp_path, network, 6, windows, pad_value=3.5)
    image = random_image(*size)
    expected = by_the_book(image, network, 6, window, overlap, weight, pad_value=3.5)

    result = model(image, probabilities=True)
    assert_same_classes(result.mask, expected)
    softmax = torch.from_numpy(expected).softmax(0).numpy()
    np.testing.assert_allclose(result.probabilities, softmax, atol=2e-5)
    np.testing.assert_array_equal(model(image).mask, result.mask)


def monai_importance_map(patch_size, sigma_scale=0.125):
    """monai.data.utils.compute_importance_map of MONAI 1.6.1, mode gaussian, step by step."""
    importance_map = torch.ones(())
    for side in patch_size:
        x = torch.arange(start=-(side - 1) / 2.0, end=(side - 1) / 2.0 + 1, dtype=torch.float)
        importance_map = importance_map[..., None] * torch.exp(
            x**2 / (-2 * (side * sigma_scale) ** 2)
        )
    return torch.clamp_(importance_map, min=max(torch.min(importance_map).item(), 1e-3))


@pytest.mark.parametrize("size", [(16, 24), (64, 96), (2, 4)])
def test_gaussian_weights_are_monais(tmp_path, size):
    """Two crops side by side, overlapping by half: the first gives 1, the second 0, so that their
    mean is the first one's share of the weight."""
    height, width = size
    image = np.zeros((height, width * 3 // 2, 3), np.uint8)
    image[:, : width // 2] = 255

    def network(crops):
        logits = np.zeros((len(crops), 2, height, width), np.float32)
        logits[:, 0] = crops[:, :1, 0, 0, None] / 255
        return logits

    windows = {"size": size, "overlap": 0.5, "weight": "gaussian", "batch": 1}
    result = segmenter(tmp_path, network, 2, windows)(image, probabilities=True)
    first, second = result.probabilities[:, :, width // 2 : width].astype(np.float64)
    weight = monai_importance_map(size).double().numpy()
    left, right = weight[:, width // 2 :], weight[:, : width // 2]
    np.testing.assert_allclose(np.log(first / second), left / (left + right), atol=2e-6)
    if height > 2:
        assert 0.2 < (weight == np.float32(1e-3)).mean() < 0.4  # corners, held at the floor


@pytest.mark.parametrize("classes", [2, 300])
def test_two_classes_and_more_than_a_byte_holds(tmp_path, classes):
    network = network_of(classes, 8)
    windows = {"size": (16, 24), "overlap": 0.25, "weight": "uniform", "batch": 4}
    mask = segmenter(tmp_path, network, classes, windows)(random_image(40, 60)).mask
    assert mask.dtype == (np.uint8 if classes == 2 else np.uint16)
    assert_same_classes(mask, by_the_book(random_image(40, 60), network, classes, (16, 24), 0.25))


@pytest.mark.parametrize("stride", [1, 8])
def test_results_depend_on_neither_batch_nor_threads(tmp_path, stride):
    image = random_image(90, 130)
    network = network_of(9, stride)

    def one_by_one(crops):  # torch's own convolution rounds by the size of its batch
        return np.concatenate([network(crop[None]) for crop in crops])

    results = []
    for batch, threads, fixed in [(1, 1, -1), (3, 2, -1), (100, 5, -1), (4, 2, 4), (4, 3, 1)]:
        windows = {"size": (32, 40), "overlap": 0.4, "weight": "gaussian", "batch": batch}
        model = segmenter(tmp_path, one_by_one, 9, windows, batch=fixed, threads=threads)
        results.append(model(image, probabilities=True))
        np.testing.assert_array_equal(model(image).mask, results[-1].mask)
    for result in results[1:]:
        np.testing.assert_array_equal(result.mask, results[0].mask)
        np.testing.assert_array_equal(result.probabilities, results[0].probabilities)


def test_crops_share_runs_and_a_fixed_batch_is_filled_up(tmp_path):
    windows = {"size": (16, 24), "overlap": 0.0, "weight": "uniform", "batch": 4}
    image = random_image(32, 72)  # six crops
    model = segmenter(tmp_path, network_of(3, 8), 3, windows)
    model(image)
    seen = model.engines["main"].seen
    assert [len(crops) for crops in seen] == [4, 2]
    np.testing.assert_array_equal(seen[0][1], image[:16, 24:48, ::-1].transpose(2, 0, 1))
    fixed = segmenter(tmp_path, network_of(3, 8), 3, windows, batch=5)
    np.testing.assert_array_equal(fixed(image).mask, model(image).mask)
    seen = fixed.engines["main"].seen
    assert [len(crops) for crops in seen] == [5, 5]
    assert (seen[1][1:] == 0).all()


def test_warmup_fills_a_batch(tmp_path):
    windows = {"size": (16, 24), "overlap": 0.0, "weight": "uniform", "batch": 4}
    model = segmenter(tmp_path, network_of(3, 8), 3, windows)
    model.warmup(1)
    assert [crops.shape for crops in model.engines["main"].seen] == [(4, 3, 16, 24)]


def test_windows_change_without_a_new_export(tmp_path):
    network = network_of(4, 8)
    bundled = {"size": (16, 24), "overlap": 0.25, "weight": "uniform", "batch": 4}
    model = segmenter(tmp_path, network, 4, bundled)
    assert model.windows == bundled
    model.windows = {"overlap": 0.5, "weight": "linear"}
    assert model.windows == {**bundled, "overlap": 0.5, "weight": "linear"}
    image = random_image(40, 64)
    expected = by_the_book(image, network, 4, (16, 24), 0.5, "linear")
    assert_same_classes(model(image).mask, expected)

    model.windows["overlap"] = 0.25  # an item that is set reaches the model
    assert model.windows == {**bundled, "weight": "linear"}
    with pytest.raises(InputError, match="overlap"):
        model.windows["overlap"] = 1.5

    model.windows = None
    assert model.windows is None
    whole = interpolate(
        torch.from_numpy(network(image[None, :, :, ::-1].transpose(0, 3, 1, 2).astype("f4"))),
        size=(40, 64),
        mode="bilinear",
    )
    assert_same_classes(model(image).mask, whole[0].numpy())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"overlap": 1.0}, r"windows.overlap: expected a number from 0 to below 1, got 1"),
        ({"batch": 0}, r"windows.batch: expected 1 to 4096, got 0"),
        ({"size": (0, 8)}, r"windows.size: expected sides of 1 to 65535, got 0"),
        ({"weight": "hat"}, "weight: expected one of uniform, gaussian, linear"),
        ({"overlaps": 0.5}, 'windows: expected size, overlap, weight, batch, got "overlaps"'),
        ({"overlap": "much"}, "windows: expected size"),
        ({"size": (32, 32)}, r"windows: expected the size that the network takes, \[16, 24\]"),
    ],
)
def test_windows_that_cannot_be_are_refused_and_change_nothing(tmp_path, change, message):
    bundled = {"size": (16, 24), "overlap": 0.25, "weight": "uniform", "batch": 4}
    model = segmenter(tmp_path, network_of(4, 8), 4, bundled, sides=(16, 24))
    with pytest.raises(InputError, match=message):
        model.windows = change
    assert model.windows == bundled


def test_windows_of_a_whole_model_need_a_size_and_images_as_they_are(tmp_path):
    network = network_of(4, 8)
    model = segmenter(tmp_path, network, 4)
    with pytest.raises(InputError, match="give the windows' size"):
        model.windows = {"overlap": 0.5}
    model.windows = {"size": (16, 24)}
    image = random_image(40, 64)
    assert_same_classes(model(image).mask, by_the_book(image, network, 4, (16, 24), 0.25))
    stretched = segmenter(tmp_path, network, 4, resize="stretch", size=[32, 32])
    with pytest.raises(InputError, match=r"input.resize: expected none"):
        stretched.windows = {"size": (16, 24)}


@pytest.mark.parametrize("stride", [1, 8])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_logits_that_are_no_numbers_are_an_error(tmp_path, stride, value):
    network = network_of(4, stride)

    def broken(crops):
        logits = network(crops)
        logits[-1, 2, 0, 1] = value
        return logits

    windows = {"size": (16, 24), "overlap": 0.25, "weight": "uniform", "batch": 4}
    with pytest.raises(EngineError, match='output "logits" of the network holds NaN or infinity'):
        segmenter(tmp_path, broken, 4, windows)(random_image(40, 60))


def test_other_pixel_formats_are_cut_alike(tmp_path):
    windows = {"size": (16, 24), "overlap": 0.25, "weight": "uniform", "batch": 4}
    model = segmenter(tmp_path, network_of(4, 8), 4, windows)
    image = random_image(40, 60)
    expected = model(image).mask
    np.testing.assert_array_equal(model(image[:, :, ::-1].copy(), color="rgb").mask, expected)
    strided = np.zeros((40, 100, 3), np.uint8)
    strided[:, :60] = image
    np.testing.assert_array_equal(model(strided[:, :60]).mask, expected)
    with_alpha = np.dstack([image, np.full((40, 60), 7, np.uint8)])
    np.testing.assert_array_equal(model(with_alpha).mask, expected)
