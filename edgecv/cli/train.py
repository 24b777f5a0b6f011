"""edgecv train: labelled images in, a checkpoint out."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path
from typing import Any

from edgecv.cli.options.argument_types import (
    class_numbers,
    count,
    height_width,
    learning_rate,
    positive,
    seed,
)
from edgecv.cli.options.parser import old_name
from edgecv.cli.options.style_losses import add_loss_arguments
from edgecv.cli.output.flags import in_flags
from edgecv_runtime.one_line import printable

# Options that only networks for these tasks have.
OPTIONS_OF_TASKS = {
    **dict.fromkeys(("min_size", "class_name"), ("detect", "instance")),
    **dict.fromkeys(("crop", "ignore_index", "class_weights"), ("segment",)),
    **dict.fromkeys(("style", "style_size", "loss_trunk", "loss_weights", "width"), ("stylize",)),
    **dict.fromkeys(("content_weight", "style_weight", "tv_weight"), ("stylize",)),
    **dict.fromkeys(("content_layers", "style_layers", "blocks"), ("stylize",)),
}
_FILES = {
    "weights": "none, default, or weights (.pth, .pt, .safetensors, .npz)",
    "labels": "a text file with a name on each line",
    "style": "an image",
    "loss_weights": "none, default, or weights with torchvision's names",
}
# Options that are not settings of the run.
_RUNNING = ("verb", "out", "device", "workers", "resume")


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "train",
        help="train a network on labelled images",
        description="Trains a network. Writes best.pt (the best on the validation images), "
        "last.pt, metrics.csv and curve.png into the run's folder.",
        # An option that is not given is left to the settings of the architecture's task.
        argument_default=argparse.SUPPRESS,
    )
    parser.add_argument(
        "architecture",
        metavar="ARCHITECTURE",
        help="a detector such as ssd_tiny, ssdlite320_mobilenet_v3_large or "
        "maskrcnn_mobilenet_v3_large_fpn; a segmentation network such as fcn_resnet18 or "
        "deeplabv3_resnet50; any classifier of torchvision, such as resnet18; style_transform",
    )
    parser.add_argument(
        "-d",
        "--data",
        required=True,
        metavar="DIR",
        help="detectors: Pascal VOC, COCO or YOLO folder (or its data.yaml), or images/ with "
        "masks/ (0 background, 1..N objects); segmentation: SPLIT/images/ with SPLIT/masks/ of "
        "class numbers; classifiers: SPLIT/NAME/ for each class; style networks: any images",
    )
    parser.add_argument(
        "-o", "--out", required=True, type=Path, metavar="DIR", help="the run's folder"
    )
    parser.add_argument(
        "-w",
        "--weights",
        metavar="none|default|FILE",
        help="none: from scratch; default: torchvision's published weights; or a file (.pt .pth "
        ".safetensors .npz); the head is new if the number of classes differs (default: none)",
    )
    parser.add_argument("-n", "--epochs", type=positive, help="default: 60, style networks 20")
    parser.add_argument(
        "-b",
        "--batch-size",
        type=positive,
        help="default: 16, two-stage detectors 4, segmentation 8, classifiers 32, style networks 4",
    )
    parser.add_argument(
        "--lr",
        dest="learning_rate",
        type=learning_rate,
        metavar="RATE",
        help="highest learning rate of the backbone (detectors: 0.002, with weights 0.0002; "
        "others: 0.001, with weights 0.0001)",
    )
    parser.add_argument("--train-split", metavar="NAME", help="default: train")
    parser.add_argument("--val-split", metavar="NAME", help="default: val")
    parser.add_argument("--seed", type=seed, help="default: 0")
    parser.add_argument(
        "--flip",
        choices=("horizontal", "both"),
        help="random flips; both for images that have no upper side, such as from a microscope "
        "(default: horizontal)",
    )
    parser.add_argument(
        "--size",
        type=height_width,
        metavar="HxW",
        help="the network's input: ssd_tiny (default: 320 for the longer side, in the shape of the "
        "images) and classifiers (default: that of the published weights)",
    )
    _add_detection(parser.add_argument_group("detectors"))
    _add_segmentation(parser.add_argument_group("segmentation"))
    _add_style(parser.add_argument_group("style networks"))
    parser.add_argument(
        "--device", choices=("auto", "cpu", "cuda"), default="auto", help="default: auto"
    )
    parser.add_argument(
        "--workers",
        type=count,
        default=2,
        help="processes that decode and augment; 0: only the main process (default: %(default)s)",
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        default=False,
        help="continue the run in --out, with its settings or more --epochs",
    )


def _add_detection(group: Any) -> None:
    group.add_argument(
        "--min-size",
        type=positive,
        metavar="PIXELS",
        help="shortest side of the network's input; two-stage detectors, RetinaNet and FCOS only "
        "(default: the architecture's)",
    )
    group.add_argument(
        "--class-name",
        metavar="NAME",
        help="the class of a data set of masks without classes.txt (default: object)",
    )


def _add_segmentation(group: Any) -> None:
    group.add_argument(
        "--crop",
        type=height_width,
        metavar="HxW",
        help="size of the random crops of each image and its labels, which are never resized "
        "(default: 320x480, less where an image is smaller)",
    )
    group.add_argument(
        "--ignore-index",
        type=class_numbers,
        metavar="N[,N...]",
        help="numbers in the label images to ignore, such as that of void; 255 is always ignored",
    )
    group.add_argument(
        "--labels",
        metavar="FILE",
        help="names of the classes, one on each line from class 0 (default: its classes.txt)",
    )
    group.add_argument(
        "--class-weights",
        choices=("none", "median", "inverse"),
        help="weigh the loss of rare classes more, by median or inverse frequency (default: none)",
    )


def _add_style(group: Any) -> None:
    group.add_argument("--style", metavar="FILE", help="the style image")
    group.add_argument(
        "--style-size",
        type=positive,
        metavar="PIXELS",
        help="largest longer side of the style image; smaller gives finer strokes (default: 512)",
    )
    add_loss_arguments(group)
    group.add_argument(
        "--loss-backbone",
        dest="loss_trunk",
        choices=("vgg16", "vgg19"),
        help="the network that the losses are measured with (default: vgg16)",
    )
    old_name(group, "--loss-trunk", "--loss-backbone")
    group.add_argument(
        "--loss-weights",
        metavar="FILE|default|none",
        help="weights of that backbone: a file with torchvision's names, default (its published "
        "ones) or none (random, for a trial only)",
    )
    group.add_argument(
        "--width", type=positive, help="channels of the network at full size (default: 32)"
    )
    group.add_argument("--blocks", type=count, help="residual blocks of the network (default: 5)")


def run(args: argparse.Namespace) -> int:
    # Threads that spin while they wait take the processor from the loader's workers, and training
    # from other jobs (measured on a loaded machine: 4 to 7 times slower). Read when torch loads.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from edgecv.cli.output.progress import Progress
    from edgecv.training.run.folder import check_out

    # Before torch is loaded.
    _check(args)
    check_out(args.out, args.resume)
    from edgecv.training.run.fit import fit

    try:
        fit(
            _settings(args),
            args.out,
            device=args.device,
            workers=args.workers,
            resume=args.resume,
            progress=Progress,
            report=lambda line: print(printable(in_flags(line)), flush=True),
        )
    except KeyboardInterrupt:
        # The loader's processes may have got the signal, too: torch need not report their end.
        if hasattr(signal, "SIGCHLD"):
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        if (args.out / "last.ckpt").is_file():
            advice = "with --resume the same command goes on after the last complete epoch"
            print(f"edgecv: interrupted; {advice}", file=sys.stderr)
        raise
    return 0


def _check(args: argparse.Namespace) -> None:
    """What can be said about the arguments without torch. Raises InputError."""
    from edgecv.cli.options.files import require_data, require_file
    from edgecv.models import registry
    from edgecv_runtime import InputError

    task = registry.task_of(args.architecture)
    given = vars(args)
    for name, tasks in OPTIONS_OF_TASKS.items():
        if name in given and task not in tasks:
            raise InputError(
                f"--{name.replace('_', '-')} does not apply to {args.architecture}, whose task is "
                f"{task}; leave it out"
            )
    require_data(args.data)
    for name, expected in _FILES.items():
        if given.get(name) not in (None, "none", "default"):
            require_file(given[name], expected)


def _settings(args: argparse.Namespace) -> Any:
    from dataclasses import fields

    from edgecv.models import registry
    from edgecv.training.run.folder import recorded
    from edgecv.training.run.settings import recipe_of
    from edgecv_runtime import InputError

    kind = recipe_of(args.architecture).SETTINGS
    known = {field.name for field in fields(kind)}
    given = {name: value for name, value in vars(args).items() if name not in _RUNNING}
    for name in given.keys() - known:
        raise InputError(
            f"--{name.replace('_', '-')} does not apply to {args.architecture}, whose task is "
            f"{registry.task_of(args.architecture)}; leave it out"
        )
    before = recorded(args.out) if args.resume else {}
    if before.get("architecture") == args.architecture:
        # What is not said again is as it was; JSON has lists where settings have tuples.
        kept = {name: value for name, value in before.items() if name in known}
        given = {n: tuple(v) if isinstance(v, list) else v for n, v in kept.items()} | given
    return kind(**given)
