"""The commands predict, camera, info, benchmark and doctor, run on a real bundle."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from edgecv.cli import camera, main, predict
from edgecv.cli.main import VERBS, build_parser
from edgecv.cli.main import main as edgecv
from edgecv_runtime import Detections, read_image
from helpers.tiny_bundle import BOXES, LABELS, write_tiny_bundle

HEIGHT, WIDTH = 64, 96
PIXEL_BOXES = (BOXES * [WIDTH, HEIGHT, WIDTH, HEIGHT]).tolist()


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return str(write_tiny_bundle(tmp_path_factory.mktemp("bundles") / "tiny"))


def level(value):
    return np.full((HEIGHT, WIDTH, 3), value, np.uint8)


@pytest.fixture
def photos(tmp_path):
    """white.png shows both objects, dim.png the left one at 0.5 and above, black.png none."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for name, value in (("white", 255), ("dim", 153), ("black", 0)):
        cv2.imwrite(str(folder / f"{name}.png"), level(value))
    return folder


@pytest.fixture
def clip(tmp_path):
    """Six frames, the last three black, at ten per second."""
    return write_clip(tmp_path / "clip.avi", [255, 255, 255, 0, 0, 0])


def write_clip(path, levels):
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10.0, (WIDTH, HEIGHT))
    for value in levels:
        writer.write(level(value))
    writer.release()
    return path


def run(capsys, *arguments):
    """Exit status, stdout, stderr."""
    status = edgecv([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def detection(label, score):
    return {
        "label": label,
        "name": LABELS[label],
        "score": pytest.approx(score, abs=1e-4),
        "box_xyxy": pytest.approx(PIXEL_BOXES[label], abs=1e-3),
    }


def test_predict_saves_image_and_json(bundle, photos, tmp_path, capsys):
    out = tmp_path / "out"
    status, stdout, stderr = run(capsys, "predict", bundle, photos / "white.png", "--save", out)
    assert status == 0 and stderr == ""
    what_runs, first, summary = stdout.splitlines()
    engine = "engine onnxruntime, device cpu, precision fp32, batch 1"
    assert what_runs == f"{bundle}: brightness, {engine}"
    assert first == f"{photos / 'white.png'}: 1 left, 1 right"
    assert summary.startswith("1 image, 2 detections, ") and summary.endswith(f"saved in {out}")
    assert sorted(path.name for path in out.iterdir()) == ["white.jpg", "white.json"]
    assert json.loads((out / "white.json").read_text()) == {
        "source": str(photos / "white.png"),
        "height": HEIGHT,
        "width": WIDTH,
        "detections": [detection(0, 0.9), detection(1, 0.6)],
    }
    picture = read_image(out / "white.jpg")
    assert picture.shape == (HEIGHT, WIDTH, 3)
    x1, y1, x2, _ = (round(value) for value in PIXEL_BOXES[0])
    assert (picture[y1 + 20, x1] < 240).any() and (picture[y1 + 20, (x1 + x2) // 2] > 240).all()


def test_predict_on_a_folder_goes_on_behind_broken_images(bundle, photos, tmp_path, capsys):
    (photos / "empty.jpg").touch()
    (photos / "cut.png").write_bytes((photos / "white.png").read_bytes()[:-20])
    out = tmp_path / "out"
    status, stdout, stderr = run(
        capsys, "predict", bundle, photos, "--json", "--save", out, "--batch", 2
    )
    assert status == 2
    records = [json.loads(line) for line in stdout.splitlines()]
    found = {
        os.path.basename(record["source"]): [entry["name"] for entry in record["detections"]]
        for record in records
        if "error" not in record
    }
    assert found == {"white.png": ["left", "right"], "dim.png": ["left"], "black.png": []}
    assert sorted(record["source"] for record in records if "error" in record) == [
        str(photos / "cut.png"),
        str(photos / "empty.jpg"),
    ]
    *errors, summary = stderr.splitlines()
    what_runs = next(line for line in errors if line.startswith(bundle))
    assert what_runs.endswith("precision fp32, batch 2")
    errors.remove(what_runs)
    assert len(errors) == 2 and all(line.startswith("edgecv: error: ") for line in errors)
    assert f"{photos / 'empty.jpg'}: the file is empty" in stderr
    assert summary.startswith("3 images, 3 detections, ") and ", 2 failed" in summary
    assert {path.stem for path in out.iterdir()} == {"white", "dim", "black"}


@pytest.mark.parametrize(("threshold", "count"), [(0.0, 2), (0.3599, 2), (0.37, 1), (0.95, 0)])
def test_predict_threshold(threshold, count, bundle, photos, capsys):
    # On dim.png the scores are 0.9 and 0.6 times 153 / 255: 0.54 and 0.36.
    arguments = ("predict", bundle, photos / "dim.png", "--json", "--threshold", threshold)
    status, stdout, _ = run(capsys, *arguments)
    assert status == 0
    assert len(json.loads(stdout)["detections"]) == count


def test_predict_batches_give_the_same(bundle, photos, capsys):
    outputs = {
        batch: run(capsys, "predict", bundle, photos, "--json", "--batch", batch)[1]
        for batch in (1, 2, 8)
    }
    assert len(outputs[1].splitlines()) == 3
    assert outputs[1] == outputs[2] == outputs[8]


def test_predict_on_a_video(bundle, clip, tmp_path, capsys):
    out = tmp_path / "out"
    status, stdout, _ = run(capsys, "predict", bundle, clip, "--save", out, "--batch", 4)
    assert status == 0
    assert stdout.splitlines()[0].endswith("precision fp32, batch 4")
    assert stdout.splitlines()[1] == f"{clip}: 6 frames, 6 detections"
    records = [json.loads(line) for line in (out / "clip.jsonl").read_text().splitlines()]
    assert [record["frame"] for record in records] == list(range(6))
    assert [len(record["detections"]) for record in records] == [2, 2, 2, 0, 0, 0]
    times = [record["time_ms"] for record in records]
    np.testing.assert_allclose(times, np.arange(6) * 100.0, atol=1)
    video = cv2.VideoCapture(str(out / "clip.mp4"))
    assert video.get(cv2.CAP_PROP_FPS) == pytest.approx(10)
    frames = 0
    while video.read()[0]:
        frames += 1
    assert frames == 6


def test_a_video_that_cannot_be_read_leaves_nothing(bundle, tmp_path, capsys):
    clip = tmp_path / "broken.mp4"
    clip.write_bytes(b"no video")
    status, stdout, stderr = run(capsys, "predict", bundle, clip, "--save", tmp_path / "out")
    assert status == 2 and "cannot be opened" in stderr
    assert stdout.startswith("0 images, 1 failed")
    assert list((tmp_path / "out").iterdir()) == []


def test_results_of_equal_names_do_not_overwrite_each_other(bundle, photos, tmp_path, capsys):
    other = tmp_path / "other" / "deep"
    shutil.copytree(photos, other)
    shutil.copy(photos / "white.png", photos / "white.PNG.bmp")
    cv2.imwrite(str(photos / "white.bmp"), level(0))
    out = tmp_path / "out"
    status, stdout, _ = run(capsys, "predict", bundle, photos, other, "--save", out, "--json")
    assert status == 0 and len(stdout.splitlines()) == 8
    saved = {str(path.relative_to(out)) for path in out.rglob("*.json")}
    assert saved == {
        "photos/white.png.json",
        "photos/white.bmp.json",
        "photos/white.PNG.json",
        "photos/dim.json",
        "photos/black.json",
        "other/deep/white.json",
        "other/deep/dim.json",
        "other/deep/black.json",
    }
    for path in out.rglob("*.json"):
        count = len(json.loads(path.read_text())["detections"])
        assert count == (0 if "bmp" in path.name or "black" in path.name else count)


def test_predict_never_overwrites_its_input(bundle, photos, tmp_path, capsys):
    cv2.imwrite(str(tmp_path / "photo.jpg"), level(255))
    before = (tmp_path / "photo.jpg").read_bytes()
    status, _, stderr = run(capsys, "predict", bundle, tmp_path / "photo.jpg", "--save", tmp_path)
    assert status == 2 and "would overwrite" in stderr
    assert (tmp_path / "photo.jpg").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["predict", "BUNDLE", "gone.jpg"], "gone.jpg: no such file or folder"),
        (["predict", "gone", "PHOTO"], "gone"),
        (["predict", "BUNDLE", "0"], "0: a live source does not end: use edgecv camera"),
        (["predict", "BUNDLE", "PHOTO", "--threshold", "2"], "expected a number from 0 to 1"),
        (["predict", "BUNDLE", "PHOTO", "--threads", "0"], "expected a whole number above 0"),
        (["predict", "BUNDLE", "PHOTO", "--engine", "abacus"], 'engine "abacus" is not known'),
        (["predict", "BUNDLE", "PHOTO", "--device", "warp"], 'no device "warp"'),
        (["predict", "BUNDLE"], "the following arguments are required: SOURCE"),
        (["predict", "PHOTO", "BUNDLE"], "is a bundle, not images: edgecv predict BUNDLE SOURCE"),
        (["predict", "BUNDLE", "PHOTO", "--save", "PHOTO"], "expected a folder, this is a file"),
        (["predict", "BUNDLE", "PHOTO", "--save", "/proc/no/where"], "/proc/no/where: cannot be"),
        (["camera", "BUNDLE", "--source", "97", "--no-show"], "is the camera plugged in"),
        (["camera", "BUNDLE", "--source", "gone.mp4"], "gone.mp4: no such file or folder"),
        (["camera", "BUNDLE", "--motion", "2"], "expected a number from 0 to 1"),
        (["camera", "BUNDLE", "--reader", "vlc"], "invalid choice: 'vlc'"),
        (["benchmark", "BUNDLE", "--image", "gone.png"], "gone.png: cannot be read"),
        (["info", "gone"], "gone"),
        (["unknown"], "unknown command unknown; expected one of demo, models, train, "),
    ],
)
def test_mistakes_are_one_line_and_status_2(arguments, words, bundle, photos, capsys):
    places = {"BUNDLE": bundle, "PHOTO": str(photos / "white.png")}
    arguments = [places.get(argument, argument) for argument in arguments]
    try:
        status = edgecv(arguments)
    except SystemExit as left:  # argparse's way out
        status = left.code
    captured = capsys.readouterr()
    assert status == 2 and captured.out == ""
    (line,) = captured.err.splitlines()
    assert line.startswith("edgecv: error: ") and words in line


def test_camera_on_a_video_saves_what_it_draws(bundle, clip, tmp_path, capsys):
    saved = tmp_path / "live.mp4"
    status, stdout, _ = run(
        capsys, "camera", bundle, "--source", clip, "--no-show", "--save", saved, "--max-frames", 4
    )
    assert status == 0
    what_runs, summary = stdout.splitlines()
    engine = "engine onnxruntime, device cpu, precision fp32, batch 1"
    assert what_runs == f"{bundle}: brightness, {engine}"
    assert summary.startswith("4 frames, ") and summary.endswith(f"saved {saved}")
    video = cv2.VideoCapture(str(saved))
    frames = []
    while (read := video.read())[0]:
        frames.append(read[1])
    assert len(frames) == 4
    # The note with the rate stands in the corner from the second frame on; the fourth is black.
    assert frames[3][:12, :60].max() > 150 and frames[3][40:, 70:].max() < 40


def test_camera_json_and_no_window_is_said(bundle, clip, monkeypatch, capsys):
    monkeypatch.setattr(camera, "obstacle_to_windows", lambda: "there is no display")
    status, stdout, stderr = run(capsys, "camera", bundle, "--source", clip, "--json")
    assert status == 0 and stderr.splitlines()[0] == "edgecv: no window: there is no display"
    records = [json.loads(line) for line in stdout.splitlines()]
    assert [len(record["detections"]) for record in records] == [2, 2, 2, 0, 0, 0]
    status, stdout, stderr = run(capsys, "camera", bundle, "--source", clip, "--show")
    assert (status, stdout) == (2, "") and "use --no-show with --save" in stderr


def test_camera_without_a_display(monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert "DISPLAY is not set" in camera.obstacle_to_windows()


class Vanishing:
    """Stands for cv2.VideoCapture: two frames, then nothing; `at_end` is called with the third."""

    def __init__(self, at_end=lambda: None):
        self.left, self.at_end = 2, at_end

    def isOpened(self):
        return True

    def get(self, what):
        return 0.0

    def read(self):
        if self.left > 0:
            time.sleep(0.2)  # as frames of a camera come
        self.left -= 1
        if self.left >= 0:
            return True, level(255)
        if self.left == -1:
            self.at_end()
        return False, None

    def release(self):
        pass


def test_a_camera_cannot_save_to_any_name(bundle, clip, tmp_path, capsys):
    saved = tmp_path / "live.txt"
    status, stdout, stderr = run(
        capsys, "camera", bundle, "--source", clip, "--no-show", "--save", saved, "--json"
    )
    assert (status, stdout) == (2, "")  # before the first frame
    assert stderr == f"edgecv: error: --save {saved}: expected a video's name such as live.mp4\n"


def put_in_place_of_cameras(monkeypatch, *at_ends):
    """A camera with each of `at_ends`, one after another; then there is none. Files are still read
    by OpenCV."""
    capture = cv2.VideoCapture
    cameras = [Vanishing(at_end) for at_end in at_ends]

    def open_any(target, backend):
        if isinstance(target, str):
            return capture(target, backend)
        return cameras.pop(0) if cameras else capture("no such camera", backend)

    monkeypatch.setattr(cv2, "VideoCapture", open_any)


def test_a_camera_that_comes_back_is_run_again(bundle, tmp_path, monkeypatch, capsys):
    def interrupt():
        signal.raise_signal(signal.SIGTERM)
        time.sleep(1)  # what comes after the end of the run is not told

    put_in_place_of_cameras(monkeypatch, lambda: None, interrupt)
    saved = tmp_path / "live.mp4"
    status, stdout, stderr = run(capsys, "camera", bundle, "--no-show", "--save", saved)
    assert status == 130
    assert stderr.splitlines() == [
        "edgecv: 0: live (opencv)",
        "edgecv: 0: lost, and opened again from now on: no more images after 2 frames: the camera "
        "or stream has gone",
        "edgecv: 0: live (opencv)",
    ]
    frames = int(re.match(r"(\d) frames, ", stdout.splitlines()[1])[1])
    assert 2 <= frames <= 4 and stdout.splitlines()[1].endswith(f"; saved {saved}")
    monkeypatch.undo()
    assert int(cv2.VideoCapture(str(saved)).get(cv2.CAP_PROP_FRAME_COUNT)) >= frames


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])  # Ctrl-C; systemd, Docker, kill
def test_interrupting_the_camera_keeps_what_was_saved(name, bundle, tmp_path, monkeypatch, capsys):
    def interrupt():
        signal.raise_signal(getattr(signal, name))
        time.sleep(1)

    before = signal.getsignal(signal.SIGTERM)
    put_in_place_of_cameras(monkeypatch, interrupt)
    saved = tmp_path / "live.mp4"
    status, stdout, stderr = run(capsys, "camera", bundle, "--no-show", "--save", saved)
    assert (status, stderr) == (130, "edgecv: 0: live (opencv)\n")
    frames = int(re.match(r"([12]) frames, ", stdout.splitlines()[1])[1])
    assert signal.getsignal(signal.SIGTERM) is before
    monkeypatch.undo()
    assert int(cv2.VideoCapture(str(saved)).get(cv2.CAP_PROP_FRAME_COUNT)) == frames


def test_several_sources_are_saved_apart(bundle, clip, tmp_path, capsys):
    other = write_clip(tmp_path / "other.avi", [0, 255])
    saved = tmp_path / "live.mp4"
    words = ("--source", clip, "--source", other, "--no-show", "--json", "--batch", 2)
    status, stdout, stderr = run(capsys, "camera", bundle, *words, "--save", saved)
    files = [tmp_path / "live-1.mp4", tmp_path / "live-2.mp4"]
    assert status == 0 and stderr.splitlines()[-1].endswith(f"saved {files[0]}, {files[1]}")
    counts = [int(cv2.VideoCapture(str(path)).get(cv2.CAP_PROP_FRAME_COUNT)) for path in files]
    assert counts == [6, 2]
    records = [json.loads(line) for line in stdout.splitlines()]
    for index, (source, count) in enumerate([(clip, 6), (other, 2)]):
        mine = [record for record in records if record["source_index"] == index]
        assert [record["frame"] for record in mine] == list(range(count))
        assert {record["source"] for record in mine} == {str(source)}
        assert all(record["age_ms"] > 0 and record["captured_at"] > 1e9 for record in mine)


def test_camera_says_how_long_things_took(bundle, clip, capsys):
    words = ("camera", bundle, "--source", clip, "--no-show", "--stats")
    status, _, stderr = run(capsys, *words)
    assert status == 0
    assert re.fullmatch(
        r"edgecv: [\d.]+ results/s; age [\d.]+, [\d.]+, [\d.]+ ms; .*network .* ms.*\n", stderr
    )
    _, stdout, _ = run(capsys, *words, "--json", "--skip", 2)
    *records, stats = [json.loads(line) for line in stdout.splitlines()]
    assert [record["frame"] for record in records] == [0, 3]
    assert stats["event"] == "stats" and stats["results"] == 2
    assert stats["ms"]["age"].keys() == {"p50", "p95", "p99"}
    assert stats["sources"][0]["left_out"] == 4


def test_camera_runs_the_network_while_something_moves(bundle, tmp_path, capsys):
    still = write_clip(tmp_path / "still.avi", [90] * 60)  # 10 a second; the first counts
    status, stdout, _ = run(
        capsys, "camera", bundle, "--source", still, "--no-show", "--motion", "0.01"
    )
    assert status == 0
    assert re.match(r"2[01] frames, .*, the network saved 6[57] % of 60$", stdout.splitlines()[1])


def test_camera_takes_a_folder_of_images(bundle, photos, capsys):
    status, stdout, _ = run(capsys, "camera", bundle, "--source", photos, "--no-show", "--json")
    names = [Path(json.loads(line)["source"]).name for line in stdout.splitlines()]
    assert status == 0 and names == sorted(path.name for path in photos.iterdir())


def test_camera_does_not_overwrite_its_source(bundle, clip, capsys):
    before = clip.read_bytes()
    status, _, stderr = run(capsys, "camera", bundle, "--source", clip, "--no-show", "--save", clip)
    assert status == 2 and "would overwrite the source" in stderr
    assert clip.read_bytes() == before


VIDEOS = Path(__file__).parents[1] / "golden" / "videos"


def length_s(path):
    """Playing time of a video and its frames."""
    capture = cv2.VideoCapture(str(path))
    count = capture.get(cv2.CAP_PROP_FRAME_COUNT)
    return count / capture.get(cv2.CAP_PROP_FPS), count


def test_predict_on_a_name_that_is_no_utf8(bundle, photos, tmp_path, capsys):
    name = os.fsdecode(b"stra\xdfe")
    (photos / "dim.png").rename(photos / f"{name}.png")
    clip = write_clip(tmp_path / "clip.avi", [255, 0])
    clip = clip.rename(tmp_path / f"{name}.avi")
    out = tmp_path / "out"
    status, stdout, _ = run(capsys, "predict", bundle, photos, clip, "--save", out, "--json")
    assert status == 0 and len(stdout.splitlines()) == 5
    assert (out / "photos" / f"{name}.jpg").stat().st_size > 0
    assert (out / f"{name}.mp4").stat().st_size > 0
    assert len((out / f"{name}.jsonl").read_text().splitlines()) == 2


def test_predict_goes_on_behind_a_video_that_cannot_be_written(bundle, clip, tmp_path, capsys):
    tiny = cv2.VideoWriter(
        str(tmp_path / "tiny.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 10.0, (2, 2)
    )
    tiny.write(np.zeros((2, 2, 3), np.uint8))
    tiny.release()
    out = tmp_path / "out"
    (out / "tiny.mp4").mkdir(parents=True)  # nothing can be written there
    sources = [tmp_path / "tiny.avi", shutil.copy(VIDEOS / "cover.mp4", tmp_path), clip]
    status, stdout, stderr = run(capsys, "predict", bundle, *sources, "--save", out, "--json")
    assert status == 2
    assert [line for line in stderr.splitlines() if "tiny.mp4: cannot be written" in line]
    records = [json.loads(line) for line in stdout.splitlines()]
    assert sum("detections" in record for record in records) == 1 + 1 + 6
    assert sum("error" in record for record in records) == 1


def test_predict_saves_uneven_times_as_long_as_they_last(bundle, tmp_path, capsys):
    out = tmp_path / "out"
    status, stdout, _ = run(
        capsys, "predict", bundle, VIDEOS / "uneven.mkv", "--save", out, "--json"
    )
    assert status == 0
    times = [json.loads(line)["time_ms"] for line in stdout.splitlines()]
    assert times == [0, 100, 1000, 1050, 4000, 4700, 4710, 6000]
    seconds, _ = length_s(out / "uneven.mp4")
    assert seconds == pytest.approx(6.0, abs=0.15)


def test_predict_on_a_change_of_size_keeps_each_frames_own(bundle, tmp_path, capsys):
    out = tmp_path / "out"
    video = VIDEOS / "sizes_h265.ts"
    status, stdout, _ = run(capsys, "predict", bundle, video, "--save", out, "--json")
    assert status == 0
    sizes = [json.loads(line)["width"] for line in stdout.splitlines()]
    assert sizes == [64] * 6 + [96] * 6
    assert length_s(out / "sizes_h265.mp4") == (1.2, 12)


def test_info(bundle, capsys):
    status, stdout, _ = run(capsys, "info", bundle)
    assert status == 0
    rows = dict(line.split("  ", 1) for line in stdout.splitlines() if line)
    rows = {name.strip(): text.strip() for name, text in rows.items()}
    assert rows["name"] == "tiny" and rows["task"] == "detect"
    assert rows["labels"] == "2: left, right"
    assert rows["input"].startswith("rgb 32 x 48 (height x width), stretch, bilinear")
    assert rows["graph main"].startswith("main.onnx: fp32, onnx, 0.00 MB, sha256 fits; images")
    assert "scores float32 [?, 2, 2]" in rows["graph main"]
    assert rows["thresholds"].startswith("score 0.01, IoU 0.45, top 400 per class, at most 200")
    assert rows["parity.largest_box_difference"] == "0.25"


def test_info_tells_how_a_bundle_came_to_be(bundle, tmp_path, capsys):
    told = shutil.copytree(bundle, tmp_path / "told")
    record = json.loads((told / "bundle.json").read_text())
    record["provenance"] = {
        "versions": {"python": "3.11", "torch": "2.14"},
        "parity": {"pictures": 8, "tolerance": {"box": 0.5, "score": 0.001}, "passed": True},
        "variants": {"int8": {"kept_in_float": {"main": []}, "layers": [1, 2]}},
    }
    (told / "bundle.json").write_text(json.dumps(record))
    status, stdout, _ = run(capsys, "info", told)
    what, how = stdout.split("\n\n")
    assert (
        status == 0
        and what.startswith("bundle  ")
        and how.splitlines()
        == [
            "versions                     python 3.11, torch 2.14",
            "parity.pictures              8",
            "parity.tolerance             box 0.5, score 0.001",
            "parity.passed                True",
            "variants.int8.kept_in_float  main none",
            "variants.int8.layers         2 entries (--json shows them)",
        ]
    )


def test_info_json_of_folder_and_zip(bundle, tmp_path, capsys):
    status, stdout, _ = run(capsys, "info", bundle, "--json")
    record = json.loads(stdout)
    assert status == 0 and record["manifest"]["labels"] == LABELS
    size = os.path.getsize(os.path.join(bundle, "main.onnx"))
    assert record["files"] == [{"file": "main.onnx", "bytes": size, "error": None}]
    archive = tmp_path / "tiny.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name in os.listdir(bundle):
            zipped.write(os.path.join(bundle, name), name)
    status, stdout, _ = run(capsys, "info", archive, "--json")
    assert status == 0 and json.loads(stdout) == {**record, "bundle": str(archive)}


def test_info_finds_an_altered_file(bundle, tmp_path, capsys):
    altered = shutil.copytree(bundle, tmp_path / "altered")
    with open(altered / "main.onnx", "ab") as file:
        file.write(b"\0")
    status, stdout, _ = run(capsys, "info", altered)
    assert status == 2 and "sha256" in stdout and "sha256 fits" not in stdout
    status, stdout, _ = run(capsys, "info", altered, "--json")
    assert status == 2 and "sha256" in json.loads(stdout)["files"][0]["error"]


def test_benchmark(bundle, photos, capsys):
    arguments = ("benchmark", bundle, "--runs", 5, "--warmup", 1, "--threads", 1)
    status, stdout, _ = run(capsys, *arguments, "--json")
    report = json.loads(stdout)
    assert status == 0
    assert (report["engine"], report["threads"], report["runs"]) == ("onnxruntime", 1, 5)
    assert (report["height"], report["width"], report["image"]) == (1080, 1920, "generated")
    parts = [report[f"{part}_ms"]["mean"] for part in ("preprocess", "network", "postprocess")]
    whole = report["whole_ms"]
    assert min(parts) > 0 and sum(parts) <= whole["mean"]
    assert whole["p50"] <= whole["p99"]
    assert report["frames_per_second"] == pytest.approx(1000 / whole["mean"])
    status, stdout, _ = run(capsys, *arguments, "--image", photos / "white.png")
    assert status == 0
    assert "image 64 x 96 (height x width), 5 runs after 1; 1 left, 1 right" in stdout
    assert stdout.splitlines()[-1].endswith("frames per second")


def test_doctor(capsys):
    status, stdout, _ = run(capsys, "doctor", "--json")
    report = json.loads(stdout)
    findings = {finding["name"]: finding for finding in report["findings"]}
    assert status == 0 and report["ready"] is True
    assert findings["onnxruntime"]["state"] == "ok"
    assert "CPUExecutionProvider" in findings["onnxruntime"]["detail"]
    assert findings["opencv"]["detail"].startswith(cv2.__version__)
    assert findings["cameras"]["detail"].startswith("opencv, pyav")
    for finding in report["findings"]:
        assert finding["state"] in ("ok", "missing", "broken")
        if finding["state"] == "missing" and "no engine for it" in finding["detail"]:
            assert finding["advice"] is None
        elif finding["state"] != "ok" and finding["name"] != "gpu":
            assert "install" in finding["advice"]
    status, stdout, _ = run(capsys, "doctor")
    assert status == 0 and stdout.splitlines()[-1] == "ready"


def test_doctor_without_engine_and_opencv(monkeypatch, capsys):
    from edgecv.cli import doctor

    find_spec = doctor.find_spec
    monkeypatch.setattr(
        doctor, "find_spec", lambda name: None if name == "onnxruntime" else find_spec(name)
    )
    monkeypatch.setitem(sys.modules, "cv2", None)
    status, stdout, _ = run(capsys, "doctor")
    assert status == 2 and "pip install 'edgecv[cpu]'" in stdout
    assert stdout.splitlines()[-1].startswith("not ready")


def test_no_opencv_is_one_clear_line(bundle, photos, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "cv2", None)
    status, stdout, stderr = run(capsys, "predict", bundle, photos / "white.png")
    assert (status, stdout) == (2, "")
    assert "pip install 'edgecv[cpu]'" in stderr and len(stderr.splitlines()) == 1


class FakeModel:
    """Finds one object in the left half of whatever it is given."""

    manifest = SimpleNamespace(architecture="fake", task="detect")
    engine_name = device = precision = "fake"

    def __init__(self):
        self.batches = []

    def __call__(self, images):
        self.batches.append(len(images))
        box = np.array([[0, 0, 10, 20]], np.float32)
        one, label = np.ones(1, np.float32), np.zeros(1, np.int64)
        return [Detections(box, one, label, ["thing"], image=image) for image in images]


def test_predict_hands_over_whole_batches(photos, monkeypatch, capsys):
    model = FakeModel()
    monkeypatch.setattr(predict, "load_model", lambda args: model)
    for name in "abcd":
        shutil.copy(photos / "white.png", photos / f"{name}.png")
    (photos / "b.png").write_bytes(b"")
    status, stdout, _ = run(capsys, "predict", "any", photos, "--batch", 4)
    assert status == 2 and model.batches == [4, 2]
    assert "6 images, 6 detections" in stdout


def test_our_faults_are_status_1_and_keep_their_trace(photos, monkeypatch, capsys):
    def broken(args):
        raise TypeError("two words")

    monkeypatch.setattr(predict, "load_model", broken)
    status, stdout, stderr = run(capsys, "predict", "any", photos)
    assert (status, stdout) == (1, "") and "Traceback" in stderr
    assert stderr.splitlines()[-1].startswith("edgecv: error: internal: TypeError: two words")


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (ModuleNotFoundError("no", name="torch.nn"), 2, "pip install 'edgecv[train]'"),
        (ModuleNotFoundError("no", name="onnx"), 2, "pip install 'edgecv[export]'"),
        (OSError(28, "No space left on device", "out/a.json"), 2, "out/a.json: No space left"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_exit_status_of_errors(error, status, words, photos, monkeypatch, capsys):
    def failing(args):
        raise error

    monkeypatch.setattr(predict, "load_model", failing)
    result, _, stderr = run(capsys, "predict", "any", photos)
    assert result == status and words in stderr and len(stderr.splitlines()) <= 1


def test_help_lists_the_verbs_in_order():
    text = build_parser().format_help()
    places = [text.index(f"\n    {verb} ") for verb in VERBS]
    assert places == sorted(places) and len(set(places)) == len(VERBS)


def test_the_documentation_lists_the_verbs_in_order():
    text = (Path(__file__).parents[2] / "docs" / "cli.md").read_text()
    assert f"\nedgecv {' | '.join(VERBS)}\n" in text


def test_no_verb_prints_the_help(capsys):
    status, stdout, stderr = run(capsys)
    assert (status, stdout) == (2, "") and "commands:" in stderr


def test_the_installed_command(bundle):
    command = os.path.join(os.path.dirname(sys.executable), "edgecv")
    done = subprocess.run([command, "info", bundle], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    done = subprocess.run([command, "--version"], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == f"edgecv {main.__version__}"


def test_a_reader_that_leaves_early_is_no_error(bundle, photos):
    code = "import sys; from edgecv.cli.main import main; sys.exit(main(sys.argv[1:]))"
    arguments = [sys.executable, "-c", code, "info", bundle, "--json"]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    process.stdout.close()
    assert process.wait(60) == 0
    assert process.stderr.read() == ""
