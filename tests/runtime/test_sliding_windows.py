"""`ops.sliding_windows` against the rule of MONAI's `dense_patch_slices`, written out."""

import math

import numpy as np
import pytest

from edgecv import InputError, ops


def starts(side, window, overlap):
    """As monai.data.utils.dense_patch_slices with monai.inferers' scan interval."""
    window = min(window, side)
    interval = window if window == side else max(int(window * (1 - overlap)), 1)
    count = math.ceil(side / interval)
    count = next(d for d in range(count) if d * interval + window >= side) + 1
    return [i * interval - max(i * interval + window - side, 0) for i in range(count)]


@pytest.mark.parametrize("overlap", [0, 0.1, 0.25, 0.5, 0.75, 0.99])
@pytest.mark.parametrize(
    ("image_size", "window"),
    [((1080, 1920), (320, 480)), ((33, 47), (16, 8)), ((7, 100), (9, 10)), ((5, 5), (1, 1))],
)
def test_windows_lie_where_monai_puts_them(image_size, window, overlap):
    expected = [
        (x, y, x + min(window[1], image_size[1]), y + min(window[0], image_size[0]))
        for y in starts(image_size[0], window[0], overlap)
        for x in starts(image_size[1], window[1], overlap)
    ]
    windows = ops.sliding_windows(image_size, window, overlap)
    assert windows.dtype == np.int64
    np.testing.assert_array_equal(windows, expected)


@pytest.mark.parametrize("seed", range(20))
def test_every_pixel_is_covered_and_no_window_leaves_the_image(seed):
    rng = np.random.default_rng(seed)
    height, width, tall, wide = rng.integers(1, 40, 4)
    covered = np.zeros((height, width), int)
    for x1, y1, x2, y2 in ops.sliding_windows((height, width), (tall, wide), rng.uniform(0, 0.99)):
        assert 0 <= x1 < x2 <= width and 0 <= y1 < y2 <= height
        covered[y1:y2, x1:x2] += 1
    assert covered.min() >= 1


@pytest.mark.parametrize("overlap", [-0.1, 1, 1.5, float("nan")])
def test_an_overlap_outside_0_to_1_is_refused(overlap):
    with pytest.raises(InputError, match=r"overlap: expected a number from 0 to below 1"):
        ops.sliding_windows((10, 10), (4, 4), overlap)


def test_sizes_that_are_none_are_refused():
    with pytest.raises(InputError, match=r"window: expected \(height, width\), both positive"):
        ops.sliding_windows((10, 10), (4, 0))
    with pytest.raises(InputError, match="image_size: expected a height and a width of 1 to 65535"):
        ops.sliding_windows((70000, 10), (4, 4))
