"""Times of frames, without any file."""

from __future__ import annotations

import pytest

from edgecv_runtime.sources.clocks import FileClock, LiveClock


def of_file(positions, rate=25.0):
    clock = FileClock(rate)
    return [clock.at(index, position) for index, position in enumerate(positions)]


@pytest.mark.parametrize(
    ("positions", "expected"),
    [
        ([0, 40, 80], [0, 40, 80]),
        ([0, 100, 900, 950], [0, 100, 900, 950]),
        ([300_011, 300_051, 300_091], [0, 40, 80]),  # late
        ([-80, 40, 80], [0, 40, 80]),  # the first one's time of decoding
        ([-80, -40, 0, 40], [0, 40, 80, 120]),  # a negative start
        ([0, 40, 80, 0, 40], [0, 40, 80, 120, 160]),  # joined
        ([0, 40, 40, 80], [0, 40, 40, 80]),
        ([0, 0, 0, 0], [0, 40, 80, 120]),  # a container without times
    ],
)
def test_times_of_a_file(positions, expected):
    assert of_file(positions) == pytest.approx(expected)


def test_times_of_a_file_that_has_neither_times_nor_rate():
    assert of_file([0, 0, 0], rate=None) == [0, None, None]


def of_stream(frames, made_up=False):
    clock = LiveClock(made_up)
    return [clock.play_ms(index, *frame) for index, frame in enumerate(frames)]


def test_frames_without_a_time_follow_at_the_rate():
    # Raw MPEG-2 and WMV: OpenCV below 4.13 counts from the smallest number there is.
    ages = -9.223372036854776e18
    assert of_file([ages, ages, ages + 2048, 0.0, 0.0]) == [0, 40, 80, 120, 160]
    # Later ones have no time for the frames that a decoder still held at the end.
    assert of_file([80.0, 120.0, 160.0, 0.0, 0.0]) == [0, 40, 80, 120, 160]


def test_a_stream_plays_by_its_own_clock():
    # At once what had been kept for us, then at its pace: 10 frames a second.
    frames = [(2.0 * at, 100.0 * at, 1.0) for at in range(20)]
    frames += [(38 + 100.0 * at, 1900 + 100.0 * at, 95.0) for at in range(1, 20)]
    assert of_stream(frames) == [100.0 * at for at in range(39)]


def test_a_clock_that_is_made_up_gives_way_to_arrival():
    # Five frames a second that claim to be 25, as raw JPEG, H.264 and others without times do.
    frames = [(200.0 * at, 40.0 * at, 195.0) for at in range(20)]
    assert of_stream(frames) == [200.0 * at for at in range(20)]
    assert of_stream([(300.0 * at, 40.0 * at, 1.0) for at in range(9)], made_up=True)[-1] == 2400
