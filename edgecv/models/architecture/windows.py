"""The windows that cover an image: those that a network has of its own, or others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from edgecv_runtime import InputError

WEIGHTS = ("uniform", "gaussian", "linear")
BATCH = 4  # windows that share a run of the network


@dataclass(frozen=True)
class WindowOptions:
    """Which windows are to cover an image. None leaves a value as in the network's own plan.

    Attributes:
        size: (height, width) of a window in pixels.
        overlap: the part of a window's side that neighbours share, 0 or more and below 1.
        weight: how much each pixel of a window counts where windows overlap, one of WEIGHTS.
        whole: no windows: images go through in one piece.
    """

    size: tuple[int, int] | None = None
    overlap: float | None = None
    weight: str | None = None
    whole: bool = False

    @property
    def empty(self) -> bool:
        return self == WindowOptions()


def plan_windows(own: dict[str, Any] | None, request: WindowOptions) -> dict[str, Any] | None:
    """The plan as bundle.json has it under `windows`; None: the picture goes through whole.

    Args:
        own: the network's plan, None if it takes pictures whole.

    Raises:
        InputError: a request that contradicts itself, or is out of range.
    """
    asked = {"overlap": request.overlap, "weight": request.weight}
    asked = {name: value for name, value in asked.items() if value is not None}
    if request.whole:
        if request.size is not None or asked:
            raise InputError("whole pictures have no crop, overlap or window: leave one side out")
        return None
    if request.size is not None:
        default = {"overlap": 0.25, "weight": "uniform", "batch": BATCH}
        own = {**default, **(own or {}), "size": list(request.size)}
    if own is None:
        if asked:
            raise InputError(
                f"{' and '.join(asked)} are those of crops, and this network takes pictures whole: "
                "give a crop with them"
            )
        return None
    plan = {**own, **asked}
    if not 0 <= plan["overlap"] < 1:
        raise InputError(f"overlap is {plan['overlap']}; expected 0 or more and below 1")
    if plan["weight"] not in WEIGHTS:
        raise InputError(f"window is {plan['weight']!r}; expected one of {', '.join(WEIGHTS)}")
    return plan
