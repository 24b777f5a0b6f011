"""The options that say which model runs on what."""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edgecv_runtime.model import Model


def add_model_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("bundle", metavar="BUNDLE", help="a bundle: its folder or .zip")
    parser.add_argument("--engine", help="inference engine (default: onnxruntime)")
    parser.add_argument("--device", help="cpu, cuda, cuda:1, or an ONNX Runtime provider's name")
    parser.add_argument("--precision", help="fp32, fp16, bf16 or int8 (default: fp32)")
    parser.add_argument(
        "--threads", type=positive, help="processor threads (default: all, at most 8)"
    )


def add_threshold_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--threshold",
        type=score,
        default=0.5,
        metavar="SCORE",
        help="lowest score to report, 0..1 (default: %(default)s)",
    )


def load_model(args: argparse.Namespace) -> Model[Any]:
    from edgecv_runtime import load

    return load(
        args.bundle,
        engine=args.engine,
        device=args.device,
        precision=args.precision,
        threads=args.threads,
    )


def positive(text: str) -> int:
    value = int(text) if text.isdecimal() else 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number above 0, got {text!r}")
    return value


def height_width(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"([1-9]\d*)x([1-9]\d*)", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"expected HEIGHTxWIDTH such as 240x320, got {text!r}")
    return int(match[1]), int(match[2])


def score(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"expected a number from 0 to 1, got {text!r}")
    return value
