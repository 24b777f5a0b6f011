"""Folders of label images: what is read, what is refused, how crops are cut."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from edgecv.data.batches.augmentation import crop_pipeline
from edgecv.data.batches.labelled_crops import LabelledCrops
from edgecv.data.segmentation_folder import read_segmentation
from edgecv.training.segmentation.evaluation import class_lookup
from edgecv.training.segmentation.recipe import class_weights
from edgecv_runtime import InputError
from helpers.data_sets import write_image

SIZE = (40, 60)


def write(path: Path, array: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), array)


def make(folder: Path, masks: dict[str, np.ndarray], layout: str = "{split}/{kind}") -> Path:
    """`masks`: "split/name" -> numbers; each image shows its mask's numbers as grey values."""
    for name, mask in masks.items():
        split, stem = name.split("/")
        for kind, suffix in (("images", "png"), ("masks", "png")):
            array = np.repeat(mask.astype(np.uint8)[:, :, None], 3, 2) if kind == "images" else mask
            write(folder / layout.format(split=split, kind=kind) / f"{stem}.{suffix}", array)
    return folder


def random_mask(seed: int, classes: int = 4, size: tuple[int, int] = SIZE) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, classes, size).astype(np.uint8)


@pytest.mark.parametrize("layout", ["{split}/{kind}", "{kind}/{split}"])
def test_layouts_and_numbers(tmp_path: Path, layout: str) -> None:
    masks = {"train/a": random_mask(0), "train/b": random_mask(1), "val/c": random_mask(2)}
    masks["train/b"][:3] = 255
    masks["train/b"][4] = 3
    make(tmp_path, masks, layout)
    data = read_segmentation(tmp_path, "train")
    assert [entry.image.name for entry in data.images] == ["a.png", "b.png"]
    assert (data.labels, data.named, data.ignore) == (
        ["class_0", "class_1", "class_2", "class_3"],
        False,
        (255,),
    )
    assert data.images[1].size == SIZE
    np.testing.assert_array_equal(data.images[1].labels(), masks["train/b"])
    both = np.concatenate([masks["train/a"], masks["train/b"]]).ravel()
    np.testing.assert_array_equal(data.pixels(), np.bincount(both[both != 255], minlength=4))
    assert len(read_segmentation(tmp_path, "val").images) == 1


def test_names_and_a_number_that_is_no_class(tmp_path: Path) -> None:
    mask = random_mask(0, classes=3)
    mask[:2] = 11
    make(tmp_path, {"train/a": mask})
    assert len(read_segmentation(tmp_path, "train").labels) == 12
    data = read_segmentation(tmp_path, "train", ignore=[11])
    assert data.labels == ["class_0", "class_1", "class_2"]
    (tmp_path / "classes.txt").write_text("sky\nroad\ntree\n")
    named = read_segmentation(tmp_path, "train", ignore=[11])
    assert (named.labels, named.named) == (["sky", "road", "tree"], True)
    assert read_segmentation(tmp_path, "train", [11], ["a", "b", "c"]).labels == ["a", "b", "c"]
    lookup = class_lookup(named, ["tree", "sky", "road"])
    assert lookup[[0, 1, 2, 3, 11, 255]].tolist() == [1, 2, 0, -1, -1, -1]
    with pytest.raises(InputError, match="does not know: sky; the model has tree, road"):
        class_lookup(named, ["tree", "road"])
    with pytest.raises(InputError, match=r"a\.png: holds class 2; the classes are 0 to 1"):
        class_lookup(data, ["tree", "road"])


def test_sixteen_bits_and_many_classes(tmp_path: Path) -> None:
    mask = np.arange(SIZE[0] * SIZE[1], dtype=np.uint16).reshape(SIZE) % 300
    make(tmp_path, {"train/a": mask})
    names = [f"n{i}" for i in range(300)]
    data = read_segmentation(tmp_path, "train", labels=names)
    assert data.ignore == ()  # 255 is one of the classes
    assert (data.pixels() > 0).all()


def test_a_folder_without_splits_is_divided(tmp_path: Path) -> None:
    for name in "abcdefghij":
        make(tmp_path, {f"x/{name}": random_mask(0)}, "{kind}")
    parts = {
        split: {entry.image.stem for entry in read_segmentation(tmp_path, split).images}
        for split in ("train", "val")
    }
    assert parts["train"] | parts["val"] == set("abcdefghij")
    assert not parts["train"] & parts["val"]
    assert len(parts["val"]) >= 1


def test_what_macos_adds_to_an_archive_is_no_split(tmp_path: Path) -> None:
    for name in "abcdefghij":
        make(tmp_path, {f"x/{name}": random_mask(0)}, "{kind}")
    (tmp_path / "__MACOSX" / "images").mkdir(parents=True)
    splits = [read_segmentation(tmp_path, split).images for split in ("train", "val")]
    assert sum(map(len, splits)) == 10


def other_size(folder: Path) -> None:
    write(folder / "train/masks/a.png", random_mask(0, size=(40, 61)))


def colours(folder: Path) -> None:
    write(folder / "train/masks/a.png", np.tile(np.array([0, 9, 200], np.uint8), (*SIZE, 1)))


def missing(folder: Path) -> None:
    (folder / "train/masks/a.png").unlink()


def broken(folder: Path) -> None:
    (folder / "train/masks/a.png").write_bytes(b"not an image")


def outside(folder: Path) -> None:
    (folder / "classes.txt").write_text("one\ntwo\n")
    write(folder / "train/masks/a.png", np.full(SIZE, 7, np.uint8))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (other_size, r"masks/a\.png: 61 x 40 pixels, its image a\.png has 60 x 40"),
        (
            colours,
            r"masks/a\.png: 3 channels of uint8, 1 colours such as \(200, 9, 0\).* one channel",
        ),
        (missing, r"no mask for a\.png; expected a\.png"),
        (broken, r"a\.png: cannot be decoded"),
        (outside, r"a\.png: holds class 7; the classes are 0 to 1 .*`ignore_index=7`"),
    ],
)
def test_bad_files_are_named_in_one_line(tmp_path: Path, change: Any, message: str) -> None:
    make(tmp_path, {"train/a": random_mask(0)})
    change(tmp_path)
    with pytest.raises(InputError, match=message) as caught:
        read_segmentation(tmp_path, "train")
    assert "\n" not in str(caught.value)


def test_pascal_voc(tmp_path: Path) -> None:
    """As torchvision's VOCSegmentation has it on disk: palettes, with 255 around the objects."""
    for place in (
        "JPEGImages",
        "SegmentationClass",
        "SegmentationObject",
        "ImageSets/Segmentation",
    ):
        (tmp_path / place).mkdir(parents=True)
    masks = {stem: np.array([[0, 1], [255, 2]], np.uint8) for stem in ("2007_000032", "b", "c")}
    for stem, mask in masks.items():
        write_image(tmp_path / "JPEGImages" / f"{stem}.jpg", *mask.shape)
        palette = Image.fromarray(mask, "P")
        palette.putpalette([(7 * value) % 256 for value in range(768)])
        palette.save(tmp_path / "SegmentationClass" / f"{stem}.png")
        palette.save(tmp_path / "SegmentationObject" / f"{stem}.png")
    lists = tmp_path / "ImageSets" / "Segmentation"
    (lists / "train.txt").write_text("2007_000032\n\nb\n")
    (lists / "val.txt").write_text("c\r\n")
    data = read_segmentation(tmp_path, "train", labels=["background", "dog", "cat"])
    assert [entry.image.stem for entry in data.images] == ["2007_000032", "b"]
    assert data.images[0].labels().tolist() == masks["b"].tolist()
    assert data.pixels().tolist() == [2, 2, 2]
    assert [entry.image.stem for entry in read_segmentation(tmp_path, "val").images] == ["c"]
    with pytest.raises(InputError, match=r"no test\.txt; splits there: train, val"):
        read_segmentation(tmp_path, "test")
    (lists / "val.txt").write_text("d\n")
    with pytest.raises(InputError, match=r"val\.txt: names d, and JPEGImages has no image"):
        read_segmentation(tmp_path, "val")


@pytest.mark.parametrize("place", ["annotations", "labels", "SegmentationClass"])
@pytest.mark.parametrize("split", ["", "training"])  # ADE20K's
def test_label_images_in_folders_of_other_names(tmp_path: Path, place: str, split: str) -> None:
    mask = np.array([[0, 1], [1, 2]], np.uint8)
    for i in range(40):
        folder = tmp_path / "images" / split
        write_image(folder / f"{i}.png", *mask.shape)
        (tmp_path / place / split).mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(tmp_path / place / split / f"{i}.png"), mask)
    data = read_segmentation(tmp_path, "train")
    assert data.images[0].labels().tolist() == mask.tolist()
    assert len(data.images) == 40 if split else 20 < len(data.images) < 40


def test_folders_that_are_no_data_set(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        read_segmentation(tmp_path / "none", "train")
    with pytest.raises(InputError, match="no known data set; expected train/images/"):
        read_segmentation(tmp_path, "train")
    make(tmp_path, {"train/a": random_mask(0)})
    with pytest.raises(InputError, match="no split test; there are train"):
        read_segmentation(tmp_path, "test")
    make(tmp_path, {"empty/a": np.full(SIZE, 255, np.uint8)})
    with pytest.raises(InputError, match="shows a class"):
        read_segmentation(tmp_path, "empty")


def test_crops_keep_image_and_labels_together_and_in_their_own_pixels(tmp_path: Path) -> None:
    """Each pixel of the image has its class as its colour, and no two pixels of a row are alike."""
    mask = np.tile(np.arange(SIZE[1], dtype=np.uint8), (SIZE[0], 1))
    mask += np.arange(SIZE[0], dtype=np.uint8)[:, None]
    make(tmp_path, {"train/a": mask})
    data = read_segmentation(tmp_path, "train", ignore=[30])
    # Without the jitter, which changes colours.
    pipeline = crop_pipeline((24, 32), flip="both")
    pipeline.transforms = pipeline.transforms[:-1]
    crops = LabelledCrops(data.images, class_lookup(data, data.labels), pipeline)
    torch.manual_seed(0)
    seen = set()
    for _ in range(30):
        image, classes = crops[0]
        assert (image.shape, classes.shape) == ((3, 24, 32), (24, 32))
        assert (image.dtype, classes.dtype) == (torch.uint8, torch.int64)
        expected = image[0].long()
        torch.testing.assert_close(classes, torch.where(expected == 30, -1, expected))
        seen.add((int(classes[0, 0]), int(classes[0, -1]) - int(classes[0, 0])))
    assert len(seen) > 10
    assert {1, -1} == {(step > 0) - (step < 0) for _, step in seen}  # flipped and not


def test_class_weights(tmp_path: Path) -> None:
    first, second = np.zeros((10, 10), np.uint8), np.zeros((10, 10), np.uint8)
    first[:2] = 1  # 80, 20
    second[:5] = 1
    second[5:6] = 2
    second[6:7] = 255  # 30, 50, 10 of 90
    make(tmp_path, {"train/a": first, "train/b": second})
    data = read_segmentation(tmp_path, "train", labels=["a", "b", "c", "never"])
    assert class_weights(data, "none") is None
    frequency = np.array([110 / 190, 70 / 190, 10 / 90])
    np.testing.assert_allclose(
        class_weights(data, "median"), [*(np.median(frequency) / frequency), 0], rtol=1e-6
    )
    inverse = 190 / np.array([110, 70, 10])
    np.testing.assert_allclose(
        class_weights(data, "inverse"), [*(inverse / inverse.mean()), 0], rtol=1e-6
    )
