"""The self-test of `edgecv doctor`: a small network of every family through every engine here.

The networks are in edgecv/self_test, with inputs and the outputs that ONNX Runtime gave in fp32 on
a CPU, so neither torch nor onnx is needed. Second stages are fed as if by the first.
"""

from __future__ import annotations

import io
import os
import platform
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgecv_runtime.files.whole import temporary_folder
from edgecv_runtime.one_line import joined

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edgecv_runtime import Bundle, GraphFile

ARCHIVE = Path(__file__).parents[2] / "self_test" / "bundles.zip.xz"  # FAMILY/FILE
EXPECTED = "expected.npz"  # FILE/in/NAME, FILE/shape/NAME and FILE/out/NAME, a `sample`
SAMPLES = 96
# Largest difference to fp32 on a CPU, as a part of the output's largest value.
TOLERANCE = {"fp32": 1e-3, "fp16": 3e-2, "int8": 2e-1}
AHEAD_OF_TIME = (86, 89, 120)  # compute capabilities, where there is no GPU


@dataclass(frozen=True)
class Target:
    """An engine on a device."""

    engine: str
    device: str | None
    runs: bool = True  # False: engines are built, and there is nothing to run them on

    @property
    def name(self) -> str:
        return self.engine if self.device in (None, "cpu") else f"{self.engine} on {self.device}"


@dataclass(frozen=True)
class Outcome:
    family: str
    engine: str
    precision: str
    state: str  # run | built, not run | wrong | failed
    difference: float | None = None  # in the unit of TOLERANCE
    detail: str = ""

    @property
    def good(self) -> bool:
        return self.state in ("run", "built, not run")


def find_targets() -> tuple[list[Target], list[str]]:
    """Engines that can be used here, and a line on each that cannot."""
    from importlib.util import find_spec

    from edgecv_runtime import EngineError
    from edgecv_runtime.engines.nvidia.cuda import describe_gpu
    from edgecv_runtime.engines.nvidia.driver import gpu_count
    from edgecv_runtime.engines.tensorrt_modules import KINDS, import_tensorrt, why_unsupported

    targets, absent = [], []
    if find_spec("onnxruntime") is not None:
        import onnxruntime

        targets.append(Target("onnxruntime", "cpu"))
        if "CUDAExecutionProvider" in onnxruntime.get_available_providers() and gpu_count():
            targets.append(Target("onnxruntime", "cuda"))
    else:
        absent.append("onnxruntime: not installed")
    if find_spec("openvino") is not None:
        targets.append(Target("openvino", "cpu"))
    else:
        absent.append("openvino: not installed")
    for kind in KINDS:
        try:
            trt = import_tensorrt(kind)
        except EngineError as error:
            absent.append(f"{kind}: {error}")
            continue
        try:
            unsupported = why_unsupported(trt, kind, describe_gpu())
        except EngineError as error:
            if kind == "tensorrt_rtx":
                targets.append(Target(kind, None, runs=False))
            else:
                absent.append(f"{kind}: {error}")
            continue
        if unsupported is None:
            targets.append(Target(kind, "cuda"))
        else:
            absent.append(f"{kind}: {unsupported}")
    return targets, absent


def run_self_test(done: Callable[[Outcome], None]) -> list[Outcome]:
    """Tests every engine that can be used here. `done` is called after each outcome."""
    outcomes = []
    targets, _ = find_targets()
    with temporary_folder() as cache:
        before = os.environ.get("EDGECV_CACHE")
        os.environ["EDGECV_CACHE"] = str(cache)  # engines built here are not kept
        try:
            for outcome in _test_all(targets):
                outcomes.append(outcome)
                done(outcome)
        finally:
            os.environ.pop("EDGECV_CACHE")
            if before is not None:
                os.environ["EDGECV_CACHE"] = before
    return outcomes


def count_tests() -> int:
    return len(find_targets()[0]) * len(families()) * len(TOLERANCE)


def families() -> list[str]:
    with open_archive() as archive:
        return sorted({name.split("/")[0] for name in archive.namelist()})


def open_archive() -> zipfile.ZipFile:
    """Raises EngineError where Python was built without lzma."""
    try:
        import lzma
    except ImportError as error:
        from edgecv_runtime import EngineError

        raise EngineError(f"self-test: this Python cannot unpack xz ({error})") from error
    return zipfile.ZipFile(io.BytesIO(lzma.decompress(ARCHIVE.read_bytes())))


def sample(values: NDArray[Any]) -> NDArray[Any]:
    """At most SAMPLES values, evenly spread: float32 [n]."""
    return values.reshape(-1)[:: -(-values.size // SAMPLES) or 1]


def _test_all(targets: list[Target]) -> Iterator[Outcome]:
    import numpy as np

    from edgecv_runtime import Bundle

    with temporary_folder() as folder:
        with open_archive() as archive:
            archive.extractall(folder)
        for family in families():
            bundle = Bundle.open(str(folder / family))
            with np.load(Path(bundle.folder) / EXPECTED, allow_pickle=False) as stored:
                arrays = dict(stored)
            for precision in TOLERANCE:
                for target in targets:
                    yield _test(bundle, arrays, family, target, precision)


def _test(
    bundle: Bundle,
    arrays: Mapping[str, NDArray[Any]],
    family: str,
    target: Target,
    precision: str,
) -> Outcome:
    try:
        worst = _largest_difference(bundle, arrays, target, precision)
    except Exception as error:  # the table says what happened
        words = joined(f"{type(error).__name__}: {error}")
        return Outcome(family, target.name, precision, "failed", None, words)
    if worst is None:
        return Outcome(family, target.name, precision, "built, not run")
    state = "run" if worst <= TOLERANCE[precision] else "wrong"
    return Outcome(family, target.name, precision, state, worst)


def _largest_difference(
    bundle: Bundle, arrays: Mapping[str, NDArray[Any]], target: Target, precision: str
) -> float | None:
    """Over all outputs of all graphs; None where there is nothing to run them on."""
    import numpy as np

    from edgecv_runtime.engines import open_engines

    graphs, files = _prepare(bundle, arrays, target, precision)
    if not target.runs:
        return None
    engines = open_engines(target.engine, files, target.device, precision=precision)
    worst = 0.0
    for role, engine in engines.items():
        reference = _reference(bundle, role, graphs[role])
        for index, port in enumerate(engine.inputs):
            value = arrays[f"{reference}/in/{port.name}"]
            engine.input(index, value.shape)[...] = value
        engine.run()
        for index, port in enumerate(engine.outputs):
            expected = arrays[f"{reference}/out/{port.name}"]
            found = engine.output(index)
            shape = tuple(arrays[f"{reference}/shape/{port.name}"].tolist())
            if found.shape != shape:
                raise ValueError(f"{port.name} is {found.shape}, expected {shape}")
            scale = max(float(np.abs(expected).max(initial=0)), 1e-6)
            difference = float(np.abs(sample(found) - expected).max(initial=0)) / scale
            worst = max(worst, difference if np.isfinite(found).all() else float("inf"))
    return worst


def _prepare(
    bundle: Bundle, arrays: Mapping[str, NDArray[Any]], target: Target, precision: str
) -> tuple[dict[str, GraphFile], dict[str, str]]:
    """The graph of each role, and the file that the engine opens: the graph's, or a plan."""
    roles = list(bundle.manifest.graphs)
    if not target.engine.startswith("tensorrt"):
        graphs = {role: bundle.graph(role, precision, "onnx") for role in roles}
        files = {r: bundle.verified_path(g.file, g.sha256) for r, g in graphs.items()}
        return graphs, files
    from edgecv_export.tensorrt.build import check_build, check_ports, graph_to_build
    from edgecv_export.tensorrt.plan import BuildOptions, ShapeRange, build_plan

    ahead = () if target.runs else AHEAD_OF_TIME
    _, _, options = check_build(target.engine, BuildOptions(ahead))
    graphs = {role: graph_to_build(bundle, role, precision) for role in roles}
    files = {}
    for role, graph in graphs.items():
        ranges = {}
        for port in graph.inputs:
            if -1 in port.shape:
                shape = arrays[f"{_reference(bundle, role, graph)}/in/{port.name}"].shape
                ranges[port.name] = ShapeRange(
                    shape,
                    shape,
                    tuple(2 * n if o == -1 else n for n, o in zip(shape, port.shape, strict=True)),
                )
        file = bundle.verified_file(graph.file, graph.sha256)  # open as long as the name is
        content = Path(file).read_bytes()
        plan = build_plan(content, ranges, kind=target.engine, options=options)
        check_ports(graph, plan)
        files[role] = str(Path(bundle.folder) / f"{role}.{precision}.{target.engine}.plan")
        Path(files[role]).write_bytes(plan.content)
    return graphs, files


def _reference(bundle: Bundle, role: str, graph: GraphFile) -> str:
    """The fp32 graph that this one was made from: its inputs and outputs are stored."""
    files = {g.dialect: g.file for g in bundle.manifest.graphs[role] if g.precision == "fp32"}
    return files.get(graph.dialect, files["onnx"])


def table(outcomes: list[Outcome], absent: list[str], findings: list[str]) -> str:
    """To paste into an issue: Markdown."""
    from edgecv import __version__

    lines = [f"edgecv {__version__}, {platform.platform()}, Python {platform.python_version()}", ""]
    lines += [f"- {line}" for line in [*findings, *absent]]
    lines += ["", "| family | engine | precision | state | largest difference |"]
    lines.append("|---|---|---|---|---|")
    for each in outcomes:
        last = each.detail if each.difference is None else f"{each.difference:.1e}"
        cells = (each.family, each.engine, each.precision, each.state, last)
        lines.append(f"| {' | '.join(cells)} |")
    bad = sum(not outcome.good for outcome in outcomes)
    lines += ["", f"{len(outcomes)} tests, {bad or 'none'} bad"]
    return "\n".join(lines)
