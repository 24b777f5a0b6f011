"""Masks of 100 instances on a 1080p frame against torchvision's pasting and pycocotools' coding."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from pycocotools import mask as coco
from torchvision.models.detection.roi_heads import paste_masks_in_image

from edgecv_runtime import ops
from edgecv_runtime.results.masks import Masks
from timing import THREADS, alternate, header, row

COUNT, CELLS = 100, 28
FRAME = (1080, 1920)  # height, width


def instances(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Blobs as a mask head gives them, in boxes of 20 to 600 pixels, small ones more often."""
    noise = rng.normal(size=(COUNT, CELLS, CELLS))
    distance = np.hypot(*(np.mgrid[:CELLS, :CELLS] - CELLS / 2 + 0.5)) / CELLS
    logits = np.stack([cv2.GaussianBlur(one, (0, 0), 3) * 25 for one in noise])
    masks = 1 / (1 + np.exp(-(logits + 12 * (0.42 - distance))))
    sides = np.exp(rng.uniform(np.log(20), np.log(600), (COUNT, 2)))
    corner = rng.uniform(0, 1, (COUNT, 2)) * (np.array(FRAME[::-1]) - sides)
    boxes = np.concatenate([corner, corner + sides], 1)
    return masks.astype(np.float32), boxes.astype(np.float32)


def main() -> None:
    torch.set_num_threads(THREADS)
    masks, boxes = instances(np.random.default_rng(0))
    tensors = torch.from_numpy(masks[:, None]), torch.from_numpy(boxes)
    crops = ops.paste_mask_crops(masks, boxes, FRAME)
    frames = crops.paint()
    peer_frames = paste_masks_in_image(*tensors, FRAME)[:, 0] > 0.5
    np.testing.assert_array_equal(frames, peer_frames.numpy())
    columns = np.asfortranarray(frames.transpose(1, 2, 0).view(np.uint8))  # as pycocotools wants it
    codes = coco.encode(columns)
    assert [code["counts"].encode() for code in crops.rle()] == [c["counts"] for c in codes]

    times = alternate(
        {  # ours come after a peer with one thread: torch's threads have gone to sleep by then
            "torchvision": lambda: paste_masks_in_image(*tensors, FRAME) > 0.5,
            "pycocotools": lambda: coco.encode(columns),
            "crops": lambda: ops.paste_mask_crops(masks, boxes, FRAME),
            "frames": lambda: ops.paste_masks(masks, boxes, FRAME),
            "rle of crops": crops.rle,
            "rle of frames": lambda: Masks.from_frames(frames).rle(),
            "polygons": crops.polygons,
        },
        rounds=15,
        warmup=2,
    )
    print(header("work", "edgecv ms", "peer", "peer ms", "ratio", "target"))
    for name, mine, peer, target in (
        ("paste into crops", "crops", "torchvision", "50×"),
        ("paste into frames", "frames", "torchvision", "10×"),
        ("RLE of crops", "rle of crops", "pycocotools", "faster"),
        ("RLE of frames", "rle of frames", "pycocotools", "faster"),
    ):
        ours, theirs = times[mine].median, times[peer].median
        print(row(name, ours, peer, theirs, f"{theirs / ours:.1f}×", target))
    print(row("polygons of crops", times["polygons"].median, "", "", "", ""))


if __name__ == "__main__":
    main()
