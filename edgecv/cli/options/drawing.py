"""The options that say how results are drawn."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from edgecv.cli.options.argument_types import positive

if TYPE_CHECKING:
    from edgecv_runtime.models.model import Model


def add_drawing_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("drawing")
    group.add_argument(
        "--line-width",
        type=positive,
        metavar="PIXELS",
        help="width of boxes and outlines (default: from the image size, thinner on small boxes)",
    )
    group.add_argument(
        "--no-labels",
        dest="labels",
        action="store_false",
        help="draw no names and scores",
    )
    group.add_argument(
        "--color-by",
        choices=("class", "instance"),
        help="one colour per class or per instance (default: class; with masks: instance)",
    )


def drawing_of(model: Model[Any], args: argparse.Namespace, *, drawn: bool) -> dict[str, Any]:
    """What `plot` is to be given; `drawn` says whether anything is drawn at all.

    Raises InputError for options that the model's results have no use for.
    """
    from edgecv_runtime import InputError

    given = {"line_width": args.line_width, "color_by": args.color_by}
    drawing = {name: value for name, value in given.items() if value is not None}
    if not args.labels:
        drawing["labels"] = False
    for name in drawing:
        option = "--no-labels" if name == "labels" else f"--{name.replace('_', '-')}"
        if not drawn:
            raise InputError(f"{option}: nothing is drawn: give --save with it, or leave it out")
        task = model.manifest.task
        if task == "stylize" or (name != "labels" and task not in ("detect", "instance")):
            raise InputError(
                f"{option}: {args.bundle} is for the task {task}, where there is nothing of the "
                "kind to draw: leave it out"
            )
    return drawing
