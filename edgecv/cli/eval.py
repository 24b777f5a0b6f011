"""edgecv eval: how good a checkpoint or a bundle is on labelled photos."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "eval",
        help="measure a checkpoint or a bundle on labelled photos",
        description="Computes COCO's average precision on one split of a data set: of boxes and, "
        "where model and data have them, of masks.",
    )
    parser.add_argument(
        "model", type=Path, metavar="MODEL", help="a checkpoint (.pt) or a bundle (folder or .zip)"
    )
    parser.add_argument(
        "--data",
        required=True,
        type=Path,
        metavar="DIR",
        help="Pascal VOC, COCO or YOLO folder, or images/ with masks/",
    )
    parser.add_argument("--split", default="val", metavar="NAME", help="default: %(default)s")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    from edgecv.training.measures import measure_of

    if args.model.suffix == ".pt":
        from edgecv.models import registry
        from edgecv.models.checkpoint import load_checkpoint

        checkpoint = load_checkpoint(args.model)
        measure = measure_of(registry.task_of(checkpoint.architecture))
        predict, names = measure.of_checkpoint(checkpoint), checkpoint.labels
    else:
        from edgecv_runtime import load

        model = load(args.model)
        measure = measure_of(model.manifest.task)
        predict, names = measure.of_bundle(model), model.names
    result = measure.measure(predict, names, args.data, args.split, _progress)
    print(json.dumps(result.to_dict()) if args.json else result.table())
    return 0


def _progress(items: Iterable[Any]) -> Iterator[Any]:
    from edgecv.cli.progress import Progress

    entries = list(items)
    with Progress(len(entries), "image") as bar:
        for entry in entries:
            yield entry
            bar.update()
