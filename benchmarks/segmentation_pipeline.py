"""fcn_resnet18 in sliding windows: the whole against its network alone, and peak memory."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

import edgecv
from edgecv.cli.benchmark import generated_image
from edgecv.models import registry
from edgecv_export import WindowOptions, export
from edgecv_runtime import ops
from timing import THREADS, alternate, header, row

CLASSES = 21
WINDOW, OVERLAP, BATCH = (320, 480), 0.25, 4
LARGE = (10000, 10000)
ROUNDS = 7

# In a fresh process. Not ru_maxrss: a child begins with its parent's.
_PEAK = """
import re, sys
import numpy, edgecv
def megabytes(field):
    return int(re.search(field + r":\\s+(\\d+)", open("/proc/self/status").read())[1]) * 1024 / 1e6
height, width = map(int, sys.argv[2:])
rows = numpy.arange(height, dtype=numpy.uint8)[:, None, None]
columns = numpy.arange(width, dtype=numpy.uint8)[None, :, None]
image = numpy.empty((height, width, 3), numpy.uint8)
image[:] = rows
image += columns
model = edgecv.load(sys.argv[1], threads=2)
before = megabytes("VmRSS")
mask = model(image).mask
assert mask.shape == (height, width)
print(megabytes("VmHWM") - before)
"""


def write_one_convolution(folder: Path, like: Path) -> Path:
    """The bundle `like` with a network of one 1×1 convolution: logits of full size in no time."""
    weights = np.random.default_rng(0).normal(0, 1, (CLASSES, 3, 1, 1)).astype(np.float32)
    graph = helper.make_graph(
        [helper.make_node("Conv", ["images", "weights"], ["logits"])],
        "one_convolution",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["batch", 3, *WINDOW])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", CLASSES, *WINDOW])],
        [numpy_helper.from_array(weights, "weights")],
    )
    opsets = [helper.make_opsetid("", 18)]
    content = helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()
    onnx.checker.check_model(content)
    manifest = json.loads((like / "bundle.json").read_text(encoding="utf-8"))
    (entry,) = (one for one in manifest["graphs"]["main"] if one["dialect"] == "onnx")
    entry |= {"file": "main.onnx", "sha256": hashlib.sha256(content).hexdigest()}
    entry["inputs"][0] |= {"name": "images", "shape": [None, 3, *WINDOW]}
    entry["outputs"][0] |= {"name": "logits", "shape": [None, CLASSES, *WINDOW]}
    manifest["graphs"]["main"] = [entry]
    manifest["postprocess"]["scores"]["output"] = "logits"
    folder.mkdir()
    (folder / "main.onnx").write_bytes(content)
    (folder / "bundle.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder


def peak_megabytes(bundle: Path, size: tuple[int, int]) -> float:
    """Beyond the image and the loaded model."""
    command = [sys.executable, "-c", _PEAK, str(bundle), *map(str, size)]
    return float(subprocess.run(command, capture_output=True, check=True, text=True).stdout)


def main() -> None:
    torch.set_num_threads(THREADS)
    torch.manual_seed(0)
    network = registry.create("fcn_resnet18", num_classes=CLASSES)
    frame = generated_image()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        labels = [f"class {index}" for index in range(CLASSES)]
        bundle = export(
            network,
            folder / "fcn",
            labels=labels,
            windows=WindowOptions(size=WINDOW, overlap=OVERLAP),
        ).folder
        model = edgecv.load(bundle, threads=THREADS)
        assert isinstance(model, edgecv.SemanticSegmenter)
        model.windows = {"batch": BATCH}
        alone = edgecv.load(bundle, threads=THREADS).engines["main"]
        windows = len(ops.sliding_windows(frame.shape[:2], WINDOW, OVERLAP))

        def networks() -> None:
            for start in range(0, windows, BATCH):
                shape = (min(BATCH, windows - start), 3, *WINDOW)
                alone.input(0, shape)[...] = 0.1
                alone.run()

        times = alternate({"networks": networks, "whole": lambda: model(frame)}, ROUNDS, warmup=1)
        whole, net = times["whole"], times["networks"]
        ratios = np.array(whole.runs) / np.array(net.runs)
        parts = model.timing
        print(header("what", "median ms"))
        print(row(f"networks alone, {windows} windows in runs of {BATCH}", net.median))
        print(row("edgecv, frame to class map", whole.median))
        print()
        print(header("ratio", "measured", "target"))
        print(row("whole / networks, medians", f"{whole.median / net.median:.3f}×", "≤ 1.05×"))
        print(row("whole / networks, pair by pair", f"{np.median(ratios):.3f}×", ""))
        print()
        print(
            f"Last call: preprocess {parts.preprocess_ms:.1f} ms, network {parts.network_ms:.0f} "
            f"ms, postprocess {parts.postprocess_ms:.1f} ms."
        )
        print()
        one = write_one_convolution(folder / "one", bundle)
        print(header("peak memory beyond image and model", "MB", "target"))
        large = peak_megabytes(one, LARGE)
        print(row("100 megapixels, network of one convolution", f"{large:.0f}", "≤ 1500"))
        print(row("1080p, fcn_resnet18", f"{peak_megabytes(bundle, frame.shape[:2]):.0f}", ""))


if __name__ == "__main__":
    main()
