"""Cameras on this machine's own network: what they send, what is saved, and how a run ends."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from edgecv_runtime.sources import Failure, open_source, waiting
from helpers.tiny_bundle import write_tiny_bundle

OPENCV = tuple(int(part) for part in cv2.__version__.split(".")[:2])


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return str(write_tiny_bundle(tmp_path_factory.mktemp("bundles") / "tiny"))


COMMAND = [sys.executable, "-m", "edgecv", "camera"]


def run_camera(bundle, address, *options, interrupt=None, lines=0, pause_s=0.0):
    """Exit status, records of frames, stderr, seconds from the signal to the end. It is sent after
    so many lines, and a pause."""
    process = subprocess.Popen(
        [*COMMAND, bundle, "--source", address, "--no-show", "--json", *map(str, options)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    records = [process.stdout.readline() for _ in range(lines)]
    started = time.monotonic()
    if interrupt is not None:
        time.sleep(pause_s)
        started = time.monotonic()
        process.send_signal(interrupt)
    stdout, stderr = process.communicate(timeout=60)
    seconds = time.monotonic() - started
    records += stdout.splitlines()
    frames = [line for line in records if "event" not in json.loads(line)]
    return process.returncode, frames, stderr, seconds


def test_a_stream_gives_its_frames_and_then_an_error(serve):
    *good, last = open_source(serve(pause_s=0.0))
    assert [round(frame.image.mean() / 8) for frame in good] == list(range(12))
    assert [frame.index for frame in good] == list(range(12))
    assert isinstance(last, Failure) and "no more images after 12 frames" in str(last.error)


@pytest.mark.parametrize("broken", [(5,), (5, 6, 7)])
def test_a_broken_frame_does_not_end_a_stream(broken, serve):
    *found, end = open_source(serve(pause_s=0.01, broken=broken))
    shown = [None if isinstance(frame, Failure) else frame.image.mean() for frame in found]
    sent = [None if at == 5 else 8 * at for at in range(12) if at == 5 or at not in broken]
    assert shown.index(None) == 5 and len(shown) == len(sent)
    assert np.abs([s - t for s, t in zip(shown, sent, strict=True) if t is not None]).max() < 2
    assert "between frames 4 and 5 cannot be decoded" in str(found[5].error)
    assert "the camera or stream has gone" in str(end.error)


@pytest.mark.parametrize("later", [(128, 192), (32, 48)])
def test_a_stream_that_changes_its_size_ends_with_an_error(later, serve):
    found = list(open_source(serve(pause_s=0.0, frames=24, sizes=[(64, 96), later])))
    if OPENCV < (4, 13) and later < (64, 96):  # it does not say so
        return
    *good, last = found
    assert len(good) == 12 and all(frame.image.shape == (64, 96, 3) for frame in good)
    assert "frame 12" in str(last.error)


def test_arrival_counts_where_a_stream_has_no_times(serve):
    """FFmpeg counts its frames at 25 a second; 5 come."""
    *good, _ = open_source(serve(frames=12, pause_s=0.2))
    assert 1500 < good[-1].play_ms < 4000  # 440 by FFmpeg's count; some come while it is opened


def test_what_is_saved_lasts_as_long_as_it_took(serve, bundle, tmp_path):
    saved = tmp_path / "live.mp4"
    address = serve(frames=100, pause_s=0.2)
    status, records, _, _ = run_camera(bundle, address, "--save", saved, "--max-frames", 15)
    assert status == 0 and len(records) == 15
    capture = cv2.VideoCapture(str(saved))
    rate = capture.get(cv2.CAP_PROP_FPS)
    lasts = capture.get(cv2.CAP_PROP_FRAME_COUNT) / rate
    assert lasts == pytest.approx(15 * 0.2, abs=0.6)  # 0.6 by FFmpeg's count


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_silent_camera_does_not_keep_a_run_from_ending(name, serve, bundle, tmp_path):
    saved = tmp_path / "live.mp4"
    address = serve(frames=20, silent=True)
    status, records, stderr, seconds = run_camera(
        bundle, address, "--save", saved, interrupt=getattr(signal, name), lines=6, pause_s=3
    )
    assert status == 130 and len(records) >= 5 and f"{len(records)} frames" in stderr
    assert "stalled: no frame has come for a while" in stderr
    assert seconds < 5  # a fifth, on a machine that has nothing else to do; OpenCV's own is 10
    capture = cv2.VideoCapture(str(saved))
    count = 0
    while capture.read()[0]:
        count += 1
    assert count >= len(records)


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_mute_server_does_not_keep_a_run_from_ending(name, bundle):
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}/"
        status, records, _, seconds = run_camera(
            bundle, address, interrupt=getattr(signal, name), pause_s=3
        )
    assert (status, records) == (130, []) and seconds < 5


@pytest.mark.parametrize("hangs", [True, False])
def test_only_a_source_that_does_not_hang_is_given_time_to_end(hangs, monkeypatch):
    over, waited = threading.Event(), []

    def read():
        yield 1
        over.wait()
        yield 2

    def interrupt(*_):
        raise KeyboardInterrupt

    class Thread(threading.Thread):
        def join(self, timeout=None):
            waited.append(timeout)
            over.set()
            super().join()

    monkeypatch.setattr(waiting, "PATIENCE_S", 0.2)
    # Not the module's own, which others in this process use.
    names = SimpleNamespace(Thread=Thread, Semaphore=threading.Semaphore)
    monkeypatch.setattr(waiting, "threading", names)
    items = waiting.in_a_thread(read)
    assert next(items) == 1
    if hangs:
        before = signal.signal(signal.SIGALRM, interrupt)
        signal.setitimer(signal.ITIMER_REAL, 0.5)
        with pytest.raises(KeyboardInterrupt):
            next(items)
        signal.signal(signal.SIGALRM, before)
    items.close()
    assert waited == [0.0 if hangs else 0.2]


def test_a_password_is_used_and_not_shown(serve, bundle):
    address = serve(password=b"viewer:open-sesame", frames=100)
    secret = address.replace("//", "//viewer:open-sesame@")
    status, records, stderr, _ = run_camera(bundle, secret, "--max-frames", 3, "--stats")
    assert status == 0 and len(records) == 3
    assert json.loads(records[0])["source"] == address.replace("//", "//viewer:***@")
    assert "open-sesame" not in "".join(records) + stderr


def test_a_reader_that_stops_releases_the_stream(serve):
    before = threading.active_count()
    frames = open_source(serve(frames=100))
    next(frames)
    frames.close()
    names = [thread.name for thread in threading.enumerate()]
    assert "edgecv-source" not in names, (before, names)
