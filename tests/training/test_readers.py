"""Readers give the same exact records from every format, and one clear line for bad files."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from edgecv.data.detection_folder import read_folder
from edgecv.data.synthetic import SHAPES, draw_shapes, write_shapes
from edgecv_runtime import InputError, read_image
from helpers.data_sets import COCO, make_coco, make_voc, make_yolo, voc_object, write_image


def test_the_formats_hold_the_same_records(tmp_path: Path) -> None:
    data = {
        layout: read_folder(write_shapes(tmp_path / layout, train=6, val=3, layout=layout), split)
        for layout in ("voc", "coco", "yolo")
        for split in ("val",)
    }
    # The writer's own generator, run again: 6 training images come before the 3 others.
    generator = np.random.default_rng(0)
    samples = [draw_shapes(generator, (160, 192)) for _ in range(9)][6:]
    for split in data.values():
        assert split.labels == list(SHAPES)
        assert len(split.records) == 3
        for record, (image, boxes, labels) in zip(split.records, samples, strict=True):
            np.testing.assert_array_equal(read_image(record.image), image)
            np.testing.assert_allclose(record.boxes, boxes, atol=1e-4)
            np.testing.assert_array_equal(record.labels, labels)
            assert (record.boxes.dtype, record.labels.dtype) == (np.float32, np.int64)
            assert not record.ignore.any()


def test_synthetic_boxes_are_the_extent_of_what_was_drawn() -> None:
    # Without texture and noise the drawn pixels are those that differ from the background.
    from edgecv.data import synthetic

    generator = np.random.default_rng(3)
    for label in range(3):
        image = np.full((64, 64, 3), 10, np.float32)
        synthetic.draw_shape(image, (9, 20, 40, 51), label, generator)
        rows, columns = np.nonzero((image != 10).any(2))
        extent = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        assert extent == (9, 20, 40, 51)


def test_voc_difficult_and_coordinates_as_written(tmp_path: Path) -> None:
    make_voc(
        tmp_path,
        {
            "a": voc_object("dog", (1, 2, 30.5, 40)) + voc_object("cat", (5, 6, 7, 8), 1),
            "b": "",
        },
    )
    data = read_folder(tmp_path, "train")
    assert data.labels == ["cat", "dog"]
    first, second = data.records
    np.testing.assert_array_equal(first.boxes, [[1, 2, 30.5, 40], [5, 6, 7, 8]])
    np.testing.assert_array_equal(first.labels, [1, 0])
    np.testing.assert_array_equal(first.ignore, [False, True])
    assert second.boxes.shape == (0, 4)


def test_what_is_changed_or_left_out_is_in_the_report(tmp_path: Path) -> None:
    good = voc_object("dog", (1, 1, 9, 9))
    make_voc(
        tmp_path,
        {
            "a": good + voc_object("dog", (5, 5, 5, 9)),
            "b": good + good,
            "c": voc_object("dog", (9, 1, 2, 9)),
            "d": voc_object("dog", (70, 50, 90, 90)) + voc_object("dog", (81, 5, 99, 9)),
        },
    )
    data = read_folder(tmp_path, "train")
    assert [record.boxes.tolist() for record in data.records] == [
        [[1, 1, 9, 9]],
        [[1, 1, 9, 9]],
        [[2, 1, 9, 9]],
        [[70, 50, 80, 60]],
    ]
    assert data.report.ignored == {
        "boxes without area left out": ["a.xml"],
        "boxes outside of their image left out": ["d.xml"],
        "boxes that repeat another left out": ["b.xml"],
    }
    assert data.report.lines() == [
        "train: 4 images, 4 objects (dog 4)",
        "train: boxes without area left out: 1 (a.xml)",
        "train: boxes that repeat another left out: 1 (b.xml)",
        "train: boxes outside of their image left out: 1 (d.xml)",
        "train: boxes with exchanged corners, put in order: 1 (c.xml)",
        "train: boxes that leave their image, cut to it: 1 (d.xml)",
    ]


def test_coco_categories_by_id_and_crowds(tmp_path: Path) -> None:
    data = read_folder(make_coco(tmp_path, COCO), "train")
    assert data.labels == ["cat", "dog"]
    np.testing.assert_array_equal(data.records[0].boxes, [[1.5, 2, 11.5, 22], [0, 0, 40, 30]])
    np.testing.assert_array_equal(data.records[0].labels, [1, 0])
    np.testing.assert_array_equal(data.records[0].ignore, [False, True])


def test_coco_split_that_fits_two_files_is_named_more_closely(tmp_path: Path) -> None:
    make_coco(tmp_path, COCO, "boxes_train2017")
    make_coco(tmp_path, COCO, "masks_train2017")
    (tmp_path / "images" / "boxes_train2017").rename(tmp_path / "images" / "train2017")
    with pytest.raises(InputError, match=r"several files fit .* such as 'boxes_train2017'"):
        read_folder(tmp_path, "train")
    assert len(read_folder(tmp_path, "boxes_train").records) == 1


def test_yolo_fractions_polygons_and_images_without_labels(tmp_path: Path) -> None:
    make_yolo(tmp_path, "1 0.5 0.5 0.25 0.5\n0 0.1 0.2 0.3 0.2 0.3 0.6 0.1 0.6\n\n")
    write_image(tmp_path / "images" / "train" / "b.png")
    data = read_folder(tmp_path, "train")
    assert data.labels == ["cat", "dog"]
    np.testing.assert_allclose(
        data.records[0].boxes, [[30, 15, 50, 45], [8, 12, 24, 36]], atol=1e-5
    )
    np.testing.assert_array_equal(data.records[0].labels, [1, 0])
    assert data.records[1].boxes.shape == (0, 4)


@pytest.mark.parametrize(
    ("yaml", "classes", "expected"),
    [
        ("names: {0: cat, 1: dog}", None, ["cat", "dog"]),
        (None, "cat\ndog\n", ["cat", "dog"]),
        (None, None, ["0", "1"]),
    ],
)
def test_yolo_names(
    tmp_path: Path, yaml: str | None, classes: str | None, expected: list[str]
) -> None:
    make_yolo(tmp_path, "1 0.5 0.5 0.2 0.2\n", yaml)
    if classes is not None:
        (tmp_path / "classes.txt").write_text(classes)
    assert read_folder(tmp_path, "train").labels == expected


def test_yolo_boxes_refer_to_the_upright_image(tmp_path: Path) -> None:
    make_yolo(tmp_path, "0 0.5 0.5 1.0 1.0\n")
    image = tmp_path / "images" / "train" / "a.png"
    jpeg = cv2.imencode(".jpg", cv2.imread(str(image)))[1].tobytes()
    # EXIF with the one tag Orientation = 6: stored 60 x 80 (h x w), shown 80 x 60.
    tiff = b"II*\0\x08\0\0\0\x01\0" + b"\x12\x01\x03\0\x01\0\0\0\x06\0\0\0" + b"\0\0\0\0"
    exif = b"Exif\0\0" + tiff
    segment = b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif
    image.unlink()
    image.with_suffix(".jpg").write_bytes(jpeg[:2] + segment + jpeg[2:])
    record = read_folder(tmp_path, "train").records[0]
    assert read_image(record.image).shape == (80, 60, 3)
    np.testing.assert_array_equal(record.boxes, [[0, 0, 60, 80]])


def broken_voc(folder: Path) -> None:
    make_voc(folder, {"a": voc_object("dog", (1, 2, 3, 4))})
    (folder / "Annotations" / "a.xml").write_text("<annotation><object>")


def voc_without_corner(folder: Path) -> None:
    xml = "<object><name>dog</name><bndbox><xmin>1</xmin></bndbox></object>"
    make_voc(folder, {"a": xml})


def voc_without_image(folder: Path) -> None:
    make_voc(folder, {"a": voc_object("dog", (1, 2, 3, 4))})
    (folder / "JPEGImages" / "a.png").unlink()


def voc_without_annotation(folder: Path) -> None:
    make_voc(folder, {"a": ""})
    (folder / "ImageSets" / "Main" / "train.txt").write_text("b\n")


def voc_without_split(folder: Path) -> None:
    make_voc(folder, {"a": ""}, split="trainval")


def two_formats(folder: Path) -> None:
    make_voc(folder, {"a": ""})
    (folder / "data.yaml").write_text("names: [a]", encoding="utf-8")


def coco_unknown_category(folder: Path) -> None:
    make_coco(folder, COCO | {"categories": [{"id": 3, "name": "cat"}]})


def coco_unknown_image(folder: Path) -> None:
    make_coco(folder, COCO | {"annotations": [{**COCO["annotations"][0], "image_id": 8}]})


def coco_missing_image(folder: Path) -> None:
    make_coco(folder, COCO)
    (folder / "images" / "train" / "a.png").unlink()


def coco_not_finite(folder: Path) -> None:
    annotation = {**COCO["annotations"][0], "bbox": [1, 2, float("nan"), 4]}
    make_coco(folder, COCO | {"annotations": [annotation]})


BROKEN = {
    r"a\.xml: broken XML": broken_voc,
    r"a\.xml: object 1 \(dog\): bndbox needs": voc_without_corner,
    "no image for a": voc_without_image,
    r"b has no file .*b\.xml": voc_without_annotation,
    "no train.txt; splits there: trainval": voc_without_split,
    "holds Pascal VOC and YOLO": two_formats,
    "no known data set": lambda folder: folder.mkdir(),
    "no such folder": lambda folder: None,
    "broken JSON": lambda folder: make_coco(folder, "{"),
    "expected an object": lambda folder: make_coco(folder, "[]"),
    "not a COCO instances file: expected a list 'images'": lambda folder: make_coco(folder, {}),
    "annotation number 1: category_id 9.*there are 3 cat": coco_unknown_category,
    "annotation number 1: image_id 8": coco_unknown_image,
    r"image a\.png not found in": coco_missing_image,
    "is not finite": coco_not_finite,
    r"a\.txt:2: expected numbers": lambda folder: make_yolo(folder, "0 .5 .5 .1 .1\n0 x 1 1 1"),
    r"a\.txt:1: expected `class": lambda folder: make_yolo(folder, "0 0.5 0.5"),
    r"a\.txt:1: expected fractions": lambda folder: make_yolo(folder, "0 30 40 10 10"),
    r"a\.txt:1: class -1": lambda folder: make_yolo(folder, "-1 .5 .5 .1 .1"),
    "class 2, but there are 2 names": lambda folder: make_yolo(folder, "2 .5 .5 .1 .1"),
    "broken YAML": lambda folder: make_yolo(folder, "", "names: [a"),
    "not a YOLO data file": lambda folder: make_yolo(folder, "", "nc: 2"),
}


@pytest.mark.parametrize("message", BROKEN)
def test_bad_files_are_named(tmp_path: Path, message: str) -> None:
    BROKEN[message](tmp_path / "data")
    with pytest.raises(InputError, match=message) as caught:
        read_folder(tmp_path / "data", "train")
    assert "\n" not in str(caught.value)
    assert str(tmp_path) in str(caught.value)


def test_readers_and_metrics_work_without_torch(tmp_path: Path) -> None:
    write_shapes(tmp_path, train=1, val=2)
    program = f"""
import sys
sys.modules["torch"] = sys.modules["torchvision"] = sys.modules["lightning"] = None
from edgecv.data.detection_folder import read_folder
from edgecv.training.detection.evaluation import evaluate
from edgecv.training.detection.metrics import Detected
data = read_folder({str(tmp_path)!r}, "val")
truth = iter(data.records)
def perfect(image):
    record = next(truth)
    return Detected(record.boxes, record.labels * 0 + 1.0, record.labels)
print(evaluate(perfect, data, data.labels).map)
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.stdout == "1.0\n", run.stderr
