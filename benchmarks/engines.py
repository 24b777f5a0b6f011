"""FP32 families, frame to result: edgecv against torchvision eager, torch.compile, ONNX Runtime on
torch's legacy export and OpenVINO Model API.

Everybody gets the same 1080p frame (uint8 BGR) and goes all the way: the torch peers and ONNX
Runtime with torchvision's own transforms on tensors, Model API with its own. Model API is no
dependency of edgecv: pip install --no-deps openvino-model-api.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import numpy as np
import torch
from torchvision.transforms._presets import ImageClassification

import edgecv
from edgecv.cli.benchmark import generated_image
from edgecv.models import registry
from edgecv_export import export
from edgecv_export.generated_images import generate_images
from helpers.varied_detections import varied_detector
from helpers.varied_rcnn import varied_rcnn
from timing import THREADS, alternate, at_all_scores, header, row

# Networks and the rounds of each.
CASES = {
    "resnet18": 40,
    "ssdlite320_mobilenet_v3_large": 40,
    "ssd300_vgg16": 6,
    "fasterrcnn_mobilenet_v3_large_320_fpn": 20,
    "lraspp_mobilenet_v3_large": 10,
    "style_transform": 3,
}
ENGINES = ("onnxruntime", "openvino")
SEGMENTED = (360, 640)  # height and width at which whole images are segmented and stylized
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)


def main() -> None:
    torch.set_num_threads(THREADS)
    names = sys.argv[1:] or list(CASES)
    print(header("network", "what", "median ms", "/ best of edgecv"))
    for name in names:
        measure(name, CASES[name])


def measure(name: str, rounds: int) -> None:
    task = registry.task_of(name)
    frame = generated_image()
    if task in ("segment", "stylize"):
        frame = np.ascontiguousarray(frame[: SEGMENTED[0], : SEGMENTED[1]])
    network = build(name, task)
    with tempfile.TemporaryDirectory() as folder:
        bundle = export(
            network, Path(folder) / "bundle", labels=labels_of(task), images=[frame]
        ).folder
        ours: dict[str, Callable[[], object]] = {
            f"edgecv, {engine}": partial(
                at_all_scores(edgecv.load(bundle, engine=engine, threads=THREADS)), frame
            )
            for engine in ENGINES
        }
        times = {key: value.median for key, value in alternate(ours, rounds).items()}
        before, after = AROUND[task]
        peers = {
            "torchvision eager": lambda: lambda: after(network(before(frame))),
            "torch.compile": lambda: compiled(network, before, after, frame),
            "ONNX Runtime, legacy export": lambda: legacy(
                network, before, after, frame, Path(folder)
            ),
            "OpenVINO Model API": lambda: model_api(task, network, before, frame, Path(folder)),
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
    images = generate_images(4)
    if "rcnn" in name:
        return varied_rcnn(lambda: registry.create(name, num_classes=91), images)
    if task == "detect":
        return varied_detector(lambda: registry.create(name, num_classes=91), images)
    arguments = {"classify": {"num_classes": 1000}, "segment": {"num_classes": 21}}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return registry.create(name, **arguments.get(task, {})).eval()


def labels_of(task: str) -> list[str]:
    counts = {"detect": 90, "instance": 90, "segment": 21, "classify": 1000, "stylize": 0}
    return [f"class {index}" for index in range(counts[task])]


def unit(frame: np.ndarray) -> torch.Tensor:
    """float32 [3, H, W], RGB in 0..1."""
    return torch.from_numpy(frame[:, :, ::-1].copy()).permute(2, 0, 1).float() / 255


def normalised(frame: np.ndarray) -> torch.Tensor:
    """float32 [1, 3, H, W]."""
    mean, std = torch.tensor(MEAN), torch.tensor(STD)
    return ((unit(frame) - mean[:, None, None]) / std[:, None, None])[None]


def class_map(outputs: Any) -> torch.Tensor:
    logits = outputs["out"] if isinstance(outputs, dict) else outputs
    return logits.argmax(1)


def stylized(outputs: Any) -> np.ndarray:
    rgb = outputs[0].clamp(0, 255).round().to(torch.uint8)
    return rgb.permute(1, 2, 0).numpy()[:, :, ::-1].copy()


# By task: from a frame to what the network takes, and from what it gives to the result.
AROUND: dict[str, tuple[Callable[[np.ndarray], Any], Callable[[Any], Any]]] = {
    "classify": (
        lambda frame: ImageClassification(crop_size=224)(unit(frame))[None],
        lambda logits: logits.softmax(1).topk(5),
    ),
    "detect": (lambda frame: [unit(frame)], lambda found: found),
    "segment": (normalised, class_map),
    "stylize": (lambda frame: unit(frame)[None] * 255, stylized),
}


def compiled(
    network: torch.nn.Module, before: Callable[..., Any], after: Callable[..., Any], frame: Any
) -> Callable[[], object]:
    fast = torch.compile(network)
    return lambda: after(fast(before(frame)))


class _Logits(torch.nn.Module):
    """The one output that matters, for exporters that take no dict."""

    def __init__(self, network: torch.nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        outputs = self.network(images)
        return outputs["out"] if isinstance(outputs, dict) else outputs


def legacy_file(network: torch.nn.Module, argument: Any, folder: Path) -> Path:
    """torch.onnx.export without dynamo, as torchvision's documentation shows it."""
    path = folder / "legacy.onnx"
    if not path.exists():
        module = network if isinstance(argument, list) else _Logits(network).eval()
        torch.onnx.export(module, (argument,), str(path), dynamo=False, opset_version=17)
    return path


def legacy(
    network: torch.nn.Module,
    before: Callable[..., Any],
    after: Callable[..., Any],
    frame: Any,
    folder: Path,
) -> Callable[[], object]:
    import onnxruntime

    path = legacy_file(network, before(frame), folder)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name

    def run() -> object:
        given = before(frame)
        tensor = given[0] if isinstance(given, list) else given
        outputs = session.run(None, {name: tensor.numpy()})
        return outputs if isinstance(given, list) else after(torch.from_numpy(outputs[0]))

    return run


def model_api(
    task: str, network: torch.nn.Module, before: Callable[..., Any], frame: Any, folder: Path
) -> Callable[[], object]:
    from model_api.adapters import OpenvinoAdapter, create_core
    from model_api.models import ClassificationModel, SegmentationModel

    kinds = {"classify": ClassificationModel, "segment": SegmentationModel}
    if task not in kinds:
        raise NotImplementedError("no wrapper for what torchvision's model gives")
    adapter = OpenvinoAdapter(
        create_core(),
        str(legacy_file(network, before(frame), folder)),
        plugin_config={"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": THREADS},
        max_num_requests=1,
    )
    configuration: dict[str, Any] = {
        "reverse_input_channels": True,
        "mean_values": [255 * value for value in MEAN],
        "scale_values": [255 * value for value in STD],
    }
    if task == "classify":
        configuration |= {"topk": 5, "resize_type": "crop"}
    return partial(kinds[task](adapter, configuration, preload=True), frame)


if __name__ == "__main__":
    main()
