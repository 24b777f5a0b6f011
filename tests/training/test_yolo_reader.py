"""YOLO folders and data files as tools write them."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from edgecv.data.detection_folder import read_folder
from edgecv_runtime import InputError
from helpers.data_sets import make_yolo, write_image

LINE = "1 0.5 0.5 0.25 0.5\n"
BOX = [30, 15, 50, 45]


def rows(folder: Path, lines: str, yaml: str = "names: [cat, dog]") -> tuple[list, list[str]]:
    """Boxes and notes of one image of 60 x 80 (h x w)."""
    make_yolo(folder, lines, yaml)
    data = read_folder(folder, "train")
    return data.records[0].boxes.round(3).tolist(), data.report.notes


def move(folder: Path, source: str, target: str) -> None:
    (folder / target).parent.mkdir(parents=True, exist_ok=True)
    (folder / source).rename(folder / target)


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("labels", "Labels"),
        ("labels", "LABELS"),
        ("labels/train/a.txt", "labels/train/a.TXT"),
        ("labels/train/a.txt", "images/train/a.txt"),  # beside the image
    ],
)
def test_label_files_in_other_cases_and_beside_the_images(
    tmp_path: Path, source: str, target: str
) -> None:
    make_yolo(tmp_path, LINE)
    move(tmp_path, source, target)
    data = read_folder(tmp_path, "train")
    assert data.records[0].boxes.tolist() == [BOX]
    assert data.report.lines() == [
        "train: 1 image, 1 object (dog 1)",
        "train: no objects of cat",
    ]


def test_images_in_a_folder_with_a_capital(tmp_path: Path) -> None:
    make_yolo(tmp_path, LINE)
    move(tmp_path, "images", "Images")
    move(tmp_path, "labels", "Labels")
    text = (tmp_path / "data.yaml").read_text(encoding="utf-8").replace("images/", "Images/")
    (tmp_path / "data.yaml").write_text(text, encoding="utf-8")
    assert read_folder(tmp_path, "train").records[0].boxes.tolist() == [BOX]


@pytest.mark.parametrize(
    ("source", "target", "there"),
    [
        ("labels", "annotations", r"annotations/train \(1 \.txt\)"),
        ("labels/train", "labels/val", r"labels/val \(1 \.txt\)"),
        ("labels/train/a.txt", "labels/train/a.xml", r"labels/train \(1 \.xml\)"),
        ("labels/train/a.txt", "labels/train/b.txt", r"labels/train \(1 \.txt\)"),
    ],
)
def test_no_label_file_for_any_image_is_an_error(
    tmp_path: Path, source: str, target: str, there: str
) -> None:
    make_yolo(tmp_path, LINE)
    move(tmp_path, source, target)
    with pytest.raises(InputError) as caught:
        read_folder(tmp_path, "train")
    message = str(caught.value)
    assert message.startswith(f"{tmp_path}: no label file for any of the 1 image of the split")
    assert f"looked for {tmp_path}/labels/train/a.txt, {tmp_path}/images/train/a.txt" in message
    assert re.search(there, message)


def test_some_label_files_without_images_and_images_without_label_files(tmp_path: Path) -> None:
    make_yolo(tmp_path, LINE)
    write_image(tmp_path / "images" / "train" / "b.png")
    for name in ("lost.txt", "classes.txt"):
        (tmp_path / "labels" / "train" / name).write_text(LINE, encoding="utf-8")
    data = read_folder(tmp_path, "train")
    assert data.report.lines()[1:] == [
        "train: no objects of cat",
        "train: 1 image without a label file, taken for images without objects: b.png",
        "train: 1 label file without an image: lost.txt",
    ]


def test_layouts_without_a_data_file(tmp_path: Path) -> None:
    for split in ("train", "valid"):
        write_image(tmp_path / split / "images" / "a.png")
        (tmp_path / split / "labels").mkdir()
        (tmp_path / split / "labels" / "a.txt").write_text(LINE, encoding="utf-8")
    assert read_folder(tmp_path, "val").records[0].boxes.tolist() == [BOX]
    with pytest.raises(InputError, match="no folder test; there are train, valid"):
        read_folder(tmp_path, "test")
    whole = tmp_path / "whole"  # as Label Studio writes it
    for number in range(30):
        write_image(whole / "images" / f"{number}.png")
        (whole / "labels").mkdir(exist_ok=True)
        (whole / "labels" / f"{number}.txt").write_text(LINE, encoding="utf-8")
    (whole / "classes.txt").write_text("cat\ndog\n", encoding="utf-8")
    train, val = read_folder(whole, "train"), read_folder(whole, "val")
    stems = [{record.image.stem for record in data.records} for data in (train, val)]
    assert stems[0] | stems[1] == {str(number) for number in range(30)}
    assert not stems[0] & stems[1] and stems[1]
    assert train.report.counts == {"cat": 0, "dog": len(train.records)}
    assert train.report.notes == []  # label files of the other split are not without an image


def test_two_images_of_one_name_and_hidden_copies(tmp_path: Path) -> None:
    make_yolo(tmp_path, LINE)
    write_image(tmp_path / "images" / "train" / ".ipynb_checkpoints" / "a-checkpoint.png")
    (tmp_path / "images" / "train" / "b.heic").touch()
    data = read_folder(tmp_path, "train")
    assert len(data.records) == 1
    assert data.report.notes == ["images in formats that are not read, left out: 1 .heic"]
    write_image(tmp_path / "images" / "train" / "a.jpg")
    with pytest.raises(InputError, match=r"a\.png: a\.jpg is beside it, and labels of a belong to"):
        read_folder(tmp_path, "train")


def test_a_data_file_of_any_name_is_read_directly(tmp_path: Path) -> None:
    make_yolo(tmp_path, LINE)
    file = tmp_path / "mine.yaml"
    (tmp_path / "data.yaml").rename(file)
    data = read_folder(file, "train")
    assert (data.labels, data.records[0].boxes.tolist()) == (["cat", "dog"], [BOX])
    with pytest.raises(InputError, match=r"mine\.yaml: .*no entry 'test'; it has train, val"):
        read_folder(file, "test")
    with pytest.raises(InputError, match=r"a\.png: no data set; expected its folder, or the"):
        read_folder(tmp_path / "images" / "train" / "a.png", "train")


def test_a_data_file_of_any_name_in_the_folder(tmp_path: Path) -> None:
    make_yolo(tmp_path, LINE)
    move(tmp_path, "data.yaml", "coco8.yaml")
    (tmp_path / "hyp.yaml").write_text("lr0: 0.01\n", encoding="utf-8")
    assert read_folder(tmp_path, "train").labels == ["cat", "dog"]  # and not 0, 1
    (tmp_path / "other.yml").write_bytes((tmp_path / "coco8.yaml").read_bytes())
    with pytest.raises(InputError, match=r"several data files: coco8\.yaml, other\.yml; give one"):
        read_folder(tmp_path, "train")


def test_names_stay_text(tmp_path: Path) -> None:
    names = ["no", "007", "1e3", "2024-01-31", "null", "0x1F", "12:30", "~", "3.10", "Yes"]
    make_yolo(tmp_path, "9 0.5 0.5 0.25 0.5\n", f"nc: 10\nnames: [{', '.join(names)}]")
    assert read_folder(tmp_path, "train").labels == names


@pytest.mark.parametrize(
    ("yaml", "message"),
    [
        ("nc: 3\nnames: [cat, dog]", "nc is 3, but there are 2 names"),
        ("names: [cat, cat]", "classes 0 and 1 are both called 'cat'"),
        ("names: {0: cat, 2: dog}", "must be numbered 0, 1, 2"),
        ("names: {0: cat, 0: dog}", "the key '0' is there twice"),
        ("names: [a]\nnames: [cat, dog]", "the key 'names' is there twice"),
        ("names: names.txt", "names is 'names.txt'; expected a list"),
        ("names: [cat, [dog]]", r"a name is \['dog'\]; expected text"),
        ("names: []", "expected a list"),
        ("names: [cat, dog]\nkpt_shape: many", "kpt_shape is 'many'"),
    ],
)
def test_data_files_that_contradict_themselves(tmp_path: Path, yaml: str, message: str) -> None:
    make_yolo(tmp_path, LINE, yaml)
    with pytest.raises(InputError, match=message) as caught:
        read_folder(tmp_path, "train")
    assert str(caught.value).startswith(f"{tmp_path / 'data.yaml'}: ")


@pytest.mark.parametrize(
    "place",
    ["images/train", "images\\train", "./images/train/", "/content/set/images/train",
     "C:\\set\\images\\train", "../images/train", "list.txt", "[images/train]"],
)  # fmt: skip
def test_places_as_other_machines_write_them(tmp_path: Path, place: str) -> None:
    make_yolo(tmp_path, LINE)
    (tmp_path / "data.yaml").write_text(
        f"path: /content/set\ntrain: {place}\nval:\nnames: [cat, dog]\n", encoding="utf-8"
    )
    lines = "images\\train\\a.png\r\n/content/set/images/train/a b.png\r\n"
    (tmp_path / "list.txt").write_bytes(lines.encode("utf-16"))
    write_image(tmp_path / "images" / "train" / "a b.png")
    records = read_folder(tmp_path, "train").records
    assert {r.image.name: len(r.boxes) for r in records} == {"a.png": 1, "a b.png": 0}
    with pytest.raises(InputError, match="no entry 'val'; it has train"):
        read_folder(tmp_path, "val")


def test_lists_that_name_what_is_not_there(tmp_path: Path) -> None:
    make_yolo(tmp_path, LINE)
    (tmp_path / "data.yaml").write_text("train: list.txt\nnames: [a, b]", encoding="utf-8")
    (tmp_path / "list.txt").write_text("images/train/a.png\nb.png\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"list\.txt:2: names b\.png, which does not exist"):
        read_folder(tmp_path, "train")
    (tmp_path / "list.txt").write_text("one/a.png\ntwo/a.png\n", encoding="utf-8")
    move(tmp_path, "images/train/a.png", "a.png")
    with pytest.raises(InputError, match=r"list\.txt:2: two/a\.png and one/a\.png are one file"):
        read_folder(tmp_path, "train")


@pytest.mark.parametrize("number", ["1", "1.0", "1.", "01", "1.000000"])
def test_class_numbers_as_text_of_floats(tmp_path: Path, number: str) -> None:
    assert rows(tmp_path, f"{number} 0.5 0.5 0.25 0.5\n")[0] == [BOX]


@pytest.mark.parametrize("number", ["1.5", "nan", "-0", "dog", "1e0"])
def test_other_class_numbers(tmp_path: Path, number: str) -> None:
    with pytest.raises(InputError, match=r"a\.txt:1: class .* is negative or no whole number"):
        rows(tmp_path, f"{number} 0.5 0.5 0.25 0.5\n")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("0 .5 .5 nan .5", "expected fractions"),
        ("0 .5 .5 inf .5", "expected fractions"),
        ("0 .5 .5 .2 .2 .9", r"6 fields \(a prediction with a confidence\?\); expected `class cx"),
        ("0 .1 .1 .2 .1 .2 .2 .1", "8 fields; expected .* keypoints need kpt_shape"),
    ],
)
def test_lines_that_are_no_boxes(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(InputError, match=rf"a\.txt:1: {message}"):
        rows(tmp_path, line)


def keypoints(visible: bool) -> str:
    """Two boxes of 17 keypoints each, within the box."""
    generator = np.random.default_rng(0)
    lines = []
    for _ in range(3):
        x, y = generator.uniform(0.3, 0.7, 2)
        points = generator.uniform(-0.1, 0.1, (17, 2)) + np.array([x, y])
        fields = [f"{px:.6f} {py:.6f}" + (" 2" if visible else "") for px, py in points]
        fields[3] = "0 0 0" if visible else "0 0"
        lines.append(f"0 {x:.6f} {y:.6f} 0.2 0.2 {' '.join(fields)}")
    return "\n".join(lines)


@pytest.mark.parametrize("visible", [True, False])
@pytest.mark.parametrize("told", [True, False])
def test_keypoints_are_known_from_polygons(tmp_path: Path, visible: bool, told: bool) -> None:
    shape = f"\nkpt_shape: [17, {3 if visible else 2}]" if told else ""
    boxes, notes = rows(tmp_path, keypoints(visible), f"names: [person]{shape}")
    sides = np.array(boxes)[:, 2:] - np.array(boxes)[:, :2]
    np.testing.assert_allclose(sides, [[16, 12]] * 3, atol=2e-3)
    assert notes == ["3 lines with a box and keypoints: the keypoints are not learnt (a.txt)"]


def test_keypoints_of_another_number_than_the_data_file_says(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"a\.txt:1: 56 fields, but kpt_shape \[5, 3\] .* makes 20"
    ):
        rows(tmp_path, keypoints(True), "names: [person]\nkpt_shape: [5, 3]")


def test_oriented_boxes_become_upright_ones(tmp_path: Path) -> None:
    lines = []
    for x, y in ((0.5, 0.5), (0.52, 0.5), (0.3, 0.4), (0.5, 0.48)):  # the middle, where
        # corners could be read as a large box with two keypoints in it
        lines.append(f"0 {x} {y} {x + 0.1} {y + 0.05} {x + 0.05} {y + 0.15} {x - 0.05} {y + 0.1}")
    boxes, notes = rows(tmp_path, "\n".join(lines))
    assert boxes[0] == pytest.approx([36, 30, 48, 39], abs=1e-3)
    assert notes == [
        "4 lines with oriented boxes (four corners): the upright boxes around them are learnt "
        "(a.txt)"
    ]


def test_polygons_and_boxes_in_one_file(tmp_path: Path) -> None:
    boxes, notes = rows(tmp_path, LINE + "0 0.1 0.2 0.3 0.2 0.3 0.6\n")
    assert boxes == [BOX, pytest.approx([8, 12, 24, 36], abs=1e-3)]
    assert notes == ["1 line with polygons: the upright boxes around them are learnt (a.txt)"]


def test_boxes_at_the_border(tmp_path: Path) -> None:
    boxes, notes = rows(tmp_path, "0 0.05 0.5 0.2 0.5\n0 1.2 0.5 0.1 0.1\n")
    assert boxes == [pytest.approx([0, 15, 12, 45], abs=1e-3)]
    assert notes == ["boxes that leave their image, cut to it: 1 (a.txt)"]


@pytest.mark.parametrize("place", ["classes.txt", "labels/classes.txt", "labels/train/classes.txt"])
def test_names_beside_the_labels(tmp_path: Path, place: str) -> None:
    make_yolo(tmp_path, LINE, None)
    (tmp_path / place).write_bytes("cat\r\ndog\r\n\r\n".encode("utf-8-sig"))
    data = read_folder(tmp_path, "train")
    assert (data.labels, data.report.notes) == (["cat", "dog"], [])
    (tmp_path / place).write_text("cat\n\ndog\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"classes\.txt: line 2 is empty"):
        read_folder(tmp_path, "train")
