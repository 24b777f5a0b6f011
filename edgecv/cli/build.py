"""edgecv build: graphs of another precision, and TensorRT engines, for a bundle."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgecv.cli.checkpoints.bundle import refuse_checkpoint
from edgecv.cli.options.argument_types import (
    batch_range,
    compute_capabilities,
    positive,
    size_range,
)
from edgecv.cli.options.variants import (
    add_variant_arguments,
    add_wanted_variant,
    check_variant_arguments,
)
from edgecv.cli.output.refusal import say_failure

if TYPE_CHECKING:
    from edgecv_export.tensorrt.build import Built
    from edgecv_export.tensorrt.plan import BuildOptions
    from edgecv_runtime import Bundle

ENGINES = ("tensorrt", "tensorrt_rtx")


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
    add_build_arguments(parser)
    parser.add_argument(
        "--overwrite", action="store_true", help="replace existing graphs of that precision"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def add_build_arguments(parser: argparse.ArgumentParser, batch: str = "--batch") -> None:
    """What `edgecv export --engine` takes too; there the graph's batch has the plain name."""
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
    add_variant_arguments(parser)


def check_build_arguments(args: argparse.Namespace, batch: str = "--batch") -> None:
    """Raises InputError for options of an engine where none is to be built."""
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
    if args.engine not in ENGINES and unused:
        raise InputError(f"{unused[0]} is for --engine {' and '.join(ENGINES)}: name one of them")


def run(args: argparse.Namespace) -> int:
    from edgecv_export import ExportError
    from edgecv_runtime import InputError
    from edgecv_runtime.files.bundle import open_bundle

    check_variant_arguments(args)
    refuse_checkpoint(args.bundle, "build")
    check_build_arguments(args)
    with open_bundle(args.bundle):  # whether it is one; before onnx is loaded
        pass
    if args.engine in ENGINES:
        from edgecv_export.tensorrt.build import check_build

        check_build(args.engine, build_options(args))
    elif args.precision == "fp32":
        raise InputError(
            "nothing to build: bundles have fp32 graphs; give --precision fp16 or int8, or "
            f"--engine {' or '.join(ENGINES)}"
        )
    elif args.precision == "int8" and args.calibrate is None:
        raise InputError("int8 needs images to calibrate on: give --calibrate DIR")
    try:
        variant = add_wanted_variant(args.bundle, args, overwrite=args.overwrite)
    except ExportError as error:
        return say_failure(error, {} if args.json else None, "gate")
    if variant is not None and not args.json:
        print(f"{variant.table()}\nadded {', '.join(variant.files)}", flush=True)
    built: list[Built] = []
    if args.engine in ENGINES:
        with open_bundle(args.bundle) as bundle:
            built = build(bundle, args, read_only=not Path(args.bundle).is_dir())
    if args.json:
        record: dict[str, Any] = {"bundle": args.bundle}
        record["variant"] = None if variant is None else variant.to_dict()
        print(json.dumps(record | {"engines": [engine_record(each) for each in built]}))
    return 0


def build(bundle: Bundle, args: argparse.Namespace, *, read_only: bool = False) -> list[Built]:
    """Builds what the options of `add_build_arguments` and ``--engine`` ask for."""
    from edgecv.cli.output.progress import Progress
    from edgecv_export.tensorrt.build import build_engines
    from edgecv_export.tensorrt.shape_ranges import ShapeWishes

    return build_engines(
        bundle,
        args.engine,
        args.precision,
        wishes=ShapeWishes(args.engine_batch, args.height_width, args.boxes),
        options=build_options(args),
        read_only=read_only,
        progress=Progress,
        report=None if args.json else _print,
    )


def build_options(args: argparse.Namespace) -> BuildOptions:
    from edgecv_export.tensorrt.plan import BuildOptions

    return BuildOptions(
        args.compute_capability,
        args.workspace,
        args.hardware_compatibility,
        args.version_compatible,
        args.tf32,
    )


def _print(built: Built) -> None:
    engine = built.engine
    target = engine.gpu or "compute capability " + ", ".join(map(str, engine.compute_capabilities))
    print(
        f"{engine.role}: {engine.precision}, {engine.kind} {engine.version}, {target}, "
        f"{built.size / 1e6:.1f} MB, {built.seconds:.1f} s: {built.folder / engine.file}",
        flush=True,
    )


def engine_record(built: Built) -> dict[str, Any]:
    """For ``--json``."""
    return {
        **asdict(built.engine),
        "folder": str(built.folder),
        "bytes": built.size,
        "seconds": built.seconds,
    }
