"""Proposals and box head of Faster R-CNN on an 800×1344 input against torchvision's."""

from __future__ import annotations

import numpy as np
import torch
from torchvision.models.detection import fasterrcnn_resnet50_fpn
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.rpn import concat_box_prediction_layers

from edgecv_runtime import _core
from timing import THREADS, alternate, header, row

SIZE = (800, 1344)
STRIDES = (4, 8, 16, 32, 64)
COLUMNS = 91
ROUNDS = 40


def rpn_outputs(kind: str, rng: np.random.Generator) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Random logits, or a trained network's: low everywhere, but for blobs around some objects."""
    objectness, deltas = [], []
    objects = [(rng.uniform(0, SIZE), np.exp(rng.uniform(3, 6))) for _ in range(40)]
    for stride in STRIDES:
        height, width = (-(-side // stride) for side in SIZE)
        logits = rng.normal(size=(3, height, width)).astype(np.float32)
        offsets = (rng.normal(size=(12, height, width)) * 0.3).astype(np.float32)
        if kind == "trained":
            logits -= 6
            y, x = np.mgrid[:height, :width] * stride
            for (centre_y, centre_x), side in objects:
                near = np.exp(-((y - centre_y) ** 2 + (x - centre_x) ** 2) / (side / 4) ** 2)
                fit = np.exp(-(np.log2(side / (8 * stride)) ** 2))
                logits += (10 * near * fit).astype(np.float32)
        objectness.append(logits)
        deltas.append(offsets)
    return objectness, deltas


def proposals(network: torch.nn.Module, rng: np.random.Generator) -> None:
    rpn = network.rpn
    generator = rpn.anchor_generator
    images = ImageList(torch.zeros(1, 3, *SIZE), [SIZE])
    for kind in ("random", "trained"):
        objectness, deltas = rpn_outputs(kind, rng)
        logits = [torch.from_numpy(level)[None] for level in objectness]
        offsets = [torch.from_numpy(level)[None] for level in deltas]
        counts = [level.numel() for level in logits]

        def decoded(logits=logits, offsets=offsets) -> tuple[torch.Tensor, torch.Tensor]:
            anchors = generator(images, logits)
            flat, flat_offsets = concat_box_prediction_layers(list(logits), list(offsets))
            return flat, rpn.box_coder.decode(flat_offsets, anchors).view(1, -1, 4)

        flat, boxes = decoded()
        found: dict[str, object] = {}

        def ours(objectness=objectness, deltas=deltas, found=found) -> None:
            found["edgecv"] = _core.propose(
                objectness, deltas, SIZE, SIZE, generator.sizes, generator.aspect_ratios
            )

        def filter_only(flat=flat, boxes=boxes, counts=counts, found=found) -> None:
            found["torchvision"] = rpn.filter_proposals(boxes, flat, [SIZE], counts)

        def whole(counts=counts) -> None:
            flat, boxes = decoded()
            rpn.filter_proposals(boxes, flat, [SIZE], counts)

        times = alternate({"edgecv": ours, "filter": filter_only, "whole": whole}, ROUNDS)
        np.testing.assert_allclose(
            found["edgecv"][0], found["torchvision"][0][0].numpy(), atol=1e-3
        )
        mine = times["edgecv"].median
        for peer, name in (("filter", "filter_proposals"), ("whole", "anchors, decode, filter")):
            theirs = times[peer].median
            print(
                row(f"proposals, {kind} logits", name, mine, theirs, f"{theirs / mine:.0f}×", "8×")
            )


def box_head(network: torch.nn.Module, rng: np.random.Generator) -> None:
    heads = network.roi_heads
    corner = rng.uniform(0, (SIZE[1], SIZE[0]), (1000, 2)) * 0.9
    boxes = np.concatenate([corner, corner + np.exp(rng.uniform(2, 5.5, (1000, 2)))], 1)
    boxes = np.minimum(boxes, [*SIZE[::-1]] * 2).astype(np.float32)
    deltas = (rng.normal(size=(1000, 4 * COLUMNS)) * 0.5).astype(np.float32)
    for kind in ("random", "trained"):
        logits = (rng.normal(size=(1000, COLUMNS)) * 2).astype(np.float32)
        if kind == "trained":
            logits[:, 0] += 8
            objects = rng.integers(0, 1000, 150)
            logits[objects, rng.integers(1, COLUMNS, 150)] += rng.uniform(5, 12, 150)
        tensors = [torch.from_numpy(array) for array in (logits, deltas, boxes)]
        found: dict[str, object] = {}

        def ours(logits=logits, found=found) -> None:
            found["edgecv"] = _core.box_head_detections(logits, deltas, boxes, SIZE)

        def theirs(tensors=tensors, found=found) -> None:
            with torch.inference_mode():
                logits, deltas, boxes = tensors
                found["torchvision"] = heads.postprocess_detections(logits, deltas, [boxes], [SIZE])

        times = alternate({"edgecv": ours, "torchvision": theirs}, ROUNDS)
        np.testing.assert_allclose(
            found["edgecv"][1], found["torchvision"][1][0].numpy(), atol=1e-5
        )
        mine, peer = times["edgecv"].median, times["torchvision"].median
        print(
            row(
                f"box head, {kind} logits",
                "postprocess_detections",
                mine,
                peer,
                f"{peer / mine:.0f}×",
                "20×",
            )
        )


def main() -> None:
    torch.set_num_threads(THREADS)
    rng = np.random.default_rng(0)
    network = fasterrcnn_resnet50_fpn(
        weights=None, weights_backbone=None, num_classes=COLUMNS
    ).eval()
    print(header("work", "torchvision's", "edgecv ms", "torchvision ms", "ratio", "target"))
    with torch.inference_mode():
        proposals(network, rng)
        box_head(network, rng)


if __name__ == "__main__":
    main()
