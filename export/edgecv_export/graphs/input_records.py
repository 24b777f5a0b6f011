"""Input records of the manifest as cuts need them."""

from __future__ import annotations

from edgecv.models.architecture.input_record import InputRecord
from edgecv_runtime import InputError


def require_plain(record: InputRecord) -> None:
    """Raises InputError for a record that torch alone (`parity.torch_input.to_tensor`) cannot
    follow."""
    simple = (
        record["resize"] in ("none", "stretch", "shortest_edge")
        and record["max_size"] is None
        and record["pad_multiple"] == 1
        and record["color"] in ("rgb", "bgr")
        and (record["dtype"], record["layout"]) == ("float32", "nchw")
    )
    if not simple:
        raise InputError(
            "the module's input record: expected resize none, stretch or shortest_edge without "
            "max_size, no padding, three channels, float32, nchw"
        )


def letterboxed(record: InputRecord, size: tuple[int, int]) -> InputRecord:
    """The record of a detector whose images are fitted into ``size`` (h, w) from the top left.

    Raises InputError unless both sides are multiples of what the model pads to.
    """
    multiple = record["pad_multiple"]
    if any(side < 1 or side % multiple for side in size):
        raise InputError(
            f"size {size[0]}x{size[1]}: expected height and width as multiples of {multiple}, "
            "which the model's transform pads to"
        )
    return {
        **record,
        "size": list(size),
        "resize": "letterbox",
        "max_size": None,
        "align": "top_left",
    }
