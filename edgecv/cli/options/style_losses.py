"""The options of the losses of style transfer, for training and for one picture."""

from __future__ import annotations

from typing import Any

from edgecv.cli.options.argument_types import not_negative


def add_loss_arguments(group: Any) -> None:
    """Those not given are left out (argparse.SUPPRESS) or None, as the parser has it."""
    for name, default in (("content", "1"), ("style", "100000"), ("tv", "1")):
        group.add_argument(
            f"--{name}-weight",
            type=not_negative,
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
