"""Every family on one engine and device: frame to result, the networks alone, what lies around.

    python benchmarks/latency.py onnxruntime --device cuda --only ssd300_vgg16,style_transform
    python benchmarks/latency.py tensorrt --precision fp32,fp16,int8

Models have seeded random weights that find varied objects, each is exported with its parity check,
and what the engine finds is compared with FP32 on the CPU. The table goes to
benchmarks/results/latency_ENGINE_DEVICE.md.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import numpy as np

import edgecv
from edgecv.cli.benchmark import generated_image
from edgecv.models import registry
from edgecv_export import ExportError, GraphOptions, export
from edgecv_export.generated_images import generate_images
from edgecv_export.precision.agreement import agreement
from edgecv_export.precision.int8_variant import Quantization
from edgecv_export.precision.variant import add_variant
from edgecv_export.tensorrt.build import build_engines
from edgecv_runtime import Bundle
from edgecv_runtime.models.model import Model
from engines import build, labels_of
from timing import at_all_scores, header, row

RESULTS = Path(__file__).parent / "results"
# Networks and the rounds of each.
CASES = {
    "resnet50": 100,
    "mobilenet_v3_large": 100,
    "ssd_tiny": 100,
    "ssdlite320_mobilenet_v3_large": 100,
    "ssd300_vgg16": 50,
    "retinanet_resnet50_fpn": 20,
    "fcos_resnet50_fpn": 20,
    "fasterrcnn_mobilenet_v3_large_320_fpn": 50,
    "fasterrcnn_resnet50_fpn": 20,
    "maskrcnn_resnet50_fpn": 20,
    "fcn_resnet50": 20,
    "deeplabv3_resnet50": 20,
    "lraspp_mobilenet_v3_large": 50,
    "style_transform": 20,
}


@dataclass(frozen=True)
class Target:
    engine: str
    device: str | None

    def load(self, bundle: Path, precision: str) -> Model:
        return at_all_scores(
            edgecv.load(bundle, engine=self.engine, device=self.device, precision=precision)
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("engine", choices=("onnxruntime", "openvino", "tensorrt", "tensorrt_rtx"))
    parser.add_argument("--device", help="as in edgecv.load (default: the engine's)")
    parser.add_argument("--precision", default="fp32", help="a list of fp32, fp16, int8")
    parser.add_argument("--only", default="", help="architectures, a list")
    parser.add_argument("--rounds", type=int, help="calls measured (default: by network)")
    args = parser.parse_args()
    target = Target(args.engine, args.device)
    names = list(filter(None, args.only.split(","))) or list(CASES)
    lines = [
        header(
            "network",
            "precision",
            "frame to result, ms",
            "networks, ms",
            "around",
            "before, ms",
            "between and behind, ms",
            "Python, ms",
            "as FP32",
        )
    ]
    print(lines[0])
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            bundle = make_bundle(name, Path(folder) / name / "bundle")
            for precision in args.precision.split(","):
                lines.append(measure(bundle, target, precision, args.rounds or CASES[name]))
                print(lines[-1], flush=True)
    device = args.device or ("cpu" if args.engine in ("onnxruntime", "openvino") else "cuda")
    path = RESULTS / f"latency_{args.engine}_{device}.md"
    path.write_text("\n".join([*heading(args.engine, device), *lines]) + "\n", encoding="utf-8")


def make_bundle(name: str, folder: Path) -> Path:
    folder.parent.mkdir()
    task = registry.task_of(name)
    return export(
        build(name, task),
        folder,
        labels=labels_of(task),
        graph=GraphOptions(dialects=("onnx", "tensorrt")),
    ).folder


def measure(bundle: Path, target: Target, precision: str, rounds: int) -> str:
    """A row of the table: medians of `rounds` calls on one 1080p frame."""
    try:
        add_precision(bundle, precision)
    except ExportError as error:  # random weights may not bear FP16: the table is to say so
        return row(bundle.parent.name, precision, f"not made: {error}", *[""] * 6)
    if target.engine.startswith("tensorrt"):
        build_engines(Bundle.open(bundle), target.engine, precision)
    model = target.load(bundle, precision)
    reference = at_all_scores(
        edgecv.load(bundle, engine="onnxruntime", device="cpu", precision="fp32")
    )
    images = generate_images(4)
    same = agreement(
        model.manifest.task,
        [(reference(image), model(image)) for image in images],
    )
    frame = generated_image()
    networks = set(model.manifest.graphs) & set(model.steps) or {"network"}
    whole, inside, before, behind = [], [], [], []
    model.warmup()
    for _ in range(rounds):
        started = time.perf_counter()
        model(frame)
        whole.append((time.perf_counter() - started) * 1000)
        spent = {step: getattr(model.timing, f"{step}_ms") for step in model.steps}
        inside.append(sum(spent[step] for step in networks))
        before.append(spent["preprocess"])
        behind.append(sum(spent.values()) - inside[-1] - before[-1])
    total, network, first, rest = (
        float(np.median(times)) for times in (whole, inside, before, behind)
    )
    return row(
        bundle.parent.name,
        precision,
        f"{total:.2f}",
        f"{network:.2f}",
        f"{100 * (total - network) / total:.1f} %",
        f"{first:.2f}",
        f"{rest:.2f}",
        f"{total - network - first - rest:.2f}",
        same,
    )


def add_precision(bundle: Path, precision: str) -> None:
    if precision == "fp32":
        return
    # Random weights are no judge of INT8: it is timed whatever it loses.
    quantization = Quantization(generate_images(8, seed=1), force=True)
    add_variant(bundle, precision, quantization=quantization if precision == "int8" else None)


def heading(engine: str, device: str) -> list[str]:
    package = "onnxruntime-gpu" if (engine, device) == ("onnxruntime", "cuda") else engine
    return [
        f"# {engine} on {device}",
        "",
        f"Written {date.today().isoformat()} by `benchmarks/latency.py` on {machine(device)}, with "
        f"{package} {version(package)}. One 1080p frame of noise and blocks, from the array to the "
        "result, medians; *around* is what lies before, between and behind the networks, and in "
        "Python; copies of outputs to the host count as behind; the last column compares results "
        "with FP32 on the CPU, on four generated images.",
        "",
    ]


def machine(device: str) -> str:
    if device != "cuda":
        return f"{platform.machine()}, {os.cpu_count()} processors"
    from edgecv_runtime.engines.nvidia.cuda import describe_gpu

    return describe_gpu(0).name


if __name__ == "__main__":
    main()
