"""The C++ library as an application gets it: installed, and found by a project of its own."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

import edgecv
from tiny_bundle import write_tiny_bundle

ROOT = Path(__file__).parents[1]
HEADERS = ROOT / "runtime" / "include" / "edgecv"
# That of `make test-cpp`, so that the library is compiled once.
BUILD = ROOT / "build" / "cpp-tests-sanitize-OFF"


def openvino_package() -> Path:
    spec = importlib.util.find_spec("openvino")
    assert spec is not None and spec.origin is not None, "pip install 'edgecv[dev]'"
    return Path(spec.origin).parent


def run(*command: object) -> str:
    """With the CMake and Ninja of this environment first."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        env={**os.environ, "PATH": path},
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the library is installed."""
    folder = tmp_path_factory.mktemp("prefix")
    found = f"-DCMAKE_PREFIX_PATH={openvino_package()}"
    run("cmake", "-S", ROOT / "runtime", "-B", BUILD, "-G", "Ninja", "-DEDGECV_OPENVINO=ON", found)
    run("cmake", "--build", BUILD, "--target", "edgecv_core", "edgecv_openvino")
    run("cmake", "--install", BUILD, "--prefix", folder, "--component", "cpp")
    return folder


def build(project: Path, prefix: Path, folder: Path, *packages: Path) -> Path:
    places = ";".join(map(str, (prefix, *packages)))
    run("cmake", "-S", project, "-B", folder, "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={places}")
    run("cmake", "--build", folder)
    return folder


def test_the_sample_finds_what_python_finds(prefix: Path, tmp_path: Path) -> None:
    built = build(ROOT / "samples" / "cpp", prefix, tmp_path / "build", openvino_package())
    bundle = write_tiny_bundle(tmp_path / "tiny")
    photo = tmp_path / "photo.ppm"
    picture = np.full((64, 96, 3), (200, 250, 240), np.uint8)
    cv2.imwrite(str(photo), picture)
    result = edgecv.load(bundle)(picture)
    assert len(result) == 2
    expected = [
        f"{result.names[label]} {score:.2f} at {', '.join(f'{edge:.0f}' for edge in box)}"
        for box, score, label in zip(result.boxes, result.scores, result.labels, strict=True)
    ]
    assert run(built / "detect_photo", bundle, photo).splitlines() == expected

    done = subprocess.run([built / "detect_photo", tmp_path, photo], capture_output=True, text=True)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.count("\n") == 1 and "no bundle.json" in done.stderr


def test_an_engine_of_ones_own_as_documented(prefix: Path, tmp_path: Path) -> None:
    """docs/cpp.md; a project that knows nothing of OpenVINO."""
    blocks = re.findall(r"^```cpp\n(.*?)^```", (ROOT / "docs" / "cpp.md").read_text(), re.M | re.S)
    (code,) = (block for block in blocks if "int main" in block)
    project = tmp_path / "project"
    project.mkdir()
    (project / "main.cpp").write_text(code)
    (project / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.24)\n"
        "project(app LANGUAGES CXX)\n"
        "find_package(edgecv 0.1 REQUIRED)\n"
        "add_executable(app main.cpp)\n"
        "target_link_libraries(app PRIVATE edgecv::edgecv)\n"
    )
    golden = ROOT / "tests" / "golden" / "bundle_v2_classify" / "bundle.json"
    record = json.loads(golden.read_text())
    record["labels"] = ["bright"]
    record["input"] |= {"size": [8, 8], "resize": "stretch", "crop": None}
    record["input"] |= {"mean": [0, 0, 0], "std": [1, 1, 1]}
    (graph,) = record["graphs"]["main"]
    graph["inputs"] = [{"name": "images", "dtype": "float32", "shape": [None, 3, 8, 8]}]
    graph["outputs"] = [{"name": "scores", "dtype": "float32", "shape": [None, 1]}]
    record["postprocess"] = {
        "method": "classify",
        "scores": {"output": "scores", "function": "none"},
        "topk": 5,
    }
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    (bundle / "bundle.json").write_text(json.dumps(record))
    built = build(project, prefix, tmp_path / "build")
    assert run(built / "app", bundle) == "bright 0.200\n"  # 51 of 255


def test_the_umbrella_header_has_all_but_the_engines() -> None:
    included = set(re.findall(r'#include "edgecv/(.*)"', (HEADERS / "edgecv.hpp").read_text()))
    others = {path.name for path in HEADERS.glob("*.hpp")} - {"edgecv.hpp"}
    assert included == others - {"openvino.hpp"}
