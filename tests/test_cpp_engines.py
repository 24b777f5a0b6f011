"""The engines of the C++ library: Python's bits, their contract, and how they are opened."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

import edgecv
from edgecv.cli.diagnosis import self_test
from helpers import printed_results

ROOT = Path(__file__).parents[1]
BUILD = ROOT / "build" / "cpp-engines"
FAMILIES = self_test.families()
PRECISIONS = ("fp32", "fp16", "int8")


def package(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    assert spec is not None and spec.origin is not None, "pip install 'edgecv[dev]'"
    return Path(spec.origin).parent


def attempt(*command: object, **environment: str | None) -> subprocess.CompletedProcess[str]:
    """With variables of the environment added; None takes one away."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    given = {"EDGECV_ONNXRUNTIME": str(package("onnxruntime").parent), **environment}
    return subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        env={k: v for k, v in {**os.environ, "PATH": path, **given}.items() if v is not None},
    )


def run(*command: object, **environment: str | None) -> str:
    done = attempt(*command, **environment)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def headers(suite: str) -> str:
    return run(ROOT / "tests" / "cpp" / "onnxruntime_headers", suite).strip()


@pytest.fixture(scope="module")
def programs() -> Path:
    options = ["-DCMAKE_BUILD_TYPE=Release"]
    options += [f"-DONNXRUNTIME_INCLUDE={headers('forky')}"]
    options += [f"-DOpenVINO_DIR={package('openvino') / 'cmake'}"]
    run("cmake", "-S", ROOT / "tests/cpp_engines", "-B", BUILD, "-G", "Ninja", *options)
    run("cmake", "--build", BUILD)
    return BUILD


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reduced-width network of every family, by its name."""
    folder = tmp_path_factory.mktemp("bundles")
    with self_test.open_archive() as archive:
        archive.extractall(folder)
    return folder


def compare(run_bundle: Path, bundle: Path, precision: str, image: np.ndarray, file: Path) -> None:
    """With one library of ONNX Runtime and one thread: the same numbers, bit for bit. Thresholds
    are so low that there is something to compare."""
    file.write_bytes(np.ascontiguousarray(image).tobytes())
    model: Any = edgecv.load(bundle, engine="onnxruntime", threads=1, precision=precision)
    if isinstance(model, edgecv.Stylizer):
        model.tiling = "always"
    if hasattr(model, "thresholds"):
        model.thresholds = 0.001
    command = [run_bundle, "onnxruntime", bundle, *image.shape[:2], file, precision, 0.001]
    printed_results.compare(run(*command), model(image))


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("family", FAMILIES)
def test_onnxruntime_gives_the_bits_that_python_gives(
    family: str, precision: str, programs: Path, bundles: Path, tmp_path: Path
) -> None:
    image = np.random.default_rng(5).integers(0, 256, (96, 128, 3), np.uint8)
    compare(programs / "run_bundle", bundles / family, precision, image, tmp_path / "image")


@pytest.mark.parametrize("family", FAMILIES)
def test_real_images_give_the_bits_that_python_gives(
    family: str, programs: Path, bundles: Path, tmp_path: Path
) -> None:
    """Eight of other shapes each."""
    paths = sorted((ROOT / "samples" / "data" / "cells" / "val").glob("*.jpg"))[:8]
    for at, path in enumerate(paths):
        image = cv2.imread(str(path))
        assert image is not None
        part = image[20 * at : 20 * at + 90 + 17 * at, 30 * at : 30 * at + 200 - 11 * at]
        compare(programs / "run_bundle", bundles / family, "fp32", part, tmp_path / "image")


def write_chain(path: Path) -> Path:
    """Doubles floats [n, 4] and hands on integers [n]."""
    values = helper.make_tensor_value_info("values", TensorProto.FLOAT, ["n", 4])
    labels = helper.make_tensor_value_info("labels", TensorProto.INT64, ["n"])
    doubled = helper.make_tensor_value_info("doubled", TensorProto.FLOAT, ["n", 4])
    same = helper.make_tensor_value_info("same", TensorProto.INT64, ["n"])
    nodes = [
        helper.make_node("Add", ["values", "values"], ["doubled"]),
        helper.make_node("Identity", ["labels"], ["same"]),
    ]
    save(path, helper.make_graph(nodes, "chain", [values, labels], [doubled, same]))
    return path


def write_nonzero(path: Path) -> Path:
    """Where floats [n] are not 0: integers [1, k], k by the values."""
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n"])
    y = helper.make_tensor_value_info("y", TensorProto.INT64, [1, "k"])
    save(path, helper.make_graph([helper.make_node("NonZero", ["x"], ["y"])], "g", [x], [y]))
    return path


def write_tripled(path: Path, factor: float = 3) -> Path:
    """Multiplies floats [n, 4]."""
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 4])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 4])
    three = helper.make_tensor("three", TensorProto.FLOAT, [1], [factor])
    nodes = [helper.make_node("Mul", ["x", "three"], ["y"])]
    save(path, helper.make_graph(nodes, "tripled", [x], [y], [three]))
    return path


def save(path: Path, graph: onnx.GraphProto) -> None:
    opset = helper.make_opsetid("", 18)
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=8), path)


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
def test_an_engine_keeps_the_contract(
    engine: str, programs: Path, bundles: Path, tmp_path: Path
) -> None:
    """Graphs with one input, with feature maps and boxes by level, and with integers."""
    features = ["1x16x12x16", "1x16x6x8"]
    cases = {
        bundles / "ssd_tiny/main.onnx": ["2x3x64x96", "then", "1x3x64x96", "then", "3x3x64x96"],
        bundles / "classifier/main.onnx": sized(bundles / "classifier/main.onnx"),
        bundles / "mask/trunk.onnx": ["1x3x64x96", "then", "1x3x96x64"],
        bundles / "mask/mask.onnx": [
            *[*features, "2x4", "3x4", "5", "then"],
            *[*features, "0x4", "2x4", "2", "then"],
            *[*features, "4x4", "0x4", "4"],
        ],
        write_nonzero(tmp_path / "nonzero.onnx"): ["2", "then", "5"],
        write_chain(tmp_path / "chain.onnx"): ["2x4", "2", "then", "0x4", "0", "then", "5x4", "5"],
    }
    for graph, shapes in cases.items():
        said = run(programs / "conformance", engine, graph, *shapes)
        assert said == f"{engine} tried\n", graph


def sized(graph: Path) -> list[str]:
    """Sets of shapes for a graph that takes any number of images of one size."""
    (value,) = onnx.load(graph).graph.input
    _, *rest = (axis.dim_value for axis in value.type.tensor_type.shape.dim)
    one, two = ("x".join(map(str, [count, *rest])) for count in (1, 2))
    return [one, "then", two]


TRIPLED = "y 3 3 3 3\n"


@pytest.fixture
def open_engine(programs: Path, tmp_path: Path) -> Iterator[Any]:
    graph = write_tripled(tmp_path / "tripled.onnx")

    def open_it(
        way: str, *options: str, **environment: str | None
    ) -> subprocess.CompletedProcess[str]:
        return attempt(programs / "open_engine", way, graph, "1x4", *options, **environment)

    yield open_it


def refusal(done: subprocess.CompletedProcess[str]) -> str:
    """The one line on standard error."""
    assert done.returncode == 2 and done.stdout == "", done.stdout + done.stderr
    (line,) = done.stderr.splitlines()
    return line


def test_where_onnxruntime_is_found(open_engine: Any, programs: Path, tmp_path: Path) -> None:
    (library,) = (package("onnxruntime") / "capi").glob("libonnxruntime.so*")
    site_packages = package("onnxruntime").parent
    # A file, pip's folder, its parents; the option goes before the environment.
    for place in (library, library.parent, site_packages / "onnxruntime", site_packages):
        assert open_engine("onnxruntime", EDGECV_ONNXRUNTIME=str(place)).stdout == TRIPLED
        absent = str(tmp_path / "absent")
        given = open_engine("onnxruntime", f"library={place}", EDGECV_ONNXRUNTIME=absent)
        assert given.stdout == TRIPLED
    # As Microsoft's archive and NuGet have it, under the plain name.
    for below in ("lib", "runtimes/linux-x64/native", "runtimes/linux-arm64/native"):
        if below.endswith("arm64/native") != (os.uname().machine == "aarch64"):
            continue
        folder = tmp_path / below.replace("/", "_")
        (folder / below).mkdir(parents=True)
        (folder / below / "libonnxruntime.so").symlink_to(library)
        assert open_engine("onnxruntime", f"library={folder}").stdout == TRIPLED
    # By the system's loader, under the name that Debian's library has without its -dev package.
    (tmp_path / "system").mkdir()
    (tmp_path / "system" / "libonnxruntime.so.1.23").symlink_to(library)
    done = open_engine("onnxruntime", EDGECV_ONNXRUNTIME="", LD_LIBRARY_PATH=f"{tmp_path}/system")
    assert done.stdout == TRIPLED
    # Beside the program.
    beside = programs / "libonnxruntime.so.1.99"
    beside.symlink_to(library)
    try:
        assert open_engine("onnxruntime", EDGECV_ONNXRUNTIME="").stdout == TRIPLED
    finally:
        beside.unlink()


def test_a_library_that_cannot_be_opened(open_engine: Any, programs: Path, tmp_path: Path) -> None:
    said = refusal(open_engine("onnxruntime", EDGECV_ONNXRUNTIME=""))
    assert said.startswith("onnxruntime is not found: libonnxruntime.so lies neither beside the ")
    said = refusal(open_engine("onnxruntime", f"library={tmp_path}/absent"))
    assert said == f"the library of onnxruntime: {tmp_path}/absent does not exist"
    said = refusal(open_engine("onnxruntime", EDGECV_ONNXRUNTIME=str(tmp_path)))
    assert said.startswith(f"EDGECV_ONNXRUNTIME: {tmp_path} has no libonnxruntime.so, nor have lib")
    (tmp_path / "libonnxruntime.so").write_text("no library")
    said = refusal(open_engine("onnxruntime", f"library={tmp_path}"))
    assert said.startswith("onnxruntime cannot be opened: ") and "libonnxruntime.so" in said
    kinds = {
        "no_onnxruntime": "is not ONNX Runtime: it has no OrtGetApiBase",
        "old_onnxruntime": "is ONNX Runtime 1.17.3: expected 1.18 or later",
        "silent_onnxruntime": "is ONNX Runtime 1.19.0 and does not offer version 19 of its C "
        "interface",
    }
    for name, told in kinds.items():
        said = refusal(open_engine("onnxruntime", f"library={programs / name}"))
        assert said == f"{programs / name}/libonnxruntime.so {told}"


def test_devices_and_options_of_onnxruntime(open_engine: Any, tmp_path: Path) -> None:
    assert open_engine("onnxruntime", "device=CPU").stdout == TRIPLED
    assert open_engine("onnxruntime", "device=CPUExecutionProvider").stdout == TRIPLED
    said = refusal(open_engine("onnxruntime", "device=caffe"))
    assert said.startswith('this onnxruntime has no device "caffe", only ') and "cpu" in said
    said = refusal(open_engine("onnxruntime", "device=cuda:x"))
    assert said == 'device "cuda:x": expected a number behind the colon, as in "cuda:1"'
    assert open_engine("onnxruntime", "session.inter_op.allow_spinning=0").stdout == TRIPLED
    said = refusal(open_engine("onnxruntime", "gpu_mem_limit=5"))
    assert said.startswith('provider_options: the device cpu has none, got "gpu_mem_limit"')
    said = refusal(open_engine("onnxruntime", f"provider_library={tmp_path}/absent.so"))
    assert said.startswith(f"onnxruntime cannot load the provider {tmp_path}/absent.so: ")


def test_graphs_in_memory_hooks_and_the_applications_own_environment(open_engine: Any) -> None:
    assert open_engine("onnxruntime from memory").stdout == TRIPLED
    assert open_engine("openvino from memory").stdout == TRIPLED
    assert open_engine("onnxruntime with a hook").stdout == "hook 1\n" + TRIPLED
    assert open_engine("openvino with a hook").stdout == "hook 1\n" + TRIPLED
    assert refusal(open_engine("onnxruntime with a hook that throws")) == "the hook's own words"
    said = refusal(open_engine("onnxruntime in an environment without its library"))
    assert said.startswith("env: an environment belongs to the library that made it: give api_base")
    (library,) = (package("onnxruntime") / "capi").glob("libonnxruntime.so*")
    done = open_engine(
        "onnxruntime of the application", OWN_ONNXRUNTIME=str(library), EDGECV_ONNXRUNTIME="/absent"
    )
    assert done.stdout == TRIPLED, done.stderr


def test_nothing_of_the_machine_is_noted_for_telemetry(open_engine: Any, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    # The caller's own environment may have the variable: importing edgecv sets it.
    done = open_engine("onnxruntime", HOME=str(home), ORT_DISABLE_TELEMETRY=None)
    assert done.stdout == TRIPLED and list(home.rglob("*")) == []


def test_on_a_gpu_feature_maps_stay_there(
    programs: Path, bundles: Path, tmp_path: Path, open_engine: Any
) -> None:
    """A provider and a driver whose GPU is the host: where outputs are bound, and the results."""
    placements = tmp_path / "placements"
    (library,) = (package("onnxruntime") / "capi").glob("libonnxruntime.so*")
    environment = {
        "EDGECV_ONNXRUNTIME": str(programs / "cuda"),
        "LD_LIBRARY_PATH": str(programs / "cuda"),
        "REAL_ONNXRUNTIME": str(library),
        "PLACEMENTS": str(placements),
    }
    image = np.random.default_rng(5).integers(0, 256, (96, 128, 3), np.uint8)
    (tmp_path / "image").write_bytes(image.tobytes())
    command = [programs / "run_bundle", "onnxruntime", bundles / "mask", 96, 128]
    command += [tmp_path / "image", "fp32", 0.001]
    assert run(*command, "cuda", **environment) == run(*command, "cpu")
    lines = placements.read_text().splitlines()
    assert lines[0] == "options device_id=0 use_tf32=0 "
    # The first call does not know yet who reads what; results are pinned memory of the host.
    assert [line for line in lines if line.startswith("features")] == [
        *("features_0 CudaPinned", "features_1 CudaPinned"),
        *("features_0 Cuda", "features_1 Cuda"),
    ]
    places = {line.split()[1] for line in lines if line.split()[0] in ("logits", "masks")}
    assert places == {"CudaPinned"}

    done = open_engine("onnxruntime in place", "device=cuda", **environment)
    assert done.stdout == "host GPU " + TRIPLED, done.stderr
    said = refusal(open_engine("onnxruntime", "device=tensorrt", **environment))
    assert said == 'this onnxruntime has no device "tensorrt", only cuda, cpu'
    shapes = ["2x3x64x96", "then", "1x3x64x96"]
    graph = bundles / "ssd_tiny" / "main.onnx"
    said = run(programs / "conformance", "onnxruntime@cuda", graph, *shapes, **environment)
    assert said == "onnxruntime tried\n"


def test_optimized_graphs_are_kept(
    open_engine: Any, programs: Path, bundles: Path, tmp_path: Path
) -> None:
    cache = tmp_path / "cache" / "onnxruntime"
    assert open_engine("onnxruntime", f"cache_dir={cache}").stdout == TRIPLED
    (kept,) = cache.iterdir()
    graph = hashlib.sha256((tmp_path / "tripled.onnx").read_bytes()).hexdigest()
    assert kept.name.startswith(graph) and kept.suffix == ".onnx"
    before = kept.stat().st_mtime_ns
    assert open_engine("onnxruntime", f"cache_dir={cache}").stdout == TRIPLED
    assert [path.stat().st_mtime_ns for path in cache.iterdir()] == [before]
    # It is what runs: another graph in its place shows.
    write_tripled(kept, factor=5)
    assert open_engine("onnxruntime", f"cache_dir={cache}").stdout == "y 5 5 5 5\n"
    # Other options, another entry.
    open_engine("onnxruntime", f"cache_dir={cache}", "session.inter_op.allow_spinning=0")
    assert len(list(cache.iterdir())) == 2
    kept.write_bytes(b"damaged")
    said = refusal(open_engine("onnxruntime", f"cache_dir={cache}"))
    assert f"tripled.onnx, which was kept as {kept}: " in said
    (tmp_path / "file").write_text("")
    said = refusal(open_engine("onnxruntime", f"cache_dir={tmp_path}/file"))
    assert said.startswith(f"cache_dir: {tmp_path}/file cannot be made: ")

    whole = bundles / "ssd_tiny" / "main.onnx"  # convolutions, which ONNX Runtime lays out anew
    command = [programs / "open_engine", "onnxruntime", whole, "1x3x64x96"]
    plain = run(*command)
    assert plain.count(" ") > 20
    assert [run(*command, f"cache_dir={cache}") for _ in range(2)] == [plain, plain]


def test_openvino_keeps_compiled_networks_and_takes_properties(
    open_engine: Any, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    for _ in range(2):
        assert open_engine("openvino", f"cache_dir={cache}").stdout == TRIPLED
        assert len(list(cache.glob("*.blob"))) == 1
    assert open_engine("openvino", "NUM_STREAMS=2").stdout == TRIPLED
    said = refusal(open_engine("openvino", "NO_SUCH_PROPERTY=1"))
    assert said.startswith("openvino cannot load ") and "NO_SUCH_PROPERTY" in said


def test_an_engine_from_a_shared_library(open_engine: Any, programs: Path) -> None:
    def times(library: str, *options: str) -> subprocess.CompletedProcess[str]:
        found = open_engine("times from a library", *options, ENGINE_LIBRARY=library)
        assert isinstance(found, subprocess.CompletedProcess)
        return found

    library = str(programs / "libplain_engine.so")
    assert times(library, "factor=7").stdout == "y 7 7 7 7\n"
    # An error of the library's is one for the program.
    assert refusal(times(library, "divisor=7")) == 'times has no option "divisor"'
    said = refusal(times("/absent.so"))
    assert said.startswith("the library of an engine cannot be opened: /absent.so: ")
    other = str(programs / "no_onnxruntime/libonnxruntime.so")
    assert refusal(times(other)).startswith(
        f"{other} has no engine of edgecv: it lacks the function"
    )
    said = refusal(times(str(programs / "libother_engine.so")))
    assert "was built with edgecv 0.0.7, this is edgecv " in said


def test_what_cannot_be_loaded_or_run_is_one_line(
    programs: Path, bundles: Path, tmp_path: Path
) -> None:
    model = onnx.load(bundles / "ssd_tiny" / "main.onnx")
    model.graph.node[0].op_type = "Nonsense"
    graph = tmp_path / "nonsense.onnx"
    onnx.save(model, graph)
    fits = tmp_path / "tripled.onnx"
    write_tripled(fits)
    boolean = tmp_path / "boolean.onnx"
    x = helper.make_tensor_value_info("x", TensorProto.BOOL, [1])
    y = helper.make_tensor_value_info("y", TensorProto.BOOL, [1])
    save(boolean, helper.make_graph([helper.make_node("Not", ["x"], ["y"])], "g", [x], [y]))
    for engine in ("onnxruntime", "openvino"):
        command = [programs / "open_engine", engine]
        said = refusal(attempt(*command, graph, "1x3x64x96"))
        assert said.startswith(f"{engine} cannot load {graph}: ")
        said = refusal(attempt(*command, fits, "1x5"))
        assert said.startswith(f"{engine} failed: ") and "4" in said and "5" in said
        assert '"x" is ' in refusal(attempt(*command, boolean, "1"))


def test_the_engine_compiles_with_older_headers() -> None:
    """Those before providers were libraries of their own (1.22)."""
    include = headers("trixie")
    sources = sorted((ROOT / "runtime/engines/onnxruntime").glob("*.cpp"))
    assert len(sources) > 5
    flags = ["-std=c++17", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-isystem", include]
    folders = [f"-I{ROOT / 'runtime' / name}" for name in ("include", "engines", "src")]
    whole = "".join(f'#include "{source}"\n' for source in sources if source.name == "plugin.cpp")
    done = subprocess.run(
        ["c++", *flags, *folders, "-x", "c++", "-"], input=whole, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[:3000]


def test_headers_that_are_not_there_or_too_old(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "include").mkdir(parents=True)
    configure = ["cmake", "-S", ROOT / "runtime", "-B", tmp_path / "build", "-G", "Ninja"]
    configure += ["-DEDGECV_ONNXRUNTIME=ON", f"-DONNXRUNTIME_ROOT={root}"]
    done = attempt(*configure)
    said = " ".join(done.stderr.split())
    assert (
        done.returncode != 0 and "onnxruntime_c_api.h was not found: set ONNXRUNTIME_ROOT" in said
    )
    (root / "include" / "onnxruntime_c_api.h").write_text("#define ORT_API_VERSION 17\n")
    done = attempt(*configure)
    said = " ".join(done.stderr.split())
    assert done.returncode != 0 and "is of ONNX Runtime 1.17: expected 1.18 or later" in said
    (root / "include" / "onnxruntime_c_api.h").write_text("#define ORT_API_VERSION 18\n")
    assert "ONNX Runtime's headers: 1.18" in run(*configure)


def test_a_manifest_names_what_the_self_test_has(bundles: Path) -> None:
    """All thirteen families, each in three precisions, so that none is left out unnoticed."""
    assert len(FAMILIES) == 13
    for family in FAMILIES:
        record = json.loads((bundles / family / "bundle.json").read_text())
        for graphs in record["graphs"].values():
            assert {graph["precision"] for graph in graphs} == set(PRECISIONS)
