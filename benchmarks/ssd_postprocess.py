"""SSD300 postprocessing against torchvision's, 8732 anchors and 91 classes."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import numpy as np
import torch
from torchvision.models.detection import ssd300_vgg16
from torchvision.models.detection.image_list import ImageList

from edgecv_export.graphs.families import cut_model
from edgecv_runtime import Bundle, Manifest, _core
from helpers.fake_engine import FakeEngine
from helpers.manifests import graph, write_manifest
from timing import THREADS, alternate, header, row

SIZE, ANCHORS, COLUMNS = 300, 8732, 91
FEATURE_SIZES = [(38, 38), (19, 19), (10, 10), (5, 5), (3, 3), (1, 1)]


INPUTS = {"images": (1, 3, SIZE, SIZE)}
OUTPUTS = {"logits": (1, ANCHORS, COLUMNS), "deltas": (1, ANCHORS, 4)}


def logits_of(kind: str, rng: np.random.Generator) -> np.ndarray:
    """Random logits, under which most anchors are candidates, or a trained network's: background
    nearly everywhere, and some anchors around each of a dozen objects."""
    logits = rng.normal(size=(1, ANCHORS, COLUMNS)).astype(np.float32)
    if kind == "trained":
        logits[..., 0] += 9
        for centre in rng.integers(0, ANCHORS - 12, 12):
            anchors = np.arange(centre, centre + 12)
            logits[0, anchors, rng.integers(1, COLUMNS)] += rng.uniform(6, 13, 12)
    return logits


def write_bundle(folder: Path, network: Any) -> Path:
    """The manifest of an export, without the export."""
    cut = cut_model(network)
    return write_manifest(
        folder,
        cut.task,
        {"main": graph(INPUTS, OUTPUTS)},
        cut.postprocess,
        labels=[f"class {index}" for index in range(1, COLUMNS)],
        input=cut.input,
        schema=Manifest.current_schema,
    )


def main() -> None:
    torch.set_num_threads(THREADS)
    rng = np.random.default_rng(0)
    network = ssd300_vgg16(weights=None, weights_backbone=None, num_classes=COLUMNS).eval()
    anchors = network.anchor_generator(
        ImageList(torch.zeros(1, 3, SIZE, SIZE), [(SIZE, SIZE)]),
        [torch.zeros(1, 1, *size) for size in FEATURE_SIZES],
    )
    deltas = (rng.normal(size=(1, ANCHORS, 4)) * 0.5).astype(np.float32)
    image = np.zeros((SIZE, SIZE, 3), np.uint8)
    print(header("logits", "caches", "edgecv ms", "torchvision ms", "ratio", "target"))
    with tempfile.TemporaryDirectory() as folder:
        bundle = Bundle.open(str(write_bundle(Path(folder), network)))
        for kind, cold, target in (
            ("random", False, "40×"),
            ("trained", False, "15×"),
            ("trained", True, "15×"),
        ):
            logits = logits_of(kind, rng)
            both = (logits, deltas)
            engine = FakeEngine(lambda _, both=both: both, INPUTS, OUTPUTS, keep=False)
            detector = _core.Detector(bundle, engine, THREADS)
            detector.set_thresholds([bundle.manifest.measuring_threshold] * (COLUMNS - 1))
            outputs = {
                "cls_logits": torch.from_numpy(logits),
                "bbox_regression": torch.from_numpy(deltas),
            }
            found = {}

            def ours(detector=detector, found=found) -> float:
                timing = _core.Timing()
                found["edgecv"] = detector.run([image], ["bgr"], timing=timing)[0]
                return timing.postprocess_ms

            def theirs(outputs=outputs, found=found) -> None:
                with torch.inference_mode():
                    found["torchvision"] = network.postprocess_detections(
                        outputs, anchors, [(SIZE, SIZE)]
                    )[0]

            times = alternate({"edgecv": ours, "torchvision": theirs}, 40, cold=cold)
            np.testing.assert_allclose(
                found["edgecv"][1], found["torchvision"]["scores"].numpy(), atol=1e-5
            )
            mine, peer = times["edgecv"].median, times["torchvision"].median
            print(row(kind, "cold" if cold else "warm", mine, peer, f"{peer / mine:.0f}×", target))


if __name__ == "__main__":
    main()
