"""The options that cut large images into tiles."""

from __future__ import annotations

import argparse
from typing import Any

from edgecv.cli.options.argument_types import overlap, tile_size


def add_tile_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--tile",
        type=tile_size,
        metavar="SIZE",
        help="detect in tiles of SIZE (640, or 480x640 for HEIGHTxWIDTH) pixels and merge the "
        "detections, for large images with small objects",
    )
    parser.add_argument(
        "--overlap",
        type=overlap,
        metavar="PART",
        help="how much neighbouring tiles share, as a part of their size (default: 0.2)",
    )
    parser.add_argument(
        "--tile-whole",
        action="store_true",
        help="run on the whole image as well, for objects larger than a tile",
    )
    parser.add_argument(
        "--tiling",
        choices=("auto", "never", "always"),
        help="style networks: which images are stylized tile by tile (default: auto, those with "
        "more pixels than the bundle says)",
    )


def use_tiles(model: Any, args: argparse.Namespace) -> None:
    """Sets the model's tiles as the options say. Raises InputError if they do not fit."""
    from edgecv_runtime import InputError, Stylizer, Tiles
    from edgecv_runtime.models.detection_model import DetectionModel

    if args.tiling is not None:
        if not isinstance(model, Stylizer):
            raise InputError(f"--tiling: {args.bundle} is not a style network: leave it out")
        model.tiling = args.tiling
    if args.tile is None:
        for name in ("overlap", "tile_whole"):
            if getattr(args, name):
                raise InputError(f"--{name.replace('_', '-')}: give --tile SIZE with it")
        return
    if not isinstance(model, DetectionModel):
        hint = "give --tiling always" if isinstance(model, Stylizer) else "leave it out"
        raise InputError(f"--tile: {args.bundle} is not a detector: {hint}")
    shared = 0.2 if args.overlap is None else args.overlap
    model.tiles = Tiles(args.tile, overlap=shared, whole=args.tile_whole, batch=args.batch)
