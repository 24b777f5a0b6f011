"""Folders of classes."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from edgecv.data.class_folder import read_classes
from edgecv.data.reading.image_files import is_image
from edgecv.training.classification.evaluation import match_classes
from edgecv_runtime import InputError, read_image

PNG = cv2.imencode(".png", np.zeros((4, 5, 3), np.uint8))[1].tobytes()


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(PNG if is_image(Path(name)) else b"")
    return folder


def test_splits(tmp_path: Path) -> None:
    touch(tmp_path, "train/dog/1.jpg", "train/cat/2.PNG", "train/cat/1.jpg", "train/cat/notes.txt")
    touch(tmp_path, "valid/dog/9.jpg")
    train = read_classes(tmp_path, "train")
    assert train.labels == ["cat", "dog"]
    assert [image.name for image in train.images] == ["1.jpg", "2.PNG", "1.jpg"]
    assert train.classes == [0, 0, 1]
    val = read_classes(tmp_path, "val")
    assert (val.labels, val.classes) == (["dog"], [0])
    assert match_classes(val, train.labels).classes == [1]
    with pytest.raises(InputError, match="does not know: cat; the model has dog"):
        match_classes(train, ["dog"])
    with pytest.raises(InputError, match="no folder test; there are train, valid"):
        read_classes(tmp_path, "test")


def test_the_name_of_a_class_is_utf_8(tmp_path: Path) -> None:
    touch(tmp_path, "train/人/1.png", os.fsdecode(b"train/caf\xe9/1.png"))
    with pytest.raises(InputError, match="the name of a class is not UTF-8; rename the folder"):
        read_classes(tmp_path, "train")


def test_splits_in_any_case(tmp_path: Path) -> None:
    touch(tmp_path, "Train/Dog/1.JPG", "Train/Cat/2.JPG", "Test/Dog/3.JPG", "Test/Cat/4.JPG")
    assert read_classes(tmp_path, "train").labels == ["Cat", "Dog"]  # and not Test, Train
    with pytest.raises(InputError, match="no folder val; there are Test, Train: name them"):
        read_classes(tmp_path, "val")
    touch(tmp_path, "VALID/Dog/1.jpg")
    assert read_classes(tmp_path, "val").labels == ["Dog"]


def test_splits_and_folders_that_are_no_classes(tmp_path: Path) -> None:
    for split in ("training_set", "test_set"):
        touch(tmp_path / "kaggle", *(f"{split}/{name}/1.jpg" for name in ("cats", "dogs")))
    with pytest.raises(InputError, match="test_set, training_set would be classes") as caught:
        read_classes(tmp_path / "kaggle", "train")
    assert "`train_split='training_set'` and `val_split='test_set'`" in str(caught.value)
    assert read_classes(tmp_path / "kaggle", "test_set").labels == ["cats", "dogs"]
    touch(tmp_path / "zip", "set/train/cat/1.jpg", "set/train/dog/2.jpg", "__MACOSX/set/1.jpg")
    with pytest.raises(InputError, match="one folder, set, with train in it") as caught:
        read_classes(tmp_path / "zip", "train")
    assert f"give {tmp_path / 'zip' / 'set'}" in str(caught.value)
    # Folders below those of the classes stay as they were.
    touch(tmp_path / "days", "cat/monday/1.jpg", "dog/monday/2.jpg", "dog/friday/3.jpg")
    assert read_classes(tmp_path / "days", "train").labels == ["cat", "dog"]


def test_without_splits_the_images_are_divided(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        touch(tmp_path, *(f"{name}/{i}.jpg" for i in range(20)))
    train, val = read_classes(tmp_path, "train"), read_classes(tmp_path, "val")
    assert train.labels == val.labels == ["cat", "dog"]
    assert len(train.images) + len(val.images) == len({*train.images, *val.images}) == 40
    assert 2 <= len(val.images) <= 16
    assert set(val.classes) == {0, 1}
    before = set(val.images)
    touch(tmp_path, "cat/new.jpg")
    assert before <= set(read_classes(tmp_path, "val").images)


def test_mistakes(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        read_classes(tmp_path / "none", "train")
    touch(tmp_path / "voc", "Annotations/1.xml", "JPEGImages/1.jpg")
    with pytest.raises(InputError, match="voc: no images in Annotations; expected a folder for"):
        read_classes(tmp_path / "voc", "train")
    (tmp_path / "voc").rename(tmp_path / ".voc")
    touch(tmp_path, "cat/readme.txt")
    with pytest.raises(InputError, match="no images; expected a folder for each class"):
        read_classes(tmp_path, "train")


def test_the_report_and_images_left_out(tmp_path: Path) -> None:
    touch(tmp_path, "train/dog/1.jpg", "train/cat/2.PNG", "train/cat/deep/er/1.jpeg", "train/x.jpg")
    touch(tmp_path, "train/cat/3.HEIC", "train/cat/4.dng", "train/dog/5.heic")
    touch(tmp_path, "train/cow/readme.txt", "train/cat/._2.png", "__MACOSX/train/a.jpg")
    (tmp_path / "train" / "cat" / "broken.jpg").write_bytes(PNG[:40])
    data = read_classes(tmp_path, "train")
    assert [data.labels[number] for number in data.classes] == ["cat", "cat", "dog"]
    assert data.report.counts == {"cat": 2, "cow": 0, "dog": 1}
    broken = tmp_path / "train" / "cat" / "broken.jpg"
    assert data.report.lines() == [
        "train: 3 images: cat 2, dog 1",
        "train: no images of cow",
        f"train: 1 broken image left out: {broken}: the image is truncated or broken: copy or "
        "download it again",
        "train: 1 image in no class folder left out: x.jpg",
        "train: images in formats that are not read, left out: 1 .dng, 2 .heic",
    ]
    for path in data.images:
        path.write_bytes(b"")
    with pytest.raises(InputError, match=r"train: all 4 images are broken: .* and 1 more"):
        read_classes(tmp_path, "train")


def test_names_that_are_not_utf_8(tmp_path: Path) -> None:
    for number in range(20):
        name = os.fsencode(tmp_path) + b"/cat/\xff%d.png" % number
        os.makedirs(os.path.dirname(name), exist_ok=True)
        with open(name, "wb") as file:
            file.write(PNG)
    parts = [read_classes(tmp_path, split).images for split in ("train", "val")]
    assert sorted(map(len, parts))[0] >= 1 and sum(map(len, parts)) == 20
    assert read_image(parts[0][0]).shape == (4, 5, 3)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (["train/1.jpg", "val/2.jpg"], r"train: no folders in it; expected one for each class"),
        (["images/1.jpg", "masks/1.png"], "images beside masks, a data set for detectors or seg"),
        (["train/images/1.jpg", "train/masks/1.png"], "images beside masks"),
        (["images/train/1.jpg", "labels/train/1.png"], "images beside labels"),
        (["cat/1.heic"], r"no images; .* there are cat \(1 \.heic\)"),
    ],
)
def test_folders_that_are_no_classes(tmp_path: Path, files: list[str], message: str) -> None:
    touch(tmp_path, *files)
    with pytest.raises(InputError, match=message):
        read_classes(tmp_path, "train")
