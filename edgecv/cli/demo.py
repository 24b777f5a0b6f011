"""edgecv demo: the whole way on generated data, as one would type it."""

from __future__ import annotations

import argparse
import shlex
import time
from pathlib import Path
from typing import Any

TRAIN_IMAGES, VAL_IMAGES = 240, 40
TRAINING = "--size 128x160 --batch-size 8 --epochs 20"


_PARTS = ("shapes", "run", "bundle")


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "demo",
        help="train, export, check and predict on generated pictures",
        description="Draws pictures of shapes, trains a small detector on them, exports it, "
        "compares bundle and checkpoint, and saves a picture with boxes. Takes a few minutes on "
        "two processors.",
    )
    parser.add_argument(
        "-o", "--out", type=Path, default=Path("demo"), metavar="DIR", help="default: %(default)s"
    )


def run(args: argparse.Namespace) -> int:
    from edgecv.data.synthetic import write_shapes
    from edgecv_runtime import InputError
    from edgecv_runtime.files.whole import new_folder

    shapes, training, bundle = (args.out / name for name in _PARTS)
    if args.out.exists() and not _interrupted(args.out):
        raise InputError(f"{args.out} is not empty: remove it, or give another folder with --out")
    started = time.monotonic()
    if not shapes.is_dir():
        print(f"{TRAIN_IMAGES} pictures of shapes to {shapes}", flush=True)
        with new_folder(shapes) as draft:
            write_shapes(draft, train=TRAIN_IMAGES, val=VAL_IMAGES, size=(300, 400))
    picture = sorted((shapes / "JPEGImages").glob("val_*"))[0]
    # What a demo that was interrupted has done is kept.
    go_on = ["--resume"] if (training / "run.json").is_file() else []
    again = ["--overwrite"] if bundle.is_dir() else []
    commands = [
        ["train", "ssd_tiny", "--data", shapes, *TRAINING.split(), "--out", training, *go_on],
        ["export", training / "best.pt", "--out", bundle, *again],
        ["eval", training / "best.pt", "--data", shapes],
        ["eval", bundle, "--data", shapes],
        ["info", bundle],
        ["predict", bundle, picture, "--save", args.out],
    ]
    for command in commands:
        status = _run([str(word) for word in command])
        if status != 0:
            return status
    minutes = (time.monotonic() - started) / 60
    print(f"\n{minutes:.1f} minutes. Look at {args.out / (picture.stem + '.jpg')}")
    return 0


def _interrupted(out: Path) -> bool:
    """Whether a folder is empty, or holds no more than a demo that has not come to its end."""
    from edgecv_runtime.files.whole import is_draft

    return out.is_dir() and all(
        path.name in _PARTS or is_draft(path.name) or path.match("val_*.json")
        for path in out.iterdir()
    )


def _run(command: list[str]) -> int:
    from edgecv.cli.main import main

    print(f"\n$ edgecv {shlex.join(command)}", flush=True)
    return main(command)
