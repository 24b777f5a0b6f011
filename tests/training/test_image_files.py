"""Sizes from headers, files that lists name, and what messages say lies in a folder."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgecv.data.reading.image_files import contents, find_file, list_images, upright_size
from edgecv_runtime import InputError, read_image

FORMATS = {"jpg": "JPEG", "png": "PNG", "webp": "WEBP", "tif": "TIFF", "bmp": "BMP", "gif": "GIF"}


def write(path: Path, orientation: int = 1, preview: int = 0) -> Path:
    """23 x 31 (h x w) as stored, any format; `preview` bytes in the header of a JPEG."""
    image = Image.fromarray(np.zeros((23, 31, 3), np.uint8))
    exif = image.getexif()
    exif[274] = orientation
    more = {"icc_profile": bytes(preview)} if preview else {}
    image.save(path, FORMATS[path.suffix[1:]], exif=exif, **more)
    return path


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", FORMATS)
def test_the_size_is_that_of_the_decoded_image(
    tmp_path: Path, suffix: str, orientation: int
) -> None:
    path = write(tmp_path / f"a.{suffix}", orientation)
    assert upright_size(path) == read_image(path).shape[:2]
    if suffix in ("jpg", "tif"):
        assert (upright_size(path) == (31, 23)) == (orientation >= 5)


@pytest.mark.parametrize("preview", [0, 30_000, 200_000, 400_000])
@pytest.mark.parametrize("after", [b"", b"what some cameras write after the end"])
def test_jpegs_with_long_headers(tmp_path: Path, preview: int, after: bytes) -> None:
    path = write(tmp_path / "a.jpg", 6, preview)
    assert path.stat().st_size > preview
    path.write_bytes(path.read_bytes() + after)
    assert upright_size(path) == (31, 23)


@pytest.mark.parametrize("kept", [0, 1, 10, 300, 70_000, -20])
@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_broken_images(tmp_path: Path, suffix: str, kept: int) -> None:
    path = tmp_path / f"a.{suffix}"
    noise = np.random.default_rng(0).integers(0, 255, (300, 400, 3), np.uint8)
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(InputError, match=rf"a\.{suffix}: "):
        upright_size(path)
    with pytest.raises(InputError, match=rf"a\.{suffix}: "):
        read_image(path)
    path.write_bytes(b"no image at all")
    with pytest.raises(InputError, match="cannot be decoded"):
        upright_size(path)


def test_a_format_whose_header_nobody_reads_is_decoded(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    Image.fromarray(np.zeros((23, 31, 3), np.uint8)).save(buffer, "JPEG2000")
    (tmp_path / "a.jpg").write_bytes(buffer.getvalue())
    assert upright_size(tmp_path / "a.jpg") == (23, 31)
    (tmp_path / "a.jpg").rename(tmp_path / "a.jp2")
    (tmp_path / "b.JFIF").touch()
    (tmp_path / "c.heic").touch()
    assert [path.name for path in list_images(tmp_path)] == ["a.jp2", "b.JFIF"]


def test_files_by_their_names(tmp_path: Path) -> None:
    for name in ("a.jpg", "x/a.jpg", "b\\c.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    other = tmp_path / "other"
    other.mkdir()
    roots = [other, tmp_path]
    assert find_file(roots, "/far/x/a.jpg") == tmp_path / "x" / "a.jpg"
    assert find_file(roots, "D:\\far\\a.jpg") == tmp_path / "a.jpg"
    assert find_file(roots, "b\\c.jpg") == tmp_path / "b\\c.jpg"
    for nothing in ("", "c.jpg", "a\0.jpg", "x", "..", "/"):
        assert find_file(roots, nothing) is None


def test_what_lies_in_a_folder(tmp_path: Path) -> None:
    assert contents(tmp_path / "none") == "no such folder"
    assert contents(tmp_path) == "no files"
    for name in ("a.jpg", "._a.jpg", "b.JPG", "x/1.txt", "x/2.txt", "y/LICENSE"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert contents(tmp_path) == ". (1 .JPG), . (1 .jpg), x (2 .txt), y (1 LICENSE)"
    assert contents(tmp_path, 2) == ". (1 .JPG), . (1 .jpg) and 2 more"
    assert [path.name for path in list_images(tmp_path)] == ["a.jpg", "b.JPG"]
