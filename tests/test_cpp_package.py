"""The C++ library as an application gets it: installed, and found by a project of its own."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest

import edgecv
from helpers import printed_results
from helpers.cpp_build import (
    BUILD,
    ROOT,
    alone_in,
    build,
    configure,
    install,
    openvino_package,
    run,
)
from helpers.tiny_bundle import write_tiny_bundle

HEADERS = ROOT / "runtime" / "include" / "edgecv"
OLD_PATHS = ROOT / "runtime" / "old_paths" / "edgecv"


@pytest.fixture(scope="module")
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the library is installed."""
    return install(BUILD, tmp_path_factory.mktemp("prefix"))


def test_the_sample_finds_what_python_finds(prefix: Path, tmp_path: Path) -> None:
    built = build(ROOT / "samples" / "cpp", tmp_path / "build", prefix, openvino_package())
    bundle = write_tiny_bundle(tmp_path / "tiny")
    photo = tmp_path / "photo.ppm"
    picture = np.full((64, 96, 3), (200, 250, 240), np.uint8)
    cv2.imwrite(str(photo), picture)
    result = edgecv.load(bundle)(picture).filter(0.5)
    assert len(result) == 2
    expected = [
        f"{result.names[label]} {score:.2f} at {', '.join(f'{edge:.0f}' for edge in box)}"
        for box, score, label in zip(result.boxes, result.scores, result.labels, strict=True)
    ]
    assert run(built / "detect_image", bundle, photo).splitlines() == expected

    done = subprocess.run([built / "detect_image", tmp_path, photo], capture_output=True, text=True)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.count("\n") == 1 and "no bundle.json" in done.stderr


def test_the_quick_start_finds_the_cells_that_python_finds(prefix: Path, tmp_path: Path) -> None:
    """docs/cpp.md, in folders of the test's own; the library is compiled where it always is."""
    page = (ROOT / "docs" / "cpp.md").read_text()
    (block,) = re.findall(r"^## Quick start\n.*?^```\n(.*?)^```", page, re.M | re.S)
    places = {"build/cpp": BUILD, "$PWD/build/edgecv": prefix, "build/edgecv": prefix}
    places |= {"build/samples": tmp_path / "samples", "build/cells.ppm": tmp_path / "cells.ppm"}
    shown = "|".join(map(re.escape, places))
    assert set(re.findall(shown, block)) == set(places)
    block = re.sub(shown, lambda place: str(places[place[0]]), block)
    python = f"PATH={Path(sys.executable).parent}:$PATH; cd {ROOT}; set -e\n"
    with alone_in(BUILD):
        lines = run("bash", "-c", python + block).splitlines()

    photo = ROOT / "samples/data/cells/val/BloodImage_00396.jpg"
    result = edgecv.load(ROOT / "samples/data/cells.bundle", engine="openvino")(photo)
    expected = [
        (result.names[label], score, *box)
        for box, score, label in zip(result.boxes, result.scores, result.labels, strict=True)
    ]
    cells = [re.fullmatch(r"(\w+) ([\d.]+) at (.*)", line) for line in lines]
    found = [(cell[1], float(cell[2]), *map(float, cell[3].split(","))) for cell in cells if cell]
    assert len(found) == len(expected) >= 10
    assert [name for name, *_ in found] == [name for name, *_ in expected]
    # Printed with two decimals, and in whole pixels.
    np.testing.assert_allclose([cell[1] for cell in found], [c[1] for c in expected], atol=0.006)
    np.testing.assert_allclose([cell[2:] for cell in found], [c[2:] for c in expected], atol=0.51)


def test_the_first_lines_of_the_page(prefix: Path, tmp_path: Path) -> None:
    """docs/cpp.md: load in one line, and its options, from a folder and from a zip."""
    page = (ROOT / "docs" / "cpp.md").read_text()
    first, second, *others = re.findall(r"^```cpp\n(.*?)^```", page, re.M | re.S)
    (submits,) = (block for block in others if "Submitter" in block)
    archive = shutil.make_archive(
        str(tmp_path / "cells"), "zip", ROOT / "samples/data/cells.bundle"
    )
    assert second.count('"people.zip"') == 1
    second = second.replace('"people.zip"', f'"{archive}"')
    photo = ROOT / "samples/data/cells/val/BloodImage_00396.jpg"
    pixels = cv2.imread(str(photo))
    (tmp_path / "pixels").write_bytes(pixels.tobytes())
    height, width = pixels.shape[:2]
    include = "#include <edgecv/edgecv.hpp>\n"
    assert first.startswith(include)
    project = tmp_path / "project"
    project.mkdir()
    (project / "main.cpp").write_text(f"""
#include <cstdio>
#include <fstream>
#include <iterator>
#include <vector>
{include}
int main() {{
  std::ifstream file("{tmp_path / "pixels"}", std::ios::binary);
  std::vector<char> pixels{{std::istreambuf_iterator<char>(file), {{}}}};
  struct {{
    const unsigned char* data;
    int rows, cols;
    std::size_t step;
  }} mat{{reinterpret_cast<unsigned char*>(pixels.data()), {height}, {width}, {3 * width}}};
  {{ {first.removeprefix(include)} }}
  {{ {first.removeprefix(include).split("for (")[0]} {submits} }}
  {{ {second} }}
}}
""")
    (project / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.16)\n"
        "project(app LANGUAGES CXX)\n"
        "find_package(edgecv 0.1 REQUIRED COMPONENTS openvino)\n"
        "add_executable(app main.cpp)\n"
        "target_link_libraries(app PRIVATE edgecv::openvino)\n"
    )
    program = build(project, tmp_path / "build", prefix, openvino_package()) / "app"
    done = subprocess.run([program], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    *lines, one, other, last = done.stdout.splitlines()
    assert last == "openvino on cpu"
    result = edgecv.load(ROOT / "samples/data/cells.bundle", engine="openvino")(photo)
    found = [re.fullmatch(r"(\w+) ([\d.]+) at ([\d-]+), ([\d-]+)", line) for line in lines]
    assert len(found) == len(result) >= 10 and all(found)
    assert one == other == f"{len(result)} objects"
    for line, box, score, label in zip(
        found, result.boxes, result.scores, result.labels, strict=True
    ):
        assert line is not None and line[1] == result.names[label]
        assert abs(float(line[2]) - score) < 0.006
        assert np.abs(np.array([line[3], line[4]], float) - box[:2]).max() < 0.51


@pytest.fixture(scope="module")
def run_bundle(prefix: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run_bundle")
    project = ROOT / "tests" / "cpp_package"
    return build(project, folder, prefix, openvino_package()) / "run_bundle"


@pytest.mark.parametrize("name", ["v1", "v1_rcnn", "v2_classify", "v2_segment", "v2_style"])
def test_the_openvino_engine_is_that_of_python(name: str, run_bundle: Path, tmp_path: Path) -> None:
    golden = ROOT / "tests" / "golden" / f"bundle_{name}"
    image = np.random.default_rng(5).integers(0, 256, (96, 128, 3), np.uint8)
    (tmp_path / "image").write_bytes(image.tobytes())
    model = edgecv.load(golden, engine="openvino", threads=1)
    if isinstance(model, edgecv.Stylizer):
        model.tiling = "always"
    command = [run_bundle, "openvino", golden, 96, 128, tmp_path / "image"]
    printed = run(*command)
    printed_results.compare(printed, model(image), 1e-5)
    # The same bytes from elsewhere.
    archive = shutil.make_archive(str(tmp_path / "zipped"), "zip", golden)
    for source in (archive, f"memory:{golden}"):
        command[2] = source
        assert run(*command) == printed


def test_what_openvino_cannot_load_is_one_line(run_bundle: Path, tmp_path: Path) -> None:
    bundle = write_tiny_bundle(tmp_path / "tiny")
    model = onnx.load(bundle / "main.onnx")
    model.graph.node[0].op_type = "Nonsense"
    content = model.SerializeToString()
    (bundle / "main.onnx").write_bytes(content)
    record = json.loads((bundle / "bundle.json").read_text())
    record["graphs"]["main"][0]["sha256"] = hashlib.sha256(content).hexdigest()
    (bundle / "bundle.json").write_text(json.dumps(record))
    done = subprocess.run(
        [run_bundle, "openvino", bundle, "1", "1", os.devnull], capture_output=True, text=True
    )
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert done.stderr.startswith(f"openvino cannot load {bundle}/main.onnx: ")


def test_what_openvino_finds_while_it_runs_is_one_line(run_bundle: Path, tmp_path: Path) -> None:
    """A second stage that wants features of an image that is not there."""
    bundle = shutil.copytree(ROOT / "tests" / "golden" / "bundle_v1_rcnn", tmp_path / "rcnn")
    before = (bundle / "mask.onnx").read_bytes()
    model = onnx.load_from_string(before)
    fill = next(node for node in model.graph.node if node.op_type == "ConstantOfShape")
    fill.attribute[0].t.raw_data = (7).to_bytes(8, "little")
    content = model.SerializeToString()
    (bundle / "mask.onnx").write_bytes(content)
    record = (bundle / "bundle.json").read_text()
    hashes = (hashlib.sha256(graph).hexdigest() for graph in (before, content))
    (bundle / "bundle.json").write_text(record.replace(*hashes))
    image = np.random.default_rng(5).integers(0, 256, (96, 128, 3), np.uint8)
    (tmp_path / "image").write_bytes(image.tobytes())
    command = [run_bundle, "openvino", bundle, "96", "128", tmp_path / "image"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert done.stderr.startswith("openvino failed: ")


def test_an_engine_of_ones_own_as_documented(prefix: Path, tmp_path: Path) -> None:
    """docs/cpp.md; a project that knows nothing of OpenVINO."""
    blocks = re.findall(r"^```cpp\n(.*?)^```", (ROOT / "docs" / "cpp.md").read_text(), re.M | re.S)
    (code,) = (block for block in blocks if "int main" in block)
    project = tmp_path / "project"
    project.mkdir()
    (project / "main.cpp").write_text(code)
    (project / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.16)\n"
        "project(app LANGUAGES CXX)\n"
        "find_package(edgecv 0.1 REQUIRED)\n"
        "add_executable(app main.cpp)\n"
        "target_link_libraries(app PRIVATE edgecv::edgecv)\n"
        "add_executable(without without.cpp)\n"
        "target_link_libraries(without PRIVATE edgecv::edgecv)\n"
    )
    (project / "without.cpp").write_text(
        "#include <cstdio>\n"
        "#include <edgecv/edgecv.hpp>\n"
        "int main(int, char** arguments) {\n"
        "  try {\n"
        "    edgecv::load(arguments[1]);\n"
        "  } catch (const edgecv::Error& error) {\n"
        "    std::puts(error.what());\n"
        "  }\n"
        "}\n"
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
    built = build(project, tmp_path / "build", prefix)
    assert run(built / "app", bundle) == "bright 0.200\n"  # 51 of 255
    assert run(built / "without", bundle) == (
        "no engine is linked: link edgecv::onnxruntime or edgecv::openvino, or register one of "
        "your own\n"
    )


def test_the_application_of_the_tutorial(prefix: Path, tmp_path: Path) -> None:
    page = (ROOT / "docs" / "tutorials" / "cpp_application.md").read_text()
    blocks = dict(re.findall(r"^```(cmake|cpp)\n(.*?)^```", page, re.M | re.S))
    project = tmp_path / "app"
    project.mkdir()
    (project / "CMakeLists.txt").write_text(blocks["cmake"])
    (project / "main.cpp").write_text(blocks["cpp"])
    program = build(project, tmp_path / "build", prefix, openvino_package()) / "count_objects"
    bundle = write_tiny_bundle(tmp_path / "tiny")  # finds two objects on white, none on black
    frames = np.stack([np.full((48, 64, 3), level, np.uint8) for level in (255, 0)])
    done = subprocess.run(
        [program, bundle, "48", "64"], input=frames.tobytes(), capture_output=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode().splitlines() == [
        "frame 0: 1 left 1 right",
        "frame 1: 0 left 0 right",
    ]
    failed = subprocess.run([program, tmp_path, "48", "64"], input=b"", capture_output=True)
    assert failed.returncode == 2 and failed.stderr.startswith(b"count_objects: ")
    wrong = subprocess.run([program, bundle, "0", "64"], input=b"", capture_output=True, timeout=60)
    assert wrong.returncode == 2 and wrong.stderr.startswith(b"usage: ")


ASKING = """
cmake_minimum_required(VERSION 3.16)
project(asking LANGUAGES CXX)
function(ask)
  string(JOIN " " request ${ARGN})
  set(CMAKE_MESSAGE_INDENT "asked for ${request}: ")
  find_package(edgecv 0.1 ${ARGN})
  message(STATUS "found ${edgecv_FOUND}, openvino ${edgecv_openvino_FOUND}")
  if(edgecv_FOUND AND NOT TARGET edgecv::edgecv)
    message(FATAL_ERROR "there is no edgecv::edgecv")
  endif()
  if(NOT edgecv_FOUND)
    message(STATUS "because ${edgecv_NOT_FOUND_MESSAGE}")
  endif()
endfunction()
"""


def asked(prefix: Path, folder: Path, *requests: str) -> list[list[str]]:
    """What CMake says to each request for components, in a project of its own."""
    folder.mkdir()
    calls = "".join(f"ask({request})\n" for request in requests)
    (folder / "CMakeLists.txt").write_text(ASKING + calls)
    said = configure(folder, folder / "build", f"-DCMAKE_PREFIX_PATH={prefix}")
    return [re.findall(rf"asked for {request}: (.*)", said) for request in requests]


def test_components_that_are_not_there_are_named(prefix: Path, tmp_path: Path) -> None:
    """Optional ones leave the package usable."""
    requests = ["", "OPTIONAL_COMPONENTS openvino", "COMPONENTS openvino", "COMPONENTS camera"]
    none, optional, required, unknown = asked(prefix, tmp_path / "nowhere", *requests)
    needs = f"its component openvino needs OpenVINO {openvino_version()}, which was not found: "
    needs += "add its folder to CMAKE_PREFIX_PATH"
    assert none[-1] == "found 1, openvino "
    assert optional[-2:] == [f"edgecv: {needs}", "found 1, openvino "]
    assert required[-2:] == ["found 0, openvino ", f"because {needs}"]
    assert unknown[-1] == "because it has no component camera: there are onnxruntime and openvino"

    lacks = shutil.copytree(prefix, tmp_path / "prefix")
    for file in list(lacks.rglob("edgecv_openvino*.cmake")):
        file.unlink()
    (found,) = asked(lacks, tmp_path / "without", "COMPONENTS openvino")
    assert found[-1] == (
        "because it was built without the component openvino: configure edgecv with "
        "-DEDGECV_OPENVINO=ON"
    )


def openvino_version() -> str:
    (config,) = openvino_package().glob("cmake/OpenVINOConfig-version.cmake")
    return ".".join(re.findall(r"set\(PACKAGE_VERSION_\w+ (\d+)\)", config.read_text())[:3])


def test_another_openvino_than_at_build_time_is_noticed(prefix: Path, tmp_path: Path) -> None:
    other = tmp_path / "other" / "cmake"
    other.mkdir(parents=True)
    (other / "OpenVINOConfig.cmake").write_text("set(OpenVINO_FOUND TRUE)\n")
    version = 'set(PACKAGE_VERSION "2023.1.0")\nset(PACKAGE_VERSION_COMPATIBLE TRUE)\n'
    (other / "OpenVINOConfigVersion.cmake").write_text(version)
    places = f"{prefix};{other.parent}"
    (said,) = asked(Path(places), tmp_path / "project", "COMPONENTS openvino")
    assert said[-1] == (
        f"because its component openvino was built with OpenVINO {openvino_version()}, and "
        f"2023.1.0 was found in {other}: put the other first in CMAKE_PREFIX_PATH, or build edgecv "
        "with this one"
    )


def test_a_project_of_pkg_config_with_openvino(prefix: Path, tmp_path: Path) -> None:
    """In a folder to which the installed tree was moved."""
    moved = shutil.copytree(prefix, tmp_path / "moved")
    place = {"PKG_CONFIG_PATH": str(moved / "lib" / "pkgconfig")}
    flags = run("pkg-config", "--cflags", "--libs", "edgecv-openvino", **place).split()
    assert f"-L{moved}/lib" in [os.path.normpath(flag) for flag in flags]
    source = ROOT / "tests" / "cpp_package" / "run_bundle.cpp"
    program = tmp_path / "run_bundle"
    run("c++", "-std=c++17", source, "-o", program, *flags)
    (tmp_path / "image").write_bytes(bytes(30))
    golden = ROOT / "tests" / "golden" / "bundle_v2_classify"
    assert run(program, "openvino", golden, 2, 5, tmp_path / "image").startswith("labels ")


def test_the_umbrella_header_has_all_engines_where_they_are_linked() -> None:
    included = set(
        re.findall(r'^#include "edgecv/(.*)"', (HEADERS / "edgecv.hpp").read_text(), re.M)
    )
    others = {str(path.relative_to(HEADERS)) for path in HEADERS.rglob("*.hpp")} - {"edgecv.hpp"}
    assert included == others


def test_each_old_path_leads_to_the_header_that_moved() -> None:
    """The paths of before the themes; installed beside the others."""
    moved = {path.name: path.relative_to(HEADERS) for path in HEADERS.glob("*/*.hpp")}
    old = {path.name: path.read_text() for path in OLD_PATHS.glob("*.hpp")}
    assert len(old) == 37 and set(old) <= set(moved)
    for name, text in old.items():
        target = f'#include "edgecv/{moved[name]}"'
        assert text.count(target) == 1 and f"// Moved: {target[1:]} instead" in text
