"""read_image against Pillow, on files made here and (where they are) on the hard photos."""

from __future__ import annotations

import io
import os
import re
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import ExifTags, Image, ImageOps
from PIL.PngImagePlugin import PngInfo

from edgecv_runtime import InputError, read_image
from edgecv_runtime.images.check import check_image

PHOTOS = Path(
    os.environ.get("EDGECV_DATA", Path(__file__).parents[2].parent / "shared" / "data"), "photos"
)
CMYK_ROUNDING = 2  # levels: OpenCV and Pillow round the product of colour and black differently


@pytest.fixture(scope="module")
def random_image() -> np.ndarray:
    """uint8 [48, 64, 3] RGB, smooth, different in every corner."""
    y, x = np.mgrid[0:48, 0:64]
    channels = (x * 4, y * 5, 255 - (x + y) * 2)
    return np.stack(channels, axis=2).clip(0, 255).astype(np.uint8)


def by_pillow(path: Path) -> np.ndarray:
    """What Pillow makes of the file: upright, alpha dropped, 16 bit rounded to 8, BGR."""
    with Image.open(path) as opened:
        image = ImageOps.exif_transpose(opened)
        if image.mode.startswith("I"):
            gray = np.round(np.asarray(image) / 257).astype(np.uint8)
            return np.stack([gray] * 3, axis=2)
        if image.mode in ("LA", "PA") or "transparency" in image.info:
            image = image.convert("RGBA")
        if image.mode == "RGBA":
            return np.asarray(image)[:, :, 2::-1]
        return np.asarray(image.convert("RGB"))[:, :, ::-1]


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def reads_gif() -> bool:
    """OpenCV 4 learned GIF late, and not every build has it."""
    data = np.frombuffer(encoded(Image.new("P", (1, 1)), "GIF"), np.uint8)
    return cv2.imdecode(data, cv2.IMREAD_COLOR) is not None


needs_gif = pytest.mark.skipif(not reads_gif(), reason="this OpenCV does not read GIF")


SAVED = {
    "baseline.jpg": ("RGB", {"quality": 90}),
    "progressive.jpg": ("RGB", {"progressive": True}),
    "restarts.jpg": ("RGB", {"restart_marker_blocks": 1}),
    "gray.jpg": ("L", {}),
    "cmyk.jpg": ("CMYK", {}),
    "rgb.png": ("RGB", {}),
    "gray.png": ("L", {}),
    "gray_alpha.png": ("LA", {}),
    "rgba.png": ("RGBA", {}),
    "palette.png": ("P", {}),
    "bits.png": ("1", {}),
    "lossy.webp": ("RGB", {"quality": 80}),
    "lossless.webp": ("RGBA", {"lossless": True, "exact": True}),
    "palette.gif": ("P", {}),
    "rgb.tif": ("RGB", {}),
    "lzw.tif": ("RGB", {"compression": "tiff_lzw"}),
    "rgb.bmp": ("RGB", {}),
    "rgb.ppm": ("RGB", {}),
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=needs_gif if "gif" in name else ()) for name in SAVED]
)
def test_formats_decode_as_pillow_decodes_them(name, random_image, tmp_path):
    mode, options = SAVED[name]
    image = Image.fromarray(random_image).convert(mode)
    if "A" in mode:
        image.putalpha(Image.fromarray(random_image[:, :, 0] // 2))
    path = tmp_path / name
    image.save(path, **options)
    result = read_image(path)
    assert result.dtype == np.uint8 and result.shape == (48, 64, 3)
    assert result.flags.c_contiguous
    difference = np.abs(result.astype(int) - by_pillow(path)).max()
    assert difference <= (CMYK_ROUNDING if mode == "CMYK" else 0)


def test_alpha_is_dropped_not_composited(tmp_path):
    pixels = np.zeros((2, 2, 4), np.uint8)
    pixels[:] = (200, 100, 50, 0)
    Image.fromarray(pixels).save(tmp_path / "clear.png")
    assert (read_image(tmp_path / "clear.png") == (50, 100, 200)).all()


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_16_bits_are_rounded_not_cut(suffix, tmp_path):
    values = np.array([[0, 128, 129, 257, 32768, 65278, 65279, 65535]], np.uint16)
    path = tmp_path / f"deep.{suffix}"
    Image.fromarray(values).save(path)
    assert read_image(path)[0, :, 0].tolist() == [0, 0, 1, 1, 128, 254, 254, 255]
    assert np.round(values / 257)[0].tolist() == [0, 0, 1, 1, 128, 254, 254, 255]


@pytest.mark.parametrize(
    ("header", "samples", "expected"),
    [
        (b"P5\n3 1\n1023\n", np.array([0, 512, 1023], ">u2"), [0, 128, 255]),
        (b"P5\n# dark\n3 1 15\n", np.array([0, 7, 15], np.uint8), [0, 119, 255]),
        (b"P5 3 1 65535\n", np.array([0, 129, 65535], ">u2"), [0, 1, 255]),
    ],
)
def test_pnm_white_is_what_the_file_says(header, samples, expected, tmp_path):
    path = tmp_path / "samples.pgm"
    path.write_bytes(header + samples.tobytes())
    assert read_image(path)[0, :, 1].tolist() == expected


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["jpg", "png", "webp", "tif"])
def test_exif_orientation(kind, orientation, random_image, tmp_path):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    path = tmp_path / f"turned.{kind}"
    Image.fromarray(random_image).save(
        path, exif=exif, **({"lossless": True} if kind == "webp" else {})
    )
    result = read_image(path)
    assert result.shape[:2] == ((64, 48) if orientation >= 5 else (48, 64))
    np.testing.assert_array_equal(result, by_pillow(path))


XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:Description tiff:Orientation="6"/>'
    "</rdf:RDF></x:xmpmeta>"
)


def test_orientation_in_xmp_counts_where_exif_has_none(random_image, tmp_path):
    info = PngInfo()
    info.add_itxt("XML:com.adobe.xmp", XMP)
    Image.fromarray(random_image).save(tmp_path / "xmp.png", pnginfo=info)
    Image.fromarray(random_image).save(tmp_path / "xmp.webp", lossless=True, xmp=XMP.encode())
    upright = np.rot90(random_image, -1)[:, :, ::-1]
    np.testing.assert_array_equal(read_image(tmp_path / "xmp.png"), upright)
    np.testing.assert_array_equal(read_image(tmp_path / "xmp.webp"), upright)


def test_orientation_as_imagemagick_writes_it(random_image, tmp_path):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 3
    digits = exif.tobytes().hex()
    info = PngInfo()
    info.add_text("Raw profile type exif", f"\nexif\n{len(digits) // 2:8}\n{digits}\n", zip=True)
    Image.fromarray(random_image).save(tmp_path / "magick.png", pnginfo=info)
    np.testing.assert_array_equal(
        read_image(tmp_path / "magick.png"), np.rot90(random_image, 2)[:, :, ::-1]
    )


@pytest.mark.parametrize("exif", [b"II*\0\xff\xff\xff\xff", b"MM", b"", b"II*\0\x08\0\0\0\xff\xff"])
def test_broken_exif_does_not_matter(exif, random_image, tmp_path):
    path = tmp_path / "bad_exif.jpg"
    Image.fromarray(random_image).save(path, exif=b"Exif\0\0" + exif)
    plain = tmp_path / "plain.jpg"
    Image.fromarray(random_image).save(plain)
    np.testing.assert_array_equal(read_image(path), read_image(plain))


@needs_gif
def test_gif_gives_its_first_frame(tmp_path):
    frames = [Image.new("P", (4, 4), color) for color in (1, 2)]
    for frame in frames:
        frame.putpalette([0, 0, 0, 10, 20, 30, 200, 210, 220])
    frames[0].save(tmp_path / "two.gif", save_all=True, append_images=frames[1:])
    assert (read_image(tmp_path / "two.gif") == (30, 20, 10)).all()


def test_unicode_and_space_in_the_path(random_image, tmp_path):
    path = tmp_path / "Zoë 猫 фото.png"
    Image.fromarray(random_image).save(path)
    np.testing.assert_array_equal(read_image(str(path)), random_image[:, :, ::-1])


@pytest.mark.parametrize("fraction", [0.0, 0.02, 0.3, 0.6, 0.9, 0.99])
@pytest.mark.parametrize("name", ["baseline.jpg", "progressive.jpg", "restarts.jpg", "rgb.png",
                                  "lossy.webp", "palette.gif", "rgb.tif", "lzw.tif", "rgb.bmp",
                                  "rgb.ppm"])  # fmt: skip
def test_truncated_files_are_refused(name, fraction, random_image, tmp_path):
    mode, options = SAVED[name]
    path = tmp_path / name
    Image.fromarray(random_image).convert(mode).save(path, **options)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * fraction)])
    with pytest.raises(InputError, match=re.escape(str(path))) as raised:
        read_image(path)
    assert "\n" not in str(raised.value)


def test_jpeg_end_is_found_behind_a_thumbnail_and_before_a_trailer(random_image, tmp_path):
    thumbnail = encoded(Image.fromarray(random_image[:8, :8]), "JPEG")
    whole = encoded(Image.fromarray(random_image), "JPEG", comment=thumbnail)
    (tmp_path / "trailer.jpg").write_bytes(whole + b"maker's trailer\xff")
    assert read_image(tmp_path / "trailer.jpg").shape == (48, 64, 3)
    # The thumbnail's end-of-image marker is still there, the image's own is not.
    (tmp_path / "cut.jpg").write_bytes(whole[:-40])
    with pytest.raises(InputError, match="truncated"):
        read_image(tmp_path / "cut.jpg")


def test_png_with_a_wrong_checksum_is_refused(random_image, tmp_path):
    data = bytearray(encoded(Image.fromarray(random_image), "PNG"))
    data[data.index(b"IDAT") + 30] ^= 0xFF
    (tmp_path / "flipped.png").write_bytes(data)
    with pytest.raises(InputError, match=r"flipped\.png: cannot be decoded"):
        read_image(tmp_path / "flipped.png")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "the file is empty"),
        (b"no picture at all", "cannot be decoded"),
        (b"\xff\xd8\xff", "truncated or broken"),
        (b"\x89PNG\r\n\x1a\n", "truncated or broken"),
        (b"II*\0\xff\xff\xff\xff", "truncated or broken"),
        (b"BM", "truncated or broken"),
        (b"P5\n2 2\n255\n\0", "cannot be decoded"),
        (b"P5\n2 2\n4294967295\n" + bytes(64), "cannot be decoded"),
    ],
)
def test_what_is_no_image_is_refused(content, words, tmp_path):
    path = tmp_path / "junk.jpg"
    path.write_bytes(content)
    with pytest.raises(InputError, match=f"{re.escape(str(path))}: .*{words}"):
        read_image(path)


def test_float_samples_are_refused(tmp_path):
    path = tmp_path / "float.tif"
    assert cv2.imwrite(str(path), np.full((4, 4, 3), 0.5, np.float32))
    with pytest.raises(InputError, match=r"float\.tif: samples of type float32"):
        read_image(path)


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(InputError, match=r"gone\.png: cannot be read: No such file"):
        read_image(tmp_path / "gone.png")
    with pytest.raises(InputError, match="cannot be read: "):
        read_image(tmp_path)


def test_decompression_bomb_is_refused_before_decoding(tmp_path):
    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", 30000, 30000, 8, 2, 0, 0, 0)
    path = tmp_path / "bomb.png"
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")
    )
    with pytest.raises(InputError, match="30000 x 30000 pixels are more than the limit"):
        read_image(path)


@pytest.mark.parametrize("name", ["baseline.jpg", "rgb.png", "lossless.webp", "lzw.tif", "rgb.ppm"])
def test_altered_bytes_give_an_image_or_a_clear_error(name, random_image, tmp_path):
    mode, options = SAVED[name]
    path = tmp_path / name
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    more = {} if name.endswith("ppm") else {"exif": exif}
    Image.fromarray(random_image[:12, :16]).convert(mode).save(path, **options, **more)
    whole = path.read_bytes()
    random = np.random.default_rng(0)
    refused = 0
    for _ in range(300):
        altered = bytearray(whole)
        for place in random.integers(0, len(whole), 4):
            altered[place] = random.integers(0, 256)
        path.write_bytes(altered[: random.integers(1, 2 * len(whole))])
        try:
            result = read_image(path)
        except InputError as error:
            assert str(error).startswith(f"{path}: ") and "\n" not in str(error)
            refused += 1
        else:
            assert result.dtype == np.uint8 and result.ndim == 3 and result.shape[2] == 3
    assert refused > 50


REFUSED = {"broken_data_stream.png", "truncated_image.png", "truncated_jpeg.jpg"}


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")  # Pillow about hopper_bad_exif.jpg
@pytest.mark.skipif(not PHOTOS.is_dir(), reason=f"no photos at {PHOTOS} (set EDGECV_DATA)")
def test_hard_photos():
    suffixes = {".jpg", ".jpeg", ".png", ".gif", ".webp", ".tif", ".pgm"}
    paths = sorted(path for path in PHOTOS.rglob("*") if path.suffix in suffixes)
    assert len(paths) > 30
    refused = set()
    for path in paths:
        try:
            result = read_image(path)
        except InputError as error:
            assert str(path) in str(error)
            refused.add(path.name)
            continue
        expected = by_pillow(path)
        assert result.shape == expected.shape, path
        tolerance = CMYK_ROUNDING if "cmyk" in path.name else 0
        assert np.abs(result.astype(int) - expected).max() <= tolerance, path
    assert refused - ({"palette.gif"} if not reads_gif() else set()) == REFUSED


@pytest.mark.parametrize(
    "shape", [(5, 7, 3), (5, 7, 4), (5, 7), (3, 7, 3), (4, 4, 4), (1, 1, 3), (1, 65535)]
)
def test_check_image_hands_on_what_is_right(shape):
    image = np.zeros(shape, np.uint8)
    assert check_image(image) is image


def test_check_image_makes_one_channel_grey():
    image = np.arange(35, dtype=np.uint8).reshape(5, 7, 1)
    np.testing.assert_array_equal(check_image(image), image[:, :, 0])


def test_check_image_keeps_crops_and_copies_what_has_no_dense_rows():
    image = np.random.default_rng(0).integers(0, 256, (8, 10, 3), dtype=np.uint8)
    for view in (image[2:6, 3:8], image[::2]):
        checked = check_image(view)
        assert np.shares_memory(checked, image)
        np.testing.assert_array_equal(checked, view)
    views = (image[:, ::-1], image[::-1], image[:, :, ::-1], image.transpose(1, 0, 2))
    for view in (*views, np.broadcast_to(image[:1], (4, 10, 3))):
        checked = check_image(view)
        assert checked.flags.c_contiguous and not np.shares_memory(checked, image)
        np.testing.assert_array_equal(checked, view)


@pytest.mark.parametrize(
    ("image", "words"),
    [
        ([[1, 2], [3, 4]], "got list: convert it with numpy.asarray"),
        (Image.new("RGB", (2, 2)), r"got PIL\.Image\.Image: convert it with numpy\.asarray"),
        (np.zeros((3, 48, 64), np.uint8), r"got \[C, H, W\] = \[3, 48, 64\]: move the channels"),
        (np.zeros((1, 48, 64), np.uint8), r"got \[C, H, W\] = \[1, 48, 64\]"),
        (np.zeros((1, 48, 64, 3), np.uint8), "give the images of a batch as a list"),
        (np.zeros(48, np.uint8), r"got shape \[48\]"),
        (np.zeros((48, 64, 2), np.uint8), "an image has 1, 3 or 4 channels"),
        (np.zeros((48, 64, 3), np.float32), r"got dtype float32: scale it to 0\.\.255"),
        (np.zeros((48, 64, 3), np.uint16), "got dtype uint16: convert it to 8 bit"),
        (np.zeros((48, 64, 3), bool), "got dtype bool"),
        (np.zeros((0, 64, 3), np.uint8), r"empty shape \[0, 64, 3\]"),
        (np.zeros((1, 65536), np.uint8), r"at most 65535, got shape \[1, 65536\]"),
    ],
)
def test_check_image_refuses(image, words):
    with pytest.raises(InputError, match=words) as raised:
        check_image(image)
    assert "\n" not in str(raised.value)
