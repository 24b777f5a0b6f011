"""A style network, cut."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from edgecv.models.architecture.input_record import InputRecord
from edgecv.models.style_transform import SMALLEST_SIDE, StyleTransform
from edgecv_export.graphs.cut import CutRequest, Kind
from edgecv_runtime import InputError


@dataclass
class StyleCut:
    """See `graphs.cut.Cut`."""

    module: StyleTransform
    size: tuple[int, int] | None  # (h, w) that every image is stretched to; None: each its own
    input: InputRecord

    task: ClassVar[Literal["stylize"]] = "stylize"
    classes: ClassVar[int] = 0


def cut_style(module: StyleTransform, request: CutRequest) -> StyleCut:
    record = module.input
    if request.size is not None:
        if min(request.size) < SMALLEST_SIDE:
            raise InputError(
                f"size {request.size[0]}x{request.size[1]}: expected sides of at least "
                f"{SMALLEST_SIDE} pixels"
            )
        record = {**record, "size": list(request.size), "resize": "stretch"}
    return StyleCut(module, request.size, record)


STYLE = Kind(
    lambda module: isinstance(module, StyleTransform),
    "a style network (edgecv.models.style_transform.StyleTransform)",
    cut_style,
)
