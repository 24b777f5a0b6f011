"""The options of the losses of style transfer, for training and for one image."""

from __future__ import annotations

from typing import Any

from edgecv.cli.options.argument_types import not_negative


def add_loss_arguments(group: Any) -> None:
    """Options that are not given are absent or None: that depends on the parser."""
    for name, default in (("content", "1"), ("style", "100000"), ("tv", "1")):
        group.add_argument(
            f"--{name}-weight",
            type=not_negative,
            metavar="W",
            help=f"weight of the {name} loss (default: {default})",
        )
    group.add_argument(
        "--content-layers",
        metavar="LIST",
        help="layers of the backbone, such as relu2_2 (default of train) or relu4_2 (of style)",
    )
    group.add_argument(
        "--style-layers",
        metavar="LIST",
        help="layers of the backbone, such as relu1_2,relu2_2,relu3_3,relu4_3 (default of train)",
    )
