"""Which frames the network sees: --max-fps, --skip, --motion."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from edgecv.live.choice import FrameChoice
from edgecv.live.motion import MotionDetector, small_gray
from edgecv_runtime.sources import Frame


def frame(index=0, time_ms=0.0, image=None, form="bgr"):
    image = np.zeros((72, 128, 3), np.uint8) if image is None else image
    return Frame("cam", image, index, time_ms, format=form)


def kept(choice, times_ms):
    return [at for at, time_ms in enumerate(times_ms) if choice(frame(at, time_ms))]


@pytest.mark.parametrize(
    ("rate", "most", "expected"),
    [(30, 10, 100), (25, 10, 100), (30, 30, 300), (30, 60, 300), (30, 1, 10), (15, 0.5, 5)],
)
def test_no_more_frames_in_a_second(rate, most, expected):
    times = [1000 * at / rate for at in range(10 * rate)]
    assert len(kept(FrameChoice(max_fps=most), times)) == expected


def test_jitter_costs_no_frames():
    chance = np.random.default_rng(1)
    times = [1000 * at / 10 + chance.uniform(-15, 15) for at in range(200)]
    assert len(kept(FrameChoice(max_fps=10), times)) == 200


def test_a_pause_is_not_made_up_for():
    times = [0, 50, 100, 5000, 5010, 5020, 5100]
    assert kept(FrameChoice(max_fps=10), times) == [0, 2, 3, 6]


def test_frames_between_two_are_left_out():
    assert kept(FrameChoice(skip=2), range(10)) == [0, 3, 6, 9]


def scene(shift=0, light=0, size=(720, 1280), noise=None):
    image = np.full((*size, 3), 80 + light, np.uint8)
    image[300:420, 100 + shift : 160 + shift] = 200
    if noise is not None:
        image = np.clip(image + noise.normal(0, 6, image.shape), 0, 255).astype(np.uint8)
    return image


def moves(images, rate=10, **options):
    detector = MotionDetector(**options)
    return [detector.moves(frame(image=each), at / rate) for at, each in enumerate(images)]


def test_nothing_moves_in_noise():
    chance = np.random.default_rng(2)
    found = moves((scene(noise=chance) for _ in range(40)), holds_s=0.0)
    assert found == [True] + [False] * 39


def test_what_moves_is_seen_while_it_moves_and_a_little_longer():
    still, moving = [scene()] * 30, [scene(20 * at) for at in range(10)]
    found = moves([*still, *moving, *[scene(180)] * 100])
    # The first counts as movement.
    assert found[:21] == [True] * 21 and found[21:30] == [False] * 9
    assert found[31:41] == [True] * 10
    assert not any(found[-25:])  # where it stands now is background


def test_light_that_changes_slowly_does_not_move():
    found = moves((scene(light=at // 8) for at in range(160)), holds_s=0.0)
    assert not any(found[1:])


def test_a_light_that_is_switched_on_is_seen():
    found = moves([scene()] * 5 + [scene(light=60)], holds_s=0.0)
    assert found == [True, False, False, False, False, True]


def test_the_share_says_how_much_has_to_move():
    images = [scene(), scene(200)]  # two places of 60 x 120 of 1280 x 720 change: 1.6 %
    assert moves(images, share=0.03, holds_s=0.0) == [True, False]
    assert moves(images, share=0.01, holds_s=0.0) == [True, True]


def test_the_small_image_is_gray_and_of_both_formats_alike():
    chance = np.random.default_rng(4)
    blocks = chance.integers(0, 255, (9, 16), dtype=np.uint8)
    gray = cv2.resize(blocks, (1280, 720), interpolation=cv2.INTER_NEAREST)
    image = cv2.cvtColor(gray, cv2.COLOR_GRAY2BGR)
    expected = cv2.resize(gray, (64, 36), interpolation=cv2.INTER_AREA)
    assert np.abs(small_gray(frame(image=image)) - expected).max() < 1
    i420 = cv2.cvtColor(image, cv2.COLOR_BGR2YUV_I420)
    nv12 = np.concatenate([i420[:720], np.full((360, 1280), 128, np.uint8)])
    studio = 16 + expected.astype(np.float32) * 219 / 255
    assert np.abs(small_gray(frame(image=nv12, form="nv12")) - studio).max() < 1.5
