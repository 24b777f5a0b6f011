"""edgecv demo: the whole way, as one would type it, on generated shapes or on given images."""

from __future__ import annotations

import argparse
import shlex
import time
from pathlib import Path
from typing import Any

TRAIN_IMAGES, VAL_IMAGES = 240, 40
SHAPES_TRAINING = "--size 128x160 --batch-size 8 --epochs 20"
DATA_TRAINING = "--batch-size 8 --epochs 40"

_PARTS = ("shapes", "run", "bundle")


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "demo",
        help="train, export, check and predict in a few minutes",
        description="Trains a small detector, exports it, compares bundle and checkpoint, and "
        "saves an image with boxes. Takes a few minutes on two processor cores.",
    )
    parser.add_argument(
        "-d",
        "--data",
        metavar="DIR",
        help="a labelled folder with the splits train and val, a few hundred images at most, such "
        "as samples/data/cells in edgecv's repository (default: shapes that the demo draws)",
    )
    parser.add_argument(
        "-o", "--out", type=Path, default=Path("demo"), metavar="DIR", help="default: %(default)s"
    )


def run(args: argparse.Namespace) -> int:
    from edgecv.cli.options.files import require_data
    from edgecv_runtime import InputError

    training, bundle = args.out / "run", args.out / "bundle"
    if args.data is not None:
        require_data(args.data)
    if args.out.exists() and not _interrupted(args.out):
        raise InputError(f"{args.out} is not empty: remove it, or give another folder with --out")
    started = time.monotonic()
    data = args.data or _shapes(args.out / "shapes")
    settings = DATA_TRAINING if args.data else SHAPES_TRAINING
    image = most_classes(data)
    # What a demo that was interrupted has done is kept.
    go_on = ["--resume"] if (training / "run.json").is_file() else []
    again = ["--overwrite"] if bundle.is_dir() else []
    commands = [
        ["train", "ssd_tiny", "--data", data, *settings.split(), "--out", training, *go_on],
        ["export", training / "best.pt", "--out", bundle, *again],
        ["eval", training / "best.pt", "--data", data],
        # A class of few objects, such as platelets, has lower scores than 0.5.
        ["eval", bundle, "--data", data, "--set-thresholds"],
        ["info", bundle],
        ["predict", bundle, image, "--save", args.out],
    ]
    for command in commands:
        status = run_command([str(word) for word in command])
        if status != 0:
            return status
    minutes = (time.monotonic() - started) / 60
    print(f"\n{minutes:.1f} minutes. Look at {args.out / (image.stem + '.jpg')}")
    return 0


def _shapes(folder: Path) -> Path:
    from edgecv.data.synthetic import write_shapes
    from edgecv_runtime.files.whole import new_folder

    if not folder.is_dir():
        print(
            f"{TRAIN_IMAGES} generated images of shapes to {folder}; --data takes real ones",
            flush=True,
        )
        with new_folder(folder) as draft:
            write_shapes(draft, train=TRAIN_IMAGES, val=VAL_IMAGES, size=(300, 400))
    return folder


def most_classes(data: str | Path) -> Path:
    """The first validation image that shows as many classes as any other."""
    from edgecv.data.detection_folder import read_folder

    records = read_folder(data, "val").records
    return max(records, key=lambda record: len(set(record.labels.tolist()))).image


def _interrupted(out: Path) -> bool:
    """Whether a folder is empty, or holds no more than a demo that did not finish: then
    the image with boxes is missing, of which the JSON is written first."""
    from edgecv_runtime.files.whole import is_draft

    last = (".json",) if (out / "bundle").is_dir() else ()
    return out.is_dir() and all(
        path.name in _PARTS or is_draft(path.name) or path.suffix in last for path in out.iterdir()
    )


def run_command(command: list[str]) -> int:
    from edgecv.cli.main import main

    print(f"\n$ edgecv {shlex.join(command)}", flush=True)
    return main(command)
