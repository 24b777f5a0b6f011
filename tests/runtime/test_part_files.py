"""What is not finished stands beside its place, can be read, and is not lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import cv2
import numpy as np
import pytest

from edgecv.cli.main import main
from edgecv.cli.recording import mp4_boxes, mp4_recorder
from edgecv.cli.recording.part_file import part_file
from edgecv.cli.recording.video_writer import VideoNotWritten, VideoWriter
from edgecv_runtime.sources import open_source
from helpers.tiny_bundle import write_tiny_bundle

VIDEOS = Path(__file__).parents[1] / "golden" / "videos"
FRAMES = 150


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_bundle(tmp_path_factory.mktemp("bundles") / "tiny")


def level(at: int) -> np.ndarray:
    return np.full((48, 64, 3), 20 + 10 * (at % 20), np.uint8)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("videos") / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25.0, (64, 48))
    for at in range(FRAMES):
        writer.write(level(at))
    writer.release()
    return path


def levels(path: Path) -> list[float]:
    """Of each frame, 10 from one to the next; without the rate that the camera shows at the top."""
    capture = cv2.VideoCapture(str(path))
    found = []
    while (answer := capture.read())[0]:
        found.append(float(answer[1][32:].mean()))
    return found


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def killed(clip: Path, saved: Path, bundle: Path, lines: int) -> None:
    """Runs the camera over a clip, and kills it after so many frames."""
    command = [sys.executable, "-m", "edgecv", "camera", bundle, "--source", clip, "--no-show"]
    with subprocess.Popen(
        [*map(str, command), "--json", "--save", str(saved)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdout is not None
        for _ in range(lines):
            assert process.stdout.readline()
        process.send_signal(signal.SIGKILL)


def test_a_camera_that_is_killed_leaves_what_it_recorded(
    bundle: Path, clip: Path, tmp_path: Path
) -> None:
    saved, part = tmp_path / "a.mp4", tmp_path / "a.part.mp4"
    with VideoWriter(saved, 25.0) as writer:
        writer.write(level(7))
    killed(clip, saved, bundle, 140)
    assert len(levels(saved)) == 1
    found = levels(part)
    # A fragment has a second of the video at most, which here is made far faster than it plays: a
    # busy machine writes it later.
    assert 50 <= len(found) <= FRAMES
    before = part.read_bytes()

    words = ["camera", str(bundle), "--source", str(clip), "--no-show", "--save", str(saved)]
    with pytest.warns(UserWarning, match=f"{part}: left by an earlier run that did not finish it"):
        assert main(words) == 0
    whole = levels(saved)
    assert len(whole) == FRAMES and np.abs(np.subtract(found, whole[: len(found)])).max() < 4
    assert part.read_bytes() == before and names(tmp_path) == ["a.mp4", "a.part.mp4"]


def test_an_unfinished_video_is_a_source_like_any_other(bundle: Path, tmp_path: Path) -> None:
    writer = VideoWriter(tmp_path / "a.mp4", 10.0)
    with (
        pytest.warns(UserWarning, match=r"a\.mp4: not finished; its first 30 frames are in "),
        pytest.raises(ValueError, match="on purpose"),
        writer,
    ):
        for at in range(30):
            writer.write(level(at))
        raise ValueError("on purpose")
    part = tmp_path / "a.part.mp4"
    assert b"moof" in part.read_bytes()
    assert main(["predict", str(bundle), str(part), "--save", str(tmp_path / "out")]) == 0
    assert len(levels(tmp_path / "out" / "a.part.mp4")) == 30


def test_ctrl_c_keeps_an_earlier_result_of_predict(
    bundle: Path, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    words = ["predict", str(bundle), str(clip), "--save", str(out)]
    assert main(words) == 0
    earlier = {path.name: path.read_bytes() for path in out.iterdir()}
    assert sorted(earlier) == ["clip.jsonl", "clip.mp4"] and len(levels(out / "clip.mp4")) == FRAMES

    written = []
    write = VideoWriter.write

    def interrupt(self: VideoWriter, *frame: object) -> None:
        write(self, *frame)  # type: ignore[arg-type]
        written.append(frame)
        if len(written) == 40:
            signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(VideoWriter, "write", interrupt)
    says = (
        f"^{out / 'clip.mp4'}: not finished; its first 40 frames are in {out / 'clip.part.mp4'}; "
        "the earlier file is kept$"
    )
    with pytest.warns(UserWarning, match=says):
        assert main(words) == 130
    monkeypatch.undo()
    assert levels(out / "clip.part.mp4") == levels(out / "clip.mp4")[:40]
    assert len((out / "clip.part.jsonl").read_text().splitlines()) == 39
    assert {name: (out / name).read_bytes() for name in earlier} == earlier
    assert len(names(out)) == 4


def test_frames_that_are_shown_in_another_order_than_they_are_decoded(tmp_path: Path) -> None:
    """H.264 with frames between frames, which OpenCV's wheels cannot write."""

    class Encoder:
        def release(self) -> None:
            pass

    path = tmp_path / "a.mp4"
    path.touch()
    stream = (VIDEOS / "reordered.mkv").open("rb")
    recorder = mp4_recorder.Mp4Recorder(path, Encoder(), stream, (48, 64), 10.0)
    recorder.close()
    assert recorder.frames == 20
    for _ in range(2):
        found = [
            (round((float(frame.image.mean()) - 40) / 10), round(frame.time_ms))
            for frame in open_source(path)
        ]
        assert found == [(at, 100 * at) for at in range(20)]
        recorder.finish(path)
    assert cv2.VideoCapture(str(path)).get(cv2.CAP_PROP_FRAME_COUNT) == 20


@pytest.mark.parametrize(
    ("rate", "clock", "step"),
    [(25.0, 1000, 40), (30000 / 1001, 2997, 100), (4.93, 1479, 300), (7.4996, 1005, 134)],
)
def test_the_clock_of_an_mp4(rate: float, clock: int, step: int) -> None:
    """It is that of OpenCV's encoder, which rounds a rate."""
    track = mp4_boxes.Track("mp4v", b"", 64, 48, mp4_recorder.encoded_rate(rate))
    assert (track.clock, track.step) == (clock, step)


def test_frames_of_a_long_recording_keep_their_places(tmp_path: Path) -> None:
    """At a rate that is rounded: after 1000 frames one would be in the place of another."""
    path = tmp_path / "a.mp4"
    path.touch()
    recorder = mp4_recorder.open_recorder(path, "mp4v", (32, 32), 2.0009)
    assert recorder is not None
    for _ in range(3000):
        recorder.write(np.zeros((32, 32, 3), np.uint8))
    recorder.close()
    recorder.finish(path)
    assert recorder.frames == 3000 and b"ctts" not in path.read_bytes()
    assert cv2.VideoCapture(str(path)).get(cv2.CAP_PROP_FRAME_COUNT) == 3000


def test_a_part_takes_its_place_at_the_end(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    target.chmod(0o640)
    with part_file(target) as part:
        part.write_text("new")
        assert part.name == "a.part.txt" and target.read_text() == "old"
    assert target.read_text() == "new" and target.stat().st_mode & 0o777 == 0o640
    assert names(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("content", ["some", ""])
def test_a_part_stays_where_the_block_raises(content: str, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), part_file(tmp_path / "a.txt") as part:
        part.write_text(content)
        raise KeyboardInterrupt
    assert names(tmp_path) == (["a.part.txt"] if content else [])


def test_parts_of_dead_and_of_living_processes_are_left_alone(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    with part_file(target) as first, warnings.catch_warnings():
        warnings.simplefilter("error")
        first.write_text("first")
        with part_file(target) as second:  # of another that lives
            assert second.name == "a.part2.txt"
            second.write_text("second")
        assert target.read_text() == "second" and first.read_text() == "first"
    assert target.read_text() == "first"
    (tmp_path / "a.part.txt").write_text("of a dead one")
    (tmp_path / "a.part2.txt").write_text("")  # as one leaves that was killed early
    earlier = pytest.warns(UserWarning, match=r"a\.part\.txt: left by an earlier run")
    with earlier, part_file(target) as part:
        assert part.name == "a.part2.txt"
    assert (tmp_path / "a.part.txt").read_text() == "of a dead one"
    assert names(tmp_path) == ["a.part.txt", "a.txt"]


def test_writers_that_begin_together_have_parts_of_their_own(tmp_path: Path) -> None:
    begin, found = threading.Barrier(8), []

    def write(at: int) -> None:
        begin.wait()
        for turn in range(20):
            with part_file(tmp_path / "a.txt", sync=False) as part:
                part.write_text(f"{at} {turn}" * 1000)
                found.append(part.read_text() == f"{at} {turn}" * 1000)

    threads = [threading.Thread(target=write, args=(at,)) for at in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 160 and all(found) and names(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("stem", ["n" * 251, "ä" * 125, os.fsdecode(b"\xe4" * 251)])
def test_a_name_as_long_as_a_name_can_be(stem: str, tmp_path: Path) -> None:
    with VideoWriter(tmp_path / f"{stem}.mp4", 25.0) as writer:
        writer.write(level(3))
    (path,) = tmp_path.iterdir()
    assert path.name == f"{stem}.mp4" and path.stat().st_size > 500


def test_what_is_no_regular_file_is_not_written(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.mp4")
    refused = pytest.raises(VideoNotWritten, match=r"a\.mp4: cannot be written: not a regular file")
    with refused, VideoWriter(tmp_path / "a.mp4", 25.0) as writer:
        writer.write(level(3))
    assert names(tmp_path) == ["a.mp4"]
