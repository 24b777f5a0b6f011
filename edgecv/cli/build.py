"""edgecv build: graphs of another precision, and TensorRT engines, for a bundle."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from edgecv.cli.checkpoints.bundle import refuse_checkpoint
from edgecv.cli.options.engines import (
    ENGINES,
    add_engine_arguments,
    build_wanted_engines,
    engine_options,
)
from edgecv.cli.options.variants import (
    add_variant_arguments,
    add_wanted_variant,
    variant_options,
)
from edgecv.cli.output.additions import additions_record, print_engine, print_variant
from edgecv.cli.output.refusal import say_failure


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "build",
        help="add graphs of another precision to a bundle, build TensorRT engines",
        description="Adds graphs of another precision to a bundle where it has none. Then builds "
        "TensorRT engines, if one of them is to run it, and lists them in its engines.json. "
        "TensorRT builds for the GPU of this machine; TensorRT for RTX for GPUs that you name, on "
        "any machine.",
    )
    parser.add_argument("bundle", metavar="BUNDLE", help="a bundle: its folder or .zip")
    parser.add_argument(
        "-e",
        "--engine",
        choices=(*ENGINES, "onnxruntime", "openvino"),
        help="the engine that the bundle is for (default: any; then no engine is built)",
    )
    add_engine_arguments(parser)
    add_variant_arguments(parser)
    parser.add_argument(
        "--overwrite", action="store_true", help="replace existing graphs of that precision"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    from edgecv_export import ExportError
    from edgecv_runtime import InputError
    from edgecv_runtime.files.bundle import open_bundle

    variant = variant_options(args, overwrite=args.overwrite)
    refuse_checkpoint(args.bundle, "build")
    engines = engine_options(args)
    with open_bundle(args.bundle):  # whether it is one; before onnx is loaded
        pass
    if engines is not None:
        from edgecv_export.tensorrt.build import check_build

        check_build(engines.kind, engines.build)
    elif variant is None:
        raise InputError(
            "nothing to build: bundles have fp32 graphs; give --precision fp16 or int8, or "
            f"--engine {' or '.join(ENGINES)}"
        )
    elif variant.precision == "int8" and variant.calibrate is None:
        raise InputError("int8 needs images to calibrate on: give --calibrate DIR")
    try:
        added = None if variant is None else add_wanted_variant(args.bundle, variant)
    except ExportError as error:
        return say_failure(error, {} if args.json else None, "gate")
    if added is not None and not args.json:
        print_variant(added)
    built = []
    if engines is not None:
        with open_bundle(args.bundle) as bundle:
            built = build_wanted_engines(
                bundle,
                engines,
                read_only=not Path(args.bundle).is_dir(),
                report=None if args.json else print_engine,
            )
    if args.json:
        print(json.dumps({"bundle": args.bundle, **additions_record(added, built)}))
    return 0
