"""Masks as files: palettes, bits, colours, and what two numbers may mean."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from edgecv.data.detection_folder import read_folder
from edgecv.data.reading.label_images import read_numbers
from edgecv.data.segmentation_folder import read_segmentation, require_two_classes
from edgecv.training.segmentation.evaluation import class_lookup
from edgecv_runtime import InputError

SIZE = (20, 30)


def numbers(classes: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, classes, SIZE).astype(np.uint8)


def write(path: Path, array: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), array)
    return path


def palette(path: Path, array: np.ndarray, bits: int, transparent: bool = False) -> Path:
    """Colours that grow darker with the index, so that no index is its grey value."""
    image = Image.fromarray(array, "P")
    image.putpalette([value for i in range(256) for value in (255 - i, i // 2, 7)])
    image.save(path, bits=bits, **({"transparency": 0} if transparent else {}))
    return path


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
@pytest.mark.parametrize("transparent", [True, False])
def test_a_palette_is_read_by_its_indices(tmp_path: Path, bits: int, transparent: bool) -> None:
    expected = numbers(1 << bits)
    path = palette(tmp_path / "a.png", expected, bits, transparent)
    assert path.read_bytes()[24:26] == bytes([bits, 3])
    np.testing.assert_array_equal(read_numbers(path, "numbers"), expected)
    np.testing.assert_array_equal(np.array(Image.open(path)), expected)


def png_of_bits(array: np.ndarray, bits: int) -> bytes:
    """A grey PNG of less than 8 bits, by hand: no filter, one row after the other."""
    import struct
    import zlib

    rows = b""
    for row in array:
        packed = np.unpackbits(row[:, None], axis=1)[:, 8 - bits :].ravel()
        rows += b"\0" + np.packbits(packed).tobytes()

    def chunk(kind: bytes, body: bytes) -> bytes:
        crc = struct.pack(">I", zlib.crc32(kind + body))
        return struct.pack(">I", len(body)) + kind + body + crc

    header = struct.pack(">IIBBBBB", array.shape[1], array.shape[0], bits, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_grey_of_few_bits_keeps_its_numbers(tmp_path: Path, bits: int) -> None:
    expected = numbers(1 << bits)
    path = tmp_path / "a.png"
    path.write_bytes(png_of_bits(expected, bits))
    np.testing.assert_array_equal(read_numbers(path, "numbers"), expected)
    if bits == 1:
        Image.fromarray(expected.astype(bool)).save(path)
        np.testing.assert_array_equal(read_numbers(path, "numbers"), expected)


def test_grey_written_as_colour_and_16_bits(tmp_path: Path) -> None:
    expected = numbers(7)
    for channels in (3, 4):
        array = np.repeat(expected[:, :, None], channels, 2)
        path = write(tmp_path / f"{channels}.png", array)
        np.testing.assert_array_equal(read_numbers(path, "numbers"), expected)
    deep = expected.astype(np.uint16) * 9000
    np.testing.assert_array_equal(read_numbers(write(tmp_path / "d.png", deep), "numbers"), deep)


def test_files_that_keep_no_numbers(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    buffer = io.BytesIO()
    Image.fromarray(numbers(2) * 255).save(buffer, "JPEG")
    path.write_bytes(buffer.getvalue())
    with pytest.raises(InputError, match=r"a\.png: a JPEG, which does not keep numbers"):
        read_numbers(path, "class numbers")
    colours = np.array([[0, 0, 0], [0, 0, 128], [0, 128, 0]], np.uint8)[numbers(3)]
    message = r"3 colours such as \(0, 0, 0\), \(0, 128, 0\), \(128, 0, 0\) \(r, g, b\); expected"
    with pytest.raises(InputError, match=message):
        read_numbers(write(path, colours), "class numbers")
    path.write_bytes(palette(path, numbers(9), 8).read_bytes()[:200])
    with pytest.raises(InputError, match=r"a\.png: truncated or broken; expected a PNG"):
        read_numbers(path, "class numbers")
    whole = write(path, numbers(200)).read_bytes()
    path.write_bytes(whole[:-30])  # the last rows are missing, and decode as background
    with pytest.raises(InputError, match=r"a\.png: truncated or broken"):
        read_numbers(path, "class numbers")


def make(folder: Path, masks: dict[str, np.ndarray], names: str | None = None) -> Path:
    for name, mask in masks.items():
        split, stem = name.split("/")
        write(folder / split / "images" / f"{stem}.png", np.zeros((*SIZE, 3), np.uint8))
        write(folder / split / "masks" / f"{stem}.png", mask)
    if names is not None:
        (folder / "classes.txt").write_text(names, encoding="utf-8")
    return folder


@pytest.mark.parametrize("white", [255, 128, 127])
def test_black_and_white_of_two_named_classes(tmp_path: Path, white: int) -> None:
    mask = numbers(2)
    make(tmp_path, {"train/a": mask * white, "val/b": 1 - mask, "val/c": mask}, "sky\nroad\n")
    (tmp_path / "val" / "masks" / "b.png").unlink()  # of 0 and 1: another data set
    (tmp_path / "val" / "images" / "b.png").unlink()
    write(tmp_path / "val" / "masks" / "c.png", np.full(SIZE, white, np.uint8))
    data = read_segmentation(tmp_path, "train")
    np.testing.assert_array_equal(data.images[0].labels(), mask)
    assert data.pixels().tolist() == [int((mask == 0).sum()), int(mask.sum())]
    assert data.report.notes == [
        f"the label images hold 0, {white} only: {white} is read as class 1 (road)"
    ]
    assert class_lookup(data, ["road", "sky"])[[0, 1, 255]].tolist() == [1, 0, -1]
    # The same number means the same in a split that shows one class only.
    val = read_segmentation(tmp_path, "val")
    assert val.pixels().tolist() == [0, SIZE[0] * SIZE[1]]


def test_white_is_no_class_where_a_mask_of_the_folder_has_class_1(tmp_path: Path) -> None:
    train = numbers(2)
    train[:3] = 255
    make(tmp_path, {"train/a": train, "val/b": numbers(2) * 255}, "sky\nroad\n")
    val = read_segmentation(tmp_path, "val")
    assert val.pixels()[1] == 0
    assert (
        len(val.report.notes) == 1 and "of the pixels are of no class (255)" in val.report.notes[0]
    )
    with pytest.raises(InputError, match=r"val show one class, sky: they hold 0, 255"):
        require_two_classes(val, tmp_path)
    assert read_segmentation(tmp_path, "train").pixels()[1] == (train == 1).sum()


@pytest.mark.parametrize(
    ("mask", "names", "message"),
    [
        (numbers(2) * 255, None, "show one class: they hold 0, 255, and 255 counts as none; if 255 "
         "is a class, name two, one on each line, in classes.txt or `labels`"),
        (numbers(1), None, "show one class: they hold 0, and 255 counts as none"),
        (numbers(1) + 255, None, "shows a class: they hold 255, and 255 counts as none; if 255"),
        (numbers(2) * 127, None, "hold 0, 127; expected the classes 0, 1, .* if 127 is a class"),
        (numbers(2) * 15, None, "hold 0, 15; expected the classes .*: name all 16 in classes"),
        (numbers(4) * 85, None, "hold 0, 85, 170, 255; expected the classes"),
        (numbers(2) * 255, "a\nb\nc\n", None),
        (numbers(2) * 128, "a\nb\nc\n", r"a\.png: holds class 128; the classes are 0 to 2"),
        (numbers(2) * 2, "a\nb\n", r"a\.png: holds class 2; the classes are 0 to 1"),
        (numbers(2) * 255, "a\na\n", "classes 0 and 1 are both called 'a'"),
    ],
)  # fmt: skip
def test_masks_of_one_class_are_refused_with_their_numbers(
    tmp_path: Path, mask: np.ndarray, names: str | None, message: str | None
) -> None:
    make(tmp_path, {"train/a": mask}, names)
    if message is None:
        data = read_segmentation(tmp_path, "train")
        with pytest.raises(InputError, match="show one class, a: they hold 0, 255"):
            require_two_classes(data, tmp_path)
        return
    with pytest.raises(InputError, match=message) as caught:
        read_segmentation(tmp_path, "train")
    assert "\n" not in str(caught.value)


def test_the_user_says_that_white_is_no_class(tmp_path: Path) -> None:
    make(tmp_path, {"train/a": numbers(2) * 255}, "sky\nroad\n")
    data = read_segmentation(tmp_path, "train", ignore=[255])
    with pytest.raises(InputError, match="show one class, sky"):
        require_two_classes(data, tmp_path)


def test_names_of_the_model_where_the_folder_has_none(tmp_path: Path) -> None:
    mask = numbers(2)
    make(tmp_path, {"val/a": mask * 255})
    data = read_segmentation(tmp_path, "val", unnamed=["sky", "road"])
    np.testing.assert_array_equal(data.images[0].labels(), mask)


def test_the_report_of_pixels(tmp_path: Path) -> None:
    mask = np.zeros(SIZE, np.uint8)
    mask[:5], mask[5:6] = 2, 255
    make(tmp_path, {"train/a": mask, "train/b": np.zeros(SIZE, np.uint8)}, "sky\nroad\ntree\n")
    (tmp_path / "train" / "images" / "c.heif").touch()
    (tmp_path / "train" / "images" / "b.png").write_bytes(b"")
    broken = tmp_path / "train" / "images" / "b.png"
    assert read_segmentation(tmp_path, "train").report.lines() == [
        "train: 1 image; pixels: sky 73.7 %, tree 26.3 %",
        "train: no pixels of road",
        f"train: 1 broken image left out: {broken}: the file is empty, an image was expected",
        "train: images in formats that are not read, left out: 1 .heif",
        "train: 5.0 % of the pixels are of no class (255)",
    ]


def two_squares(first: int, second: int) -> np.ndarray:
    mask = np.zeros(SIZE, np.uint8)
    mask[2:8, 2:8], mask[2:8, 15:22] = first, second
    return mask


def one_square(number: int) -> np.ndarray:
    return two_squares(number, 0)


def instances(folder: Path, masks: list[Callable[[], np.ndarray] | np.ndarray]) -> Path:
    for number, mask in enumerate(masks):
        write(folder / "images" / "train" / f"{number}.png", np.zeros((*SIZE, 3), np.uint8))
        write(folder / "masks" / "train" / f"{number}.png", np.asarray(mask))
    return folder


@pytest.mark.parametrize("number", [255, 1])
def test_one_number_for_all_objects_of_an_image_is_refused(tmp_path: Path, number: int) -> None:
    masks = [two_squares(number, number), one_square(number), two_squares(number, number)]
    instances(tmp_path, masks)
    message = rf"0\.png: every mask has one number, {number}, and 2 of 3 masks are in several parts"
    with pytest.raises(InputError, match=f"{message}: all objects .* segmentation network"):
        read_folder(tmp_path, "train")


def test_one_object_in_each_image_and_one_in_parts(tmp_path: Path) -> None:
    dust = one_square(255)
    dust[15, 25] = 255
    instances(tmp_path, [one_square(255), dust])
    data = read_folder(tmp_path, "train")
    assert ([len(r.boxes) for r in data.records], data.report.notes) == ([1, 1], [])
    instances(tmp_path, [one_square(1)] * 9 + [two_squares(1, 1)])
    data = read_folder(tmp_path, "train")
    assert data.report.total == 10
    assert data.report.notes == [
        "every mask has one number, 1, and 1 of 10 masks are in several parts, each taken for one "
        "object, such as 9.png"
    ]
    instances(tmp_path, [two_squares(1, 2), two_squares(1, 1)])
    assert read_folder(tmp_path, "train").report.notes == []


def test_classes_in_place_of_objects_are_noted(tmp_path: Path) -> None:
    dogs_and_cats = two_squares(1, 1)
    dogs_and_cats[12:18, 2:8] = dogs_and_cats[12:18, 15:22] = 2
    instances(tmp_path, [dogs_and_cats, two_squares(1, 2)])
    assert read_folder(tmp_path, "train").report.notes == []  # 2 of 4: may be parts that lie apart
    instances(tmp_path, [dogs_and_cats, two_squares(1, 2), dogs_and_cats])
    assert read_folder(tmp_path, "train").report.notes == [
        "4 of 6 objects are in several parts (0.png): each number of a mask is one object; if they "
        "are classes, train a segmentation network"
    ]


def test_the_border_of_pascal_voc_is_no_object(tmp_path: Path) -> None:
    """SegmentationObject has 255 around the objects, in a palette; in grey it is a number."""
    mask = two_squares(1, 2)
    mask[9, 2:8] = 255
    instances(tmp_path, [mask])
    assert len(read_folder(tmp_path, "train").records[0].boxes) == 3
    palette = Image.fromarray(mask, "P")
    palette.putpalette([(7 * value) % 256 for value in range(768)])
    palette.save(tmp_path / "masks" / "train" / "0.png")
    data = read_folder(tmp_path, "train")
    assert data.records[0].boxes.tolist() == [[2, 2, 8, 8], [15, 2, 22, 8]]
    assert data.report.notes == [
        "masks whose number 255, Pascal VOC's border, is not an object: 1 (0.png)"
    ]


def test_instances_of_a_palette(tmp_path: Path) -> None:
    instances(tmp_path, [two_squares(1, 2)])
    palette(tmp_path / "masks" / "train" / "0.png", two_squares(1, 2), 8)
    record = read_folder(tmp_path, "train").records[0]
    assert record.boxes.tolist() == [[2, 2, 8, 8], [15, 2, 22, 8]]
