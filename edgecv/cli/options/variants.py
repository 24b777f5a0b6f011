"""Graphs of another precision, as `edgecv build` and `edgecv export` add them to a bundle."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgecv.cli.options.argument_types import loss, names

if TYPE_CHECKING:
    from edgecv_export.precision.int8_variant import Quantization
    from edgecv_export.precision.variant import VariantReport

# Forms of the graphs that an engine takes; without an engine all that there are.
_DIALECTS = {
    "onnxruntime": ("onnx",),
    "openvino": ("onnx",),
    "tensorrt": ("tensorrt",),
    "tensorrt_rtx": ("tensorrt",),
}

MOST_FOR_HALF = 32  # images; fp16 is measured and compared, not tuned


@dataclass(frozen=True)
class VariantOptions:
    """Which graphs are to be added, and how they are made.

    Attributes:
        precision: ``fp16`` or ``int8``.
        engine: the engine that they are for; None: any.
        overwrite: replace graphs of this precision that the bundle has.
        calibrate: folder of images; None: none were given.
        calibration: how the value ranges of int8 are chosen.
        keep_float: patterns of layers that stay in float, or only ``auto``.
        gate: largest loss; None: the default of what is measured.
        data: folder of labelled images for the gate; None: the agreement with fp32 is measured.
        split: of ``data``.
        force: write the graphs even if the gate is not passed.
    """

    precision: str
    engine: str | None
    overwrite: bool
    calibrate: str | None
    calibration: str
    keep_float: tuple[str, ...]
    gate: float | None
    data: str | None
    split: str
    force: bool


def add_variant_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("precision fp16 and int8")
    group.add_argument(
        "--calibrate",
        metavar="DIR",
        help="a few hundred images like those in use; required for int8, optional for fp16",
    )
    group = parser.add_argument_group("precision int8")
    group.add_argument(
        "--calibration",
        choices=("minmax", "entropy", "percentile"),
        default="minmax",
        help="how value ranges are chosen (default: %(default)s)",
    )
    group.add_argument(
        "--keep-float",
        type=names,
        default=[],
        metavar="NAME,...",
        help="layers that stay in float, such as head.*; auto: the most sensitive ones, until the "
        "gate is passed",
    )
    group.add_argument(
        "--gate",
        type=loss,
        metavar="LOSS",
        help="largest loss (default: 0.01 of mAP, mIoU or top-1 with --data, else 0.02 of the "
        "agreement with fp32)",
    )
    group.add_argument("-d", "--data", metavar="DIR", help="labelled images for the accuracy gate")
    group.add_argument(
        "--split", default="val", metavar="NAME", help="split of --data (default: val)"
    )
    group.add_argument(
        "--force", action="store_true", help="write the graphs even if the gate is not passed"
    )


def variant_options(args: argparse.Namespace, *, overwrite: bool = False) -> VariantOptions | None:
    """From the parsed arguments; None for fp32, which every bundle has.

    Raises InputError for options that do not fit the precision, before any work is done.
    """
    from edgecv_runtime import InputError

    if args.precision == "fp32" and args.calibrate is not None:
        raise InputError("--calibrate is for --precision fp16 and int8: leave it out")
    given = {
        "--keep-float": args.keep_float,
        "--gate": args.gate is not None,
        "--data": args.data,
        "--force": args.force,
    }
    unused = [name for name, value in given.items() if value]
    if args.precision != "int8" and unused:
        raise InputError(f"{unused[0]} is for --precision int8: leave it out")
    for option in ("calibrate", "data"):
        folder = getattr(args, option)
        if folder is not None and not Path(folder).is_dir():
            raise InputError(f"--{option}: {folder} is not a folder")
    if args.precision == "fp32":
        return None
    return VariantOptions(
        args.precision,
        args.engine,
        overwrite,
        args.calibrate,
        args.calibration,
        tuple(args.keep_float),
        args.gate,
        args.data,
        args.split,
        args.force,
    )


def add_wanted_variant(folder: str, options: VariantOptions) -> VariantReport | None:
    """Adds the graphs where the bundle has none. None where there was nothing to be done: the
    graphs that the engine takes are there.

    Raises as `add_variant`, and InputError for int8 without images.
    """
    from edgecv.cli.output.progress import Progress
    from edgecv_export.precision.sources import has_variant, open_folder
    from edgecv_runtime.files.bundle import open_bundle

    dialects: Any = None if options.engine is None else _DIALECTS.get(options.engine)
    if dialects == ("tensorrt",) and options.calibrate is None and not options.overwrite:
        with open_bundle(folder) as bundle:  # a .zip may have the graphs, but can be given none
            if has_variant(bundle, options.precision, "tensorrt"):
                return None
    # Behind the cases in which nothing is to be done: these need onnx, building engines does not.
    from edgecv_export.precision.calibration_images import read_calibration
    from edgecv_export.precision.variant import add_variant

    open_folder(folder)
    quantization = images = None
    if options.calibrate is not None and options.precision == "fp16":
        images = read_calibration(options.calibrate, most=MOST_FOR_HALF)
    elif options.calibrate is not None:
        quantization = _quantization(options, options.calibrate)
    return add_variant(
        folder,
        options.precision,
        dialects=dialects,
        quantization=quantization,
        images=images,
        overwrite=options.overwrite,
        progress=Progress,
    )


def _quantization(options: VariantOptions, images: str) -> Quantization:
    from edgecv.cli.eval import say
    from edgecv_export.precision.accuracy_gate import Gate
    from edgecv_export.precision.int8_variant import Quantization

    return Quantization(
        images,
        options.calibration,
        "auto" if options.keep_float == ("auto",) else options.keep_float,
        Gate(
            options.gate, None if options.data is None else Path(options.data), options.split, say
        ),
        options.force,
    )
