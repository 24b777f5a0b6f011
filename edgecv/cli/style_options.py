"""The options of the losses of style transfer, for training and for one picture."""

from __future__ import annotations

import argparse
from typing import Any


def add_loss_arguments(group: Any) -> None:
    """Those not given are left out (argparse.SUPPRESS) or None, as the parser has it."""
    for name, default in (("content", "1"), ("style", "100000"), ("tv", "1")):
        group.add_argument(
            f"--{name}-weight",
            type=_weight,
            metavar="W",
            help=f"what the {name} loss counts (default: {default})",
        )
    group.add_argument(
        "--content-layers",
        metavar="LIST",
        help="of the trunk, such as relu2_2 (training's default) or relu4_2 (one picture's)",
    )
    group.add_argument(
        "--style-layers",
        metavar="LIST",
        help="of the trunk, such as relu1_2,relu2_2,relu3_3,relu4_3 (training's default)",
    )


def above_zero(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a number above 0, got {text!r}")
    return value


def _weight(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a number from 0, got {text!r}")
    return value
