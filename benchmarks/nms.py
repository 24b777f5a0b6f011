"""Batched non-maximum suppression against torchvision's, 5000 boxes of 80 classes."""

from __future__ import annotations

import numpy as np
import torch
from torchvision.ops import boxes as peer

from edgecv_runtime import ops
from timing import THREADS, alternate, header, row


def main() -> None:
    torch.set_num_threads(THREADS)
    rng = np.random.default_rng(0)
    print(header("boxes", "edgecv ms", "torchvision ms", "ratio", "target"))
    for name, extent in (("spread over 1000 px", 1000), ("crowded in 200 px", 200)):
        corner = rng.uniform(0, extent, (5000, 2))
        boxes = np.concatenate([corner, corner + rng.uniform(5, 200, (5000, 2))], 1)
        boxes = boxes.astype(np.float32)
        scores = rng.uniform(size=5000).astype(np.float32)
        labels = rng.integers(0, 80, 5000)
        tensors = [torch.from_numpy(array) for array in (boxes, scores, labels)]
        np.testing.assert_array_equal(
            ops.batched_nms(boxes, scores, labels, 0.5), peer.batched_nms(*tensors, 0.5)
        )
        times = alternate(
            {
                "edgecv": lambda b=boxes, s=scores, c=labels: ops.batched_nms(b, s, c, 0.5),
                "torchvision": lambda t=tensors: peer.batched_nms(*t, 0.5),
            },
            40,
        )
        mine, theirs = times["edgecv"].median, times["torchvision"].median
        print(row(name, mine, theirs, f"{theirs / mine:.0f}×", "5×"))


if __name__ == "__main__":
    main()
