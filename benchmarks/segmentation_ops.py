"""Logits to class maps on a 1080p frame, against MONAI's sliding windows and torch's interpolate.

MONAI is no dependency of edgecv: pip install --no-deps monai.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import numpy as np
import torch
from torch.nn.functional import interpolate

from edgecv.cli.benchmark import generated_image
from edgecv_runtime import SemanticSegmenter
from helpers.fake_engine import segmenter
from timing import THREADS, alternate, header, row

CLASSES = 21
WINDOW, OVERLAP, BATCH = (320, 480), 0.25, 5
CELLS = (135, 240)  # of a head at stride 8


def still(folder: Path, logits: np.ndarray, windows: dict[str, object] | None) -> SemanticSegmenter:
    """Its network takes no time: the logits are made in advance."""
    return segmenter(folder, lambda _: logits, CLASSES, windows, threads=THREADS, keep=False)


def same_classes(mask: np.ndarray, values: torch.Tensor) -> float:
    """Share of pixels with the class of the peer's; the rest must be as good as tied."""
    expected = values.argmax(0).numpy()
    differs = torch.from_numpy(mask != expected)
    ours = values.gather(0, torch.from_numpy(mask.astype(np.int64))[None])[0]
    gap = (values.max(0).values - ours)[differs]
    assert not len(gap) or gap.max() < 1e-4, f"classes differ by {gap.max():g}"
    return 1 - float(differs.float().mean())


def main() -> None:
    try:
        from monai.inferers import sliding_window_inference
    except ImportError:
        sys.exit("this benchmark compares with MONAI: pip install --no-deps monai")
    torch.set_num_threads(THREADS)
    rng = np.random.default_rng(0)
    frame = generated_image()
    size = frame.shape[:2]
    tensor = torch.from_numpy(frame[:, :, ::-1].transpose(2, 0, 1).astype(np.float32))[None]
    window_scores = rng.normal(0, 2, (BATCH, CLASSES, *WINDOW)).astype(np.float32)
    cells = rng.normal(0, 2, (1, CLASSES, *CELLS)).astype(np.float32)
    window_logits, cell_logits = torch.from_numpy(window_scores), torch.from_numpy(cells)

    def monai() -> torch.Tensor:
        return sliding_window_inference(tensor, WINDOW, BATCH, lambda _: window_logits, OVERLAP)

    def upsampled() -> torch.Tensor:
        return interpolate(cell_logits, size=size, mode="bilinear", align_corners=False)

    with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
        windows = {"size": WINDOW, "overlap": OVERLAP, "weight": "uniform", "batch": BATCH}
        sliding = still(Path(folder), window_scores, windows)
        whole = still(Path(folder), cells, None)
        shares = (
            same_classes(sliding(frame).mask, monai()[0]),
            same_classes(whole(frame).mask, upsampled()[0]),
        )

        def postprocess(model: SemanticSegmenter) -> float:
            model(frame)
            return float(model.timing.postprocess_ms)

        times = alternate(
            {
                "sliding": lambda: sliding(frame),
                "blend": lambda: postprocess(sliding),
                "whole": lambda: whole(frame),
                "upsample": lambda: postprocess(whole),
                "monai": lambda: monai().argmax(1),
                "torch": lambda: upsampled().argmax(1),
            },
            rounds=7,
            warmup=2,
        )
    print(header("work", "edgecv ms", "peer", "peer ms", "ratio", "same class", "target"))
    for name, mine, peer, share, target in (
        ("25 windows of 320×480: average, argmax", "blend", "monai", shares[0], "10×"),
        ("the same with preprocessing", "sliding", "monai", shares[0], ""),
        ("21×135×240 → 1080p, argmax", "upsample", "torch", shares[1], "10×"),
        ("the same with preprocessing", "whole", "torch", shares[1], ""),
    ):
        ours, theirs = times[mine].median, times[peer].median
        names = {"monai": "MONAI sliding_window_inference", "torch": "torch interpolate"}[peer]
        ratio = f"{theirs / ours:.1f}×"
        print(row(name, ours, f"{names}, argmax", theirs, ratio, f"{100 * share:.4f} %", target))


if __name__ == "__main__":
    main()
