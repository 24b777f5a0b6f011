"""edgecv train: labelled photos in, a checkpoint out."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from edgecv.cli.model_options import height_width, positive


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "train",
        help="train a detector on labelled photos",
        description="Trains a detector. Writes best.pt (highest mAP), last.pt, metrics.csv and "
        "curve.png into the run's folder.",
    )
    parser.add_argument(
        "architecture",
        metavar="ARCHITECTURE",
        help="ssd_tiny, ssd300_vgg16, ssdlite320_mobilenet_v3_large, or a two-stage detector such "
        "as maskrcnn_mobilenet_v3_large_fpn, fasterrcnn_resnet50_fpn, maskrcnn_resnet50_fpn",
    )
    parser.add_argument(
        "--data",
        required=True,
        type=Path,
        metavar="DIR",
        help="Pascal VOC, COCO or YOLO folder, or images/ with masks/ (0 background, 1..N objects)",
    )
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="the run's folder")
    parser.add_argument(
        "--weights",
        default="none",
        metavar="none|default|FILE",
        help="start from nothing, torchvision's published weights, or a file (.pt .pth "
        ".safetensors .npz); with another class count the head is new (default: none)",
    )
    parser.add_argument("--epochs", type=positive, default=60, help="default: %(default)s")
    parser.add_argument(
        "--batch-size", type=positive, help="default: 16, for two-stage detectors 4"
    )
    parser.add_argument(
        "--lr",
        type=_rate,
        metavar="RATE",
        help="highest learning rate of the trunk (default: 0.002, with weights 0.0002)",
    )
    parser.add_argument(
        "--size",
        type=height_width,
        metavar="HxW",
        help="the network's input, ssd_tiny only (default: 320 for the longer side, in the shape "
        "of the images)",
    )
    parser.add_argument(
        "--min-size",
        type=positive,
        metavar="PIXELS",
        help="shortest side of the network's input, two-stage detectors only (default: the "
        "architecture's)",
    )
    parser.add_argument(
        "--class-name",
        metavar="NAME",
        help="what a data set of masks without classes.txt shows (default: object)",
    )
    parser.add_argument(
        "--flip",
        choices=("horizontal", "both"),
        default="horizontal",
        help="random flips; both for pictures without an up, such as from a microscope",
    )
    parser.add_argument("--train-split", default="train", metavar="NAME", help="default: train")
    parser.add_argument("--val-split", default="val", metavar="NAME", help="default: val")
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    parser.add_argument(
        "--device", choices=("auto", "cpu", "cuda"), default="auto", help="default: auto"
    )
    parser.add_argument(
        "--workers",
        type=_count,
        default=2,
        help="processes that decode and augment; 0: the main one does (default: %(default)s)",
    )
    parser.add_argument(
        "--resume", action="store_true", help="go on with the run in --out; same settings"
    )


def run(args: argparse.Namespace) -> int:
    # Threads that spin while they wait take the processor from the loader's workers, and training
    # from other jobs (measured on a loaded machine: 4 to 7 times slower). Read when torch loads.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from edgecv.training.fit import Settings, fit
    from edgecv.training.run_files import describe

    settings = Settings(
        architecture=args.architecture,
        data=str(args.data),
        train_split=args.train_split,
        val_split=args.val_split,
        weights=args.weights,
        size=args.size,
        min_size=args.min_size,
        class_name=args.class_name,
        epochs=args.epochs,
        batch_size=args.batch_size,
        learning_rate=args.lr,
        flip=args.flip,
        seed=args.seed,
    )
    best = fit(
        settings,
        args.out,
        device=args.device,
        workers=args.workers,
        resume=args.resume,
        progress=sys.stderr.isatty(),
        report=lambda line: print(line, flush=True),
    )
    print(
        f"best: epoch {best['epoch']}, {describe(best)}; {best['seconds']:.0f} s; "
        f"{args.out / 'best.pt'}"
    )
    return 0


def _rate(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"expected a number between 0 and 1, got {text!r}")
    return value


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"expected a whole number from 0, got {text!r}")
    return int(text)
