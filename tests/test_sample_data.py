"""samples/data: small, licensed, whole; and the bundle there finds the cells."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import shlex
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import edgecv
from edgecv.cli.main import build_parser, main
from edgecv.data.detection_folder import read_folder
from edgecv_export.precision.variant import add_variant
from edgecv_runtime import read_image
from helpers.tiny_bundle import write_tiny_bundle

ROOT = Path(__file__).parents[1]
DATA = ROOT / "samples" / "data"
CELLS, BUNDLE = DATA / "cells", DATA / "cells.bundle"
README = (DATA / "README.md").read_text()
LABELS = ["Platelets", "RBC", "WBC"]
BCCD = Path(os.environ.get("EDGECV_DATA", ROOT.parent / "shared" / "data")) / "bccd"


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, DATA / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_they_stay_small() -> None:
    assert size_of(CELLS) <= 2_000_000
    assert size_of(BUNDLE) <= 3_000_000
    assert sorted(path.name for path in BUNDLE.glob("[!.]*")) == ["bundle.json", "main.fp16.onnx"]


def test_the_licence_is_with_them() -> None:
    licence = (CELLS / "LICENSE").read_text()
    assert licence.startswith("MIT License\n\nCopyright (c) 2017 shenggan\n")
    assert "this permission notice shall be included in all\ncopies" in licence
    assert "https://github.com/Shenggan/BCCD_Dataset" in README and "(cells/LICENSE)" in README


@pytest.mark.parametrize(("split", "count"), [("train", 64), ("val", 16)])
def test_each_split_shows_all_classes(split: str, count: int) -> None:
    data = read_folder(CELLS, split)
    assert data.labels == LABELS and len(data.records) == count
    objects = np.bincount(np.concatenate([record.labels for record in data.records]))
    assert objects.min() >= 14  # platelets of the validation images
    assert data.report.lines()[1:] == []  # nothing was left out or changed
    for record in data.records:
        assert read_image(record.image).shape == (480, 640, 3)


def test_no_image_is_in_both_splits() -> None:
    digests = [hashlib.sha256(path.read_bytes()).digest() for path in CELLS.glob("*/*.jpg")]
    assert len(digests) == len(set(digests)) == 80


def recorded(column: int) -> float:
    """mAP@0.5 of all classes as the README has it: 1 of BCCD's 87 images, 2 of the 16 here."""
    (row,) = re.findall(r"^\| all \|(.*)\|$", README, re.MULTILINE)
    return float(row.split("|")[column])


def test_the_bundle_finds_the_cells(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eval", str(BUNDLE), "--data", str(CELLS), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    # Other processors round differently: no more than a few of 226 boxes change their rank.
    assert found["map50"] == pytest.approx(recorded(1), abs=0.02)
    assert found["map50"] > 0.8


def test_the_bundle_is_fp16_alone_and_says_where_it_is_from() -> None:
    model = edgecv.load(BUNDLE)
    assert (model.names, model.precision) == (LABELS, "fp16")
    manifest = json.loads(model.manifest.to_json())
    assert manifest["name"] == "cells" and manifest["architecture"] == "ssd_tiny"
    assert manifest["provenance"]["parity"]["passed"]
    assert manifest["provenance"]["variants"]["fp16"]["onnx"]["agreement"] >= 0.98


def test_the_commands_that_made_the_bundle_are_in_the_readme(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    training = script("train_cells")
    commands: list[list[str]] = []
    monkeypatch.setattr(training, "edgecv", lambda words: commands.append(words) or 0)
    monkeypatch.setattr(training, "keep_fp16", lambda *_: None)
    monkeypatch.setattr(training.shutil, "rmtree", lambda *_, **__: None)
    training.main("BCCD")
    shown = re.findall(r"^edgecv (.*)$", README.split("## The bundle")[1], re.MULTILINE)
    for words in commands:
        build_parser().parse_args(words)
    assert [shlex.split(line) for line in shown] == [
        [word.removeprefix(f"{ROOT}/") for word in words] for words in commands
    ]


def test_what_is_kept_of_a_bundle_runs_alone(tmp_path: Path) -> None:
    whole = write_tiny_bundle(tmp_path / "whole")
    add_variant(whole, "fp16")
    script("train_cells").keep_fp16(whole, tmp_path / "half")
    assert not (tmp_path / "half" / "main.onnx").exists()
    white = np.full((64, 96, 3), 255, np.uint8)
    expected = edgecv.load(whole, precision="fp16")(white)
    found = edgecv.load(tmp_path / "half")(white)
    assert len(found) == 2
    np.testing.assert_array_equal(found.boxes, expected.boxes)


@pytest.mark.skipif(not BCCD.is_dir(), reason=f"{BCCD} is not there (EDGECV_DATA)")
def test_the_images_are_those_that_the_script_selects(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    selection = script("select_cells")
    monkeypatch.setattr(selection, "CELLS", tmp_path / "cells")
    selection.main(str(BCCD))
    files = sorted(path.relative_to(CELLS) for path in CELLS.rglob("*") if path.is_file())
    assert len(files) == 64 + 16 + 2 + 1
    assert files == sorted(
        path.relative_to(tmp_path / "cells")
        for path in (tmp_path / "cells").rglob("*")
        if path.is_file()
    )
    for name in files:
        assert (tmp_path / "cells" / name).read_bytes() == (CELLS / name).read_bytes(), name
