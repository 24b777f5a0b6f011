"""COCO folders as tools write them."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edgecv.data.detection_folder import read_folder
from edgecv.data.reading.masks import decode_masks
from edgecv_runtime import InputError
from helpers.data_sets import COCO, make_coco, write_image

BOXES = [[1.5, 2, 11.5, 22], [0, 0, 40, 30]]


def changed(folder: Path, change: Callable[[Any], object]) -> Path:
    content = copy.deepcopy(COCO)
    change(content)
    return make_coco(folder, content)


def two_images(content: Any, first: Any = 7, second: Any = 8) -> None:
    content["images"] = [{"id": first, "file_name": "a.png"}, {"id": second, "file_name": "b.png"}]


def refused(folder: Path, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        read_folder(folder, "train")
    assert "\n" not in str(caught.value) and "instances_train.json" in str(caught.value)


def test_ids_are_there_once(tmp_path: Path) -> None:
    write_image(tmp_path / "images" / "train" / "b.png")
    changed(tmp_path, lambda c: two_images(c, 7, "7"))
    refused(tmp_path, r"image id 7 is there twice, for a\.png and b\.png; were two files joined")
    changed(tmp_path, lambda c: c["images"].append({"id": 8, "file_name": "a.png"}))
    refused(tmp_path, r"a\.png is there twice, with the ids 7 and 8; join them")
    changed(tmp_path, lambda c: c["categories"].append({"id": 9, "name": "cow"}))
    refused(tmp_path, "category id 9 is there twice, as dog and cow")
    changed(tmp_path, lambda c: c["images"].append({"id": 8, "file_name": "x/a.png"}))
    refused(tmp_path, r"a\.png and x/a\.png are one file")


@pytest.mark.parametrize("image_id", ["7", 7.0, 7])
def test_ids_as_text(tmp_path: Path, image_id: Any) -> None:
    changed(tmp_path, lambda c: c["annotations"][0].update(image_id=image_id))
    assert read_folder(tmp_path, "train").records[0].boxes.tolist() == BOXES


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"bbox": [1, 2, "x", 4]}, "annotation number 1: bbox is .* expected four numbers"),
        ({"bbox": [1, 2, 3]}, "annotation number 1: bbox is .* expected four numbers"),
        ({"bbox": {"x": 1}}, "annotation number 1: bbox is .* expected four numbers"),
        ({"bbox": [1, 2, 3, float("inf")], "id": 5}, "annotation 5: bbox .* is not finite"),
        ({"bbox": []}, r"annotation number 1 of a\.png: no bbox, and no segmentation"),
        ({"category_id": 5}, "category_id 5, which is not in categories; there are 3 cat, 9 dog"),
        ({"category_id": None}, "category_id None, which is not in categories"),
        ({"image_id": True}, "image_id True, which is not in images"),
    ],
)
def test_annotations_that_say_nothing(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    changed(tmp_path, lambda c: c["annotations"][0].update(change))
    refused(tmp_path, message)


def test_boxes_as_tools_write_them(tmp_path: Path) -> None:
    changed(tmp_path, lambda c: c["annotations"][0].update(bbox=["1.5", "2", "10", "20"]))
    assert read_folder(tmp_path, "train").records[0].boxes.tolist() == BOXES
    changed(tmp_path, lambda c: c["annotations"][0].update(bbox=[11.5, 22, -10, -20]))
    data = read_folder(tmp_path, "train")
    assert data.records[0].boxes.tolist() == BOXES
    assert data.report.notes == ["boxes with exchanged corners, put in order: 1 (a.png)"]


def test_a_box_that_is_missing_is_that_of_the_mask(tmp_path: Path) -> None:
    def change(content: Any) -> None:
        content["annotations"][0].update(bbox=None, segmentation=[[5, 6, 15, 6, 15, 26, 5, 26]])

    changed(tmp_path, change)
    data = read_folder(tmp_path, "train")
    assert data.records[0].boxes[0].tolist() == [5, 6, 15, 26]
    assert "boxes that are missing, made of their masks: 1 (a.png)" in data.report.notes


def test_a_polygon_without_the_list_around_it_and_masks_elsewhere(tmp_path: Path) -> None:
    flat = [1, 2, 12, 2, 12, 22, 1, 22]
    changed(tmp_path, lambda c: c["annotations"][0].update(segmentation=flat))
    record = read_folder(tmp_path, "train").records[0]
    assert record.masks is not None and record.masks[0] is not None
    expected = np.zeros((60, 80), np.uint8)
    expected[2:22, 1:12] = 1
    np.testing.assert_array_equal(decode_masks([record.masks[0]], (60, 80))[0], expected)
    away = [50, 40, 70, 40, 70, 50]
    changed(tmp_path, lambda c: c["annotations"][0].update(segmentation=[away]))
    notes = read_folder(tmp_path, "train").report.notes
    assert "masks that lie elsewhere than their boxes: 1 (a.png)" in notes


@pytest.mark.parametrize(
    ("size", "message"),
    [
        ({"height": 60, "width": 80}, None),
        ({"height": None, "width": None}, None),
        ({"height": 30, "width": 40}, r"says 40 x 30 pixels for a\.png, the image has 80 x 60; b"),
        ({"height": 80, "width": 60}, "the image has 80 x 60: sides exchanged; boxes would be"),
        ({"height": "x", "width": 60}, "a.png has the size 60 x 'x'; expected numbers"),
    ],
)
def test_sizes(tmp_path: Path, size: dict[str, Any], message: str | None) -> None:
    changed(tmp_path, lambda c: c["images"][0].update(size))
    if message is None:
        assert read_folder(tmp_path, "train").records[0].size == (60, 80)
    else:
        refused(tmp_path, message)


def test_a_size_before_exif_turned_the_image(tmp_path: Path) -> None:
    """Stored 60 x 80 (h x w) with orientation 6: shown, and decoded, as 80 x 60."""
    changed(tmp_path, lambda c: c["images"][0].update(height=60, width=80, file_name="a.jpg"))
    jpeg = cv2.imencode(".jpg", np.zeros((60, 80, 3), np.uint8))[1].tobytes()
    tiff = b"II*\0\x08\0\0\0\x01\0" + b"\x12\x01\x03\0\x01\0\0\0\x06\0\0\0" + b"\0\0\0\0"
    segment = b"\xff\xe1" + (len(tiff) + 8).to_bytes(2, "big") + b"Exif\0\0" + tiff
    (tmp_path / "images" / "train" / "a.jpg").write_bytes(jpeg[:2] + segment + jpeg[2:])
    refused(tmp_path, "says 80 x 60 pixels for a.jpg, the image has 60 x 80 as EXIF turns it up")
    changed(tmp_path, lambda c: c["images"][0].update(height=80, width=60, file_name="a.jpg"))
    assert read_folder(tmp_path, "train").records[0].size == (80, 60)


@pytest.mark.parametrize(
    "name",
    [
        "images\\train\\a.png",
        "images/train/a.png",
        "./a.png",
        "/home/other/project/images/a.png",
        "C:\\Users\\me\\a.png",
        "../../elsewhere/a.png",
        "../upload/1/1a2b3c4d-a.png",
    ],
)
def test_names_of_other_machines(tmp_path: Path, name: str) -> None:
    changed(tmp_path, lambda c: c["images"][0].update(file_name=name))
    data = read_folder(tmp_path, "train")
    assert data.records[0].image == tmp_path / "images" / "train" / "a.png"
    assert len(data.report.notes) == (1 if "1a2b3c4d" in name else 0)


def test_the_longest_end_of_a_name_counts(tmp_path: Path) -> None:
    def change(content: Any) -> None:
        content["images"] = [
            {"id": 7, "file_name": "/x/day/a.png"},
            {"id": 8, "file_name": "a.png"},
        ]

    changed(tmp_path, change)
    write_image(tmp_path / "images" / "train" / "day" / "a.png")
    images = [record.image for record in read_folder(tmp_path, "train").records]
    root = tmp_path / "images" / "train"
    assert images == [root / "day" / "a.png", root / "a.png"]


def test_missing_images(tmp_path: Path) -> None:
    changed(tmp_path, lambda c: two_images(c))
    refused(tmp_path, r"1 images of 2 are missing, the first is b\.png: bring them, or take")
    changed(tmp_path, lambda c: c["images"][0].update(file_name="no\0where.png"))
    refused(tmp_path, "not found in")


def roboflow(name: str, root: str | None) -> list[dict[str, Any]]:
    return [{"id": 0, "name": name, "supercategory": root}] + [
        {"id": i, "name": own, "supercategory": name} for i, own in ((3, "cat"), (9, "dog"))
    ]


def test_roboflow(tmp_path: Path) -> None:
    content = COCO | {"categories": roboflow("pets", "none")}
    for folder in ("train", "valid"):
        write_image(tmp_path / folder / "a.png")
        text = json.dumps(content)
        (tmp_path / folder / "_annotations.coco.json").write_text(text, encoding="utf-8")
    for split in ("train", "val", "valid"):
        data = read_folder(tmp_path, split)
        assert data.labels == ["cat", "dog"]
        assert data.records[0].boxes.tolist() == BOXES
        assert data.report.notes == [
            "category 'pets' is the root of the others and has no object: no class"
        ]
    with pytest.raises(InputError, match=r"no instances_\*test\*\.json; there are train/_annot"):
        read_folder(tmp_path, "test")


@pytest.mark.parametrize(
    ("name", "root", "used", "expected"),
    [
        ("pets", "none", False, ["cat", "dog"]),
        ("pets", "none", True, ["pets", "cat", "dog"]),
        ("pets", "animal", False, ["pets", "cat", "dog"]),
        ("dog", "none", False, ["cat", "dog"]),
    ],
)
def test_root_category(
    tmp_path: Path, name: str, root: str, used: bool, expected: list[str]
) -> None:
    def change(content: Any) -> None:
        content["categories"] = roboflow(name, root)
        if used:
            content["annotations"][0]["category_id"] = 0

    changed(tmp_path, change)
    assert read_folder(tmp_path, "train").labels == expected


def test_two_categories_of_one_name(tmp_path: Path) -> None:
    changed(tmp_path, lambda c: c["categories"].append({"id": 10, "name": "cat"}))
    data = read_folder(tmp_path, "train")
    assert data.labels == ["cat", "dog"]
    assert data.records[0].labels.tolist() == [1, 0]
    assert data.report.notes == ["categories 3 and 10 are both called 'cat': one class"]


def test_which_file_is_meant(tmp_path: Path) -> None:
    make_coco(tmp_path, COCO)
    own = tmp_path / "annotations" / "instances_train.json"
    write_image(tmp_path / "images" / "a.png")
    for name in ("train_masks", "trainval", "val2017"):
        shutil.copy(own, own.with_name(f"instances_{name}.json"))
    assert len(read_folder(tmp_path, "train").records) == 1  # the exact name wins
    assert len(read_folder(tmp_path, "train_masks").records) == 1
    assert "val2017" in read_folder(tmp_path, "val").report.searched
    assert "trainval" in read_folder(tmp_path, "trainval").report.searched
    own.unlink()
    assert "train_masks" in read_folder(tmp_path, "train").report.searched
    own.with_name("instances_train_masks.json").rename(own.with_name("instances_default.json"))
    with pytest.raises(InputError, match=r"no instances_\*train\*.* such as 'default'"):
        read_folder(tmp_path, "train")


def test_a_category_without_objects_is_named(tmp_path: Path) -> None:
    changed(tmp_path, lambda c: c["categories"].append({"id": 11, "name": "cow"}))
    data = read_folder(tmp_path, "train")
    assert data.report.counts == {"cat": 0, "dog": 1, "cow": 0}
    assert data.report.lines() == [
        "train: 1 image, 1 object (dog 1)",
        "train: objects marked iscrowd, neither learnt nor counted: 1 (a.png)",
        "train: no objects of cat, cow",
    ]


def test_no_objects_say_where_they_were_looked_for(tmp_path: Path) -> None:
    changed(tmp_path, lambda c: c.update(annotations=[]))
    data = read_folder(tmp_path, "train")
    with pytest.raises(InputError, match=r"no objects in the 1 image .*instances_train\.json, and"):
        data.report.require_objects(tmp_path)
