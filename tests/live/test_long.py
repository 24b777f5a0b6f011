"""Cameras that go and come back many times, and a run that goes on: nothing is left behind.

`make test` has a short form. `make test-live` kills each camera 20 times and runs for 30 minutes.
"""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

import edgecv
from edgecv_runtime.sources.live.readers.opencv import OpenCVReader
from helpers.fake_reader import FakeCamera, shot
from helpers.tiny_bundle import write_tiny_bundle

LONG = bool(os.environ.get("EDGECV_LONG_LIVE"))
RESTARTS = 20 if LONG else 2
SOAK_S = 1800.0 if LONG else 4.0
READERS = ("opencv", "pyav", "gstreamer") if LONG else ("pyav",)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return edgecv.load(write_tiny_bundle(tmp_path_factory.mktemp("long") / "tiny"), threads=1)


def descriptors():
    return len(list(Path("/proc/self/fd").iterdir()))


def memory_mb():
    """Resident."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def wait_until(live, holds, what):
    until = time.monotonic() + 60
    while not holds(live.sources[0]):
        live.wait(0.05)
        assert time.monotonic() < until, (what, live.sources[0])


@pytest.mark.parametrize("reader", READERS)
def test_a_camera_that_goes_and_comes_back(reader, model, rtsp, bindings):
    server = rtsp()
    took, counts = [], []
    with edgecv.Live(model, server.address, reader=reader) as live:
        wait_until(live, lambda status: status.state == "live", "first")
        for at in range(RESTARTS):
            server.kill()
            wait_until(live, lambda status: status.state in ("lost", "connecting"), "lost")
            until = time.monotonic() + (1.0 if LONG else 0.2)  # away for a while
            while time.monotonic() < until:
                live.wait(0.05)
            server.start()
            back = time.monotonic()
            opened = at + 2
            wait_until(live, lambda status, opened=opened: status.opened == opened, "back")
            took.append(time.monotonic() - back)
            until = time.monotonic() + (1.5 if LONG else 0.2)
            while time.monotonic() < until:
                live.wait(0.05)
            counts.append((descriptors(), threading.active_count(), memory_mb()))
    print(f"{reader}: live again after {max(took):.2f} s at most; descriptors, threads, MB:")
    print(counts)
    if LONG:
        assert max(took) < 2.0
        warm = counts[4]
        assert max(each[0] for each in counts[4:]) <= warm[0] + 1
        assert max(each[1] for each in counts[4:]) <= warm[1] + 1
        assert counts[-1][2] < warm[2] + 5
    else:
        assert counts[-1][0] <= counts[0][0] + 2 and counts[-1][1] <= counts[0][1]


def test_nothing_is_left_while_a_camera_is_away(model, monkeypatch):
    """Hundreds of tries in a moment: the pauses are taken out."""
    from edgecv_runtime.sources.live import source as module

    class Short:
        def after(self, lived_s):
            return 0.0

    tries = []

    def opens(name, target, gstreamer, silence_ms):
        tries.append(target)
        return OpenCVReader(name, "rtsp://127.0.0.1:9/nobody", gstreamer, silence_ms)

    monkeypatch.setattr(module, "Pauses", Short)
    monkeypatch.setattr(edgecv.live.opening, "STALLED_S", 3600.0)
    from edgecv_runtime.sources.live.readers import choice

    monkeypatch.setattr(choice, "OpenCVReader", opens)
    there = FakeCamera()
    opener = edgecv.live.opening.opener
    monkeypatch.setattr(
        edgecv.live.opening,
        "opener",
        lambda video, reader, ms: there.open if video.target == 1 else opener(video, "opencv", ms),
    )
    there.send(shot())
    with edgecv.Live(model, [0, 1]) as live:
        next(iter(live))
        warm = None
        until = time.monotonic() + 60
        while len(tries) < (3000 if LONG else 150):
            live.wait(0.05)
            if warm is None and len(tries) > 50:
                warm = (descriptors(), threading.active_count())
            assert time.monotonic() < until or LONG
        assert (descriptors(), threading.active_count()) <= (warm[0] + 2, warm[1])
        there.send(RuntimeError("over"))


def test_a_run_that_goes_on_needs_no_more_memory(model, rtsp, bindings):
    server = rtsp("--size", "640x480")
    with edgecv.Live(model, [server.address] * 2, batch=2, motion=0.0) as live:
        started, warm, count = time.monotonic(), None, 0
        while time.monotonic() < started + SOAK_S:
            count += live.wait(0.1) is not None
            if warm is None and time.monotonic() > started + SOAK_S / 4:
                warm = memory_mb()
        grown = memory_mb() - warm
    print(f"{count} results in {SOAK_S:g} s, {grown:.1f} MB more")
    assert count > 10
    assert grown < (5 if LONG else 20)  # the allocators of a young process are not settled
