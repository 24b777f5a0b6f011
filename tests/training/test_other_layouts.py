"""Data sets in the layouts of other tools, read with the right boxes and classes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from edgecv.data.detection_folder import read_folder
from edgecv_runtime import InputError
from helpers.data_sets import voc_object, write_image

STEMS = {"train": ["a", "b c"], "valid": ["d.v2"]}
BOXES = {"a": (1, 2, 11, 22), "b c": (3, 4, 33, 44), "d.v2": (5, 6, 25, 26)}
CLASSES = {"a": "dog", "b c": "cat", "d.v2": "dog"}
MANY = [f"img_{i}" for i in range(40)]


def xml(stem: str) -> str:
    one = voc_object(CLASSES.get(stem, "dog"), BOXES.get(stem, (1, 2, 11, 22)))
    return f"<annotation>{one}</annotation>"


def coco(stems: list[str]) -> str:
    boxes = [BOXES.get(stem, (1, 2, 11, 22)) for stem in stems]
    return json.dumps(
        {
            "images": [{"id": i, "file_name": f"{stem}.png"} for i, stem in enumerate(stems)],
            "categories": [{"id": 0, "name": "cat"}, {"id": 1, "name": "dog"}],
            "annotations": [
                {
                    "id": i,
                    "image_id": i,
                    "category_id": int(CLASSES.get(stem, "dog") == "dog"),
                    "bbox": [x1, y1, x2 - x1, y2 - y1],
                }
                for i, (stem, (x1, y1, x2, y2)) in enumerate(zip(stems, boxes, strict=True))
            ],
        }
    )


def yolo(stem: str) -> str:
    x1, y1, x2, y2 = BOXES.get(stem, (1, 2, 11, 22))
    label = int(CLASSES.get(stem, "dog") == "dog")
    return f"{label} {(x1 + x2) / 160} {(y1 + y2) / 120} {(x2 - x1) / 80} {(y2 - y1) / 60}"


def text(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")


def of_splits(folder: Path, image: str, label: str, content: Callable[[str], str]) -> None:
    for split, stems in STEMS.items():
        for stem in stems:
            write_image(folder / image.format(split=split, stem=stem))
            text(folder / label.format(split=split, stem=stem), content(stem))


def of_splits_coco(folder: Path, image: str, label: str) -> None:
    for split, stems in STEMS.items():
        for stem in stems:
            write_image(folder / image.format(split=split, stem=stem))
        text(folder / label.format(split=split), coco(stems))


def lists(folder: Path, place: str, line: str) -> None:
    for split, stems in STEMS.items():
        lines = [line.format(split=split, stem=stem) for stem in stems]
        text(folder / place.format(split=split), "\n".join(lines) + "\n")


def roboflow_voc(folder: Path) -> None:
    of_splits(folder, "{split}/{stem}.png", "{split}/{stem}.xml", xml)


def kaggle_voc(folder: Path) -> None:
    of_splits(folder, "{split}/images/{stem}.png", "{split}/annotations/{stem}.xml", xml)


def cvat_voc_with_folders(folder: Path) -> None:
    of_splits(folder, "JPEGImages/cam 1/{stem}.png", "Annotations/cam 1/{stem}.xml", xml)
    lists(folder, "ImageSets/Main/{split}.txt", "cam 1/{stem}")


def vott(folder: Path) -> None:
    of_splits(folder, "JPEGImages/{stem}.png", "Annotations/{stem}.xml", xml)
    lists(folder, "ImageSets/Main/cat_{split}.txt", "{stem}.png -1")
    lists(folder, "ImageSets/Main/dog_{split}.txt", "{stem}.png 1")


def mmdetection(folder: Path) -> None:
    of_splits_coco(folder, "{split}/{stem}.png", "annotations/{split}.json")


def fiftyone_coco(folder: Path) -> None:
    of_splits_coco(folder, "{split}/data/{stem}.png", "{split}/labels.json")


def labelme2coco(folder: Path) -> None:
    of_splits_coco(folder, "images/{stem}.png", "{split}.json")


def darknet(folder: Path) -> None:
    of_splits(folder, "{split}/{stem}.png", "{split}/{stem}.txt", yolo)
    for split in STEMS:
        text(folder / split / "_darknet.labels", "cat\ndog\n")


def cvat_yolo(folder: Path) -> None:
    of_splits(folder, "obj_{split}_data/{stem}.png", "obj_{split}_data/{stem}.txt", yolo)
    lists(folder, "{split}.txt", "data/obj_{split}_data/{stem}.png")
    text(folder / "obj.names", "cat\ndog\n")
    text(folder / "obj.data", "classes = 2\n")


@pytest.mark.parametrize(
    "write",
    [
        roboflow_voc,
        kaggle_voc,
        cvat_voc_with_folders,
        vott,
        mmdetection,
        fiftyone_coco,
        labelme2coco,
        darknet,
        cvat_yolo,
    ],
)
def test_with_splits(write: Callable[[Path], None], tmp_path: Path) -> None:
    write(tmp_path)
    for split, stems in (("train", STEMS["train"]), ("valid", STEMS["valid"])):
        data = read_folder(tmp_path, split)
        assert data.labels == ["cat", "dog"]
        found = {
            record.image.stem: (data.labels[record.labels[0]], record.boxes.round(3).tolist())
            for record in data.records
        }
        assert found == {stem: (CLASSES[stem], [list(BOXES[stem])]) for stem in stems}
    with pytest.raises(InputError, match="test"):
        read_folder(tmp_path, "test")


@pytest.mark.parametrize(
    ("image", "label", "content"),
    [
        ("{}.png", "{}.xml", xml),  # LabelImg
        ("images/{}.png", "Annotations/{}.xml", xml),  # Label Studio
        ("images/{}.png", "annotations/{}.xml", xml),  # Kaggle
        ("data/{}.png", "labels/{}.xml", xml),  # FiftyOne
        ("{}.png", "{}.txt", yolo),  # LabelImg
        ("images/{}.png", "result.json", None),  # Label Studio
        ("data/{}.png", "labels.json", None),  # FiftyOne
        ("images/{}.png", "annotations/instances_default.json", None),  # CVAT
    ],
)
def test_without_splits_the_images_are_divided(
    image: str, label: str, content: Callable[[str], str] | None, tmp_path: Path
) -> None:
    for stem in MANY:
        write_image(tmp_path / image.format(stem))
        if content is not None:
            text(tmp_path / label.format(stem), content(stem))
    if content is None:
        text(tmp_path / label, coco(MANY))
    if content is yolo:
        text(tmp_path / "classes.txt", "cat\ndog\n")
    found = {split: read_folder(tmp_path, split) for split in ("train", "val")}
    stems = {split: {r.image.stem for r in data.records} for split, data in found.items()}
    assert stems["train"] | stems["val"] == set(MANY)
    assert not stems["train"] & stems["val"] and len(stems["val"]) >= 2
    for data in found.values():
        assert data.report.counts["dog"] == len(data.records)
        assert all(r.boxes.round(3).tolist() == [[1, 2, 11, 22]] for r in data.records)


def test_known_layouts_come_first(tmp_path: Path) -> None:
    of_splits(tmp_path, "{split}/images/{stem}.png", "{split}/labels/{stem}.txt", yolo)
    text(tmp_path / "classes.txt", "cat\ndog\n")
    text(tmp_path / "result.json", coco(["a"]))
    text(tmp_path / "train" / "images" / "a.xml", xml("a"))
    assert len(read_folder(tmp_path, "train").records) == 2


def test_hidden_copies_are_no_annotations(tmp_path: Path) -> None:
    cvat_voc_with_folders(tmp_path)
    copy = tmp_path / "Annotations" / ".ipynb_checkpoints" / "a-checkpoint.xml"
    text(copy, "<annotation><object><name>emu</name></object></annotation>")
    assert read_folder(tmp_path, "train").labels == ["cat", "dog"]


def test_classes_of_one_split_are_those_of_all(tmp_path: Path) -> None:
    roboflow_voc(tmp_path)
    assert read_folder(tmp_path, "valid").labels == ["cat", "dog"]  # it shows no cat


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"train/a.tfrecord": ""}, "TFRecord is not read; export it as COCO, YOLO or Pascal VOC"),
        ({"train/_annotations.createml.json": "[]"}, "CreateML is not read"),
        ({"train/_annotations.csv": ""}, r"a table of boxes \(CSV\) is not read"),
        ({"annotations/panoptic_val2017.json": "{}"}, "COCO panoptic is not read"),
        ({"a.json": '{"version": "5", "shapes": []}'}, "LabelMe's JSON files are not read"),
        ({"annotations.xml": "<annotations></annotations>"}, "CVAT for images is not read"),
        ({"a.xml": "<annotations></annotations>"}, r"there are \. \(1 \.png\), \. \(1 \.xml\)"),
    ],
)
def test_what_is_not_read_is_named(files: dict[str, str], message: str, tmp_path: Path) -> None:
    write_image(tmp_path / "a.png")
    for name, content in files.items():
        text(tmp_path / name, content)
    with pytest.raises(InputError, match=f"no known data set; .*; {message}"):
        read_folder(tmp_path, "train")


def test_a_data_set_further_down_is_named(tmp_path: Path) -> None:
    place = tmp_path / "VOCdevkit" / "VOC2012"
    of_splits(place, "JPEGImages/{stem}.png", "Annotations/{stem}.xml", xml)
    lists(place, "ImageSets/Main/{split}.txt", "{stem}")
    for folder in (tmp_path, tmp_path / "VOCdevkit"):
        with pytest.raises(InputError, match=r"there is one in .*VOC2012: give that"):
            read_folder(folder, "train")
    assert len(read_folder(place, "train").records) == 2


def test_what_macos_adds_to_an_archive_is_no_split(tmp_path: Path) -> None:
    for stem in MANY:
        write_image(tmp_path / "images" / f"{stem}.png")
        text(tmp_path / "labels" / f"{stem}.txt", yolo(stem))
        text(tmp_path / "__MACOSX" / "images" / f"._{stem}.png", "resource fork")
        text(tmp_path / "__MACOSX" / "labels" / f"._{stem}.txt", "resource fork")
    found = {split: read_folder(tmp_path, split).report.images for split in ("train", "val")}
    assert sum(found.values()) == len(MANY) and min(found.values()) > 0
