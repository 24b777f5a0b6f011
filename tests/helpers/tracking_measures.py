"""HOTA and IDF1 of tracks, by the package trackeval."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edgecv_runtime import ops
from helpers.moving_objects import Frame

# Of a frame the boxes, float32 [N, 4], and their ids, int64 [N]; -1 is none.
Tracked = tuple[NDArray[np.float32], NDArray[np.int64]]


def hota_and_idf1(video: Sequence[Frame], tracked: Sequence[Tracked]) -> tuple[float, float]:
    """Both in 0..1; HOTA is the mean over its thresholds."""
    from trackeval.metrics import HOTA, Identity

    real: dict[int, int] = {}
    ours: dict[int, int] = {}
    data: dict[str, list[NDArray[np.float64]]] = {
        "gt_ids": [],
        "tracker_ids": [],
        "similarity_scores": [],
    }
    for frame, (all_boxes, all_ids) in zip(video, tracked, strict=True):
        boxes, ids = all_boxes[all_ids >= 0], all_ids[all_ids >= 0]
        data["gt_ids"].append(_numbered(frame.ids, real))
        data["tracker_ids"].append(_numbered(ids, ours))
        data["similarity_scores"].append(ops.box_iou(frame.boxes, boxes))
    sizes = {
        "num_gt_dets": sum(map(len, data["gt_ids"])),
        "num_tracker_dets": sum(map(len, data["tracker_ids"])),
        "num_gt_ids": len(real),
        "num_tracker_ids": len(ours),
    }
    with contextlib.redirect_stdout(io.StringIO()):  # they print how they are set up
        hota, identity = HOTA(), Identity()
    found = hota.eval_sequence({**data, **sizes})["HOTA"]
    return float(np.mean(found)), float(identity.eval_sequence({**data, **sizes})["IDF1"])


def _numbered(ids: NDArray[np.int64], numbers: dict[int, int]) -> NDArray[np.int64]:
    """From 0 on, in the order in which they were first seen."""
    return np.array([numbers.setdefault(each, len(numbers)) for each in ids.tolist()], np.int64)
