"""The options that say which model runs on what."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from edgecv.cli.options.argument_types import height_width, overlap, positive, threshold
from edgecv.cli.options.classes import class_names, class_scores

if TYPE_CHECKING:
    from edgecv.models.architecture.windows import WindowOptions
    from edgecv_runtime.models.model import Model


def add_model_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "bundle",
        metavar="BUNDLE",
        help="a bundle: its folder or .zip; or a checkpoint of edgecv train, exported once",
    )
    parser.add_argument(
        "-e",
        "--engine",
        help="tensorrt, tensorrt_rtx, onnxruntime or openvino (default: the first that can run it)",
    )
    parser.add_argument("--device", help="cpu, cuda, cuda:1, or an ONNX Runtime provider's name")
    parser.add_argument("-p", "--precision", help="fp32, fp16, bf16 or int8 (default: fp32)")
    parser.add_argument(
        "--threads", type=positive, help="processor threads (default: all, at most 8)"
    )


def add_threshold_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-t",
        "--threshold",
        type=threshold,
        metavar="SCORE|NAME=SCORE,...",
        help="report results with a score above it, 0..1; NAME=SCORE is for one class, as in "
        "car=0.3,0.5 (default: the bundle's, mostly 0.5; classifiers: 0)",
    )


def add_classes_argument(parser: Any) -> None:
    parser.add_argument(
        "--classes",
        metavar="NAME,...",
        help="detectors: the classes to report (default: all)",
    )


def add_window_arguments(parser: Any) -> None:
    """Those that `window_options` reads."""
    from edgecv.models.architecture.windows import WEIGHTS

    parser.add_argument(
        "--crop",
        type=height_width,
        metavar="HxW",
        help="segmentation: cover each image with windows of this size",
    )
    parser.add_argument(
        "--overlap",
        type=overlap,
        metavar="PART",
        help="how much neighbouring windows share, 0 or more and below 1 (default: the network's, "
        "or 0.25)",
    )
    parser.add_argument(
        "--window",
        choices=WEIGHTS,
        help="weight of a window's pixels where windows overlap (default: uniform)",
    )
    parser.add_argument(
        "--whole", action="store_true", help="segmentation: run on each image as a whole"
    )


def window_options(args: argparse.Namespace) -> WindowOptions:
    from edgecv.models.architecture.windows import WindowOptions

    return WindowOptions(args.crop, args.overlap, args.window, args.whole)


def use_threshold(model: Model[Any], args: argparse.Namespace) -> None:
    """Sets what ``--threshold`` says, if it says something; otherwise the bundle's own stays.

    Raises InputError for a model whose results have no scores.
    """
    from edgecv_runtime import Classifier, InputError
    from edgecv_runtime.models.detection_model import DetectionModel

    if args.threshold is None:
        return
    if isinstance(model, DetectionModel):
        model.thresholds = class_scores(args.threshold, model.names)
    elif isinstance(model, Classifier):
        if not isinstance(args.threshold, float):
            raise InputError(
                f"--threshold {args.threshold}: a classifier has one threshold for all classes: "
                "expected a number from 0 to 1"
            )
        model.threshold = args.threshold
    else:
        raise InputError(
            f"--threshold {args.threshold}: {args.bundle} is for the task "
            f"{model.manifest.task}, whose results have no scores: leave it out"
        )


def use_classes(model: Model[Any], args: argparse.Namespace) -> None:
    """Sets what ``--classes`` says. Raises InputError for a model that finds no objects."""
    from edgecv_runtime import InputError
    from edgecv_runtime.models.detection_model import DetectionModel

    if args.classes is None:
        return
    if not isinstance(model, DetectionModel):
        raise InputError(
            f"--classes {args.classes}: {args.bundle} is for the task {model.manifest.task}, which "
            "finds no objects: leave it out"
        )
    model.classes = class_names(args.classes, model.names)


def load_model(args: argparse.Namespace) -> Model[Any]:
    from edgecv.cli.checkpoints.bundle import bundle_to_run
    from edgecv_runtime import load

    return load(
        bundle_to_run(args.bundle),
        engine=args.engine,
        device=args.device,
        precision=args.precision,
        threads=args.threads,
    )
