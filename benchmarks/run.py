"""Runs every benchmark and writes one table of results, with the machine that it ran on."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import platform
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
BENCHMARKS = {
    "preprocess": "Preprocessing, 1080p frame to network input",
    "ssd_postprocess": "SSD300 postprocessing",
    "two_stage_ops": "Proposals and box head of Faster R-CNN, 800×1344",
    "nms": "Batched non-maximum suppression",
    "tiles": "Detections of tiles, merged",
    "masks": "Masks of 100 instances on 1080p",
    "segmentation_ops": "Class maps of a 1080p frame, 21 classes, network free",
    "pipeline": "ssdlite320 on 1080p frames",
    "live": "A video and cameras through edgecv.Live",
    "two_stage_pipeline": "Faster and Mask R-CNN on a 1080p frame",
    "segmentation_pipeline": "fcn_resnet18 in sliding windows on a 1080p frame; memory",
    "engines": "FP32 families against their peers",
    "precision": "INT8 against FP32, ONNX Runtime",
    "stylize": "Style transfer, 1080p",
    "footprint": "Footprint",
}
PEERS = (
    "torch",
    "torchvision",
    "onnxruntime",
    "opencv-python",
    "opencv-python-headless",
    "numpy",
    "monai",
)


def machine() -> str:
    cpu = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo")
            .read_text(encoding="utf-8", errors="replace")
            .splitlines()
            if line.startswith("model name")
        ),
        platform.processor(),
    )
    versions = []
    for package in PEERS:
        try:
            versions.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    return (
        f"{datetime.date.today()}, {cpu}, {os.cpu_count()} processors, {platform.system()} "
        f"{platform.machine()}, Python {platform.python_version()}, {', '.join(versions)}. "
        "Two threads each; medians of runs that take turns in one process."
    )


def main() -> None:
    names = sys.argv[1:] or list(BENCHMARKS)
    parts = ["# CPU", machine()]
    for name in names:
        output = subprocess.run(
            [sys.executable, str(HERE / f"{name}.py")],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        ).stdout
        print(f"\n## {BENCHMARKS[name]}\n\n{output}", flush=True)
        parts += [f"## {BENCHMARKS[name]}", output.strip()]
    if len(names) == len(BENCHMARKS):
        target = HERE / "results" / "cpu.md"
        target.parent.mkdir(exist_ok=True)
        target.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
        print(f"written to {target}")


if __name__ == "__main__":
    main()
