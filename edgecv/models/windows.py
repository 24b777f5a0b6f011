"""The crops that cover a picture: those that a network has of its own, or others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from edgecv_runtime import InputError

WEIGHTS = ("uniform", "gaussian", "linear")
BATCH = 4  # crops that share a run of the network


@dataclass(frozen=True)
class WindowRequest:
    """What is wanted beside the network's own plan; None leaves it as it is.

    crop: (height, width) in pixels; overlap: the part of a side that neighbours share; weight: how
    much a crop's pixels count, one of WEIGHTS; whole: no crops at all.
    """

    crop: tuple[int, int] | None = None
    overlap: float | None = None
    weight: str | None = None
    whole: bool = False

    @property
    def empty(self) -> bool:
        return self == WindowRequest()


def plan_windows(own: dict[str, Any] | None, request: WindowRequest) -> dict[str, Any] | None:
    """The plan as bundle.json has it under `windows`; None: the picture goes through whole.

    Args:
        own: the network's plan, None if it takes pictures whole.

    Raises:
        InputError: a request that contradicts itself, or is out of range.
    """
    asked = {"overlap": request.overlap, "weight": request.weight}
    asked = {name: value for name, value in asked.items() if value is not None}
    if request.whole:
        if request.crop is not None or asked:
            raise InputError("whole pictures have no crop, overlap or window: leave one side out")
        return None
    if request.crop is not None:
        default = {"overlap": 0.25, "weight": "uniform", "batch": BATCH}
        own = {**default, **(own or {}), "size": list(request.crop)}
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
