"""Two-stage detectors on a 1080p image: the whole against its networks, and against torchvision."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

import edgecv
from edgecv.cli.benchmark import generated_image
from edgecv.models import registry
from edgecv_export import export
from edgecv_export.generated_images import generate_images
from helpers.varied_rcnn import varied_rcnn
from timing import THREADS, alternate, at_all_scores, header, row

# Architecture, rounds, and the target for the share of everything around the networks.
CASES = (
    ("fasterrcnn_mobilenet_v3_large_320_fpn", 30, "≤ 8 %"),
    ("maskrcnn_resnet50_fpn", 3, ""),
)
LABELS = [f"class {index}" for index in range(1, 91)]


def main() -> None:
    torch.set_num_threads(THREADS)
    print(header("network", "what", "measured", "target"))
    names = sys.argv[1:]
    notes = [measure(*case) for case in CASES if not names or case[0] in names]
    print("\n" + "\n".join(notes))


def measure(architecture: str, rounds: int, share_target: str) -> str:
    network = varied_rcnn(lambda: registry.create(architecture, num_classes=91), generate_images(4))
    frame = generated_image()
    tensor = torch.from_numpy(frame[:, :, ::-1].copy()).permute(2, 0, 1).float() / 255
    with tempfile.TemporaryDirectory() as folder:
        # Not on the frame: its noise saturates most scores of random weights, and equal scores are
        # kept in an order that rounding decides.
        bundle = export(network, Path(folder) / "bundle", labels=LABELS).folder
        model = at_all_scores(edgecv.load(bundle, threads=THREADS))
        networks = {"trunk", "roi", "mask"} & set(model.steps)
        around: list[float] = []

        def whole() -> None:
            model(frame)
            timing = model.timing
            times = {step: getattr(timing, f"{step}_ms") for step in model.steps}
            network_ms = sum(times[step] for step in networks)
            around.append((sum(times.values()) - network_ms) / network_ms)

        def eager() -> None:
            with torch.inference_mode():
                network([tensor])

        times = alternate({"whole": whole, "eager": eager}, rounds, warmup=2)
        timing = model.timing
        parts = ", ".join(f"{step} {getattr(timing, f'{step}_ms'):.2f}" for step in model.steps)
        inside = sum(getattr(timing, f"{step}_ms") for step in networks)
        found = len(model(frame))
    with FlopCounterMode(display=False) as counter:
        eager()
    work = counter.get_total_flops() / 1e9
    ours, theirs = times["whole"].median, times["eager"].median
    print(row(architecture, "edgecv, frame to result", f"{ours:.1f} ms", ""))
    print(row("", "torchvision eager, tensor to result", f"{theirs:.1f} ms", ""))
    print(row("", "eager / edgecv", f"{theirs / ours:.2f}×", "≥ 2×"))
    share = f"{100 * np.median(around[2:]):.1f} %"
    print(row("", "around the networks / networks", share, share_target))
    return (
        f"{architecture}, last call in ms: {parts}; {found} detections. The networks' "
        f"{work:.0f} GFLOP went at {1e3 * work / inside:.0f} GFLOP/s; a product of 4096² matrices "
        f"in torch goes at {matmul_rate():.0f} GFLOP/s."
    )


def matmul_rate() -> float:
    """GFLOP/s of float32 on these processors, as near to their limit as a library comes."""
    side = 4096
    a, b = torch.rand(2, side, side)
    time = alternate({"product": lambda: a @ b}, 5)["product"].median
    return 2 * side**3 / time / 1e6


if __name__ == "__main__":
    main()
