"""Trackers against Roboflow's `trackers`: HOTA and IDF1 by `trackeval`, and time per frame.

    pip install -e '.[dev]'
    python benchmarks/tracking.py > benchmarks/results/tracking.md

The videos have no images: boxes that move and hide each other, and what a detector would find of
them (tests/helpers/moving_objects.py). Both packages run with their defaults; a second row gives
Roboflow's the score threshold of edgecv's.
"""

from __future__ import annotations

import sys
import time
import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import edgecv
from helpers.moving_objects import SCENES, make_video, sparse_video
from helpers.peer_trackers import (
    detections_of,
    edgecv_tracker,
    roboflow_tracker,
    supervision_of,
)
from helpers.tracking_measures import hota_and_idf1
from timing import header, row

SEEDS = range(100, 106)
COUNTS = (10, 100)
KINDS = {"bytetrack": "ByteTrack", "ocsort": "OC-SORT"}


def main() -> None:
    print("# Trackers\n")
    print(f"By `benchmarks/tracking.py`, against trackers {version('trackers')}.")
    print(f"\nHOTA / IDF1 in percent, mean of {len(SEEDS)} videos of each kind:\n")
    print(header("", *SCENES, "mean"))
    for kind, title in KINDS.items():
        threshold = "high_conf_det_threshold"
        same = {threshold: 0.5} | (
            {"track_activation_threshold": 0.5} if kind == "bytetrack" else {}
        )
        measured: dict[str, list[tuple[float, float]]] = {}
        for scene in SCENES.values():
            runs = {
                f"edgecv {title}": edgecv_tracker(kind),
                f"trackers {title}": roboflow_tracker(kind, scene),
                f"trackers {title}, threshold 0.5": roboflow_tracker(kind, scene, **same),
            }
            for seed in SEEDS:
                video = make_video(scene, seed)
                for name, run in runs.items():
                    measured.setdefault(name, []).append(hota_and_idf1(video, run(video)))
        for name, values in measured.items():
            by_scene = 100 * np.reshape(values, (len(SCENES), len(SEEDS), 2)).mean(axis=1)
            cells = [f"{h:.1f} / {i:.1f}" for h, i in [*by_scene, by_scene.mean(axis=0)]]
            print(row(name, *cells))
    print("\nMilliseconds per frame, median, from Python; both take turns frame by frame:\n")
    print(header("objects", "tracker", "edgecv", "trackers", "ratio", "target"))
    for count in COUNTS:
        for kind, title in KINDS.items():
            ours, theirs = frame_times(kind, count)
            target = "<= 0.3 ms, 20×" if count == 100 else "20×"
            print(
                row(count, title, f"{ours:.3f}", f"{theirs:.2f}", f"{theirs / ours:.0f}×", target)
            )


def frame_times(kind: str, count: int) -> tuple[float, float]:
    """Milliseconds of edgecv and of `trackers`, with all tracks begun."""
    import trackers

    make = {"bytetrack": trackers.ByteTrackTracker, "ocsort": trackers.OCSORTTracker}[kind]
    video = list(sparse_video(count, 120))
    ours, theirs = edgecv.Tracker(kind), make()
    times: list[tuple[float, float]] = []
    pairs = zip(detections_of(video), supervision_of(video), strict=True)
    for (found, seconds), (same, _) in pairs:
        started = time.perf_counter()
        ours.update(found, time_ms=1000 * seconds)
        between = time.perf_counter()
        theirs.update(same, timestamp=seconds)
        times.append((between - started, time.perf_counter() - between))
    mine, other = 1000 * np.median(times[20:], axis=0)
    return float(mine), float(other)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
