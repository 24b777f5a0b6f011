"""Every name that edgecv uses of TensorRT and CUDA is there in the real bindings, and takes the
arguments that it is given."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import edgecv_export
import edgecv_runtime
from helpers.bindings import Described, describe, recorded

RUNTIME = Path(edgecv_runtime.__file__).parent / "engines"
EXPORT = Path(edgecv_export.__file__).parent / "tensorrt"
TENSORRT_FILES = [
    RUNTIME / "tensorrt.py",
    RUNTIME / "tensorrt_modules.py",
    EXPORT / "plan.py",
    EXPORT / "builder_options.py",
    EXPORT / "build_monitor.py",
]
# Calls on objects of TensorRT: class -> member -> number of arguments, None for an attribute.
USED: dict[str, dict[str, int | None]] = {
    "Builder": {
        "create_network": 1,
        "create_builder_config": 0,
        "create_optimization_profile": 0,
        "build_serialized_network": 2,
    },
    "INetworkDefinition": {
        "num_inputs": None,
        "num_outputs": None,
        "get_input": 1,
        "get_output": 1,
    },
    "ITensor": {"name": None, "dtype": None, "shape": None},
    "OnnxParser": {"parse": 1, "get_error": 1},
    "ParserError": {"node_operator": 0, "node_name": 0, "desc": 0},
    "IBuilderConfig": {
        "add_optimization_profile": 1,
        "set_memory_pool_limit": 2,
        "hardware_compatibility_level": None,
        "set_flag": 1,
        "clear_flag": 1,
        "create_timing_cache": 1,
        "set_timing_cache": 2,
        "progress_monitor": None,
    },
    "IOptimizationProfile": {"set_shape": 4},
    "ITimingCache": {"serialize": 0},
    "IProgressMonitor": {"phase_start": 3, "step_complete": 2, "phase_finish": 1},
    "ILogger": {"log": 2},
    "Runtime": {"deserialize_cuda_engine": 1},
    "ICudaEngine": {
        "num_io_tensors": None,
        "get_tensor_name": 1,
        "get_tensor_mode": 1,
        "get_tensor_dtype": 1,
        "get_tensor_shape": 1,
        "get_tensor_profile_shape": 2,
        "create_execution_context": 0,
    },
    "IExecutionContext": {
        "set_input_shape": 2,
        "get_tensor_shape": 1,
        "set_tensor_address": 2,
        "execute_async_v3": 1,
    },
}
RTX_ALONE: dict[str, dict[str, int | None]] = {
    "IBuilderConfig": {"num_compute_capabilities": None, "set_compute_capability": 2},
    "ICudaEngine": {"create_runtime_config": 0, "create_execution_context": 1},
    "IRuntimeConfig": {
        "create_runtime_cache": 0,
        "set_runtime_cache": 1,
        "cuda_graph_strategy": None,
    },
    "IRuntimeCache": {"serialize": 0, "deserialize": 1},
}
# What code asks for before it uses it, or uses with TensorRT for RTX alone.
NOT_EVERYWHERE = {"ComputeCapability", "CudaGraphStrategy"}
# Members of theirs that are names of ours or Python's too.
COMMON = {"name", "shape", "dtype", "serialize", "value", "reset", "update", "code", "file", "log"}
COMMON |= {"itemsize", "data", "size"}


@pytest.fixture(scope="module", params=["tensorrt 10.3", "tensorrt 11.4", "tensorrt_rtx"])
def bindings(request: pytest.FixtureRequest) -> tuple[str, Described]:
    if request.param == "tensorrt_rtx":
        pytest.importorskip("tensorrt_rtx", reason="TensorRT for RTX is not installed")
        return request.param, describe("tensorrt_rtx")
    return request.param, recorded(request.param.replace(" ", "_"))


def arguments(signature: str) -> tuple[int, float]:
    """The fewest and most arguments of a signature, self left out."""
    inside = signature[signature.index("(") + 1 : signature.rindex(")")]
    if "*args" in inside:
        return 0, float("inf")
    while "[" in inside or "<" in inside:  # commas of types and defaults
        inside = re.sub(r"\[[^\[\]]*\]|<[^<>]*>", "", inside)
    taken = [part for part in inside.split(", ") if part and not part.startswith("self")]
    return sum("=" not in part for part in taken), len(taken)


def test_calls_fit(bindings: tuple[str, Described]) -> None:
    name, found = bindings
    tables = [USED, RTX_ALONE] if name == "tensorrt_rtx" else [USED]
    for table in tables:
        for kind, members in table.items():
            for member, count in members.items():
                assert member in found[kind], f"{name} has no {kind}.{member}"
                if count is not None:
                    least, most = arguments(found[kind][member])
                    assert least <= count <= most, f"{name}: {found[kind][member]}"


def chains(path: Path, root: str) -> set[str]:
    """`a.b` of each `root.a.b` or `self.root.a.b` in a file."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute):
            match = re.fullmatch(rf"(?:\w+\.)*{root}\.(\w+(?:\.\w+)*)", ast.unparse(node))
            if match is not None:
                found.add(match[1])
    return found


def test_names_of_the_module_are_there(bindings: tuple[str, Described]) -> None:
    name, found = bindings
    used = set().union(*(chains(path, "trt") for path in TENSORRT_FILES))
    assert {"BuilderFlag.TF32", "ILogger.INTERNAL_ERROR"} <= used
    for chain in sorted(used - {"__version__"}):
        head, _, member = chain.partition(".")
        if head in NOT_EVERYWHERE and name != "tensorrt_rtx":
            continue
        assert head in found[""], f"{name} has no {head}"
        if member and not member.startswith("__"):
            first = member.partition(".")[0]
            assert first in found[head], f"{name} has no {head}.{first}"


def test_differences_are_where_they_are_said_to_be(bindings: tuple[str, Described]) -> None:
    name, found = bindings
    rtx = name == "tensorrt_rtx"
    assert ("ComputeCapability" in found[""]) == rtx
    assert ("CudaGraphStrategy" in found[""]) == rtx
    levels = found["HardwareCompatibilityLevel"]
    assert "AMPERE_PLUS" in levels
    assert ("SAME_COMPUTE_CAPABILITY" in levels) == (name != "tensorrt 10.3")
    # Why precision never comes from a flag.
    assert ("FP16" in found["BuilderFlag"]) == (name == "tensorrt 10.3")


def test_the_table_of_calls_is_complete(bindings: tuple[str, Described]) -> None:
    """No member of TensorRT's classes is used without standing in the table."""
    _, found = bindings
    ours = {*USED, *RTX_ALONE}
    theirs = {member for kind in ours for member in found.get(kind, ())}
    listed = {m for table in (USED, RTX_ALONE) for members in table.values() for m in members}
    for path in TENSORRT_FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and not ast.unparse(node).startswith("trt."):
                used = node.attr in theirs and node.attr not in COMMON
                assert not used or node.attr in listed, f"{path.name}: {ast.unparse(node)}"


@pytest.mark.parametrize("version", ["installed", "12.8.0"])
def test_cuda_python(version: str) -> None:
    if version == "installed":
        pytest.importorskip("cuda.bindings", reason="cuda-python is not installed")
        found = describe("cuda.bindings.runtime")
    else:
        found = recorded(f"cuda_{version}")
    file = RUNTIME / "nvidia" / "cuda.py"
    used = chains(file, "_?runtime")
    assert {"cudaMalloc", "cudaGraphLaunch", "cudaError_t.cudaErrorNoDevice"} <= used
    for chain in sorted(used):
        head, _, member = chain.partition(".")
        assert head in found[""], f"cuda-bindings {version} has no {head}"
        assert not member or member in found[head], f"cuda-bindings {version} has no {chain}"
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            name = node.func.attr
            if name.startswith("cuda") and name in found[""] and name not in found:
                signature = found[""][name]
                inside = signature[signature.index("(") + 1 : signature.rindex(")")]
                taken = [part for part in inside.split(",") if part.strip()]
                assert len(taken) == len(node.args), f"cuda-bindings {version}: {signature}"
