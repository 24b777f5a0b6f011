"""What is saved plays for as long as its frames last, and a file that cannot be written says so."""

from __future__ import annotations

import os

import cv2
import numpy as np
import pytest

from edgecv.cli.recording.video_writer import VideoNotWritten, VideoWriter


def level(at, size=(48, 64)):
    return np.full((*size, 3), 20 + 10 * at, np.uint8)


def save(path, times_ms, rate=None, images=None, live=False):
    with VideoWriter(path, rate, live) as writer:
        for at, time_ms in enumerate(times_ms):
            writer.write(level(at % 20) if images is None else images[at], time_ms)


def read(path):
    """Rate, and the level of each frame."""
    capture = cv2.VideoCapture(str(path))
    found = []
    while (answer := capture.read())[0]:
        found.append(round((float(answer[1].mean()) - 20) / 10))
    return capture.get(cv2.CAP_PROP_FPS), found


@pytest.mark.parametrize("rate", [10.0, None, 90000.0, 0.0])
def test_even_times_are_written_frame_by_frame(rate, tmp_path):
    save(tmp_path / "a.mp4", [100 * at for at in range(12)], rate)
    assert read(tmp_path / "a.mp4") == (10.0, list(range(12)))


@pytest.mark.parametrize("rate", [25.0, None, 1000.0])
def test_uneven_times_last_as_long_as_they_should(rate, tmp_path):
    """Each frame is on the screen at its time, within one frame of the file."""
    times = [0, 500, 650, 1500, 1600, 1700, 2600, 2900, 3800, 4000]
    save(tmp_path / "a.mp4", times, rate)
    found_rate, found = read(tmp_path / "a.mp4")
    assert abs(len(found) / found_rate - 4.0) <= 2 / found_rate
    for at, time_ms in enumerate(times):
        place = found.index(at) / found_rate
        assert abs(place - time_ms / 1000) <= 1.5 / found_rate


def test_jitter_neither_repeats_nor_loses_frames(tmp_path):
    random = np.random.default_rng(0)
    times = [50 * at + float(random.uniform(-12, 12)) for at in range(60)]
    save(tmp_path / "a.mp4", times, 20.0)
    rate, found = read(tmp_path / "a.mp4")
    assert rate == 20.0 and found == [at % 20 for at in range(60)]


def test_a_slow_camera_is_measured(tmp_path):
    save(tmp_path / "a.mp4", [203 * at + at % 3 for at in range(25)])
    rate, found = read(tmp_path / "a.mp4")
    assert rate == pytest.approx(4.93, abs=0.08)
    assert len(found) / rate == pytest.approx(25 * 0.203, abs=0.25)


@pytest.mark.parametrize(("step", "frames"), [(5000, 12), (2000, 16), (2, 60)])
def test_a_rate_that_no_file_has_does_not_change_the_time(step, frames, tmp_path):
    """Below one frame a second, or above 120: the first frames stand at their times, too."""
    save(tmp_path / "a.mp4", [step * at for at in range(frames)], 1000 / step)
    rate, found = read(tmp_path / "a.mp4")
    assert rate == (1 if step > 1000 else 120)
    assert len(found) / rate == pytest.approx(step * (frames - 1) / 1000, abs=2.1 / rate)


def test_the_first_frames_of_a_stream_come_at_once(tmp_path):
    """They were kept while it was opened; no frame is lost or repeated for that."""
    times = [0, 5, 10, *(60 + 50 * at for at in range(17))]
    save(tmp_path / "a.mp4", times)
    assert read(tmp_path / "a.mp4") == (20.0, list(range(20)))


def test_a_live_source_starts_unevenly(tmp_path):
    """Measured on a busy machine: a camera of 20 frames a second."""
    steps = [7, 88, 11, 59, 62, 56, 60, 76, 29, 53, 56, 54, 56, 51, 57, 60, 51, 66, 51]
    save(tmp_path / "a.mp4", np.cumsum([0, *steps]).tolist(), live=True)
    rate, found = read(tmp_path / "a.mp4")
    assert found == list(range(20)) and rate == pytest.approx(17, abs=1)


def test_frames_faster_than_the_announced_rate_do_not_slow_the_video(tmp_path):
    save(tmp_path / "a.mp4", [20 * at for at in range(100)], 25.0)  # 50 a second
    rate, found = read(tmp_path / "a.mp4")
    assert rate == 25.0 and len(found) == pytest.approx(50, abs=2)


def test_a_gap_of_hours_is_cut_to_ten_minutes(tmp_path):
    save(tmp_path / "a.mp4", [0, 1000, 50_000_000, 50_001_000], 1.0)
    _, found = read(tmp_path / "a.mp4")
    assert 600 <= len(found) <= 606 and found[-1] == 3


def test_few_frames_without_times_are_written_at_the_end(tmp_path):
    save(tmp_path / "a.mp4", [None, None, None])
    assert read(tmp_path / "a.mp4") == (25.0, [0, 1, 2])


def test_an_interrupted_recording_keeps_the_frames_that_wait_for_their_rate(tmp_path):
    writer = VideoWriter(tmp_path / "a.mp4", None, open_ended=True)
    with pytest.raises(KeyboardInterrupt), writer:
        for at in range(3):
            writer.write(level(at), 100 * at)
        raise KeyboardInterrupt
    assert read(tmp_path / "a.mp4") == (10.0, [0, 1, 2])


def test_a_frame_of_another_size_is_scaled_into_the_first(tmp_path):
    images = [level(8), level(8, (96, 64)), level(8)]
    save(tmp_path / "a.avi", [0, 100, 200], 10.0, images)
    capture = cv2.VideoCapture(str(tmp_path / "a.avi"))
    capture.read()
    _, scaled = capture.read()
    assert scaled.shape == (48, 64, 3)
    # 64 x 96 becomes 32 x 48, between two black bars of 16 columns.
    assert scaled[:, 20:44].mean() == pytest.approx(100, abs=8)
    assert max(scaled[:, :12].mean(), scaled[:, 52:].mean()) < 5


def test_h264_where_opencv_writes_it_else_mpeg4(tmp_path):
    save(tmp_path / "a.mp4", [0, 100], 10.0)
    capture = cv2.VideoCapture(str(tmp_path / "a.mp4"))
    codec = int(capture.get(cv2.CAP_PROP_FOURCC)).to_bytes(4, "little").decode()
    trial = cv2.VideoWriter(
        str(tmp_path / "trial.mp4"), cv2.VideoWriter.fourcc(*"avc1"), 10.0, (64, 48)
    )
    assert codec in (("h264", "avc1") if trial.isOpened() else ("mp4v", "FMP4"))


def test_a_name_that_is_no_utf8(tmp_path):
    path = tmp_path / os.fsdecode(b"stra\xdfe.mp4")
    save(path, [0, 100, 200], 10.0)
    assert path.stat().st_size > 500


def test_a_file_that_cannot_be_written_is_named_and_not_left_behind(tmp_path):
    path = tmp_path / "a.mp4"
    with pytest.raises(VideoNotWritten, match=r"a\.mp4: this OpenCV cannot write it \(1 x 1"):
        save(path, [0, 100], 10.0, [level(0, (1, 1))] * 2)
    assert list(tmp_path.iterdir()) == []
