"""Pascal VOC folders as people have them."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from edgecv.data.detection_folder import read_folder
from edgecv_runtime import InputError
from helpers.data_sets import make_voc, voc_object, write_image

DOG = voc_object("dog", (1, 1, 9, 9))


def write_list(folder: Path, text: str, split: str = "train") -> None:
    (folder / "ImageSets" / "Main" / f"{split}.txt").write_text(text, encoding="utf-8")


def names(folder: Path, split: str = "train") -> list[str]:
    return [record.image.stem for record in read_folder(folder, split).records]


def test_names_with_spaces_are_whole(tmp_path: Path) -> None:
    stems = ["photo", "photo 1", "photo -1", "photo (2) b", "1 0"]
    make_voc(tmp_path, dict.fromkeys(stems, DOG))
    assert names(tmp_path) == stems


def test_lists_of_one_class_and_lists_of_files(tmp_path: Path) -> None:
    make_voc(tmp_path, dict.fromkeys(["a", "b c", "d.v2"], DOG))
    write_list(tmp_path, "a  1\nb c -1\nd.v2  0\n", "dog_train")
    assert names(tmp_path, "dog_train") == ["a", "b c", "d.v2"]
    write_list(tmp_path, "a.png\r\nJPEGImages\\b c.png\r\n./JPEGImages/d.v2.png\r\n", "files")
    assert names(tmp_path, "files") == ["a", "b c", "d.v2"]
    write_list(tmp_path, "a\na\nb c\n", "twice")
    data = read_folder(tmp_path, "twice")
    assert len(data.records) == 2
    assert data.report.notes == ["lines that repeat an image, read once: 1 (line 2)"]
    write_list(tmp_path, "a\ne\n", "other")
    with pytest.raises(InputError, match=r"other\.txt:2: e has no file e\.xml in Annotations"):
        read_folder(tmp_path, "other")


def test_an_image_without_annotation_has_no_objects(tmp_path: Path) -> None:
    make_voc(tmp_path, {"a": DOG, "b": DOG})
    (tmp_path / "Annotations" / "b.xml").unlink()
    data = read_folder(tmp_path, "train")
    assert [len(record.boxes) for record in data.records] == [1, 0]
    assert data.report.lines() == [
        "train: 2 images, 1 object (dog 1); 1 image without objects",
        "train: 1 image without an annotation, taken for images without objects: b",
    ]
    (tmp_path / "Annotations").rename(tmp_path / "Labels")
    (tmp_path / "Annotations").mkdir()
    with pytest.raises(
        InputError, match=r"none of its 2 images has an annotation; .*/Annotations/a\.xml; .*Labels"
    ):
        read_folder(tmp_path, "train")


def test_capital_suffixes(tmp_path: Path) -> None:
    make_voc(tmp_path, {"a": DOG})
    (tmp_path / "Annotations" / "a.xml").rename(tmp_path / "Annotations" / "a.XML")
    (tmp_path / "JPEGImages" / "a.png").rename(tmp_path / "JPEGImages" / "a.Png")
    (tmp_path / "JPEGImages" / "._a.png").write_bytes(b"what macOS leaves")
    assert [len(record.boxes) for record in read_folder(tmp_path, "train").records] == [1]
    write_image(tmp_path / "JPEGImages" / "a.jpg")
    with pytest.raises(InputError, match=r"several images for a: a\.Png, a\.jpg; keep the"):
        read_folder(tmp_path, "train")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1", True), ("0", False), ("True", True), ("true", True), ("yes", True), ("False", False),
     (" 1 ", True), ("no", False), ("Unspecified", False), ("", False), (None, False)],
)  # fmt: skip
def test_difficult_as_tools_write_it(tmp_path: Path, text: str | None, expected: bool) -> None:
    element = "" if text is None else f"<difficult>{text}</difficult>"
    make_voc(tmp_path, {"a": re.sub(r"<difficult>.*?</difficult>", element, DOG)})
    data = read_folder(tmp_path, "train")
    assert data.records[0].ignore.tolist() == [expected]
    lines = ["train: 1 image, 1 object (dog 1)"]
    if expected:
        lines = [
            "train: 1 image, 0 objects",
            "train: objects marked difficult, neither learnt nor counted: 1 (a.xml)",
            "train: no objects of dog",
        ]
        with pytest.raises(InputError, match=r"no objects in the 1 image .* marked difficult"):
            data.report.require_objects(tmp_path)
    assert data.report.lines() == lines


def test_difficult_that_says_nothing(tmp_path: Path) -> None:
    make_voc(tmp_path, {"a": DOG.replace("<difficult>0", "<difficult>2")})
    with pytest.raises(InputError, match=r"a\.xml: object 1 \(dog\): difficult is '2'; expected 0"):
        read_folder(tmp_path, "train")


@pytest.mark.parametrize(
    ("size", "message"),
    [
        ((60, 80), None),
        ((0, 0), None),
        ((120, 160), r"a\.xml: says 160 x 120 pixels for a\.png, the image has 80 x 60; boxes"),
        ((80, 60), r"says 60 x 80 pixels for a\.png, the image has 80 x 60: sides exchanged;"),
    ],
)
def test_the_size_is_that_of_the_image(
    tmp_path: Path, size: tuple[int, int], message: str | None
) -> None:
    head = f"<size><width>{size[1]}</width><height>{size[0]}</height></size>"
    make_voc(tmp_path, {"a": head + DOG, "b": head})
    if message is None:
        assert len(read_folder(tmp_path, "train").records) == 2
        return
    with pytest.raises(InputError, match=message):
        read_folder(tmp_path, "train")


def test_other_xml(tmp_path: Path) -> None:
    rotated = "<object><name>dog</name><robndbox><cx>5</cx></robndbox></object>"
    make_voc(tmp_path, {"a": rotated})
    with pytest.raises(InputError, match="needs numbers xmin, ymin, xmax, ymax, it has a robndbox"):
        read_folder(tmp_path, "train")
    (tmp_path / "Annotations" / "a.xml").write_text("<annotations/>", encoding="utf-8")
    with pytest.raises(InputError, match=r"a\.xml: begins with <annotations>; expected Pascal"):
        read_folder(tmp_path, "train")
    fractions = voc_object("dog", (0.1, 0.2, 0.5, 0.75))
    (tmp_path / "Annotations" / "a.xml").write_text(
        f"<annotation>{fractions}</annotation>", encoding="utf-8"
    )
    with pytest.raises(InputError, match=r"as if they were fractions .* expected pixels"):
        read_folder(tmp_path, "train")


def test_broken_images_are_left_out_and_named(tmp_path: Path) -> None:
    make_voc(tmp_path, dict.fromkeys("abc", DOG))
    image = tmp_path / "JPEGImages" / "b.png"
    image.write_bytes(image.read_bytes()[:-20])
    data = read_folder(tmp_path, "train")
    assert [record.image.stem for record in data.records] == ["a", "c"]
    (line,) = data.report.broken
    assert line.startswith(f"{image}: the image is truncated or broken")
    assert data.report.lines()[1] == f"train: 1 broken image left out: {line}"
    for stem in "ac":
        (tmp_path / "JPEGImages" / f"{stem}.png").write_bytes(b"")
    with pytest.raises(InputError, match=r"all 3 images of the split 'train' are broken: .*empty"):
        read_folder(tmp_path, "train")


def test_masks_and_sizes_of_records(tmp_path: Path) -> None:
    make_voc(tmp_path, {"a": DOG})
    record = read_folder(tmp_path, "train").records[0]
    assert (record.masks, record.size) == (None, (60, 80))
    assert record.boxes.dtype == np.float32
