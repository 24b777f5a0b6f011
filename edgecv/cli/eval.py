"""edgecv eval: COCO average precision of a checkpoint or a bundle."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edgecv.training.evaluation import Detect
    from edgecv.training.metrics import Precision


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "eval",
        help="measure a checkpoint or a bundle on labelled photos",
        description="Computes COCO's average precision on one split of a data set.",
    )
    parser.add_argument(
        "model", type=Path, metavar="MODEL", help="a checkpoint (.pt) or a bundle (folder or .zip)"
    )
    parser.add_argument(
        "--data", required=True, type=Path, metavar="DIR", help="Pascal VOC, COCO or YOLO folder"
    )
    parser.add_argument("--split", default="val", metavar="NAME", help="default: %(default)s")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    from edgecv.data.folder import read_folder
    from edgecv.training.evaluation import evaluate

    data = read_folder(args.data, args.split)
    if args.model.suffix == ".pt":
        detect, names = _checkpoint(args.model)
    else:
        detect, names = _bundle(args.model)
    result = evaluate(detect, data, names, _progress)
    print(json.dumps(result.to_dict()) if args.json else _table(result))
    return 0


def _checkpoint(path: Path) -> tuple[Detect, list[str]]:
    from edgecv.models.checkpoint import load_checkpoint
    from edgecv.training.detector import TorchDetector

    checkpoint = load_checkpoint(path)
    return TorchDetector(checkpoint.module(), checkpoint.input), checkpoint.labels


def _bundle(path: Path) -> tuple[Detect, list[str]]:
    from edgecv.training.metrics import Detected
    from edgecv_runtime import load

    model = load(path)

    def detect(image: Any) -> Detected:
        result = model(image)
        return Detected(result.boxes, result.scores, result.labels)

    return detect, model.names


def _progress(items: Iterable[Any]) -> Iterator[Any]:
    from edgecv.cli.progress import Progress

    entries = list(items)
    with Progress(len(entries), "image") as bar:
        for entry in entries:
            yield entry
            bar.update()


def _table(result: Precision) -> str:
    width = max(len(name) for name in [*result.classes, "all"])
    lines = [f"{'':{width}}  mAP    mAP@0.5  mAP@0.75"]
    lines.append(f"{'all':{width}}  {result.map:.3f}  {result.map50:.3f}    {result.map75:.3f}")
    for name, values in result.classes.items():
        lines.append(f"{name:{width}}  {values['ap']:.3f}  {values['ap50']:.3f}")
    lines.append(f"{result.images} images, {result.objects} objects")
    return "\n".join(lines)
