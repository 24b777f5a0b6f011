"""Class maps of whole images against torch: interpolate(bilinear), then argmax and softmax."""

import numpy as np
import pytest
import torch
from torch.nn.functional import interpolate

from edgecv_runtime import EngineError, InputError
from helpers.fake_engine import segmenter


def fixed_logits(logits):
    """The same logits for every image, [C, h, w], or one of a list for each of a batch."""
    return lambda images: np.broadcast_to(logits, (len(images), *logits.shape))


def random_image(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def upsampled(logits, size):
    tensor = torch.from_numpy(logits)[None]
    return interpolate(tensor, size=size, mode="bilinear", align_corners=False)[0]


def assert_same_classes(mask, values):
    """Equal but where torch's own two largest values are closer than rounding."""
    top = values.topk(2, 0).values
    close = (top[0] - top[1] < 1e-5).numpy()
    assert close.mean() < 0.01
    np.testing.assert_array_equal(mask[~close], values.argmax(0).numpy()[~close])


@pytest.mark.parametrize("classes", [2, 3, 21, 300])
@pytest.mark.parametrize(
    ("size", "cells"),
    [
        ((64, 96), (8, 12)),  # stride 8
        ((64, 96), (2, 3)),  # stride 32
        ((37, 53), (37, 53)),  # stride 1
        ((37, 53), (5, 7)),  # no whole stride
        ((11, 7), (30, 40)),  # more cells than pixels
        ((9, 100), (1, 1)),
        ((1, 1), (3, 3)),
    ],
)
def test_class_maps_and_probabilities_are_those_of_torch(tmp_path, classes, size, cells):
    logits = np.random.default_rng(1).normal(0, 3, (classes, *cells)).astype(np.float32)
    model = segmenter(tmp_path, fixed_logits(logits), classes)
    expected = upsampled(logits, size)

    result = model(random_image(*size))
    assert result.mask.dtype == (np.uint8 if classes <= 256 else np.uint16)
    assert result.mask.shape == size
    assert result.probabilities is None
    assert_same_classes(result.mask, expected)

    with_probabilities = model(random_image(*size), probabilities=True)
    np.testing.assert_array_equal(with_probabilities.mask, result.mask)
    np.testing.assert_allclose(
        with_probabilities.probabilities, expected.softmax(0), rtol=1e-4, atol=2e-6
    )


def test_of_equal_logits_the_lowest_class_wins(tmp_path):
    for size in ((8, 8), (24, 40)):
        model = segmenter(tmp_path, fixed_logits(np.ones((5, 8, 8), np.float32)), 5)
        assert (model(random_image(*size)).mask == 0).all()
        rising = np.array([0, 2, 1, 2], np.float32)[:, None, None] + np.zeros((4, 8, 8), np.float32)
        model = segmenter(tmp_path, fixed_logits(rising), 4)
        assert (model(random_image(*size)).mask == 1).all()


@pytest.mark.parametrize(("function", "of"), [("sigmoid", torch.sigmoid), ("none", lambda x: x)])
def test_other_score_functions(tmp_path, function, of):
    logits = np.random.default_rng(2).normal(0, 3, (4, 5, 6)).astype(np.float32)
    model = segmenter(tmp_path, fixed_logits(logits), 4, function=function)
    scores = model(random_image(20, 24), probabilities=True).probabilities
    np.testing.assert_allclose(scores, of(upsampled(logits, (20, 24))), rtol=1e-4, atol=1e-5)


def test_padding_counts_nowhere(tmp_path):
    # 33 x 50 pixels in a tensor of 64 x 64; cells of 8 x 8, those beyond the image hold a trap.
    logits = np.random.default_rng(3).normal(0, 1, (3, 8, 8)).astype(np.float32)
    model = segmenter(tmp_path, fixed_logits(logits), 3, pad_multiple=32)
    expected = upsampled(logits, (64, 64))[:, :33, :50]
    assert_same_classes(model(random_image(33, 50)).mask, expected)
    logits[:, 6:] = np.nan  # not read
    result = segmenter(tmp_path, fixed_logits(logits), 3, pad_multiple=32)(random_image(33, 50))
    assert_same_classes(result.mask, expected)


def sampled(logits, tensor, offset, resized, size):
    """The logits at each pixel of an image that lies resized in the tensor; in float64."""

    def weights(axis):
        cells, pixels = logits.shape[1 + axis], size[axis]
        centres = (np.arange(pixels) + 0.5) * resized[axis] / pixels + offset[axis]
        at = np.clip(centres * cells / tensor[axis] - 0.5, 0, cells - 1)
        low = np.minimum(at.astype(int), cells - 1)
        matrix = np.zeros((pixels, cells))
        matrix[np.arange(pixels), low] += 1 - (at - low)
        matrix[np.arange(pixels), np.minimum(low + 1, cells - 1)] += at - low
        return matrix

    return torch.from_numpy(np.einsum("ya,cab,xb->cyx", weights(0), logits, weights(1)))


@pytest.mark.parametrize(
    ("record", "tensor", "offset", "resized"),
    [
        ({"resize": "stretch", "size": [32, 48]}, (32, 48), (0, 0), (32, 48)),
        # 40 x 100 into 32 x 48: scale 0.48, 19 x 48 pixels in the middle
        ({"resize": "letterbox", "size": [32, 48]}, (32, 48), (6, 0), (19, 48)),
        (
            {"resize": "letterbox", "size": [32, 48], "align": "top_left"},
            (32, 48),
            (0, 0),
            (19, 48),
        ),
        (
            {"resize": "shortest_edge", "size": [16, 16], "pad_multiple": 32},
            (32, 64),
            (0, 0),
            (16, 40),
        ),
    ],
)
def test_resized_images_map_back_to_their_pixels(tmp_path, record, tensor, offset, resized):
    shape = (5, tensor[0] // 4, tensor[1] // 4)
    logits = np.random.default_rng(4).normal(0, 2, shape).astype(np.float32)
    model = segmenter(tmp_path, fixed_logits(logits), 5, **record)
    result = model(random_image(40, 100), probabilities=True)
    expected = sampled(logits, tensor, offset, resized, (40, 100))
    np.testing.assert_allclose(result.probabilities, expected.softmax(0), atol=1e-5)
    assert_same_classes(result.mask, expected)
    np.testing.assert_array_equal(model(random_image(40, 100)).mask, result.mask)


def test_a_batch_gives_what_each_image_gives_alone(tmp_path):
    def network(images):  # two cells a side, from the image itself
        means = images.reshape(len(images), 3, 2, -1, 2, images.shape[3] // 2).mean((3, 5))
        return means - means.mean((1, 2, 3), keepdims=True)

    images = [random_image(16, 20, seed) for seed in range(5)] + [random_image(8, 20, 9)]
    dynamic = segmenter(tmp_path / "dynamic", network, 3)
    alone = [dynamic(one).mask for one in images]
    for batch in (-1, 1, 4):
        model = segmenter(tmp_path / f"batch{batch}", network, 3, batch=batch)
        for result, mask in zip(model(images), alone, strict=True):
            np.testing.assert_array_equal(result.mask, mask)
        sizes = {len(seen) for seen in model.engines["main"].seen}
        assert sizes == ({4, 1} if batch < 0 else {batch})


@pytest.mark.parametrize("cells", [(4, 6), (24, 36)])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("probabilities", [False, True])
def test_logits_that_are_no_numbers_are_an_error(tmp_path, cells, value, probabilities):
    logits = np.zeros((3, *cells), np.float32)
    logits[1, 2, 3] = value
    model = segmenter(tmp_path, fixed_logits(logits), 3)
    with pytest.raises(EngineError, match='output "logits" of the network holds NaN or infinity'):
        model(random_image(24, 36), probabilities=probabilities)


def test_logits_of_another_number_of_classes_are_an_error(tmp_path):
    model = segmenter(tmp_path, fixed_logits(np.zeros((4, 2, 2), np.float32)), 3)
    with pytest.raises(EngineError, match=r"float32 \[1, 4, 2, 2\], the manifest says"):
        model(random_image(8, 8))


def test_an_image_of_another_size_than_the_network_takes_is_refused(tmp_path):
    model = segmenter(tmp_path, fixed_logits(np.zeros((3, 2, 2), np.float32)), 3, sides=(16, 24))
    assert model(random_image(16, 24)).mask.shape == (16, 24)
    with pytest.raises(InputError, match=r"expected one whose tensor is \[16, 24\]"):
        model(random_image(16, 32))


def test_warmup_takes_an_image_that_the_network_takes(tmp_path):
    for sides, expected in (((16, 24), (16, 24)), ((-1, -1), (480, 640))):
        logits = np.zeros((3, 2, 2), np.float32)
        model = segmenter(tmp_path, fixed_logits(logits), 3, sides=sides)
        model.warmup(1)
        assert [seen.shape for seen in model.engines["main"].seen] == [(1, 3, *expected)]


def test_class_maps_do_not_depend_on_the_number_of_threads(tmp_path):
    logits = np.random.default_rng(5).normal(0, 1, (21, 17, 23)).astype(np.float32)
    masks = [
        segmenter(tmp_path, fixed_logits(logits), 21, threads=threads)(random_image(136, 184)).mask
        for threads in (1, 2, 5)
    ]
    np.testing.assert_array_equal(masks[0], masks[1])
    np.testing.assert_array_equal(masks[0], masks[2])
