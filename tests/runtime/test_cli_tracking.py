"""``--track`` and ``--zones`` of predict and camera."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from edgecv.cli.main import build_parser
from edgecv.cli.main import main as edgecv
from helpers.tiny_bundle import write_tiny_bundle

HEIGHT, WIDTH = 64, 96
# The two objects of the tiny bundle: (24, 32) is the left one's centre, (72, 32) the right one's.
ZONES = {
    "zones": [{"name": "left", "polygon": [[0, 0], [48, 0], [48, 64], [0, 64]]}],
    "lines": [{"name": "middle", "from": [48, 0], "to": [48, 64], "classes": ["right"]}],
}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return str(write_tiny_bundle(tmp_path_factory.mktemp("bundles") / "tiny"))


@pytest.fixture
def zones(tmp_path):
    path = tmp_path / "zones.json"
    path.write_text(json.dumps(ZONES))
    return path


def write_clip(path, levels, rate=10.0):
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), rate, (WIDTH, HEIGHT))
    for level in levels:
        writer.write(np.full((HEIGHT, WIDTH, 3), level, np.uint8))
    writer.release()
    return path


@pytest.fixture
def clip(tmp_path):
    """Both objects in two frames, then only the left one: 0.45, and 0.18 where it is dark."""
    return write_clip(tmp_path / "clip.avi", [255, 255, 127, 51])


def run(capsys, *arguments):
    """Exit status, stdout, stderr."""
    status = edgecv([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def ids(line):
    return {each["name"]: each["track_id"] for each in json.loads(line)["detections"]}


# ByteTrack keeps the objects while they get darker: the scores are then below the threshold.
TRACKED = {
    "bytetrack": [
        {"left": None, "right": None},
        {"left": 1, "right": 2},
        {"left": 1, "right": 2},
        {"left": 1, "right": 2},
    ],
    "ocsort": [{"left": None, "right": None}, {"left": 1, "right": 2}, {}, {}],
}


@pytest.mark.parametrize("kind", ["bytetrack", "ocsort"])
def test_ids_in_the_json_of_a_video(bundle, clip, kind, capsys):
    status, stdout, _ = run(capsys, "predict", bundle, clip, "--track", kind, "--json")
    assert status == 0
    assert [ids(line) for line in stdout.splitlines()] == TRACKED[kind]


def test_the_same_from_a_camera_and_in_batches(bundle, clip, capsys):
    source = ["--source", clip, "--no-show"]
    _, stdout, _ = run(capsys, "camera", bundle, *source, "--track", "--json")
    assert [ids(line) for line in stdout.splitlines()] == TRACKED["bytetrack"]
    _, stdout, _ = run(capsys, "predict", bundle, clip, "--track", "--json", "--batch", "3")
    assert [ids(line) for line in stdout.splitlines()] == TRACKED["bytetrack"]


def test_each_source_of_a_camera_has_ids_of_its_own(bundle, clip, zones, capsys):
    source = ["--source", clip, "--source", clip, "--no-show", "--batch", "2"]
    arguments = (*source, "--track", "--zones", zones, "--json")
    status, stdout, _ = run(capsys, "camera", bundle, *arguments)
    assert status == 0
    records = [json.loads(line) for line in stdout.splitlines()]
    for index in range(2):
        lines = [json.dumps(each) for each in records if each["source_index"] == index]
        assert [ids(line) for line in lines] == TRACKED["bytetrack"]
        assert json.loads(lines[-1])["zones"]["left"]["classes"]["left"]["appeared"] == 1


def test_without_tracking_nothing_changes(bundle, clip, capsys):
    _, stdout, _ = run(capsys, "predict", bundle, clip, "--json")
    records = [json.loads(line) for line in stdout.splitlines()]
    assert [len(record["detections"]) for record in records] == [2, 2, 0, 0]
    assert all("track_id" not in each for record in records for each in record["detections"])


def test_each_video_has_ids_of_its_own(bundle, tmp_path, capsys):
    clips = [write_clip(tmp_path / f"{name}.avi", [255] * 3) for name in "ab"]
    _, stdout, _ = run(capsys, "predict", bundle, *clips, "--track", "--json")
    found = [ids(line) for line in stdout.splitlines()]
    assert found[:3] == found[3:] and found[2] == {"left": 1, "right": 2}


def test_images_of_a_folder_are_a_video(bundle, tmp_path, capsys):
    folder = tmp_path / "frames"
    folder.mkdir()
    for index in range(3):
        cv2.imwrite(str(folder / f"{index}.png"), np.full((HEIGHT, WIDTH, 3), 255, np.uint8))
    _, stdout, _ = run(capsys, "predict", bundle, folder, "--track", "--json")
    assert [ids(line)["left"] for line in stdout.splitlines()] == [None, 1, 1]


def test_the_threshold_decides_what_begins_a_track(bundle, clip, capsys):
    status, stdout, _ = run(
        capsys, "predict", bundle, clip, "--track", "--json", "--threshold", "left=0.5,0.7"
    )
    assert status == 0
    assert [ids(line) for line in stdout.splitlines()] == [{"left": None}, *[{"left": 1}] * 3]


def test_zones_in_json_and_in_saved_files(bundle, clip, zones, tmp_path, capsys):
    out = tmp_path / "out"
    status, _, stderr = run(
        capsys, "predict", bundle, clip, "--track", "--zones", zones, "--save", out
    )
    assert status == 0, stderr
    first, *_, last = [json.loads(line) for line in (out / "clip.jsonl").read_text().splitlines()]
    counts = {"occupancy": 1, "entries": 0, "exits": 0, "appeared": 1, "vanished": 0}
    assert first["zones"]["left"]["classes"] == {}  # the tracks have no ids yet
    assert last["zones"]["left"]["classes"] == {"left": {**counts, "seconds": 0.2}}
    assert last["zones"]["left"]["visits"] == [{"track_id": 1, "name": "left", "seconds": 0.2}]
    assert last["lines"] == {"middle": {}} and last["events"] == []
    capture = cv2.VideoCapture(str(out / "clip.mp4"))
    ok, frame = capture.read()
    assert ok
    blue, _, red = np.moveaxis(frame[52:62].astype(float), 2, 0)  # below boxes and captions
    assert (red - blue)[:, 4:40].mean() > 15  # the zone's yellow tint
    assert abs((red - blue)[:, 56:92].mean()) < 5


def test_a_track_begins_anew_for_the_zones_of_each_video(bundle, zones, tmp_path, capsys):
    clips = [write_clip(tmp_path / f"{name}.avi", [255] * 3) for name in "ab"]
    _, stdout, _ = run(capsys, "predict", bundle, *clips, "--track", "--zones", zones, "--json")
    records = [json.loads(line) for line in stdout.splitlines()]
    appeared = [record["zones"]["left"]["classes"].get("left") for record in records]
    assert [each and each["appeared"] for each in appeared] == [None, 1, 1] * 2


def test_a_saved_camera_video_shows_zones(bundle, clip, zones, tmp_path, capsys):
    saved = tmp_path / "live.mp4"
    status, stdout, _ = run(
        capsys,
        *("camera", bundle, "--source", clip, "--no-show", "--save", saved, "--json"),
        *("--track", "--zones", zones),
    )
    assert status == 0 and saved.is_file()
    assert json.loads(stdout.splitlines()[-1])["zones"]["left"]["classes"]["left"]["occupancy"] == 1


@pytest.mark.parametrize(
    "words",
    [["--track", "clip.avi"], ["clip.avi", "--track"], ["--track", "bytetrack", "clip.avi"]],
)
def test_the_method_may_be_left_out_before_a_source(words):
    args = build_parser().parse_args(["predict", "BUNDLE", *words])
    assert args.track == "bytetrack" and args.sources == ["clip.avi"]


def test_another_method_and_none():
    parse = build_parser().parse_args
    assert parse(["camera", "BUNDLE", "--track", "ocsort", "--json"]).track == "ocsort"
    assert parse(["camera", "BUNDLE", "--track=ocsort"]).track == "ocsort"
    assert parse(["camera", "BUNDLE"]).track is None
    assert parse(["predict", "BUNDLE", "--", "--track"]).sources == ["--track"]


def test_a_method_that_there_is_not(bundle, capsys):
    with pytest.raises(SystemExit):
        edgecv(["predict", bundle, "clip.avi", "--track=sort"])
    assert "--track: invalid choice: 'sort'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--zones", "ZONES"], "--zones ZONES: tracks are counted: give --track with it"),
        (["--track", "--zones", "none.json"], "none.json: cannot be read: No such file"),
    ],
)
@pytest.mark.parametrize("command", [["predict", "CLIP"], ["camera", "--source", "CLIP"]])
def test_options_that_do_not_go_together(
    bundle, clip, zones, command, options, message, capsys, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    verb, *rest = [str(clip) if word == "CLIP" else word for word in command]
    options = [str(zones) if word == "ZONES" else word for word in options]
    extra = ["--no-show"] if verb == "camera" else []
    status, _, stderr = run(capsys, verb, bundle, *rest, *options, *extra)
    assert status == 2
    assert f"edgecv: error: {message.replace('ZONES', str(zones))}" in stderr


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"classes": ["lft"]}, 'the model has no class "lft" (did you mean "left"?)'),
        ({"polygon": [[0, 0], [9, 9], [9, 0], [0, 9]]}, 'zone "left": the polygon crosses itself'),
        ({"polygon": [[200, 0], [300, 0], [300, 9]]}, 'zone "left": lies outside the image of 64'),
    ],
)
@pytest.mark.parametrize("verb", ["predict", "camera"])
def test_zones_that_cannot_be_are_one_line(bundle, clip, zones, verb, change, message, capsys):
    record = json.loads(zones.read_text())
    record["zones"][0].update(change)
    zones.write_text(json.dumps(record))
    source = [clip] if verb == "predict" else ["--source", clip, "--no-show"]
    status, _, stderr = run(capsys, verb, bundle, *source, "--track", "--zones", zones)
    (error,) = [line for line in stderr.splitlines() if line.startswith("edgecv: error:")]
    assert status == 2 and message in error


def test_tracking_takes_a_model_that_finds_objects(clip, capsys):
    from pathlib import Path

    segmenter = Path(__file__).parents[1] / "golden" / "bundle_v2_segment"
    status, _, stderr = run(capsys, "predict", segmenter, clip, "--track")
    assert status == 2
    assert "is for the task segment, which finds no objects: leave it out" in stderr
