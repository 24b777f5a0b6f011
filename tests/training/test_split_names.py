"""Names of splits as tools write them: CVAT has Train and Validation, others TRAIN or valid."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from edgecv.data.detection_folder import read_folder
from edgecv.data.reading.splits import is_split, mentions_split, named_split
from edgecv.data.segmentation_folder import read_segmentation
from helpers.data_sets import COCO, make_coco, make_voc, make_yolo, voc_object


def write_masks(folder: Path, images: str, masks: str) -> Path:
    for place, pixels in ((images, np.zeros((6, 8, 3), np.uint8)), (masks, np.eye(6, 8))):
        (folder / place).mkdir(parents=True)
        cv2.imwrite(str(folder / place / "a.png"), pixels.astype(np.uint8))
    return folder


@pytest.mark.parametrize("written", ["Train", "TRAIN", "Training"])
def test_any_case(tmp_path: Path, written: str) -> None:
    make_voc(tmp_path / "voc", {"a": voc_object("dog", (1, 1, 9, 9))}, written)
    make_coco(tmp_path / "coco", COCO, written)
    make_yolo(tmp_path / "yolo", "1 0.5 0.5 0.25 0.5\n", None)
    for place in ("images", "labels"):
        (tmp_path / "yolo" / place / "train").rename(tmp_path / "yolo" / place / written)
    write_masks(tmp_path / "masks", f"images/{written}", f"masks/{written}")
    counts = {
        name: [len(record.boxes) for record in read_folder(tmp_path / name, "train").records]
        for name in ("voc", "coco", "yolo", "masks")
    }
    assert counts == {"voc": [1], "coco": [2], "yolo": [1], "masks": [1]}
    assert len(read_segmentation(tmp_path / "masks", "train").images) == 1
    outer = write_masks(tmp_path / "outer", f"{written}/images", f"{written}/masks")
    assert len(read_segmentation(outer, "train").images) == 1
    robo = tmp_path / "roboflow" / written
    shutil.copytree(tmp_path / "coco" / "images" / written, robo)
    shutil.copy(
        next((tmp_path / "coco").rglob("instances_*.json")), robo / "_annotations.coco.json"
    )
    assert len(read_folder(robo.parent, "train").records) == 1


def test_the_same_case_comes_first() -> None:
    assert named_split(["TRAIN", "Train", "train"], "train") == "train"
    assert named_split(["Training", "Train"], "train") == "Train"
    assert named_split(["Valid", "VALIDATION"], "val") == "Valid"
    assert named_split(["trainval", "train2"], "train") is None
    assert named_split(["Testing", "train"], "test") == "Testing"
    assert named_split(["minival", "own"], "own") == "own"


@pytest.mark.parametrize(
    "name", ["train", "Training", "VAL", "valid", "Validation", "test", "testing"]
)
def test_every_reader_knows_the_same_names(name: str) -> None:
    assert is_split(name)
    assert mentions_split(f"my_{name}2017.json")
    assert not mentions_split(f"{name}er")
