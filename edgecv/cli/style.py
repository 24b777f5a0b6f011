"""edgecv style: gives one image the style of another, by optimising its pixels."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgecv.cli.options.argument_types import above_zero, positive, whole_number
from edgecv.cli.options.parser import old_name
from edgecv.cli.options.style_losses import add_loss_arguments
from edgecv_runtime.one_line import printable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from edgecv.training.style.optimisation import OptimisationSettings


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "style",
        help="give one image the style of another (slow, no training)",
        description="Optimises the pixels of an image until a VGG network sees the content of one "
        "image and the style of another in it. To stylize many images, train a "
        "network: edgecv train style_transform.",
    )
    parser.add_argument("content", metavar="CONTENT", help="the image to stylize")
    parser.add_argument("style", metavar="STYLE", help="the style image")
    parser.add_argument("-o", "--out", required=True, type=Path, metavar="FILE", help="the result")
    parser.add_argument(
        "--size",
        type=positive,
        default=512,
        metavar="PIXELS",
        help="largest longer side of the result (default: %(default)s)",
    )
    parser.add_argument(
        "--style-size",
        type=positive,
        metavar="PIXELS",
        help="largest longer side of the style image; smaller gives finer strokes "
        "(default: as --size)",
    )
    parser.add_argument("--steps", type=positive, default=300, help="default: %(default)s")
    parser.add_argument(
        "--every",
        type=positive,
        metavar="N",
        help="also write the image after each N steps, as NAME_00N beside the result",
    )
    parser.add_argument(
        "--optimizer", choices=("lbfgs", "adam"), default="lbfgs", help="default: %(default)s"
    )
    parser.add_argument(
        "--lr",
        dest="learning_rate",
        type=above_zero,
        metavar="RATE",
        help="default: 1 for lbfgs, 0.02 for adam",
    )
    parser.add_argument(
        "--backbone",
        choices=("vgg16", "vgg19"),
        default="vgg19",
        help="the network that content and style are measured with (default: %(default)s)",
    )
    old_name(parser, "--trunk", "--backbone")
    parser.add_argument(
        "--weights",
        default="default",
        metavar="FILE|default|none",
        help="weights of the backbone: a file with torchvision's names, default (its published "
        "ones) or none (random, for a trial only)",
    )
    add_loss_arguments(parser)
    parser.add_argument(
        "--seed", type=whole_number, default=0, help="seed of --weights none (default: 0)"
    )
    parser.add_argument(
        "--device", choices=("auto", "cpu", "cuda"), default="auto", help="default: auto"
    )


def run(args: argparse.Namespace) -> int:
    from edgecv.cli.options.files import require_file
    from edgecv_runtime import InputError

    if args.out.suffix.lower() not in (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"):
        raise InputError(f"--out {args.out}: expected an image's name such as stylized.png")
    for image in (args.content, args.style):
        require_file(image, "an image")

    import torch  # behind the checks: it takes seconds to load

    from edgecv.cli.output.progress import Progress
    from edgecv.training.style.losses import read_style, to_tensor
    from edgecv.training.style.optimisation import optimise_image
    from edgecv_runtime import Stylized, read_image

    content = to_tensor(read_image(args.content), args.size)
    if min(content.shape[1:]) < 32:
        raise InputError(
            f"{args.content}: {content.shape[2]} x {content.shape[1]} pixels (at --size "
            f"{args.size}) are too few; expected at least 32 each way"
        )
    style = read_style(args.style, args.style_size or args.size)
    device, settings = _device(args.device), _settings(args)
    torch.manual_seed(args.seed)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    last: dict[str, float] = {}
    with Progress(args.steps, "step") as progress:

        def done(
            step: int, losses: dict[str, float], image: Callable[[], NDArray[np.uint8]]
        ) -> None:
            last.update(losses)
            progress.update()
            if args.every and step % args.every == 0 and step < args.steps:
                name = f"{args.out.stem}_{step:0{len(str(args.steps))}}{args.out.suffix}"
                Stylized(image()).save(args.out.with_name(name))

        result = optimise_image(content, style, settings, device=device, done=done)
    Stylized(result).save(args.out)
    parts = ", ".join(f"{name} {value:.4g}" for name, value in last.items())
    size = f"{result.shape[1]} x {result.shape[0]} pixels"
    print(f"{printable(str(args.out))}: {size}; last losses: {parts}")
    if args.weights == "none":
        print("the backbone's weights were random, as asked: this shows the mechanism, not a style")
    return 0


def _settings(args: argparse.Namespace) -> OptimisationSettings:
    from edgecv.training.style.losses import LossWeights, layer_names
    from edgecv.training.style.optimisation import (
        CONTENT_LAYERS,
        STYLE_LAYERS,
        OptimisationSettings,
    )

    weights = {"content": args.content_weight, "style": args.style_weight, "tv": args.tv_weight}
    return OptimisationSettings(
        args.steps,
        args.optimizer,
        args.learning_rate,
        LossWeights(**{name: value for name, value in weights.items() if value is not None}),
        layer_names(args.content_layers or "") or CONTENT_LAYERS,
        layer_names(args.style_layers or "") or STYLE_LAYERS,
        args.backbone,
        args.weights,
    )


def _device(name: str) -> str:
    import torch

    from edgecv_runtime import InputError

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and not torch.cuda.is_available():
        raise InputError("--device cuda: torch finds no CUDA device here; use cpu")
    return name
