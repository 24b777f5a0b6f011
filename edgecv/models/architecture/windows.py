"""The windows that cover an image: those that a network has of its own, or others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypedDict

from edgecv_runtime import InputError

WEIGHTS = ("uniform", "gaussian", "linear")
BATCH = 4  # windows that share a run of the network


class WindowPlan(TypedDict):
    """The record `windows` of bundle.json.

    size: [height, width] of a window in pixels; overlap: the part of a window's side that
    neighbours share; weight: how much each pixel of a window counts where windows overlap, one of
    WEIGHTS; batch: windows that share a run of the network.
    """

    size: list[int]
    overlap: float
    weight: str
    batch: int


def windows_of(module: Any) -> WindowPlan | None:
    """The plan that a module holds in its attribute `windows`; None if it takes images whole."""
    plan: WindowPlan | None = getattr(module, "windows", None)
    return plan


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


def plan_windows(own: WindowPlan | None, request: WindowOptions) -> WindowPlan | None:
    """The network's own plan with the options; None: images go through whole.

    Args:
        own: the network's plan, None if it takes images whole.

    Raises:
        InputError: a request that contradicts itself, or is out of range.
    """
    asked = [
        name
        for name, value in (("overlap", request.overlap), ("weight", request.weight))
        if value is not None
    ]
    if request.whole:
        if request.size is not None or asked:
            raise InputError(
                "whole images have no windows: leave out `WindowOptions.whole`, or size, overlap "
                "and weight of the windows"
            )
        return None
    if own is None and request.size is None:
        if asked:
            raise InputError(
                f"`WindowOptions.{asked[0]}`: this network takes images whole; give "
                "`WindowOptions.size` as well"
            )
        return None
    plan: WindowPlan = own or {"size": [], "overlap": 0.25, "weight": "uniform", "batch": BATCH}
    plan = {
        "size": plan["size"] if request.size is None else list(request.size),
        "overlap": plan["overlap"] if request.overlap is None else request.overlap,
        "weight": plan["weight"] if request.weight is None else request.weight,
        "batch": plan["batch"],
    }
    if not 0 <= plan["overlap"] < 1:
        raise InputError(
            f"`WindowOptions.overlap` is {plan['overlap']}; expected 0 or more and below 1"
        )
    if plan["weight"] not in WEIGHTS:
        raise InputError(
            f"`WindowOptions.weight` is {plan['weight']!r}; expected one of {', '.join(WEIGHTS)}"
        )
    return plan
