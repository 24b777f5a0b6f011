"""torchvision's suppression without the digits that it loses on the way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

from torchvision.ops import boxes


@contextmanager
def exact_suppression(wanted: bool = True) -> Iterator[None]:
    """Inside, torchvision's batched_nms suppresses class by class, whatever the number of boxes.

    With few of them it moves those of each class to a place of their own and suppresses all at
    once. At class 80 of an image of 1333 pixels that rounds each side to 1/128 pixel, and an IoU
    at the threshold may fall on either side of it.
    """
    if not wanted:
        yield
        return
    with mock.patch.object(boxes, "_batched_nms_coordinate_trick", boxes._batched_nms_vanilla):
        yield
