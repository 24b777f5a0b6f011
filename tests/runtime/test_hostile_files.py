"""Files made to hang, to fill the memory or to raise what nobody expects: each is one line."""

from __future__ import annotations

import errno
import io
import os
import struct
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

import edgecv
from edgecv.cli.checkpoints.bundle import is_checkpoint
from edgecv.cli.main import main
from edgecv.data.detection_folder import read_folder
from edgecv.data.reading.image_files import upright_size
from edgecv.data.reading.label_images import read_numbers
from edgecv.data.reading.names_file import read_names
from edgecv.data.reading.text import read_json, read_xml
from edgecv.data.yolo.data_file import read_data_file
from edgecv.models.weights.checkpoint import load_checkpoint
from edgecv.models.weights.files import read_state_dict
from edgecv_runtime import BundleError, InputError
from edgecv_runtime.engines.built.file import read_engines
from edgecv_runtime.images.read import read_image
from edgecv_runtime.one_line import one_line
from helpers.tiny_bundle import write_tiny_bundle

POSIX = pytest.mark.skipif(os.name != "posix", reason="special files")


def _jpeg() -> bytes:
    return cv2.imencode(".jpg", np.zeros((16, 16, 3), np.uint8))[1].tobytes()


# --- images ---


def _png_of(height: int, width: int, depth: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", b""), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + bytes(4) for kind, body in chunks
    )


def _jpeg_2000_of(height: int, width: int) -> bytes:
    body = struct.pack(">HHIIIIIIIIH", 47, 0, width, height, 0, 0, width, height, 0, 0, 3)
    return b"\xff\x4f\xff\x51" + body + bytes([7, 1, 1] * 3)


def _avif_of(height: int, width: int) -> bytes:
    extent = struct.pack(">I4sIII", 20, b"ispe", 0, width, height)
    return b"\0\0\0\x18ftypavif\0\0\0\0mif1miaf" + extent + bytes(20)


def _tiff_of(height: int, width: int, bits: int) -> bytes:
    tags = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, bits)]
    entries = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4)


@pytest.mark.parametrize(
    ("content", "limit"),
    [
        (_png_of(16385, 16384, 8), 1 << 28),
        (_png_of(11586, 11586, 16), 1 << 27),
        (_jpeg_2000_of(16385, 16384), 1 << 28),
        (_avif_of(16385, 16384), 1 << 28),
        (_tiff_of(11586, 11586, 16), 1 << 27),
        (_tiff_of(8193, 8192, 32), 1 << 26),
        (b"P6 11586 11586 65535\n", 1 << 27),
    ],
)
def test_the_limit_is_on_decoded_bytes(content: bytes, limit: int, tmp_path: Path) -> None:
    (tmp_path / "bomb").write_bytes(content)
    with pytest.raises(InputError, match=f"bomb: .* pixels are more than the limit of {limit}: "):
        read_image(tmp_path / "bomb")


@pytest.mark.parametrize(
    "start",
    [b"II+\0\x08\0\0\0", b"v/1\x01", b"#?RADIANCE\n", b"Pf\n", b"P7\n", b"\x59\xa6\x6a\x95"],
)
def test_formats_that_are_not_listed_are_refused(start: bytes, tmp_path: Path) -> None:
    """BigTIFF, OpenEXR, HDR, PFM, PAM and Sun's raster: OpenCV opens them."""
    (tmp_path / "odd").write_bytes(start + bytes(2000))
    with pytest.raises(InputError, match="odd: cannot be decoded: another format; expected JPEG, "):
        read_image(tmp_path / "odd")


@pytest.mark.parametrize("suffix", [".jp2", ".avif"])
def test_jpeg_2000_and_avif_are_still_read(suffix: str, tmp_path: Path) -> None:
    done, data = cv2.imencode(suffix, np.full((72, 80, 3), 90, np.uint8))
    assert done
    (tmp_path / "x").write_bytes(data.tobytes())
    assert read_image(tmp_path / "x").shape == (72, 80, 3)


def test_a_jpeg_of_many_scans_is_refused(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes()
    (tmp_path / "good.jpg").write_bytes(data)
    assert read_image(tmp_path / "good.jpg").shape == (64, 64, 3)
    scan = data.rindex(b"\xff\xda")
    (tmp_path / "bomb.jpg").write_bytes(data[:-2] + data[scan:-2] * 100 + b"\xff\xd9")
    with pytest.raises(InputError, match=r"a JPEG of 1.. scans, 100 at most"):
        read_image(tmp_path / "bomb.jpg")


def test_a_large_jpeg_has_fewer_scans(tmp_path: Path) -> None:
    """A hundred of this size take more than a minute."""
    data = cv2.imencode(".jpg", np.zeros((16, 16, 3), np.uint8), [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[
        1
    ].tobytes()
    frame = data.index(b"\xff\xc2")
    data = data[: frame + 5] + struct.pack(">HH", 16000, 16000) + data[frame + 9 :]
    scan = data.rindex(b"\xff\xda")
    (tmp_path / "bomb.jpg").write_bytes(data[:-2] + data[scan:-2] * 20 + b"\xff\xd9")
    with pytest.raises(InputError, match=r"a JPEG of .. scans, 16 at most"):
        read_image(tmp_path / "bomb.jpg")


def tiff(*sizes: tuple[int, int, int, int]) -> bytes:
    """`sizes`: tags as tag, kind, count, value."""
    rest = ((258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1), (273, 4, 1, 8), (277, 3, 1, 1))
    tags = [*sizes, *rest, (278, 4, 1, 8), (279, 4, 1, 64)]
    entries = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    return struct.pack("<4sIH", b"II*\0", 8, len(tags)) + entries + bytes(100)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        # The decoder takes the first of two tags, and would make 900 megapixels.
        (
            tiff((256, 4, 1, 30000), (256, 4, 1, 8), (257, 4, 1, 30000), (257, 4, 1, 8)),
            "30000 x 30000 pixels",
        ),
        (tiff((256, 16, 1, 8), (256, 4, 1, 8), (257, 4, 1, 8)), "without a size"),
        # A comment ends with a carriage return, too.
        (b"P5 #c\r30000 30000 255\n8 8 255\n" + bytes(64), "30000 x 30000 pixels"),
        # 35 bytes, for which the decoder asks for 1.7 GB
        (b"GIF89a" + struct.pack("<HHBBB", 16000, 16000, 0x80, 0, 0) + bytes(30), "134217728"),
    ],
    ids=["tag twice", "size of another form", "comment", "gif"],
)
def test_sizes_are_read_as_the_decoder_reads_them(
    data: bytes, message: str, tmp_path: Path
) -> None:
    (tmp_path / "x").write_bytes(data)
    with pytest.raises(InputError, match=message):
        read_image(tmp_path / "x")


def test_an_image_file_larger_than_memory_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "x.png").open("wb") as file:
        file.truncate(1 << 40)  # takes no place on the disk
    for read in (read_image, upright_size, lambda path: read_numbers(path, "numbers")):
        with pytest.raises(InputError, match=r"x\.png: 1,099,511,627,776 bytes, expected an image"):
            read(tmp_path / "x.png")


def test_a_path_that_is_too_long_is_no_bundle() -> None:
    with pytest.raises(BundleError, match=r"aaa\.\.\.: cannot be read: File name too long"):
        edgecv.load("a" * 5000)


def test_a_bmp_of_os2_is_read(tmp_path: Path) -> None:
    rows = bytes([10, 20, 30] * 4) * 2  # 4 x 2 pixels, BGR; rows are multiples of 4 bytes
    header = struct.pack("<2sIHHI", b"BM", 26 + len(rows), 0, 0, 26)
    (tmp_path / "os2.bmp").write_bytes(header + struct.pack("<IHHHH", 12, 4, 2, 1, 24) + rows)
    image = read_image(tmp_path / "os2.bmp")
    assert image.shape == (2, 4, 3)
    assert (image == [10, 20, 30]).all()


def test_arrays_have_the_same_limit() -> None:
    from edgecv_runtime.images.check import check_image

    huge = np.broadcast_to(np.zeros((1, 1, 3), np.uint8), (1 << 14, (1 << 14) + 1, 3))
    with pytest.raises(InputError, match="of at most 805306368 bytes, got shape"):
        check_image(huge)


# --- special files and paths ---


@POSIX
@pytest.mark.parametrize("kind", ["fifo", "device"])
def test_special_files_are_refused_and_not_waited_for(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    if kind == "fifo":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero")
    for read in (edgecv.load, read_image, read_names, read_json, read_xml, read_state_dict):
        with pytest.raises((InputError, BundleError), match=r"x\.zip"):
            read(path)
    (tmp_path / "engines.json").symlink_to(path)
    with pytest.raises(BundleError, match=r"engines\.json is not a file"):
        read_engines(tmp_path)


def test_a_zero_in_a_path_is_one_line() -> None:
    for read in (edgecv.load, read_image, read_names):
        with pytest.raises((InputError, BundleError)):
            read("a\0b")


@POSIX
@pytest.mark.parametrize("place", ["/dev/zero", "/proc", "/sys"])
def test_a_data_file_that_leads_into_the_system(place: str, tmp_path: Path) -> None:
    (tmp_path / "data.yaml").write_text(f"path: {place}\ntrain: {place}\nval: .\nnames: [a]\n")
    with pytest.raises(InputError, match="which is of the system"):
        read_folder(tmp_path, "train")


# --- archives and checkpoints ---


def test_a_zip_of_a_million_entries_is_refused_by_its_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with zipfile.ZipFile(tmp_path / "many.zip", "w") as archive:
        for number in range(25_000):  # the list is what counts
            archive.writestr(f"{number:06}", b"")
    with pytest.raises(BundleError, match=r"many\.zip: lists 1,300,000 bytes of entries"):
        edgecv.load(tmp_path / "many.zip")
    # The command line asks first whether it is a checkpoint, which is a zip as well.
    monkeypatch.setattr(zipfile, "ZipFile", None)
    assert not is_checkpoint(tmp_path / "many.zip")


@pytest.mark.parametrize("name", [".", "./", "/", "a:b", "..", "\\"])
def test_odd_names_in_a_zip(name: str, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "odd.zip", "w") as archive:
        archive.writestr(zipfile.ZipInfo(name), b"")
    with pytest.raises(BundleError, match=r"holds a path that leaves it|holds no bundle"):
        edgecv.load(tmp_path / "odd.zip")


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2, zipfile.ZIP_DEFLATED])
def test_damage_within_a_member_is_one_line(method: int, tmp_path: Path) -> None:
    folder = write_tiny_bundle(tmp_path / "tiny")
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for path in folder.iterdir():
            archive.write(path, path.name)
    data = bytearray(file.getvalue())
    data[40:120] = bytes(80)
    (tmp_path / "bad.zip").write_bytes(data)
    with pytest.raises(BundleError, match=r"bad\.zip: damaged \(.*\); expected the \.zip"):
        edgecv.load(tmp_path / "bad.zip")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("state_dict", [1]),
        ("state_dict", {1: torch.ones(1)}),
        ("state_dict", {"a": 3}),
        ("labels", [1, 2]),
        ("arguments", {1: 2}),
        ("architecture", 7),
        ("input", None),
    ],
)
def test_parts_of_a_checkpoint_of_another_type(key: str, value: object, tmp_path: Path) -> None:
    content = {"format": 1, "architecture": "ssd_tiny", "arguments": {}, "labels": [], "input": {}}
    torch.save({**content, "state_dict": {}, key: value}, tmp_path / "x.pt")
    with pytest.raises(InputError, match=rf"x\.pt: broken checkpoint: {key} is not"):
        load_checkpoint(tmp_path / "x.pt")


def test_an_npz_that_claims_4_tib(tmp_path: Path) -> None:
    file = io.BytesIO()
    np.save(file, np.zeros(2, np.float32))
    member = file.getvalue().replace(b"(2,), }" + b" " * 12, b"(1099511627776,), }")
    assert len(member) == len(file.getvalue()) and b"1099511627776" in member
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("w.npy", member)
    with pytest.raises(InputError, match=r"x\.npz: "):
        read_state_dict(tmp_path / "x.npz")


# --- text ---


def test_a_long_list_of_names_is_refused_by_its_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (tmp_path / "names.txt").open("wb") as file:
        file.truncate(1 << 30)
    with pytest.raises(InputError, match=r"names\.txt: more than 64 MB"):
        read_names(tmp_path / "names.txt")


def test_binary_names_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_bytes(bytes(range(256)) * 3)
    with pytest.raises(InputError, match=r"names\.txt: "):
        read_names(tmp_path / "names.txt")


def test_yaml_aliases_are_not_followed(tmp_path: Path) -> None:
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    lines += [
        f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]"
        for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    ]
    (tmp_path / "data.yaml").write_text("\n".join([*lines, "train: .", "names: *i"]))
    with pytest.raises(InputError, match=r"data\.yaml: broken YAML: aliases"):
        read_data_file(tmp_path / "data.yaml")


@pytest.mark.parametrize(
    "names", ["{0: a, [1]: b}", "{0: a, x: b}", "[" * 5000, "{0: " + "y" * 5000 + ", 2: b}"]
)
def test_odd_names_in_yaml_are_one_short_line(names: str, tmp_path: Path) -> None:
    (tmp_path / "data.yaml").write_text(f"train: .\nnames: {names}\n")
    with pytest.raises(InputError, match=r"data\.yaml: ") as refusal:
        read_data_file(tmp_path / "data.yaml")
    assert len(str(refusal.value)) < 600 + len(str(tmp_path))
    assert "\n" not in str(refusal.value)


def test_deep_json_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("[" * 100_000)
    with pytest.raises(InputError, match=r"x\.json: broken JSON"):
        read_json(tmp_path / "x.json")


@pytest.mark.parametrize("label", ["300000000", "100000", "9" * 400])
def test_class_numbers_have_a_limit(label: str, tmp_path: Path) -> None:
    (tmp_path / "images" / "train").mkdir(parents=True)
    (tmp_path / "labels" / "train").mkdir(parents=True)
    (tmp_path / "images" / "train" / "a.jpg").write_bytes(_jpeg())
    (tmp_path / "labels" / "train" / "a.txt").write_text(f"{label} 0.5 0.5 0.1 0.1\n")
    with pytest.raises(InputError, match=r"a\.txt:1: class .*; expected one of at most 100000"):
        read_folder(tmp_path, "train")


@pytest.mark.parametrize("threads", [0, 30000, 2147483648])
def test_threads_have_a_limit(threads: int, tmp_path: Path) -> None:
    folder = write_tiny_bundle(tmp_path / "tiny")
    with pytest.raises(InputError, match=f"threads: expected 1 to 1024, got {threads}"):
        edgecv.load(folder, threads=threads)


def test_what_the_fuzzers_found(tmp_path: Path) -> None:
    (tmp_path / "engines.json").write_text('{"schema": 1, "engines' + "[" * 3000 + '": []}')
    with pytest.raises(BundleError, match=r"engines\.json: ") as refusal:
        read_engines(tmp_path)
    assert len(str(refusal.value)) < 500 + len(str(tmp_path))
    (tmp_path / "data.yaml").write_text(f"train: {'long' * 300}\nnames: [a]\n")
    with pytest.raises(InputError):
        read_folder(tmp_path, "train")
    png = bytearray(cv2.imencode(".png", np.zeros((4, 4), np.uint8))[1].tobytes())
    png[24] = 0  # bits of a pixel
    (tmp_path / "mask.png").write_bytes(png)
    with pytest.raises(InputError, match=r"mask\.png: "):
        read_numbers(tmp_path / "mask.png", "class numbers")


def test_a_file_that_a_manifest_names_is_shown_in_one_line_that_ends() -> None:
    with pytest.raises(InputError) as refusal, one_line("a\nb" + "[" * 3000, "expected anchors"):
        raise OSError(errno.ENAMETOOLONG, "File name too long")
    text = str(refusal.value)
    assert text.startswith("a\\nb[[[") and len(text) < 1100
    assert text.endswith("...: cannot be read: File name too long; expected anchors")


@POSIX
@pytest.mark.parametrize("command", ["info", "predict", "eval", "build"])
def test_a_device_is_no_bundle_and_no_checkpoint(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of /dev/zero, zipfile would read until the memory is full."""
    seen = []
    ask = zipfile.is_zipfile

    def is_zipfile(path: object) -> bool:
        seen.append(str(path))
        return str(path) != "/dev/zero" and ask(path)  # type: ignore[arg-type]

    monkeypatch.setattr(zipfile, "is_zipfile", is_zipfile)
    more = {"predict": ["a.png"], "eval": ["--data", "."], "build": ["--precision", "fp16"]}
    try:
        status = main([command, "/dev/zero", *more.get(command, [])])
    except SystemExit as end:
        status = int(str(end.code))
    assert status == 2 and "edgecv: error: " in capsys.readouterr().err
    assert seen == []
