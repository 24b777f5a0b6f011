"""Putting together what tiles report: objects lost and detections too many, for edgecv, SAHI and
plain suppression, on a simulated detector with ragged borders.

    python benchmarks/tile_merging.py [--scenes 60]

Prints the table of benchmarks/results/tile_merging.md. SAHI is no dependency of edgecv: pip install
--no-deps sahi shapely.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from edgecv_runtime import Tiles, _core, ops
from helpers.simulated_tiles import IMAGE, TILE, Count, Faults, Scene, scene
from timing import header, row

Merged = tuple[np.ndarray, np.ndarray]  # boxes float32 [N, 4], labels int64 [N]


def edgecv(some: Scene) -> Merged:
    groups = _core.group_tiles(
        some.boxes, some.scores, some.labels, some.tiles, some.windows, IMAGE, 0.5
    )
    boxes = np.zeros((len(groups), 4), np.float32)
    for box, (members, whole) in zip(boxes, groups, strict=True):
        pieces = some.boxes[[whole] if whole >= 0 else members]
        box[:2], box[2:] = pieces[:, :2].min(0), pieces[:, 2:].max(0)
    return boxes, some.labels[[members[0] for members, _ in groups]]


def suppression(some: Scene) -> Merged:
    kept = ops.batched_nms(some.boxes, some.scores, some.labels, 0.5)
    return some.boxes[kept], some.labels[kept]


def greedy_nmm() -> Callable[[Scene], Merged]:
    """SAHI's default: GREEDYNMM, intersection over the smaller box of 0.5, within a class."""
    try:
        from sahi.postprocess.combine import GreedyNMMPostprocess
        from sahi.prediction import ObjectPrediction
    except ImportError:
        sys.exit("this benchmark compares with SAHI: pip install --no-deps sahi shapely")
    merge = GreedyNMMPostprocess(match_threshold=0.5, match_metric="IOS", class_agnostic=False)

    def run(some: Scene) -> Merged:
        found = merge(
            [
                ObjectPrediction(
                    bbox=box.tolist(), category_id=int(label), category_name=str(label), score=score
                )
                for box, label, score in zip(
                    some.boxes, some.labels, some.scores.tolist(), strict=True
                )
            ]
        )
        boxes = np.array([one.bbox.to_xyxy() for one in found], np.float32).reshape(-1, 4)
        return boxes, np.array([one.category.id for one in found], np.int64)

    return run


def counts(
    methods: dict[str, Callable[[Scene], Merged]], tiles: Tiles, faults: Faults, scenes: int
) -> dict[str, Count]:
    rng = np.random.default_rng(0)
    result = {name: Count() for name in methods}
    for _ in range(scenes):
        some = scene(rng, tiles, faults)
        for name, merge in methods.items():
            result[name].add(some, *merge(some))
    return result


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--scenes", type=int, default=60)
    scenes = parser.parse_args().scenes
    methods = {"edgecv": edgecv, "SAHI GREEDYNMM": greedy_nmm(), "suppression": suppression}
    print(header("tiles", "pieces stop short by", "", "large lost", "small lost", "extra"))
    for whole in (True, False):
        for overlap in (0.1, 0.2, 0.3):
            for ragged in (0.15, 0.05):
                tiles = Tiles(TILE, overlap=overlap, whole=whole)
                found = counts(methods, tiles, Faults(ragged=ragged), scenes)
                where = f"overlap {overlap}" + (", and the image" if whole else "")
                for name, one in found.items():
                    print(
                        row(
                            where,
                            f"up to {ragged:.0%}",
                            name,
                            f"{one.large_lost} of {one.large}",
                            f"{one.small_lost} of {one.small}",
                            str(one.extra),
                        )
                    )


if __name__ == "__main__":
    main()
