"""edgecv eval: how good a checkpoint or a bundle is on labelled images."""

from __future__ import annotations

import argparse
import functools
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgecv.cli.options.argument_types import class_numbers, names, positive
from edgecv.cli.options.classes import class_names
from edgecv.cli.options.model import (
    add_classes_argument,
    add_window_arguments,
    window_options,
)
from edgecv.cli.output.flags import in_flags
from edgecv.cli.output.progress import with_progress
from edgecv_runtime.one_line import printable

if TYPE_CHECKING:
    from edgecv.models.architecture.windows import WindowOptions


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "eval",
        help="measure a checkpoint or a bundle on labelled images",
        description="Measures on one split of a data set. Detectors: COCO's average precision, of "
        "boxes and, where model and data have them, of masks. Segmentation: mean IoU. Classifiers: "
        "top-1 accuracy, and top-5 of more than five classes.",
    )
    parser.add_argument(
        "model", type=Path, metavar="MODEL", help="a checkpoint (.pt) or a bundle (folder or .zip)"
    )
    parser.add_argument(
        "-d",
        "--data",
        required=True,
        type=Path,
        metavar="DIR",
        help="a data set, as in edgecv train",
    )
    parser.add_argument("--split", default="val", metavar="NAME", help="default: %(default)s")
    parser.add_argument(
        "--ignore-index",
        type=class_numbers,
        default=(),
        metavar="N[,N...]",
        help="segmentation: numbers in the label images to ignore, besides 255 (default: as in "
        "training)",
    )
    add_window_arguments(parser.add_argument_group("checkpoints (a bundle holds its own windows)"))
    group = parser.add_argument_group("bundles")
    group.add_argument(
        "-p",
        "--precision",
        type=names,
        metavar="LIST",
        help="fp32, fp16, bf16, int8; several are compared in accuracy and latency",
    )
    group.add_argument("-e", "--engine", help="as in edgecv predict")
    group.add_argument("--device", help="as in edgecv predict")
    group.add_argument("--threads", type=positive, help="processor threads")
    group.add_argument(
        "--set-thresholds",
        action="store_true",
        help="detectors: write the thresholds with the best F1 into the bundle, as its defaults",
    )
    add_classes_argument(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    from edgecv.cli.checkpoints.bundle import is_checkpoint
    from edgecv.cli.evaluation.thresholds import check_can_be_set, set_thresholds, written_line
    from edgecv.cli.options.files import require_data, require_file
    from edgecv_runtime import InputError

    if is_checkpoint(args.model):
        if args.engine or args.precision or args.device or args.threads:
            raise InputError(
                f"{args.model}: --engine, --device, --precision and --threads are for bundles; "
                "leave them out"
            )
        require_file(args.model, "a checkpoint such as runs/name/best.pt")
    require_data(args.data)
    request = window_options(args)
    if args.set_thresholds:
        check_can_be_set(args.model)
        if args.precision is not None and len(args.precision) > 1:
            raise InputError("--set-thresholds: give one --precision, the thresholds are of one")
    if is_checkpoint(args.model):
        result: Any = _checkpoint(args, request)
    else:
        result = _bundle(args, request)
    record = result.to_dict()
    if not args.json:  # what was measured is shown even where it cannot be written
        print(result.table())
    written = None
    if args.set_thresholds:
        try:
            written = set_thresholds(args.model, result.best_points)
        except Exception:
            if args.json:
                print(json.dumps(record))
            raise
    if args.json:
        print(json.dumps(record if written is None else record | {"thresholds_set": written}))
    elif written is not None:
        print(written_line(args.model, written, list(result.best_points)))
    return 0


def _checkpoint(args: argparse.Namespace, request: WindowOptions) -> Any:
    # Threads of OpenMP that spin between two layers would take three times the processor time.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from edgecv.models import registry
    from edgecv.models.weights.checkpoint import load_checkpoint
    from edgecv.training.measures import measure_of

    checkpoint = load_checkpoint(args.model)
    task = registry.task_of(checkpoint.architecture)
    planned = {"request": request} if task == "segment" else {}
    _refuse_what_is_not_used(args, task, bool(planned) or request.empty)
    measure = measure_of(task)
    return measure.measure(
        measure.of_checkpoint(checkpoint, **planned),
        checkpoint.labels,
        args.data,
        args.split,
        with_progress,
        say,
        **_options(args, task, checkpoint.labels, checkpoint.training),
    )


def _bundle(args: argparse.Namespace, request: WindowOptions) -> Any:
    """Its metrics in one precision, or a table of several side by side."""
    from edgecv.cli.evaluation.precisions import Precisions, TimedModel
    from edgecv.training.measures import measure_of, unheard
    from edgecv_runtime import load

    found = Precisions()
    for precision in args.precision or [None]:
        model = load(args.model, args.engine, args.device, precision, args.threads)
        task = model.manifest.task
        _refuse_what_is_not_used(args, task, request.empty)
        measure = measure_of(task)
        timed = TimedModel(model)
        training = json.loads(model.manifest.provenance or "{}") if task == "segment" else {}
        result = measure.measure(
            measure.of_bundle(model, timed),
            model.names,
            args.data,
            args.split,
            functools.partial(with_progress, title=precision or ""),
            unheard if found.rows else say,  # of several precisions once
            **_options(args, task, model.names, training),
        )
        found.add(model, result, timed.median_ms)
    return found if len(found.rows) > 1 else result


def _options(
    args: argparse.Namespace, task: str, names: list[str], training: dict[str, Any]
) -> dict[str, Any]:
    """Of `measure`, beyond what every task takes; `training`: what is known of the model's."""
    if task == "segment":
        from edgecv.training.segmentation.evaluation import remembered

        known = remembered(training)
        return known | {"ignore": args.ignore_index} if args.ignore_index else known
    return {} if args.classes is None else {"classes": class_names(args.classes, names)}


def _refuse_what_is_not_used(args: argparse.Namespace, task: str, crops_fit: bool) -> None:
    from edgecv_runtime import InputError

    if not crops_fit:
        raise InputError(
            f"{args.model}: --crop, --overlap, --window and --whole are for checkpoints of "
            "segmentation networks; leave them out"
        )
    if task not in ("detect", "instance"):
        for option, given in (
            ("--set-thresholds", args.set_thresholds),
            ("--classes", args.classes),
        ):
            if given:
                raise InputError(f"{args.model}: {option} is for detectors; leave it out")
    if args.ignore_index and task != "segment":
        raise InputError(f"{args.model}: --ignore-index is for segmentation; leave it out")


def say(line: str) -> None:
    """Prints what a reader found beside the results, which are on stdout."""
    print(f"edgecv: {printable(in_flags(line))}", file=sys.stderr)
