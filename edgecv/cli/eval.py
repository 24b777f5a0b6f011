"""edgecv eval: how good a checkpoint or a bundle is on labelled photos."""

from __future__ import annotations

import argparse
import importlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from edgecv.cli.model_options import add_window_arguments, numbers, window_request

# Of `edgecv.training`, for each task.
_MEASURES = {
    "detect": "evaluation",
    "instance": "evaluation",
    "classify": "classification_evaluation",
    "segment": "segmentation_evaluation",
}


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "eval",
        help="measure a checkpoint or a bundle on labelled photos",
        description="Measures on one split of a data set. Detectors: COCO's average precision, of "
        "boxes and, where model and data have them, of masks. Segmentation: mean IoU. Classifiers: "
        "top-1 and top-5 accuracy.",
    )
    parser.add_argument(
        "model", type=Path, metavar="MODEL", help="a checkpoint (.pt) or a bundle (folder or .zip)"
    )
    parser.add_argument(
        "--data",
        required=True,
        type=Path,
        metavar="DIR",
        help="a data set as edgecv train takes it",
    )
    parser.add_argument("--split", default="val", metavar="NAME", help="default: %(default)s")
    parser.add_argument(
        "--ignore-index",
        type=numbers,
        default=(),
        metavar="N[,N...]",
        help="segmentation: numbers in the label images that are no class, beside 255",
    )
    add_window_arguments(parser.add_argument_group("checkpoints, where a bundle has its own plan"))
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    request = window_request(args)
    if args.model.suffix == ".pt":
        from edgecv.models import registry
        from edgecv.models.checkpoint import load_checkpoint

        checkpoint = load_checkpoint(args.model)
        task: str = registry.task_of(checkpoint.architecture)
        names = checkpoint.labels
        planned = {"request": request} if task == "segment" else {}
        predict = _measure(task).of_checkpoint(checkpoint, **planned)
    else:
        from edgecv_runtime import load

        model = load(args.model)
        task, names, planned = model.manifest.task, model.names, {}
        predict = _measure(task).of_bundle(model)
    _refuse_what_is_not_used(args, task, bool(planned) or request.empty)
    ignored = {"ignore": args.ignore_index} if task == "segment" else {}
    result = _measure(task).measure(predict, names, args.data, args.split, _progress, **ignored)
    print(json.dumps(result.to_dict()) if args.json else result.table())
    return 0


def _refuse_what_is_not_used(args: argparse.Namespace, task: str, crops_fit: bool) -> None:
    from edgecv_runtime import InputError

    if not crops_fit:
        raise InputError(
            f"{args.model}: --crop, --overlap, --window and --whole are for checkpoints of "
            "segmentation networks; leave them out"
        )
    if args.ignore_index and task != "segment":
        raise InputError(f"{args.model}: --ignore-index is for segmentation; leave it out")


def _measure(task: str) -> Any:
    """The module that measures this task: `of_checkpoint` and `of_bundle` make a prediction of it,
    `measure` compares predictions with a folder's labels."""
    from edgecv_runtime import InputError

    if task not in _MEASURES:
        raise InputError(f"nothing measures the task {task}; expected {', '.join(_MEASURES)}")
    return importlib.import_module(f"edgecv.training.{_MEASURES[task]}")


def _progress(items: Iterable[Any]) -> Iterator[Any]:
    from edgecv.cli.progress import Progress

    entries = list(items)
    with Progress(len(entries), "image") as bar:
        for entry in entries:
            yield entry
            bar.update()
