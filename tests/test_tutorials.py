"""docs/tutorials: what a command reads was made before it, and the programs run.

tests/test_readme.py parses every command; tests/test_cpp_package.py builds the C++ application.
"""

import json
import re
import shlex
from pathlib import Path

import cv2
import numpy as np
import pytest
import torchvision

from edgecv.cli.main import build_parser
from helpers.tiny_bundle import write_tiny_bundle
from test_readme import FENCED, commands_of

ROOT = Path(__file__).parents[1]
TUTORIALS = sorted((ROOT / "docs" / "tutorials").glob("*.md"))
# What a reader brings along.
GIVEN = {"clip.mp4", "mine.pth", "names.txt", "mypackage.models:make_detector"}
INPUTS = ("data", "images", "image", "weights", "calibrate", "bundle", "source", "model")


def is_path(value):
    return re.search(r"[./]|^[a-z]+$", value) and "://" not in value


@pytest.mark.parametrize("page", TUTORIALS, ids=[page.stem for page in TUTORIALS])
def test_what_a_command_reads_was_made_before_it(page):
    saved = re.findall(r'torch\.save\(.*, "(.*)"\)', page.read_text())
    made = {*GIVEN, *saved}
    for command in commands_of(page):
        args = vars(build_parser().parse_args(shlex.split(command)[1:]))
        given = [args[name] for name in INPUTS if args.get(name)]
        values = [each for one in given for each in (one if isinstance(one, list) else [one])]
        for value in filter(is_path, map(str, values)):
            start = value.split("/")[0]
            assert value in made or start in made or (ROOT / value).exists(), command
        made |= {str(args[name]) for name in ("out", "save") if args.get(name)}


def test_there_are_three():
    assert [page.stem for page in TUTORIALS] == [
        "checkpoint_to_camera",
        "cpp_application",
        "train_to_engine",
    ]
    index = (ROOT / "docs" / "README.md").read_text()
    assert all(f"(tutorials/{page.name})" in index for page in TUTORIALS)


def test_every_page_is_in_the_index():
    index = (ROOT / "docs" / "README.md").read_text()
    pages = {page.name for page in (ROOT / "docs").glob("*.md")} - {"README.md"}
    assert {page for page in pages if f"]({page})" not in index} == set()


def test_the_programs_of_the_camera_tutorial_run(tmp_path, monkeypatch, capsys):
    page = (ROOT / "docs" / "tutorials" / "checkpoint_to_camera.md").read_text()
    blocks = re.findall(FENCED, page, re.DOTALL | re.MULTILINE)
    save, run = (block for language, block in blocks if language == "python")
    monkeypatch.chdir(tmp_path)
    make = torchvision.models.detection.ssdlite320_mobilenet_v3_large
    monkeypatch.setattr(  # the published weights are not at hand here
        torchvision.models.detection,
        "ssdlite320_mobilenet_v3_large",
        lambda weights: make(weights=None, weights_backbone=None),
    )
    exec(compile(save, "save.py", "exec"), {})
    assert Path("street.pth").stat().st_size > 10_000_000

    bundle = write_tiny_bundle(tmp_path / "street")  # in place of the export's
    manifest = json.loads((bundle / "bundle.json").read_text())
    manifest["labels"] = ["person", "car"]
    (bundle / "bundle.json").write_text(json.dumps(manifest))
    writer = cv2.VideoWriter("clip.mp4", cv2.VideoWriter.fourcc(*"mp4v"), 10.0, (96, 64))
    for level in (255, 0):
        writer.write(np.full((64, 96, 3), level, np.uint8))
    writer.release()
    exec(compile(run, "run.py", "exec"), {})
    assert capsys.readouterr().out.splitlines() == [
        "0 ms: 1 people, 1 person, 1 car",
        "100 ms: 0 people, nothing",
    ]
