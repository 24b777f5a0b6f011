"""A real RTSP camera, by each reader; killed and started again."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import cv2
import numpy as np
import pytest

import edgecv
from edgecv_runtime import InputError
from edgecv_runtime.sources import resolve_source
from edgecv_runtime.sources.frames import Frame
from edgecv_runtime.sources.live.readers import choice, gstreamer
from edgecv_runtime.sources.live.readers.choice import opener
from edgecv_runtime.sources.live.readers.gstreamer import GStreamerReader
from helpers.gstreamer import RtspServer
from helpers.tiny_bundle import write_tiny_bundle

READERS = ("opencv", "pyav", "gstreamer")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return edgecv.load(write_tiny_bundle(tmp_path_factory.mktemp("rtsp") / "tiny"), threads=1)


def open_reader(address, reader):
    (video,) = resolve_source(address)
    return opener(video, reader)()


def has_the_ball(shot):
    """White on black, a circle of 40 pixels across."""
    gray = cv2.cvtColor(Frame("", shot.pixels, 0, format=shot.format).image, cv2.COLOR_BGR2GRAY)
    ball = np.argwhere(gray > 128)
    height, width = np.ptp(ball, axis=0) + 1
    assert gray.shape == (240, 320) and np.median(gray) < 8
    assert abs(height - 40) <= 3 and abs(width - 40) <= 3 and 1000 < len(ball) < 1500


@pytest.mark.parametrize("codec", ["h264", "mjpeg"])
def test_every_reader_reads_it(codec, rtsp, bindings):
    server = rtsp("--codec", codec)
    for name in READERS:
        reader = open_reader(server.address, name)
        shots = [reader.read() for _ in range(6)]
        reader.close()
        for shot in shots:
            has_the_ball(shot)
        formats = {"opencv": "bgr", "gstreamer": "nv12"}
        expected = formats.get(name, "nv12" if codec == "h264" else "bgr")  # JPEG: full range
        assert {shot.format for shot in shots} == {expected}
        times = [shot.position_ms for shot in shots]
        assert times == sorted(times) and 100 < times[-1] - times[0] < 400
        decoders = {"h264": ("h264", "avdec_h264"), "mjpeg": ("mjpeg", "MJPG", "jpegdec")}
        assert reader.decoder in decoders[codec], (name, reader.decoder)


@pytest.mark.parametrize("reader", READERS)
def test_a_camera_that_is_killed_is_live_again(reader, model, rtsp, bindings):
    server, events = rtsp(), []
    with edgecv.Live(model, server.address, reader=reader, on_event=events.append) as live:
        results = iter(live)
        for _ in range(3):
            last = next(results)
        server.kill()
        until = time.monotonic() + 60
        while live.sources[0].state != "lost":
            live.wait(0.1)
            assert time.monotonic() < until, events
        server.start()
        result = next(results)
        while live.sources[0].opened < 2:
            result = next(results)
    assert result.frame > last.frame and result.time_ms > last.time_ms
    assert result.play_ms > last.play_ms
    states = [str(event.state) for event in events]
    assert states[0] == "live" and states[-1] == "live" and "lost" in states
    assert reader in events[0].reason
    assert "no more images after" in next(e.reason for e in events if str(e.state) == "lost")


@pytest.mark.parametrize("reader", READERS)
def test_a_wrong_password_is_an_error_that_does_not_show_it(reader, model, rtsp, bindings):
    server = rtsp(password="viewer:open-sesame")
    secret = server.address.replace("//", "//viewer:{}@")
    with edgecv.Live(model, secret.format("open-sesame"), reader=reader) as live:
        assert next(iter(live)).source == secret.format("***")
    with (
        pytest.raises(InputError, match="cannot be opened") as caught,
        edgecv.Live(model, secret.format("guessed-word"), reader=reader) as live,
    ):
        list(live)
    assert "guessed-word" not in str(caught.value)
    assert secret.format("***") in str(caught.value)


@pytest.mark.parametrize("reader", READERS)
def test_nobody_there(reader, bindings):
    server = RtspServer()
    server.start()
    server.kill()
    with pytest.raises(InputError, match="cannot be opened") as caught:
        open_reader(server.address, reader)
    assert "\n" not in str(caught.value)


def pipeline(text, name="gst"):
    return GStreamerReader(name, text, pipeline=True, silence_ms=2000)


def image_of(text):
    reader = pipeline(text)
    shot = reader.read()
    reader.close()
    return shot, Frame("", shot.pixels, 0, format=shot.format).image


@pytest.mark.parametrize("width", [64, 66, 70])  # rows of 66 and 70 pixels have gaps behind them
def test_a_pipelines_image_is_the_same_in_both_formats(width, bindings):
    size = f"video/x-raw,width={width},height=50"
    nv12, from_nv12 = image_of(f"videotestsrc ! {size}")
    bgr, from_bgr = image_of(f"videotestsrc ! {size} ! videoconvert ! {size},format=BGR ! appsink")
    assert (nv12.format, bgr.format) == ("nv12", "bgr")
    assert from_nv12.shape == from_bgr.shape == (50, width, 3)
    difference = np.abs(from_nv12.astype(int) - from_bgr)
    # Colours of 2 x 2 pixels are one in NV12: they differ at edges. The noise below differs, too.
    assert np.median(difference[:30]) <= 2 and np.mean(difference[:30] > 6) < 0.25


def test_odd_sides_come_as_bgr(bindings):
    shot, image = image_of("videotestsrc pattern=green ! video/x-raw,width=65,height=49")
    assert shot.format == "bgr" and image.shape == (49, 65, 3)
    assert image[10, 10].tolist() == pytest.approx([0, 255, 0], abs=6)


def test_levels_from_0_to_255_become_those_that_the_core_expects(bindings):
    gray = "videotestsrc pattern=solid-color foreground-color=0xff404040 ! video/x-raw,format=BGRx"
    shot, image = image_of(
        f"{gray},width=64,height=48 ! videoconvert ! video/x-raw,format=I420,colorimetry=1:4:0:0"
    )
    assert shot.format == "nv12"  # its levels as they are would be read as 56
    assert image[10, 10].tolist() == pytest.approx([64, 64, 64], abs=2)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nosuchelement ! appsink", r"cannot be opened: no element .nosuchelement. \(GStreamer\)"),
        ("videotestsrc ! !", r"cannot be opened: .* \(GStreamer\)"),
        ("videotestsrc ! video/x-raw,format=GRAY8 ! appsink", "gives GRAY8, expected NV12 or BGR"),
        ("videotestsrc num-buffers=0 ! appsink", "cannot be opened: the camera or stream has gone"),
        ("filesrc location=/no/such/file ! decodebin", "cannot be opened: "),
        ("appsrc ! video/x-raw,format=BGR ! appsink", r"no frame for 2 s \(GStreamer\)"),
    ],
)
def test_a_pipeline_that_does_not_work_is_one_line(text, words, bindings):
    with pytest.raises(InputError, match=words) as caught:
        pipeline(text)
    assert "\n" not in str(caught.value)


def test_a_pipeline_that_ends_says_so(bindings):
    reader = pipeline("videotestsrc num-buffers=3 ! appsink caps=video/x-raw,format=BGR")
    for _ in range(3):
        reader.read()
    with pytest.raises(InputError, match="gst: no more images after 3 frames: the camera or"):
        reader.read()
    reader.close()


@pytest.mark.parametrize(
    ("source", "here", "hardware", "chosen"),
    [
        ("rtsp://10.0.0.2/live", ("opencv", "pyav", "gstreamer"), True, "gstreamer"),
        ("rtsp://10.0.0.2/live", ("opencv", "pyav", "gstreamer"), False, "pyav"),
        ("rtsp://10.0.0.2/live", ("opencv", "gstreamer"), False, "opencv"),
        ("rtsp://10.0.0.2/live", ("gstreamer",), False, "gstreamer"),
        ("http://10.0.0.2/mjpeg", ("opencv", "pyav", "gstreamer"), True, "pyav"),
        (0, ("opencv", "pyav", "gstreamer"), True, "opencv"),
        (0, ("pyav", "gstreamer"), True, "gstreamer"),
        ("csi://0", ("opencv", "gstreamer"), False, "gstreamer"),
        ("csi://0", ("opencv", "pyav"), False, "opencv"),
    ],
)
def test_the_best_reader_that_is_installed(source, here, hardware, chosen, monkeypatch):
    monkeypatch.setattr(choice, "reader_is_here", lambda reader: reader in here)
    monkeypatch.setattr(choice, "has_hardware_decoder", lambda: hardware)
    made = []
    for reader, name in (
        ("opencv", "OpenCVReader"),
        ("pyav", "PyAVReader"),
        ("gstreamer", "GStreamerReader"),
    ):
        monkeypatch.setattr(
            choice, name, lambda *given, reader=reader: made.append((reader, given))
        )
    (video,) = resolve_source(source)
    opener(video)()
    ((reader, given),) = made
    assert reader == chosen
    if source == "csi://0":
        assert ("format=(string)NV12 ! appsink" in given[1]) == (chosen == "gstreamer")


@pytest.mark.parametrize("reader", READERS)
def test_a_reader_that_is_not_installed_is_named_with_what_installs_it(reader, monkeypatch):
    monkeypatch.setattr(choice, "reader_is_here", lambda reader: False)
    (video,) = resolve_source("rtsp://10.0.0.2/live")
    with pytest.raises(InputError, match=f'"{reader}" is not installed .*: (pip|apt) install'):
        opener(video, reader)


def test_a_folder_of_that_name_is_not_gstreamer(tmp_path):
    """In a process of its own, where such a folder is found before the system's bindings."""
    (tmp_path / "gi").mkdir()
    code = f"import {gstreamer.__name__} as reader; print(reader.gstreamer_is_here())"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    said = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert said.stdout == "False\n"


def test_pyav_reads_no_pipeline():
    (video,) = resolve_source("csi://0")
    with pytest.raises(InputError, match="take the reader gstreamer"):
        opener(video, "pyav")
