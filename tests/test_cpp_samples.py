"""samples/cpp, built as a project of its own: each finds what Python finds."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import edgecv
from edgecv.cli.diagnosis import self_test
from helpers.cpp_build import BUILD, ROOT, build, install, openvino_package, run
from helpers.tiny_bundle import write_tiny_bundle

SAMPLES = ROOT / "samples" / "cpp"
NDK = ROOT / "tests" / "cpp_samples" / "ndk"
CELLS = ROOT / "samples" / "data" / "cells"
CELLS_BUNDLE = ROOT / "samples" / "data" / "cells.bundle"


def onnxruntime_place() -> dict[str, str]:
    import onnxruntime

    return {"EDGECV_ONNXRUNTIME": str(Path(onnxruntime.__file__).parent)}


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    prefix = install(BUILD, tmp_path_factory.mktemp("prefix"))
    folder = tmp_path_factory.mktemp("samples")
    return build(SAMPLES, folder, prefix, openvino_package(), options=("-DSAMPLES_CAMERA=ON",))


def lines(*command: object) -> list[str]:
    return run(*command, **onnxruntime_place()).splitlines()


def ppm(image: np.ndarray, path: Path) -> Path:
    assert cv2.imwrite(str(path), image)
    return path


@pytest.fixture(scope="module")
def reduced(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reduced-width network of every family, by its name."""
    folder = tmp_path_factory.mktemp("bundles")
    with self_test.open_archive() as archive:
        archive.extractall(folder)
    return folder


def cells(size: tuple[int, int]) -> np.ndarray:
    image = cv2.imread(str(CELLS / "val" / "BloodImage_00396.jpg"))
    assert image is not None
    return cv2.resize(image, size[::-1])


def test_detect_image(samples: Path, tmp_path: Path) -> None:
    image = cells((480, 640))
    result: Any = edgecv.load(CELLS_BUNDLE, engine="onnxruntime")(image)
    assert len(result) >= 10
    found = lines(samples / "detect_image", CELLS_BUNDLE, ppm(image, tmp_path / "cells.ppm"))
    names = [line.split()[0] for line in found]
    assert names == [result.names[label] for label in result.labels]
    numbers = np.array([line.replace(",", "").replace("at ", "").split()[1:] for line in found])
    np.testing.assert_allclose(numbers[:, 0].astype(float), result.scores, atol=0.006)
    np.testing.assert_allclose(numbers[:, 1:].astype(float), result.boxes, atol=0.51)


def test_instance_masks(samples: Path, reduced: Path, tmp_path: Path) -> None:
    """The same objects, the same masks (COCO's strings), and each tinted on the image."""
    image = cells((64, 96))
    found = lines(
        samples / "instance_masks",
        reduced / "mask",
        ppm(image, tmp_path / "image.ppm"),
        tmp_path / "out.ppm",
    )
    result = edgecv.load(reduced / "mask", engine="onnxruntime")(image)
    expected = [
        f"{result.names[label]} {score:.2f} covers {mask.sum()} pixels: {rle['counts']}"
        for label, score, mask, rle in zip(
            result.labels, result.scores, result.masks, result.mask_crops.rle(), strict=True
        )
    ]
    assert found == expected
    colours = [(255, 64, 64), (64, 200, 64), (64, 96, 255), (240, 200, 40)]
    rgb = image[..., ::-1].astype(int)
    for i, mask in enumerate(result.masks):
        rgb[mask] = (rgb[mask] + colours[i % 4]) // 2
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / "out.ppm"))[..., ::-1], rgb)


def test_segment_windows(samples: Path, reduced: Path, tmp_path: Path) -> None:
    image = cells((150, 220))
    bundle = reduced / "fcn"
    model: Any = edgecv.load(bundle, engine="onnxruntime")
    model.windows = {"size": (64, 96), "overlap": 0.25, "weight": "gaussian"}
    expected = model(image)
    found = lines(
        samples / "segment_windows",
        bundle,
        ppm(image, tmp_path / "image.ppm"),
        tmp_path / "out.pgm",
        64,
        96,
    )
    mask = cv2.imread(str(tmp_path / "out.pgm"), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(mask, expected.mask)
    shares = np.bincount(expected.mask.ravel(), minlength=len(expected.names)) / expected.mask.size
    assert found == [
        f"{name} {100 * share:.1f} %" for name, share in zip(expected.names, shares, strict=True)
    ]


def test_an_engine_of_ones_own_keeps_the_contract(samples: Path, tmp_path: Path) -> None:
    image = np.full((20, 30, 3), 51, np.uint8)
    assert lines(samples / "own_engine", ppm(image, tmp_path / "i.ppm")) == ["bright 0.200"]


def test_the_plug_in_shows_four_functions(samples: Path, tmp_path: Path) -> None:
    """Opened as a host would, which knows nothing of edgecv; in a process of its own."""
    bundle = write_tiny_bundle(tmp_path / "tiny")
    host = f"""
import ctypes
plugin = ctypes.CDLL({str(samples / "detector_plugin.so")!r})
plugin.detector_error.restype = plugin.detector_open.restype = ctypes.c_void_p
pointer, number, text = ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p
plugin.detector_count.argtypes = [pointer, text, number, number, text]
plugin.detector_close.argtypes = [ctypes.c_void_p]
error = lambda: ctypes.string_at(plugin.detector_error()).decode()
detector = plugin.detector_open({str(bundle)!r}.encode())
print(plugin.detector_count(detector, b"\\xff" * (32 * 48 * 3), 32, 48, b"left"), error())
print(plugin.detector_count(detector, b"\\xff" * (32 * 48 * 3), 32, 48, b"nobody"), error())
print(plugin.detector_count(detector, None, 32, 48, b"left"), error())
plugin.detector_close(detector)
print(plugin.detector_open(b"nowhere"), error())
"""
    found = [line.strip() for line in lines("python", "-c", host)]
    assert found[:2] == ["1", "0"]
    assert found[2].startswith("-1 ") and "data" in found[2]
    assert found[3].startswith("None nowhere")
    symbols = run("nm", "-D", "--defined-only", samples / "detector_plugin.so")
    shown = {line.split()[-1] for line in symbols.splitlines()}
    # The standard library's templates may be shown, also those over edgecv's classes.
    assert [name for name in shown if name.startswith(("_ZN6edgecv", "_ZNK6edgecv"))] == []
    functions = {"detector_open", "detector_count", "detector_close", "detector_error"}
    assert functions <= shown


def test_opencv_reads_the_camera(samples: Path, tmp_path: Path) -> None:
    """White frames have two objects, black ones none; boxes are drawn into the video."""
    bundle = write_tiny_bundle(tmp_path / "tiny")
    fourcc = cv2.VideoWriter.fourcc(*"MJPG")
    writer = cv2.VideoWriter(str(tmp_path / "in.avi"), fourcc, 25, (96, 64))
    levels = [255, 0, 255]
    for level in levels:
        writer.write(np.full((64, 96, 3), level, np.uint8))
    writer.release()
    found = lines(samples / "camera_opencv", bundle, tmp_path / "in.avi", tmp_path / "out.avi")
    counts = [2 if level else 0 for level in levels]
    assert found == [f"frame {i}: {count} objects" for i, count in enumerate(counts)]
    drawn = cv2.VideoCapture(str(tmp_path / "out.avi"))
    frames = [drawn.read()[1] for _ in levels]
    assert [
        bool((abs(frame.astype(int) - level) > 60).any())
        for frame, level in zip(frames, levels, strict=True)
    ] == [True, False, True]


@pytest.mark.parametrize(
    ("sample", "arguments"),
    [
        ("detect_image", ["{nothing}", "{image}"]),
        ("detect_image", ["{bundle}", "{nothing}"]),
        ("detect_image", ["{bundle}", "{image}", "telepathy"]),
        ("instance_masks", ["{bundle}", "{image}", "{out}"]),
        ("segment_windows", ["{bundle}", "{image}", "{out}", "64", "96"]),
        ("own_engine", ["{nothing}"]),
        ("camera_opencv", ["{bundle}", "{nothing}"]),
    ],
)
def test_a_sample_says_in_one_line_what_is_wrong(
    sample: str, arguments: list[str], samples: Path, tmp_path: Path
) -> None:
    places = {
        "bundle": write_tiny_bundle(tmp_path / "tiny"),
        "image": ppm(np.zeros((8, 8, 3), np.uint8), tmp_path / "image.ppm"),
        "nothing": tmp_path / "nothing",
        "out": tmp_path / "out",
    }
    command = [samples / sample, *(argument.format(**places) for argument in arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.count("\n") == 1 and done.stderr.startswith(f"{sample}: "), done.stderr


def test_the_android_sample_compiles() -> None:
    """With Clang and its library, against declarations of what it uses of the NDK's headers."""
    command = ["clang++", "-std=c++17", "-stdlib=libc++", "-fsyntax-only", "-Wall", "-Wextra"]
    includes = ["-I", ROOT / "runtime" / "include", "-isystem", NDK]
    run(*command, "-Werror", *includes, SAMPLES / "android" / "detector_jni.cpp")
