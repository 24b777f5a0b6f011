"""Every family at full size through the builder: which graphs TensorRT for RTX compiles.

    python benchmarks/matrix.py [--precision fp32,fp16,int8] [--only ssd300_vgg16,...]

No GPU is needed, and weights are random: what is tested is that graphs are accepted, that engines
have the manifest's inputs and outputs, and how long it takes. Each row is kept in build/matrix and
not done again; the table goes to benchmarks/results/matrix.md.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from dataclasses import dataclass, field
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
KEPT = ROOT / "build" / "matrix"
RESULT = ROOT / "benchmarks" / "results" / "matrix.md"
CAPABILITIES = (86, 89, 120)
PRECISIONS = ("fp32", "fp16", "int8")


@dataclass(frozen=True)
class Row:
    architecture: str
    classes: int
    size: tuple[int, int] | None = None  # of the fixed variant, where the model has none of its own
    arguments: dict[str, Any] = field(default_factory=dict)


ROWS = (
    Row("resnet50", 1000),
    Row("mobilenet_v3_large", 1000),
    Row("ssd_tiny", 4),
    Row("ssdlite320_mobilenet_v3_large", 91),
    Row("ssd300_vgg16", 91),
    Row("retinanet_resnet50_fpn", 91, (800, 1344)),
    Row("retinanet_resnet50_fpn_v2", 91, (800, 1344)),
    Row("fcos_resnet50_fpn", 91, (800, 1344)),
    Row("fasterrcnn_mobilenet_v3_large_320_fpn", 91, (320, 640)),
    Row("fasterrcnn_mobilenet_v3_large_fpn", 91, (800, 1344)),
    Row("fasterrcnn_resnet50_fpn", 91, (800, 1344)),
    Row("fasterrcnn_resnet50_fpn_v2", 91, (800, 1344)),
    Row("maskrcnn_resnet50_fpn", 91, (800, 1344)),
    Row("maskrcnn_resnet50_fpn_v2", 91, (800, 1344)),
    Row("fcn_resnet18", 21),
    Row("fcn_resnet50", 21, (520, 520)),
    Row("fcn_resnet101", 21, (520, 520)),
    Row("deeplabv3_resnet50", 21, (520, 520)),
    Row("deeplabv3_resnet101", 21, (520, 520)),
    Row("deeplabv3_mobilenet_v3_large", 21, (520, 520)),
    Row("lraspp_mobilenet_v3_large", 21, (520, 520)),
    Row("style_transform", 0, (720, 1280)),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--precision", default="fp32,fp16,int8", help="a list")
    parser.add_argument("--only", default="", help="architectures, a list")
    parser.add_argument("--table", action="store_true", help="only write the table")
    args = parser.parse_args()
    only = set(filter(None, args.only.split(",")))
    KEPT.mkdir(parents=True, exist_ok=True)
    os.environ["EDGECV_CACHE"] = str(KEPT / "cache")
    if not args.table:
        for row in ROWS:
            if only and row.architecture not in only:
                continue
            for shapes in ("fixed", "dynamic"):
                for precision in args.precision.split(","):
                    measure(row, shapes, precision)
                    write_table()
    write_table()


def measure(row: Row, shapes: str, precision: str) -> None:
    """Builds one cell of the matrix, unless it was built already, and keeps what was found."""
    kept = KEPT / f"{row.architecture}.{shapes}.{precision}.json"
    if kept.exists() and "error" not in json.loads(kept.read_text(encoding="utf-8")):
        return
    started = time.perf_counter()
    try:
        found = build(row, shapes, precision)
    except Exception as error:  # the table is to say so
        words = " ".join(f"{type(error).__name__}: {error}".split())
        found = {"error": words}
    found["all_seconds"] = time.perf_counter() - started
    print(row.architecture, shapes, precision, found, flush=True)
    kept.write_text(json.dumps(found), encoding="utf-8")


def build(row: Row, shapes: str, precision: str) -> dict[str, Any]:
    from edgecv_export.tensorrt.build import check_ports, graph_to_build
    from edgecv_export.tensorrt.plan import BuildOptions, build_plan
    from edgecv_export.tensorrt.shape_ranges import ShapeWishes, shape_ranges
    from edgecv_runtime import Bundle

    bundle = Bundle.open(export_without_parity(row, shapes))
    wishes = ShapeWishes()
    if shapes == "dynamic" and set(bundle.manifest.graphs) == {"main"}:
        wishes = ShapeWishes(batch=(1, 4, 8))
    found: dict[str, Any] = {"onnx_bytes": 0, "engine_bytes": 0, "seconds": 0.0, "graphs": []}
    for role in bundle.manifest.graphs:
        graph = graph_to_build(bundle, role, "fp32")
        content = in_precision(bundle, role, graph, precision)
        ranges = shape_ranges(bundle.manifest, role, graph, wishes)
        started = time.perf_counter()
        plan = build_plan(content, ranges, options=BuildOptions(CAPABILITIES))
        found["seconds"] += time.perf_counter() - started
        check_ports(graph, plan)
        found["onnx_bytes"] += len(content)
        found["engine_bytes"] += len(plan.content)
        found["graphs"].append(role)
    return found


def export_without_parity(row: Row, shapes: str) -> Path:
    """A bundle of the architecture with random weights, kept."""
    import torch

    from edgecv.models import registry
    from edgecv_export.bundle.draft import new_bundle
    from edgecv_export.exporting import write_cut
    from edgecv_export.graphs.cut import CutRequest
    from edgecv_export.graphs.families import cut_model

    folder = KEPT / f"{row.architecture}.{shapes}"
    if folder.exists():
        return folder
    torch.manual_seed(0)
    arguments = dict(row.arguments)
    if row.classes:
        arguments["num_classes"] = row.classes
    size = row.size if shapes == "fixed" else None
    cut = cut_model(registry.create(row.architecture, **arguments), CutRequest(size))
    with new_bundle(folder, overwrite=False) as draft:
        write_cut(
            draft,
            cut,
            [str(index) for index in range(cut.classes)],
            name=row.architecture,
            architecture=row.architecture,
            batch=1 if shapes == "fixed" else "dynamic",
        )
    return folder


def in_precision(bundle: Any, role: str, graph: Any, precision: str) -> bytes:
    """The graph as the precision's own code writes it, calibrated on two generated images."""
    import onnx

    path = bundle.verified_path(graph.file, graph.sha256)
    if precision == "fp32":
        return Path(path).read_bytes()
    model = onnx.load(path)
    if precision == "fp16":
        from edgecv_export.precision.fp16_graph import cast_to_half

        return bytes(cast_to_half(model)[0].SerializeToString())
    from edgecv_export.generated_images import generate_images
    from edgecv_export.precision.int8_graph import Quantizer
    from edgecv_export.precision.pipeline import collect_feeds
    from edgecv_export.precision.sources import fp32_files

    quantizer = Quantizer(model, "tensorrt", reduce_range=False)
    files = fp32_files(bundle, graph.dialect)
    quantizer.calibrate(collect_feeds(bundle, files, role, generate_images(2)), "minmax")
    return bytes(quantizer.quantize([]).SerializeToString())


def write_table() -> None:
    packages = ("tensorrt_rtx", "onnx", "torch", "torchvision")
    versions = ", ".join(f"{package} {version(package)}" for package in packages)
    lines = [
        "# Every family, built by TensorRT for RTX",
        "",
        f"Written {date.today().isoformat()} by `make matrix` on a machine without a GPU "
        f"({platform.machine()}, {os.cpu_count()} processors, shared with other work: times "
        f"are no benchmark), with {versions}, for compute "
        f"capabilities {', '.join(map(str, CAPABILITIES))}. Full-size models, random weights; each "
        "engine's inputs and outputs were compared with the manifest. *Built, not run.*",
        "",
        "Dynamic: one-stage networks take 1 to 8 images (4 typical) and, where the bundle "
        "resizes by the shortest edge or not at all, any size of the default range; two-stage "
        "ones any size and number of boxes of the default range.",
        "",
        "| model | shapes | precision | graphs | ONNX MB | engine MB | build s |",
        "|---|---|---|---|---:|---:|---:|",
    ]
    for row in ROWS:
        for shapes in ("fixed", "dynamic"):
            for precision in PRECISIONS:
                kept = KEPT / f"{row.architecture}.{shapes}.{precision}.json"
                if kept.exists():
                    found = json.loads(kept.read_text(encoding="utf-8"))
                    lines.append(
                        f"| {row.architecture} | {shapes} | {precision} | {cells(found)} |"
                    )
    missing = [
        f"{row.architecture} {shapes} {precision}"
        for row in ROWS
        for shapes in ("fixed", "dynamic")
        for precision in PRECISIONS
        if not (KEPT / f"{row.architecture}.{shapes}.{precision}.json").exists()
    ]
    if missing:
        lines += ["", f"Not run yet: {', '.join(missing)}."]
    RESULT.write_text("\n".join(lines) + "\n", encoding="utf-8")


def cells(found: dict[str, Any]) -> str:
    if "error" in found:
        return f"**not built**: {found['error']} | | |"
    return (
        f"{', '.join(found['graphs'])} | {found['onnx_bytes'] / 1e6:.1f} | "
        f"{found['engine_bytes'] / 1e6:.1f} | {found['seconds']:.1f}"
    )


if __name__ == "__main__":
    main()
