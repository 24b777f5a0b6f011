"""edgecv export: a trained model in, a checked bundle out."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any

from edgecv.cli.options.argument_types import batch, height_width, names, positive
from edgecv.cli.options.engines import (
    ENGINES,
    add_engine_arguments,
    build_wanted_engines,
    engine_options,
)
from edgecv.cli.options.model import add_window_arguments, window_options
from edgecv.cli.options.variants import (
    add_variant_arguments,
    add_wanted_variant,
    variant_options,
)
from edgecv.cli.output.additions import additions_record, print_engine, print_variant
from edgecv.cli.output.flags import in_flags
from edgecv.cli.output.refusal import say_failure
from edgecv_runtime.one_line import printable

if TYPE_CHECKING:
    import numpy as np


MOST_IMAGES = 32  # a parity check needs variety, not thousands


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "export",
        help="turn a trained model into a bundle",
        description="Exports a model to a bundle (ONNX and bundle.json) and checks that the "
        "runtime gives the model's own results. Exit status 3 if it does not: then nothing "
        "is written.",
    )
    parser.add_argument(
        "source",
        metavar="SOURCE",
        help="a checkpoint of edgecv train, an architecture's name, or pkg.module:factory",
    )
    parser.add_argument("-o", "--out", required=True, metavar="DIR", help="folder of the bundle")
    parser.add_argument(
        "-w",
        "--weights",
        metavar="FILE",
        help="none, default, or a file (.pth, .pt, .safetensors, .npz); not for a checkpoint",
    )
    parser.add_argument(
        "--num-classes",
        type=positive,
        metavar="N",
        help="classes, as torchvision counts: a detector's background included (default: as in the "
        "weights)",
    )
    parser.add_argument(
        "--labels",
        metavar="FILE",
        help="names of the classes, one on each line; a detector's without background",
    )
    parser.add_argument("--name", help="the bundle's name (default: the folder's)")
    parser.add_argument(
        "--size",
        type=height_width,
        metavar="HxW",
        help="fit every image into one input size, such as 800x1344 (default: the model's own "
        "resize rule, which keeps all of its accuracy)",
    )
    parser.add_argument(
        "-b",
        "--batch",
        type=batch,
        default="dynamic",
        metavar="N",
        help="images in one run of the network: a number, or dynamic (default)",
    )
    parser.add_argument(
        "--proposals",
        choices=("network", "caller"),
        default="network",
        help="two-stage detectors: leave out the proposal network and take boxes with each image "
        "(caller: a Fast R-CNN; default: network)",
    )
    parser.add_argument(
        "--dialects",
        type=names,
        default=["onnx", "tensorrt"],
        metavar="LIST",
        help="two-stage detectors: forms of the second stage, onnx or onnx,tensorrt (default)",
    )
    add_window_arguments(parser)
    parser.add_argument(
        "--images",
        metavar="DIR",
        help=f"images for the parity check, {MOST_IMAGES} at most (default: generated ones)",
    )
    parser.add_argument(
        "--input",
        choices=("float32", "uint8"),
        default="float32",
        help="dtype of the graph's input; uint8 is normalised in the graph (default: %(default)s)",
    )
    parser.add_argument(
        "--activation",
        choices=("softmax", "sigmoid", "none"),
        help="classifiers, segmentation: function from outputs to scores; sigmoid for multi-label "
        "classifiers, none for probabilities (default: detected on the images)",
    )
    parser.add_argument(
        "--opset", type=positive, help="version of the ONNX operators (default: 18)"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace an existing bundle")
    parser.add_argument("--json", action="store_true", help="print the parity report as JSON")
    parser.add_argument(
        "-e",
        "--engine",
        choices=ENGINES,
        help="build engines for the bundle too, as edgecv build does",
    )
    add_engine_arguments(parser, batch="--engine-batch")
    add_variant_arguments(parser)


def run(args: argparse.Namespace) -> int:
    from edgecv.cli.options.files import require_file
    from edgecv.cli.output.progress import Progress
    from edgecv.data.reading.names_file import read_names
    from edgecv_export import ExportError, GraphOptions, export
    from edgecv_export.bundle.draft import check_target
    from edgecv_export.options import DEFAULT_OPSET
    from edgecv_export.source.loading import check_source, load_source
    from edgecv_export.source.users_code import (
        raised_in,
        users_frame,
        what_it_prints_to_stderr,
    )
    from edgecv_runtime import Bundle, Error, InputError

    # Before the work, not after it; and before torch is loaded.
    variant = variant_options(args)
    engines = engine_options(args, batch="--engine-batch")
    if variant is not None and variant.precision == "int8" and variant.calibrate is None:
        raise InputError("int8 needs images to calibrate on: give --calibrate DIR")
    check_target(args.out, args.overwrite)
    if engines is not None:
        from edgecv_export.tensorrt.build import check_build

        check_build(engines.kind, engines.build)
    if args.labels:
        require_file(args.labels, "a text file with a name on each line")
    check_source(args.source, args.weights, args.num_classes)
    images = read_images(args.images) if args.images else None
    options = GraphOptions(
        args.size,
        args.input,
        args.batch,
        args.opset or DEFAULT_OPSET,
        args.proposals,
        tuple(args.dialects),
    )
    with what_it_prints_to_stderr():
        source = load_source(args.source, args.weights, args.num_classes)
    labels = read_names(args.labels) if args.labels else source.labels
    if not args.labels:
        for note in source.notes:
            _note(note)
    if labels is None:
        _note("the classes have no names, so they are numbered: give --labels FILE")
    try:
        with what_it_prints_to_stderr():
            exported = export(
                source.module,
                args.out,
                labels=labels,
                images=images,
                name=args.name,
                origin=source.origin,
                graph=options,
                windows=window_options(args),
                activation=args.activation,
                overwrite=args.overwrite,
                progress=Progress,
            )
    except ExportError as error:
        return say_failure(error, {"bundle": None} if args.json else None, "parity")
    except Error:
        raise
    except Exception as error:
        if users_frame(error) is None:
            raise
        raise raised_in(args.source, error) from error  # in the forward pass of the user's module
    report = exported.report
    if not args.json:
        print(f"{report.table()}\nbundle written to {printable(args.out)}", flush=True)
    try:
        added = None if variant is None else add_wanted_variant(args.out, variant)
    except ExportError as error:  # the bundle itself stays
        return say_failure(error, {} if args.json else None, "gate")
    if added is not None and not args.json:
        print_variant(added)
    built = []
    if engines is not None:
        shown = None if args.json else print_engine
        built = build_wanted_engines(Bundle.open(args.out), engines, report=shown)
    if args.json:
        record = {"bundle": args.out, "parity": report.to_dict()}
        print(json.dumps(record | additions_record(added, built)))
    return 0


def read_images(folder: str) -> list[np.ndarray]:
    """Those of a folder, 32 at most. Raises InputError where there are none."""
    from edgecv_runtime import InputError, read_image
    from edgecv_runtime.sources import Images, resolve_source

    paths = [
        path for part in resolve_source([folder]) if isinstance(part, Images) for path in part.paths
    ]
    if not paths:
        raise InputError(f"{folder}: expected a folder with images")
    if len(paths) > MOST_IMAGES:
        _note(f"{folder}: {MOST_IMAGES} of {len(paths)} images are used, evenly spread")
        paths = [paths[i * len(paths) // MOST_IMAGES] for i in range(MOST_IMAGES)]
    return [read_image(path) for path in paths]


def _note(text: str) -> None:
    print("edgecv: note:", printable(in_flags(text)), file=sys.stderr)
