"""Parts of torchvision's detectors whose meaning the manifest can record."""

from __future__ import annotations

from typing import Any

import torch
from torchvision.models.detection.anchor_utils import AnchorGenerator

from edgecv_runtime import InputError


def expect_part(part: Any, kind: type, name: str) -> None:
    """Raises InputError unless it is torchvision's own: a subclass may do anything."""
    if type(part) is not kind:
        raise InputError(
            f"cannot record {name} {type(part).__name__}: expected torchvision's {kind.__name__}"
        )


def anchor_values(generator: AnchorGenerator) -> tuple[list[list[float]], list[list[float]]]:
    """Its sizes and its aspect ratios, level by level."""
    sizes, ratios = (
        [[float(value) for value in level] for level in levels]
        for levels in (generator.sizes, generator.aspect_ratios)
    )
    return sizes, ratios


def check_cells(generator: AnchorGenerator, name: str) -> None:
    """Raises InputError unless the anchors of a cell are those that sizes and ratios stand for."""
    fresh = AnchorGenerator(generator.sizes, generator.aspect_ratios)
    if not all(
        torch.equal(own, other)
        for own, other in zip(generator.cell_anchors, fresh.cell_anchors, strict=True)
    ):
        raise InputError(
            f"{name}.cell_anchors are not what its sizes and aspect_ratios give: set the anchors "
            "by these two"
        )
