"""FP32 families, frame to result: edgecv against torchvision eager, torch.compile and ONNX
Runtime on torch's legacy export.

Frames are 1080p. The peers get float tensors, ready made; edgecv gets the frame.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import torch

import edgecv
from edgecv.cli.benchmark import generated_image
from edgecv.models import registry
from edgecv_export import export
from edgecv_export.pictures import generate_pictures
from lively import lively
from lively_rcnn import lively_rcnn
from timing import THREADS, alternate, header, row

CASES = {
    "resnet18": 60,
    "ssdlite320_mobilenet_v3_large": 60,
    "ssd300_vgg16": 6,
    "fasterrcnn_mobilenet_v3_large_320_fpn": 20,
    "fcn_resnet50": 4,
}
ENGINES = ("onnxruntime", "openvino")


def main() -> None:
    torch.set_num_threads(THREADS)
    names = sys.argv[1:] or list(CASES)
    print(header("network", "what", "median ms", "/ best of edgecv"))
    for name in names:
        measure(name, CASES[name])


def measure(name: str, rounds: int) -> None:
    task = registry.task_of(name)
    frame = generated_image()
    network = build(name, task)
    tensor = torch.from_numpy(frame[:, :, ::-1].copy()).permute(2, 0, 1).float() / 255
    if task != "detect":  # what the runtime's own preprocessing costs, the peers do not pay
        side = 224 if task == "classify" else 520
        tensor = torch.nn.functional.interpolate(tensor[None], (side, side), mode="bilinear")
    argument: Any = [tensor] if task == "detect" else tensor
    with tempfile.TemporaryDirectory() as folder:
        classes = 90 if task == "detect" else 21 if task == "segment" else 1000
        labels = [f"class {index}" for index in range(classes)]
        size = (520, 520) if task == "segment" else None
        bundle = export(network, Path(folder) / "bundle", labels=labels, images=[frame], size=size)
        ours: dict[str, Callable[[], object]] = {
            f"edgecv, {engine}": partial(edgecv.load(bundle, engine=engine, threads=THREADS), frame)
            for engine in ENGINES
        }
        times = {key: value.median for key, value in alternate(ours, rounds).items()}
        peers = {
            "torchvision eager": lambda: partial(network, argument),
            "torch.compile": lambda: partial(torch.compile(network), argument),
            "ONNX Runtime, legacy export": lambda: legacy(network, argument, Path(folder)),
        }
        failed = {}
        for label, make in peers.items():
            try:  # a peer that cannot do it is a result too
                with torch.inference_mode():
                    times[label] = alternate({label: make()}, rounds, warmup=2)[label].median
            except Exception as error:
                failed[label] = type(error).__name__
    best = min(times[key] for key in ours)
    for label, value in times.items():
        print(row(name, label, f"{value:.1f}", f"{value / best:.2f}×"), flush=True)
    for label, kind in failed.items():
        print(row(name, label, f"fails: {kind}", ""), flush=True)


def build(name: str, task: str) -> torch.nn.Module:
    pictures = generate_pictures(4)
    if task == "detect" and "rcnn" in name:
        return lively_rcnn(lambda: registry.create(name, num_classes=91), pictures)
    if task == "detect":
        return lively(lambda: registry.create(name, num_classes=91), pictures)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        classes = 1000 if task == "classify" else 21
        return registry.create(name, num_classes=classes).eval()


def legacy(network: torch.nn.Module, argument: Any, folder: Path) -> Callable[[], object]:
    """torch.onnx.export without dynamo, as torchvision's documentation shows it."""
    import onnxruntime

    path = str(folder / "legacy.onnx")
    torch.onnx.export(network, (argument,), path, dynamo=False, opset_version=17)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    given = argument[0] if isinstance(argument, list) else argument
    feed = {session.get_inputs()[0].name: given.numpy()}
    return lambda: session.run(None, feed)


if __name__ == "__main__":
    main()
