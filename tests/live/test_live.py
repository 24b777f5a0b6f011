"""edgecv.Live on files and on cameras of a test."""

from __future__ import annotations

import copy
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

import edgecv
from edgecv.live import Sink, opening
from edgecv_runtime import EngineError, InputError
from edgecv_runtime.sources import open_source
from helpers.fake_reader import FakeCamera, Heard, shot
from helpers.tiny_bundle import write_tiny_bundle

GONE = InputError("cam: the camera has gone")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return edgecv.load(write_tiny_bundle(tmp_path_factory.mktemp("live") / "tiny"), threads=1)


def write_video(path, levels, size=(64, 96)):
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25.0, size[::-1])
    for level in levels:
        writer.write(np.full((*size, 3), level, np.uint8))
    writer.release()
    return path


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    """300 frames, each of another level than its neighbours."""
    levels = [(37 * at) % 256 for at in range(300)]
    return write_video(tmp_path_factory.mktemp("videos") / "clip.avi", levels)


@pytest.fixture(autouse=True)
def no_thread_is_left():
    yield
    left = [thread for thread in threading.enumerate() if thread.name.startswith("edgecv-")]
    for thread in left:  # one that has given its last result may need a moment
        thread.join(30)
    assert not [thread.name for thread in left if thread.is_alive()]


def on_cameras(monkeypatch, count):
    """Cameras in place of /dev/video0 and on."""
    cameras = [FakeCamera() for _ in range(count)]
    monkeypatch.setattr(
        opening, "opener", lambda video, reader, silence_ms: cameras[video.target].open
    )
    return cameras


class FakeModel:
    """Results are what was given; each call waits until the test lets it go."""

    steps = ("network",)
    timing = SimpleNamespace(network_ms=2.0)

    def __init__(self, free=True):
        self.calls = Heard()
        self.may_go = threading.Semaphore(10**6 if free else 0)

    def predict_frames(self, frames):
        self.calls([(frame.name, frame.index) for frame in frames])
        assert self.may_go.acquire(timeout=30)
        return [
            SimpleNamespace(source=frame.name, frame=frame.index, level=int(frame.pixels.flat[0]))
            for frame in frames
        ]


@pytest.mark.parametrize("batch", [1, 4])
def test_every_frame_of_a_video_in_order_as_predict_gives_it(model, video, batch):
    with edgecv.Live(model, video, batch=batch, max_wait_ms=20_000) as live:
        results = list(live)
    assert [result.frame for result in results] == list(range(300))
    for result, frame in zip(results, open_source(video), strict=True):
        alone = model(frame.image)
        np.testing.assert_array_equal(result.boxes, alone.boxes)
        np.testing.assert_array_equal(result.scores, alone.scores)
        np.testing.assert_array_equal(result.labels, alone.labels)
        np.testing.assert_array_equal(result.image, frame.image)
        assert (result.source, result.time_ms) == (str(video), frame.time_ms)
        assert result.age_ms > 0 and result.captured_at > 1e9 and result.source_index == 0
    assert [(s.frames, s.dropped, s.left_out) for s in live.sources] == [(300, 0, 0)]
    assert live.stats()["batch"] == batch


def test_the_network_gets_the_newest_frame(monkeypatch):
    (camera,), model = on_cameras(monkeypatch, 1), FakeModel(free=False)
    with edgecv.Live(model, 0) as live:
        results = iter(live)
        camera.send(shot(0))
        live.start()
        model.calls.wait_for(lambda calls: calls == [[("0", 0)]])
        camera.send(*(shot(level) for level in range(1, 6)))
        while live.sources[0].frames < 6:
            time.sleep(0.002)
        model.may_go.release(2)
        assert next(results).level == 0 and next(results).level == 5
        assert live.sources[0].dropped == 4
        model.may_go.release(10)
        camera.send(GONE)


def test_no_frame_is_taken_before_the_result_before_it_is(monkeypatch):
    """The loop is slow: what it gets next is not older than need be."""
    (camera,), model = on_cameras(monkeypatch, 1), FakeModel()
    with edgecv.Live(model, 0) as live:
        results = iter(live)
        camera.send(shot(0), shot(1), shot(2))
        first = next(results).frame
        camera.send(shot(3))
        model.calls.wait_for(lambda calls: len(calls) == 2)
        while live.sources[0].frames < 4:
            time.sleep(0.002)
        camera.send(shot(4), shot(5))
        while live.sources[0].frames < 6:
            time.sleep(0.002)
        assert len(model.calls.items) == 2  # while the second result is not asked for
        next(results)
        assert next(results).frame == 5 and first <= 2
        camera.send(GONE)


def test_the_others_go_on_while_one_is_lost(monkeypatch):
    cameras, model, events = on_cameras(monkeypatch, 2), FakeModel(), Heard()
    with edgecv.Live(model, [0, 1], on_event=events) as live:
        results = iter(live)
        for camera in cameras:
            camera.send(shot(7))
        assert {next(results).source_index for _ in range(2)} == {0, 1}
        cameras[0].absent = True
        cameras[0].send(GONE)
        events.wait_for(lambda items: [str(e.state) for e in items if e.index == 0][1:] == ["lost"])
        for level in range(3):
            cameras[1].send(shot(level))
            result = next(results)
            assert (result.source, result.level) == ("1", level)
        cameras[0].absent = False
        cameras[0].send(shot(8))  # tried again after half a second
        assert next(results).level == 8
        assert [status.opened for status in live.sources] == [2, 1]
        for camera in cameras:
            camera.send(GONE)


def test_several_sources_share_a_run(monkeypatch):
    monkeypatch.setattr(opening, "STALLED_S", 3600.0)  # one that is stalled is not waited for
    cameras, model = on_cameras(monkeypatch, 4), FakeModel()
    options = {"batch": 4, "max_wait_ms": 1000, "timeout": 3600}
    with edgecv.Live(model, [0, 1, 2, 3], **options) as live:
        results = iter(live)
        for camera in cameras[:3]:
            camera.send(shot())
        live.start()
        while any(str(status.state) != "live" for status in live.sources[:3]):
            time.sleep(0.002)
        cameras[3].send(shot())
        # The three need not wait for the fourth while it is only being opened.
        found = [next(results) for _ in range(4)]
        assert {result.source_index for result in found} == {0, 1, 2, 3}
        for camera in cameras:
            camera.send(shot())
        for _ in range(4):
            next(results)
        assert sorted(model.calls.items[-1]) == [(str(at), 1) for at in range(4)], model.calls.items
        for camera in cameras:
            camera.send(GONE)


def test_a_camera_that_is_not_there_ends_it_and_one_of_two_does_not(monkeypatch):
    cameras, model = on_cameras(monkeypatch, 2), FakeModel()
    cameras[0].absent = True
    with (
        edgecv.Live(model, [0]) as live,
        pytest.raises(InputError, match="cannot be opened: nobody is there"),
    ):
        list(live)
    cameras[0].absent = True
    with edgecv.Live(model, [0, 1]) as live:
        cameras[1].send(shot(5))
        assert next(iter(live)).level == 5
        cameras[1].send(GONE)


def test_what_the_network_raises_is_raised_in_the_loop(video):
    failed = threading.Event()

    class Failing(FakeModel):
        """Its fourth call fails before the third, beside it, is done."""

        def predict_frames(self, frames):
            if frames[0].index >= 3:
                failed.set()
                raise EngineError("the network gave NaN")
            if frames[0].index == 2:
                assert failed.wait(30)
                time.sleep(0.1)
            return super().predict_frames(frames)

    found = []
    with (
        edgecv.Live(Failing(), video) as live,
        pytest.raises(EngineError, match="the network gave NaN"),
    ):
        for result in live:
            found.append(result.frame)
    assert found == [0, 1, 2]


def test_a_broken_video_is_told_of_and_the_rest_goes_on(model, video, tmp_path):
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video")
    failures = Heard()
    failed = lambda name, error: failures((name, str(error)))  # noqa: E731
    with edgecv.Live(model, [broken, video], on_failure=failed) as live:
        assert len(list(live)) == 300
    ((name, message),) = failures.items
    assert name == str(broken) and "cannot be opened" in message
    with pytest.raises(InputError, match=r"broken\.mp4: cannot be opened"):
        list(edgecv.Live(model, broken, on_failure=failed))


def test_images_of_a_folder_in_order(model, tmp_path):
    for at in (10, 9, 1):
        cv2.imwrite(str(tmp_path / f"shot{at}.png"), np.full((32, 48, 3), at, np.uint8))
    results = list(edgecv.Live(model, tmp_path))
    assert [result.image[0, 0, 0] for result in results] == [1, 9, 10]
    assert [result.time_ms for result in results] == [None] * 3
    assert [result.source for result in results] == [
        str(tmp_path / f"shot{at}.png") for at in (1, 9, 10)
    ]


class Counter:
    """A step: numbers the results of its source."""

    made = 0

    def __init__(self):
        Counter.made += 1
        self.count = 0

    def update(self, result):
        numbered = copy.copy(result)
        numbered.number = self.count
        self.count += 1
        return numbered


def test_each_source_has_its_own_steps_in_order(model, video, tmp_path):
    other = write_video(tmp_path / "other.avi", range(50))
    Counter.made = 0
    with edgecv.Live(model, [video, other], steps=[Counter]) as live:
        results = list(live)
    assert Counter.made == 2 and len(results) == 350
    assert all(result.number == result.frame for result in results)
    assert "steps" in live.stats()["ms"]


class Collected(Sink):
    def __init__(self, name="collected", blocks=True, fails_at=None):
        self.name, self.blocks, self.fails_at = name, blocks, fails_at
        self.frames, self.closed = [], 0

    def write(self, result):
        if result.frame == self.fails_at:
            raise OSError("the disk is full")
        self.frames.append(result.frame)

    def close(self):
        self.closed += 1


def test_sinks_take_every_result_and_one_that_fails_stops_no_other(video):
    good, bad, failures = Collected("good"), Collected("bad", fails_at=5), Heard()
    failed = lambda name, error: failures((name, str(error)))  # noqa: E731
    with edgecv.Live(FakeModel(), video, sinks=[bad, good], on_failure=failed) as live:
        assert len(list(live)) == 300
    assert good.frames == list(range(300)) and bad.frames == list(range(5))
    assert failures.items == [("bad", "bad: the disk is full")]
    assert (good.closed, bad.closed) == (1, 1)
    assert {"good", "bad"} <= live.stats()["ms"].keys()


def test_a_slow_sink_drops_results_or_holds_them_up_by_its_kind(video):
    class Slow(Collected):
        def __init__(self, blocks):
            super().__init__("slow", blocks)
            self.go = threading.Event()

        def write(self, result):
            assert self.go.wait(30)
            super().write(result)

    preview = Slow(blocks=False)
    with edgecv.Live(FakeModel(), video, sinks=[preview]) as live:
        assert len(list(live)) == 300  # although it has taken nothing
        preview.go.set()
    assert len(preview.frames) == 1 + preview.depth
    recording, model = Slow(blocks=True), FakeModel()
    with edgecv.Live(model, video, sinks=[recording]) as live:
        results = iter(live)
        for _ in range(recording.depth):
            next(results)
        recording.go.set()
        assert len(list(results)) == 300 - recording.depth
    assert recording.frames == list(range(300))


def test_left_out_frames_are_counted(video):
    with edgecv.Live(FakeModel(), video, skip=2) as live:
        assert [result.frame for result in live] == list(range(0, 300, 3))
    assert live.sources[0].left_out == 200
    with edgecv.Live(FakeModel(), video, max_fps=5) as live:
        assert [result.frame for result in live] == list(range(0, 300, 5))


def test_leaving_early_ends_everything(model, video):
    with edgecv.Live(model, video) as live:
        for result in live:
            if result.frame == 3:
                break
    assert live.stats()["results"] >= 4
    live.close()  # once more


def test_a_program_that_does_not_close_it_ends(video, tmp_path):
    program = """
import sys, edgecv
from edgecv.live import Sink

class Last(Sink):
    def write(self, result): pass
    def close(self): print("closed")

model = edgecv.load(sys.argv[1], threads=1)
for result in edgecv.Live(model, sys.argv[2], sinks=[Last()]):
    if result.frame == 5:
        break
print("done")
"""
    bundle = write_tiny_bundle(tmp_path / "tiny")
    done = subprocess.run(
        [sys.executable, "-c", program, bundle, video], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == ["done", "closed"]


def test_what_a_function_of_the_users_raises_is_raised_in_the_loop(monkeypatch):
    (camera,) = on_cameras(monkeypatch, 1)

    def on_event(change):
        raise ValueError(f"on purpose: {change.state}")

    camera.send(shot(), GONE)
    with (
        edgecv.Live(FakeModel(), 0, on_event=on_event) as live,
        pytest.raises(ValueError, match="on purpose: live"),
    ):
        list(live)


def test_stop_from_another_thread_ends_the_loop(monkeypatch):
    (camera,) = on_cameras(monkeypatch, 1)
    with edgecv.Live(FakeModel(), 0) as live:
        camera.send(shot())
        for _ in live:
            threading.Thread(target=live.stop).start()
        camera.send(GONE)


def test_stats_say_how_long_things_took(model, video):
    with edgecv.Live(model, video) as live:
        list(live)
    stats = live.stats()
    assert stats["results"] == 300 and stats["results_per_second"] > 0
    assert set(stats["ms"]) == {"preprocess", "network", "postprocess", "wait", "age"}
    for found in stats["ms"].values():
        assert 0 <= found["p50"] <= found["p95"] <= found["p99"]
    (source,) = stats["sources"]
    assert (source["source"], source["state"], source["frames"]) == (str(video), None, 300)


@pytest.mark.parametrize(
    ("sources", "options", "words"),
    [
        ([], {}, "no source given"),
        ("gone.mp4", {}, r"gone\.mp4: no such file or folder"),
        (0, {"batch": 0}, "batch: expected a whole number of at least 1, got 0"),
        (0, {"skip": -1}, "skip: expected a whole number of at least 0"),
        (0, {"max_fps": 0}, r"max_fps: expected a number from 0\.001 to 1000, got 0"),
        (0, {"motion": 2}, "motion: expected a number from 0 to 1"),
        (0, {"timeout": float("nan")}, r"timeout: expected a number from 0\.1 to 3600"),
        (0, {"reader": "vlc"}, 'reader: expected one of opencv, pyav, gstreamer, got "vlc"'),
    ],
)
def test_mistakes_are_one_line(sources, options, words):
    with pytest.raises(InputError, match=words):
        edgecv.Live(FakeModel(), sources, **options)


def test_stream_gives_the_newest_frame_and_its_result(model, monkeypatch):
    from edgecv_runtime.models import newest

    camera = FakeCamera()
    monkeypatch.setattr(newest, "opener", lambda video: camera.open)
    pairs = model.stream("rtsp://viewer:word@10.0.0.2/live", latest=True)
    camera.send(shot(255, size=(64, 96)))
    frame, result = next(pairs)
    assert frame.name == result.source == "rtsp://viewer:***@10.0.0.2/live"
    np.testing.assert_array_equal(result.boxes, model(frame.image).boxes)
    assert (result.frame, frame.index) == (0, 0) and result.age_ms >= 0
    camera.send(GONE, shot(0, size=(64, 96)))
    frame, result = next(pairs)
    assert frame.index == 1 and len(result) == 0 and camera.opened == 2
    camera.send(GONE)
    pairs.close()
    assert camera.closed == 2


def test_stream_ends_where_the_camera_was_never_there(model, monkeypatch):
    from edgecv_runtime.models import newest

    camera = FakeCamera()
    camera.absent = True
    monkeypatch.setattr(newest, "opener", lambda video: camera.open)
    with pytest.raises(InputError, match="nobody is there"):
        next(model.stream(0, latest=True))


@pytest.mark.parametrize("source", ["clip.avi", [0, 1]])
def test_the_newest_frame_is_one_cameras(model, source, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_video(tmp_path / "clip.avi", [0])
    with pytest.raises(InputError, match=r"latest=True: expected one camera or stream"):
        model.stream(source, latest=True)
