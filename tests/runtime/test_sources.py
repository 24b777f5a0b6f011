"""open_source: what it reads, in which order, and what it says where it cannot."""

from __future__ import annotations

import shutil

import cv2
import numpy as np
import pytest

from edgecv_runtime import InputError
from edgecv_runtime.sources import (
    Failure,
    Frame,
    Images,
    Video,
    csi_pipeline,
    open_source,
    resolve_source,
)

LEVELS = [20 * index + 10 for index in range(12)]  # grey level of each frame of `video`


@pytest.fixture
def folder(tmp_path):
    """Images 1, 2, 10 of that grey level, and things that are no images."""
    folder = tmp_path / "shots"
    folder.mkdir()
    for level in (10, 2, 1):
        cv2.imwrite(str(folder / f"shot{level}.PNG"), np.full((4, 6, 3), level, np.uint8))
    (folder / "notes.txt").write_text("no image")
    (folder / "deeper").mkdir()
    cv2.imwrite(str(folder / "deeper" / "shot3.png"), np.full((4, 6, 3), 3, np.uint8))
    return folder


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    """Twelve frames at ten per second."""
    path = tmp_path_factory.mktemp("video") / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10.0, (64, 48))
    assert writer.isOpened()
    for level in LEVELS:
        writer.write(np.full((48, 64, 3), level, np.uint8))
    writer.release()
    return path


def levels(frames):
    return [int(frame.image[0, 0, 0]) for frame in frames]


def test_folder_in_natural_order_without_its_subfolders(folder):
    frames = list(open_source(folder))
    assert levels(frames) == [1, 2, 10]
    assert [frame.index for frame in frames] == [0, 1, 2]
    assert [frame.name for frame in frames] == [str(folder / f"shot{n}.PNG") for n in (1, 2, 10)]
    assert all(frame.time_ms is None for frame in frames)


def test_natural_order_of_leading_zeros_and_long_numbers(tmp_path):
    names = ["a2.png", "a02b.png", "a10.png", "a99999999999999999999.png", "B1.png"]
    for name in reversed(names):
        (tmp_path / name).touch()
    (part,) = resolve_source(tmp_path)
    assert [path.name for path in part.paths] == names


def test_glob(folder):
    assert levels(open_source(str(folder / "**" / "*.[pP][nN][gG]"))) == [3, 1, 2, 10]
    assert levels(open_source(str(folder / "shot?.PNG"))) == [1, 2]


def test_a_file_whose_name_looks_like_a_glob(tmp_path):
    path = tmp_path / "shot[1].png"
    cv2.imwrite(str(path), np.full((4, 4, 3), 9, np.uint8))
    assert levels(open_source(path)) == [9]


def test_list_keeps_its_order_and_joins_neighbouring_images(folder, video):
    parts = resolve_source([folder / "shot2.PNG", str(folder / "shot1.PNG"), video, folder])
    assert [type(part) for part in parts] == [Images, Video, Images]
    assert [path.name for path in parts[0].paths] == ["shot2.PNG", "shot1.PNG"]
    assert parts[1] == Video(str(video), str(video), live=False)


def test_video_gives_every_frame_with_its_time(video):
    frames = list(open_source(str(video)))
    assert np.abs(np.subtract(levels(frames), LEVELS)).max() <= 2  # the codec's loss
    assert [frame.index for frame in frames] == list(range(12))
    np.testing.assert_allclose([frame.time_ms for frame in frames], np.arange(12) * 100.0, atol=1)
    assert Video(str(video), str(video), live=False).probe() == (10.0, 12)


def test_truncated_video_gives_its_frames_and_then_an_error(tmp_path):
    whole, cut = tmp_path / "whole.avi", tmp_path / "cut.avi"
    writer = cv2.VideoWriter(str(whole), cv2.VideoWriter.fourcc(*"MJPG"), 10.0, (160, 120))
    random = np.random.default_rng(0)
    for _ in range(40):
        writer.write(random.integers(0, 256, (120, 160, 3), dtype=np.uint8))
    writer.release()
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    expected = list(open_source(whole))
    assert len(expected) == 40 and isinstance(expected[-1], Frame)
    *good, last = open_source(cut)
    assert 17 <= len(good) <= 20
    for frame, original in zip(good[:17], expected[:17], strict=True):
        np.testing.assert_array_equal(frame.image, original.image)
    assert f"cut.avi: ends after {len(good)} of 40 frames" in str(last.error)


def test_broken_image_stands_as_an_error_and_the_rest_goes_on(folder):
    (folder / "shot2.PNG").write_bytes(b"")
    first, second, third = open_source(folder)
    assert levels([first, third]) == [1, 10]
    assert isinstance(second, Failure)
    assert (second.name, second.index) == (str(folder / "shot2.PNG"), 1)
    assert isinstance(second.error, InputError) and "the file is empty" in str(second.error)


def test_broken_video_does_not_stop_a_list(folder, tmp_path):
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video")
    frames = list(open_source([broken, folder / "shot1.PNG"]))
    assert "broken.mp4: cannot be opened" in str(frames[0].error)
    assert levels(frames[1:]) == [1]


class VanishingCamera:
    """Stands for cv2.VideoCapture: three frames, then nothing."""

    released = 0

    def __init__(self, target, backend):
        self.left = 3

    def isOpened(self):
        return True

    def get(self, what):
        return 0.0

    def read(self):
        self.left -= 1
        return (True, np.zeros((4, 6, 3), np.uint8)) if self.left >= 0 else (False, None)

    def release(self):
        VanishingCamera.released += 1


def test_camera_that_vanishes(monkeypatch):
    monkeypatch.setattr(cv2, "VideoCapture", VanishingCamera)
    VanishingCamera.released = 0
    *good, last = open_source("0")
    assert [frame.index for frame in good] == [0, 1, 2]
    assert good[0].time_ms <= good[1].time_ms <= good[2].time_ms < 60_000
    assert "0: no more images after 3 frames" in str(last.error)
    assert VanishingCamera.released == 1


def test_camera_is_released_when_the_reader_stops(monkeypatch):
    monkeypatch.setattr(cv2, "VideoCapture", VanishingCamera)
    VanishingCamera.released = 0
    frames = open_source(0)
    next(frames)
    frames.close()
    assert VanishingCamera.released == 1


def test_camera_that_is_not_there():
    (frame,) = open_source("97")
    assert str(frame.error).startswith("97: cannot be opened: is the camera plugged in")


@pytest.mark.parametrize(
    ("source", "target", "gstreamer"),
    [
        (1, 1, False),
        ("1", 1, False),
        ("v4l2:///dev/video2", 2, False),
        ("rtsp://user:word@10.0.0.2:554/live", "rtsp://user:word@10.0.0.2:554/live", False),
        ("http://10.0.0.2/mjpeg", "http://10.0.0.2/mjpeg", False),
        ("gst://videotestsrc ! appsink", "videotestsrc ! appsink", True),
        ("csi://1", csi_pipeline(1), True),
    ],
)
def test_live_sources(source, target, gstreamer):
    shown = str(source).replace(":word@", ":***@")
    assert resolve_source(source) == [Video(shown, target, live=True, gstreamer=gstreamer)]


def test_a_video_on_a_web_server_has_an_end():
    (part,) = resolve_source("https://example.org/clip.mp4?key=1")
    assert part.live is False


def test_csi_pipeline_names_its_sensor_and_ends_in_bgr():
    pipeline = csi_pipeline(1)
    assert pipeline.startswith("nvarguscamerasrc sensor-id=1 ! video/x-raw(memory:NVMM)")
    assert "format=(string)BGR ! appsink drop=true max-buffers=1" in pipeline


@pytest.mark.parametrize("source", ["csi://0", "gst://videotestsrc ! appsink"])
def test_no_gstreamer(source, monkeypatch):
    monkeypatch.setattr(cv2, "getBuildInformation", lambda: "    GStreamer:                   NO\n")
    (frame,) = open_source(source)
    assert "is built without GStreamer" in str(frame.error)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("nowhere.jpg", r"nowhere\.jpg: no such file or folder"),
        ("nowhere/*.jpg", r"nowhere/\*\.jpg: no file matches"),
        ("ftp://host/a", "unknown kind of source ftp://, expected one of rtsp"),
        ("v4l2://0", "expected v4l2:///dev/videoN"),
        ("csi://front", "expected csi://N"),
        ("file:///a.jpg", "without file://"),
        ([], "no source given"),
        (True, "got bool"),
        ([1.5], "got float"),
    ],
)
def test_what_is_no_source_is_refused_at_once(source, words):
    with pytest.raises(InputError, match=words):
        open_source(source)


def test_folder_without_images(tmp_path):
    (tmp_path / "notes.txt").touch()
    with pytest.raises(InputError, match="no image in this folder"):
        open_source(tmp_path)


def test_images_know_the_folder_they_share(folder, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(folder, other)
    (part,) = resolve_source([folder, other])
    assert part.root == tmp_path
