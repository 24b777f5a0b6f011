"""ssdlite320 on 1080p frames: the whole against its network alone, and against torchvision."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import numpy as np
import torch

import edgecv
from edgecv.cli.benchmark import generated_image
from edgecv.models import registry
from edgecv_export import GraphOptions, export
from edgecv_export.generated_images import generate_images
from helpers.varied_detections import varied_detector
from timing import THREADS, alternate, at_all_scores, header, row

OBJECTS = 40  # anchors with a class above 0.5, as a trained network has them on a busy frame


def raise_background(network: torch.nn.Module, frame: torch.Tensor) -> None:
    """Shifts the background's logit until OBJECTS anchors score above it on this frame."""
    with torch.inference_mode():
        features = network.backbone(network.transform([frame])[0].tensors)
        logits = network.head(list(features.values()))["cls_logits"][0]
        margins = (logits[:, 1:].max(1).values - logits[:, 0]).sort(descending=True).values
        for level in network.head.classification_head.module_list:
            level[-1].bias[:: logits.shape[1]] += margins[OBJECTS]


def main() -> None:
    torch.set_num_threads(THREADS)
    network = varied_detector(
        lambda: registry.create("ssdlite320_mobilenet_v3_large", num_classes=91),
        generate_images(8),
    )
    frame = generated_image()
    tensor = torch.from_numpy(frame[:, :, ::-1].copy()).permute(2, 0, 1).float() / 255
    raise_background(network, tensor)
    with tempfile.TemporaryDirectory() as folder:
        labels = [f"class {index}" for index in range(1, 91)]
        bundle = export(
            network, Path(folder) / "ssdlite", labels=labels, graph=GraphOptions(batch=1)
        ).folder
        model = at_all_scores(edgecv.load(bundle, threads=THREADS))
        alone = edgecv.load(bundle, threads=THREADS).engines["main"]
        alone.input(0, (1, 3, 320, 320))[...] = 0.1

        def eager() -> None:
            with torch.inference_mode():
                network([tensor])

        # Eager in a run of its own: torch's threads spin on for a while and slow what comes next.
        times = alternate({"network": alone.run, "whole": lambda: model(frame)}, 200, warmup=10)
        times |= alternate({"eager": eager}, 30)
        whole, net = times["whole"], times["network"]
        parts = model.timing
        print(header("what", "median ms", "p50", "p99"))
        for name, label in (
            ("network", "network alone, ONNX Runtime"),
            ("whole", "edgecv, frame to boxes"),
            ("eager", "torchvision eager, tensor to boxes"),
        ):
            timed = times[name]
            print(row(label, timed.median, timed.percentile(50), timed.percentile(99)))
        print()
        ratios = np.array(whole.runs) / np.array(net.runs)
        print(header("ratio", "measured", "target"))
        print(row("whole / network, medians", f"{whole.median / net.median:.3f}×", "≤ 1.06×"))
        print(row("whole / network, pair by pair", f"{np.median(ratios):.3f}×", ""))
        print(row("eager / whole", f"{times['eager'].median / whole.median:.1f}×", ""))
        print()
        print(
            f"Last call: preprocess {parts.preprocess_ms:.2f} ms, network {parts.network_ms:.2f} "
            f"ms, postprocess {parts.postprocess_ms:.2f} ms; {len(model(frame))} detections."
        )


if __name__ == "__main__":
    main()
