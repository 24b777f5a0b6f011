"""Imports point one way, towards the runtime, and torch stays where it belongs."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers.tiny_bundle import write_tiny_bundle

ROOT = Path(__file__).parents[1]
PACKAGES = {
    "edgecv": ROOT / "edgecv",
    "edgecv_export": ROOT / "export" / "edgecv_export",
    "edgecv_runtime": ROOT / "runtime" / "python" / "edgecv_runtime",
}
# What the modules below a prefix may import of ours; the longest prefix counts.
TRAINING = ("edgecv.models", "edgecv.data", "edgecv.training")
MAY_IMPORT = {
    "edgecv_runtime": ("edgecv_runtime",),
    "edgecv": ("edgecv_runtime",),
    "edgecv.__main__": ("edgecv.cli.start",),
    "edgecv.live": ("edgecv.live", "edgecv_runtime"),
    **{part: (*TRAINING, "edgecv._moved", "edgecv_runtime") for part in TRAINING},
    "edgecv_export": ("edgecv_export", *TRAINING, "edgecv._moved", "edgecv_runtime"),
    "edgecv.cli": (
        "edgecv.cli",
        "edgecv.__version__",
        "edgecv_export",
        "edgecv.live",
        *TRAINING,
        "edgecv_runtime",
    ),
}
# The rooms of edgecv_export, of which one may stand on others; its loose modules are the top.
LEVEL = ("edgecv_export.errors", "edgecv_export.report", "edgecv_export.progress")
ROOMS = {
    "bundle": (),
    "outputs": ("bundle",),
    "graphs": ("bundle", "outputs"),
    "parity": ("bundle", "outputs", "graphs"),
    "precision": ("bundle", "generated_images"),
    "tensorrt": ("bundle",),
    "source": ("bundle", "options"),
    "wrapping": ("bundle", "outputs", "generated_images"),
}
for room, below_it in ROOMS.items():
    rooms = tuple(f"edgecv_export.{each}" for each in (room, *below_it))
    MAY_IMPORT[f"edgecv_export.{room}"] = (*rooms, *LEVEL, *TRAINING, "edgecv_runtime")
HEAVY = {"torch", "torchvision", "lightning", "cv2", "onnx", "onnxruntime", "matplotlib"}
# Where torch may be imported when the module is, not only inside a function.
TORCH_MODULES = (
    "edgecv.models",
    "edgecv.training",
    "edgecv.data.batches",
    "edgecv_export.graphs",
    "edgecv_export.parity",
)


def modules() -> Iterator[tuple[str, Path]]:
    for package, folder in PACKAGES.items():
        for path in sorted(folder.rglob("*.py")):
            parts = [package, *path.relative_to(folder).with_suffix("").parts]
            yield ".".join(part for part in parts if part != "__init__"), path


def imported(
    module: str, path: Path, inside_functions: bool
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What a module imports: full names of modules, each with the names that are taken from it.
    Imports for type checkers only are left out."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]

    def walk(tree: ast.AST) -> Iterator[tuple[str, tuple[str, ...]]]:
        for node in ast.iter_child_nodes(tree):
            if isinstance(node, ast.Import):
                yield from ((alias.name, ()) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                # `from ..a import b` in x.y.z means x.a.b
                base = package.split(".")[: len(package.split(".")) - node.level + 1]
                start = ".".join([*base, node.module] if node.module else base)
                start = start if node.level else str(node.module)
                yield start, tuple(alias.name for alias in node.names)
            elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
                continue
            elif inside_functions or not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                yield from walk(node)

    yield from walk(ast.parse(path.read_text(encoding="utf-8")))


def imports(module: str, path: Path, inside_functions: bool) -> set[str]:
    """Full names of the modules and of what is taken from them."""
    return {
        name
        for start, taken in imported(module, path, inside_functions)
        for name in (start, *(f"{start}.{each}" for each in taken))
    }


def below(module: str, prefixes: tuple[str, ...]) -> bool:
    return any(module == prefix or module.startswith(f"{prefix}.") for prefix in prefixes)


def test_every_package_has_modules():
    counts = {package: 0 for package in PACKAGES}
    for module, _ in modules():
        counts[module.split(".")[0]] += 1
    assert min(counts.values()) >= 5, counts


@pytest.mark.parametrize(("module", "path"), list(modules()), ids=[name for name, _ in modules()])
def test_direction(module, path):
    rule = max((prefix for prefix in MAY_IMPORT if below(module, (prefix,))), key=len)
    ours = {name for name in imports(module, path, True) if name.split(".")[0] in PACKAGES}
    # `from package import module` counts as both; the package of what is allowed is no offence.
    allowed = MAY_IMPORT[rule]
    wrong = {
        name
        for name in ours
        if not below(name, allowed) and not any(other.startswith(f"{name}.") for other in allowed)
    }
    assert not wrong, f"{module} may import {allowed} of ours, not {wrong}"


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Modules that import each other, directly or through others: Tarjan's strongly connected
    components."""
    found: list[list[str]] = []
    number: dict[str, int] = {}
    lowest: dict[str, int] = {}
    waiting: list[str] = []

    def visit(module: str) -> None:
        number[module] = lowest[module] = len(number)
        waiting.append(module)
        for other in sorted(graph[module]):
            if other not in number:
                visit(other)
            if other in waiting:
                lowest[module] = min(lowest[module], lowest[other])
        if lowest[module] == number[module]:
            start = waiting.index(module)
            if len(waiting) - start > 1:
                found.append(sorted(waiting[start:]))
            del waiting[start:]

    for module in graph:
        if module not in number:
            visit(module)
    return found


def test_circles_are_found():
    graph = {"a": {"b"}, "b": {"c"}, "c": {"b", "d"}, "d": {"e"}, "e": set(), "f": {"f", "a"}}
    assert circles(graph) == [["b", "c"]]
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [["a", "b", "c"]]


def test_no_modules_import_each_other():
    """Imports inside functions count; those for type checkers do not."""
    names = {name for name, _ in modules()} | {"edgecv_runtime._core"}
    graph: dict[str, set[str]] = {name: set() for name in names}
    for module, path in modules():
        for start, taken in imported(module, path, True):
            # `from package import module` takes the module; anything else the package's face.
            inner = {f"{start}.{each}" for each in taken} & names
            graph[module] |= inner | ({start} & names if len(inner) < max(len(taken), 1) else set())
    assert circles(graph) == []


@pytest.mark.parametrize(("module", "path"), list(modules()), ids=[name for name, _ in modules()])
def test_heavy_packages_are_imported_where_they_are_used(module, path):
    everywhere = {name.split(".")[0] for name in imports(module, path, True)}
    at_import = {name.split(".")[0] for name in imports(module, path, False)}
    if below(module, ("edgecv_runtime",)):
        assert not everywhere & {"torch", "torchvision"}, "the runtime never imports torch"
    if below(module, ("edgecv.cli", "edgecv_runtime")) or module == "edgecv":
        assert not at_import & HEAVY, f"{module} imports {at_import & HEAVY} at once"
    elif not below(module, TORCH_MODULES):
        assert not at_import & {"torch", "torchvision", "lightning"}


def run_python(code: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
        timeout=120,
    )


@pytest.mark.parametrize("code", ["import edgecv", "import edgecv.cli.main as m; m.build_parser()"])
def test_import_is_light(code):
    heavy = sorted(HEAVY | {"tqdm", "onnx", "pycocotools", "PIL", "supervision"})
    done = run_python(f"{code}; import sys; print([p for p in {heavy} if p in sys.modules])")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


# Finders are asked before the paths, so this hides an installed torch.
BLOCK_TORCH = """
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "torchvision", "lightning", "PIL"):
            raise ModuleNotFoundError(f"{name} is blocked", name=name)
sys.meta_path.insert(0, Block())
"""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return write_tiny_bundle(tmp_path_factory.mktemp("bundles") / "tiny")


def test_the_runtime_works_without_torch(bundle, tmp_path):
    code = BLOCK_TORCH + (
        "import edgecv, numpy\n"
        "model = edgecv.load(sys.argv[1])\n"
        "print(len(model(numpy.full((8, 8, 3), 255, numpy.uint8))))\n"
        "print(edgecv.ops.nms([[0, 0, 1, 1]], [1.0], 0.5))"
    )
    done = run_python(code, bundle)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[:2] == ["2", "[0]"]


@pytest.mark.parametrize("verb", ["info", "predict", "camera", "benchmark", "doctor"])
def test_the_runtime_verbs_work_without_torch(verb, bundle, tmp_path):
    import cv2
    import numpy as np

    white = np.full((32, 48, 3), 255, np.uint8)
    cv2.imwrite(str(tmp_path / "white.png"), white)
    writer = cv2.VideoWriter(
        str(tmp_path / "clip.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 10.0, (48, 32)
    )
    for _ in range(3):
        writer.write(white)
    writer.release()
    arguments = {
        "info": [bundle],
        "predict": [bundle, tmp_path / "white.png", "--save", tmp_path / "out"],
        "camera": [bundle, "--source", tmp_path / "clip.avi", "--no-show"],
        "benchmark": [bundle, "--runs", "2", "--warmup", "1"],
        "doctor": [],
    }[verb]
    code = BLOCK_TORCH + "from edgecv.cli.main import main\nsys.exit(main(sys.argv[1:]))"
    done = run_python(code, verb, *arguments)
    assert done.returncode == 0, done.stderr
    assert done.stdout


@pytest.mark.parametrize("task", ["segment", "classify"])
def test_bundles_are_measured_without_torch(task, tmp_path):
    from edgecv.data.synthetic import write_shapes

    layout = {"segment": "segments", "classify": "classes"}[task]
    data = write_shapes(tmp_path, train=0, val=6, size=(60, 80), layout=layout)
    if task == "segment":
        (data / "classes.txt").unlink()  # so that numbers count, not names
    else:
        for ours, theirs in (("circle", "cat"), ("square", "dog"), ("triangle", "horse")):
            place = data / "val" / ours
            if place.is_dir():
                place.rename(data / "val" / theirs)
    code = BLOCK_TORCH + "from edgecv.cli.main import main\nsys.exit(main(sys.argv[1:]))"
    bundle = ROOT / "tests" / "golden" / f"bundle_v2_{task}"
    done = run_python(code, "eval", bundle, "--data", data, "--json")
    assert done.returncode == 0, done.stderr
    assert '"images": 6' in done.stdout


def test_training_without_torch_says_what_to_install(tmp_path):
    code = BLOCK_TORCH + "from edgecv.cli.main import main\nsys.exit(main(sys.argv[1:]))"
    data = tmp_path / "data"
    data.mkdir()
    done = run_python(code, "train", "ssd_tiny", "--data", data, "--out", tmp_path / "run")
    assert done.returncode == 2
    *_, last = done.stderr.strip().splitlines()
    assert last.startswith("edgecv: error:")


def test_engines_are_built_without_torch_and_onnx(bundle, tmp_path):
    pytest.importorskip("tensorrt_rtx", reason="TensorRT for RTX is not installed")
    code = BLOCK_TORCH.replace('"PIL"', '"PIL", "onnx", "onnxruntime"') + (
        "from edgecv.cli.main import main\nsys.exit(main(sys.argv[1:]))"
    )
    shutil.copytree(bundle, tmp_path / "tiny")
    options = ("--engine", "tensorrt_rtx", "--compute-capability", "86")
    done = run_python(code, "build", tmp_path / "tiny", *options)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "tiny" / "engines.json").exists()
