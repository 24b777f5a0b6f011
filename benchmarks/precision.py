"""INT8 against FP32 in ONNX Runtime: fcn_resnet50's network, whole pipelines of two SSDs."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import numpy as np
import torch

import edgecv
from edgecv.cli.benchmark import generated_image
from edgecv.models import registry
from edgecv_export import GraphOptions, export
from edgecv_export.generated_images import generate_images
from edgecv_export.precision.accuracy_gate import Gate
from edgecv_export.precision.byte_arithmetic import byte_arithmetic
from edgecv_export.precision.int8_variant import Quantization
from edgecv_export.precision.variant import add_variant
from helpers.varied_detections import varied_detector
from timing import THREADS, alternate, at_all_scores, header, row

LABELS = [f"class {index}" for index in range(1, 91)]


def main() -> None:
    torch.set_num_threads(THREADS)
    print(header("network", "fp32 ms", "int8 ms", "fp32 / int8", "target"))
    with tempfile.TemporaryDirectory() as folder:
        for name, rounds, target in (
            ("ssdlite320_mobilenet_v3_large", 200, "≥ 1.3×"),
            ("ssd300_vgg16", 15, "≥ 2×"),
        ):
            bundle = detector(name, Path(folder) / name)
            models = {
                precision: at_all_scores(
                    edgecv.load(bundle, engine="onnxruntime", precision=precision, threads=THREADS)
                )
                for precision in ("fp32", "int8")
            }
            frame = generated_image()
            measure(
                f"{name}, 1080p frame to boxes",
                {precision: partial(model, frame) for precision, model in models.items()},
                rounds,
                target,
            )
        bundle = segmenter(Path(folder) / "fcn")
        engines = {
            precision: edgecv.load(
                bundle, engine="onnxruntime", precision=precision, threads=THREADS
            ).engines["main"]
            for precision in ("fp32", "int8")
        }
        for engine in engines.values():
            engine.input(0, (1, 3, 520, 520))[...] = picture_tensor()
        measure(
            "fcn_resnet50, network at 520×520",
            {precision: engine.run for precision, engine in engines.items()},
            7,
            "≥ 2.4×",
        )
    cpu = byte_arithmetic()
    print(f"\nByte arithmetic of this processor: {cpu.name}.")


def measure(name: str, peers: dict[str, Callable[[], object]], rounds: int, target: str) -> None:
    times = alternate(peers, rounds)
    full, int8 = times["fp32"].median, times["int8"].median
    print(row(name, f"{full:.1f}", f"{int8:.1f}", f"{full / int8:.2f}×", target), flush=True)


def detector(name: str, out: Path) -> Path:
    images = generate_images(8)
    network = varied_detector(lambda: registry.create(name, num_classes=91), images)
    bundle = export(network, out, labels=LABELS, images=images, graph=GraphOptions(batch=1)).folder
    quantize(bundle, images)
    return bundle


def segmenter(out: Path) -> Path:
    images = generate_images(8)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = registry.create("fcn_resnet50", num_classes=21).eval()
    labels = [f"class {index}" for index in range(21)]
    bundle = export(
        network,
        out,
        labels=labels,
        images=images[:2],
        graph=GraphOptions(size=(520, 520), batch=1),
    ).folder
    quantize(bundle, images[:2])
    return bundle


def quantize(bundle: Path, images: list[np.ndarray]) -> None:
    # Random weights magnify every rounding: this measures time, and no accuracy.
    how = Quantization(images, gate=Gate(1.0), force=True)
    add_variant(bundle, "int8", dialects=["onnx"], quantization=how)


def picture_tensor() -> np.ndarray:
    return np.random.default_rng(0).standard_normal((1, 3, 520, 520)).astype(np.float32)


if __name__ == "__main__":
    main()
