"""Suppression that rounding has no part in."""

import torch
from torchvision.ops import batched_nms, nms

from edgecv_export.parity.suppression import exact_suppression

THRESHOLD = 0.5


def pairs() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Boxes [400, 4], scores and classes: two of each class, their IoU next to the threshold."""
    generator = torch.Generator().manual_seed(0)
    corner = torch.rand(200, 2, generator=generator) * 1000
    side = 30 + 50 * torch.rand(200, 2, generator=generator)
    first = torch.cat([corner, corner + side], dim=1)
    # Shifted by a third of its width, a box has an IoU of 1/2 with what it was.
    shift = side[:, 0] / 3 * (1 + 1e-4 * torch.randn(200, generator=generator))
    second = first + torch.stack([shift, shift * 0, shift, shift * 0], dim=1)
    boxes = torch.stack([first, second], dim=1).flatten(0, 1)
    classes = torch.arange(200).repeat_interleave(2)
    return boxes, torch.tensor([0.9, 0.8]).repeat(200), classes


def test_each_class_by_itself() -> None:
    boxes, scores, classes = pairs()
    expected = {
        int(2 * label + i)
        for label in range(200)
        for i in nms(boxes[classes == label], scores[classes == label], THRESHOLD)
    }
    with exact_suppression():
        assert set(batched_nms(boxes, scores, classes, THRESHOLD).tolist()) == expected
    shifted = set(batched_nms(boxes, scores, classes, THRESHOLD).tolist())
    assert len(shifted ^ expected) > 5, "without it, rounding decides some of the pairs"
