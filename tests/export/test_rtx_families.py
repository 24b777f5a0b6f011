"""Every family, reduced-width: TensorRT for RTX builds its graphs for three GPUs, and the engines
take and give what the manifest says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from edgecv_export.bundle.node_names import graph_bytes
from edgecv_export.precision.fp16_graph import cast_to_half
from edgecv_export.precision.int8_graph import Quantizer
from edgecv_export.tensorrt.build import build_engines, check_ports, graph_to_build
from edgecv_export.tensorrt.plan import BuildOptions, build_plan
from edgecv_export.tensorrt.shape_ranges import ShapeWishes, shape_ranges
from edgecv_runtime import Bundle, GraphFile
from edgecv_runtime.engines.built.file import read_engines
from edgecv_runtime.engines.built.record import ShapeRange
from helpers.reduced_models import FAMILIES, write_reduced_bundle

pytest.importorskip("tensorrt_rtx", reason="TensorRT for RTX is not installed")

OPTIONS = BuildOptions(compute_capabilities=(86, 89, 120))


@pytest.fixture(scope="module", params=list(FAMILIES))
def bundle(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    folder = tmp_path_factory.mktemp(request.param) / "bundle"
    return Bundle.open(write_reduced_bundle(request.param, folder))


def wishes(bundle: Bundle, fixed: bool) -> ShapeWishes:
    """One shape for each input, or as much as the graphs leave open."""
    graphs = bundle.manifest.graphs
    (images,) = next(iter(graphs.get("main") or graphs["trunk"])).inputs
    open_size = images.shape[2] == -1
    sizes = ((96, 160),) * 3 if fixed else ((64, 64), (96, 160), (160, 160))
    count = (2, 2, 2) if fixed else (1, 2, 4)
    return ShapeWishes(
        batch=count if images.shape[0] == -1 else None,
        height_width=sizes if open_size else None,
        boxes=count if "roi" in graphs else None,
    )


def test_nodes_have_names_of_their_own(bundle: Bundle) -> None:
    """In both dialects; those of other precisions below."""
    files = sorted(Path(bundle.folder).glob("*.onnx"))
    assert len(files) >= len(bundle.manifest.graphs)
    for file in files:
        assert_names(onnx.load(file))


def assert_names(model: onnx.ModelProto) -> None:
    names = [node.name for node in model.graph.node]
    assert names and all(names) and len(set(names)) == len(names)


def test_any_shape(bundle: Bundle) -> None:
    wanted = wishes(bundle, fixed=False)
    built = build_engines(bundle, "tensorrt_rtx", options=OPTIONS, wishes=wanted)
    assert [each.engine for each in built] == read_engines(bundle.folder)
    assert {each.engine.role for each in built} == set(bundle.manifest.graphs)
    assert all((Path(bundle.folder) / each.engine.file).stat().st_size > 10_000 for each in built)


def test_one_shape(bundle: Bundle) -> None:
    """Nothing is left open in the engine, and the manifest's lengths stay what they are."""
    for role in bundle.manifest.graphs.keys() & {"main", "trunk", "roi", "mask"}:
        assert_fixed(bundle, role, "fp32")


def assert_fixed(bundle: Bundle, role: str, precision: str) -> None:
    graph = graph_to_build(bundle, role, precision)
    content = Path(bundle.verified_path(graph.file, graph.sha256)).read_bytes()
    ranges = shape_ranges(bundle.manifest, role, graph, wishes(bundle, fixed=True))
    plan = build_plan(content, ranges, options=OPTIONS)
    check_ports(graph, plan)
    ports: Any = [*plan.inputs, *plan.outputs]
    assert all(-1 not in port.shape for port in ports)


def random_feed(graph: GraphFile, ranges: dict[str, ShapeRange]) -> dict[str, np.ndarray]:
    """Inputs in the typical shape."""
    random = np.random.default_rng(0)
    feed: dict[str, np.ndarray] = {}
    for port in graph.inputs:
        shape = ranges[port.name].typical if port.name in ranges else port.shape
        if port.name == "boxes":
            feed[port.name] = np.tile(np.array([4, 4, 40, 40], np.float32), (shape[0], 1))
        elif port.dtype == "float32":
            feed[port.name] = random.normal(size=shape).astype(np.float32)
        else:
            feed[port.name] = np.zeros(shape, port.dtype)
    return feed


@pytest.mark.parametrize("precision", ["fp16", "int8"])
def test_other_precisions(bundle: Bundle, precision: str) -> None:
    """Cast and quantised graphs keep inputs and outputs, and TensorRT for RTX builds them, for
    many shapes and for one."""
    changed = 0
    for role in bundle.manifest.graphs:
        graph = graph_to_build(bundle, role, "fp32")
        model = onnx.load(bundle.verified_path(graph.file, graph.sha256))
        shapes = [
            shape_ranges(bundle.manifest, role, graph, wishes(bundle, fixed))
            for fixed in (False, True)
        ]
        if precision == "fp16":
            model = cast_to_half(model)[0]
        else:
            quantizer = Quantizer(model, "tensorrt")
            quantizer.calibrate([random_feed(graph, shapes[0])], "minmax")
            model = quantizer.quantize()
        changed += sum(node.op_type in ("Cast", "QuantizeLinear") for node in model.graph.node)
        content = graph_bytes(model)
        assert_names(onnx.load_from_string(content))
        for ranges in shapes:
            check_ports(graph, build_plan(content, ranges, options=OPTIONS))
    assert changed > 0, "the graphs are those of fp32"
