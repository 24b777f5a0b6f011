"""TensorRT engines, as `edgecv build` and `edgecv export` build them for a bundle."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgecv.cli.options.argument_types import (
    batch_range,
    compute_capabilities,
    positive,
    size_range,
)

if TYPE_CHECKING:
    from edgecv_export.tensorrt.build import Built
    from edgecv_export.tensorrt.plan import BuildOptions
    from edgecv_export.tensorrt.shape_ranges import ShapeWishes
    from edgecv_runtime import Bundle

ENGINES = ("tensorrt", "tensorrt_rtx")


@dataclass(frozen=True)
class EngineOptions:
    """Which engines are to be built.

    Attributes:
        kind: one of `ENGINES`.
        precision: of the graphs that they are built from.
        wishes: shapes.
        build: how.
    """

    kind: str
    precision: str
    wishes: ShapeWishes
    build: BuildOptions


def add_engine_arguments(parser: argparse.ArgumentParser, batch: str = "--batch") -> None:
    """Those of building engines. For `edgecv export`, ``--batch`` is the graph's: there the
    engine's has another name."""
    group = parser.add_argument_group("engines")
    group.add_argument(
        "-p",
        "--precision",
        choices=("fp32", "fp16", "int8"),
        default="fp32",
        help="precision of the graphs (default: %(default)s)",
    )
    group.add_argument(
        "--compute-capability",
        type=compute_capabilities,
        default=(),
        metavar="LIST",
        help="tensorrt_rtx: GPUs that the engine is for, such as 86,89,120 (default: this one)",
    )
    group.add_argument(
        batch,
        dest="engine_batch",
        type=batch_range,
        metavar="MIN,OPT,MAX",
        help="images in one run: one number, or smallest, typical and largest (default: 1)",
    )
    group.add_argument(
        "--height-width",
        type=size_range,
        metavar="LIST",
        help="sizes of the network's input: one HxW, or smallest, typical and largest such as "
        "320x320,800x1344,1344x1344 (default: what the bundle's resize rule gives)",
    )
    group.add_argument(
        "--boxes",
        type=batch_range,
        metavar="MIN,OPT,MAX",
        help="two-stage detectors: boxes in one run of the second stage (default: as many as the "
        "first gives)",
    )
    group.add_argument(
        "--workspace",
        type=positive,
        metavar="MIB",
        help="largest scratch memory of a layer, in MiB (default: all of the GPU's)",
    )
    group.add_argument(
        "--hardware-compatibility",
        choices=("none", "same_compute_capability", "ampere_plus"),
        default="none",
        help="tensorrt: other GPUs that may load the engine, at some cost of speed",
    )
    group.add_argument(
        "--version-compatible",
        action="store_true",
        help="tensorrt: later releases of the same major version may load the engine",
    )
    group.add_argument(
        "--tf32",
        action="store_true",
        help="fp32: convolutions may round their factors to 10 bits, which is faster",
    )


def engine_options(args: argparse.Namespace, batch: str = "--batch") -> EngineOptions | None:
    """From the parsed arguments and ``--engine``. None where no engine is to be built: then
    raises InputError for an option of building."""
    from edgecv_runtime import InputError

    given = {
        "--compute-capability": args.compute_capability,
        batch: args.engine_batch,
        "--height-width": args.height_width,
        "--boxes": args.boxes,
        "--workspace": args.workspace,
        "--hardware-compatibility": args.hardware_compatibility != "none",
        "--version-compatible": args.version_compatible,
        "--tf32": args.tf32,
    }
    unused = [name for name, value in given.items() if value]
    if args.engine not in ENGINES:
        if unused:
            raise InputError(
                f"{unused[0]} is for --engine {' and '.join(ENGINES)}: name one of them"
            )
        return None
    from edgecv_export.tensorrt.plan import BuildOptions
    from edgecv_export.tensorrt.shape_ranges import ShapeWishes

    return EngineOptions(
        args.engine,
        args.precision,
        ShapeWishes(args.engine_batch, args.height_width, args.boxes),
        BuildOptions(
            args.compute_capability,
            args.workspace,
            args.hardware_compatibility,
            args.version_compatible,
            args.tf32,
        ),
    )


def build_wanted_engines(
    bundle: Bundle,
    options: EngineOptions,
    *,
    read_only: bool = False,
    report: Callable[[Built], None] | None = None,
) -> list[Built]:
    """Builds an engine for each graph of a bundle, as `build_engines` does, with a progress bar."""
    from edgecv.cli.output.progress import Progress
    from edgecv_export.tensorrt.build import build_engines

    return build_engines(
        bundle,
        options.kind,
        options.precision,
        wishes=options.wishes,
        options=options.build,
        read_only=read_only,
        progress=Progress,
        report=report,
    )
