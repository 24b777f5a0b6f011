"""From a model object to a checked bundle."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from edgecv.training.progress import MakeBar
from edgecv_export.bundle.draft import BundleDraft, check_target, new_bundle
from edgecv_export.errors import ExportError
from edgecv_export.generated_images import generate_pictures
from edgecv_export.outputs.score_function import FUNCTIONS, settle_score_function
from edgecv_export.parity.comparison import Tolerance
from edgecv_export.parity.detection_report import MIN_PICTURES
from edgecv_export.parity.report import Report
from edgecv_export.precision.uint8_input import check_bytes_fit, take_bytes
from edgecv_export.progress import shown
from edgecv_runtime import InputError, Manifest
from edgecv_runtime.versions import require

if TYPE_CHECKING:
    from torch import nn

    from edgecv_export.graphs.cuts import Cut

# The one that the dynamo exporter's own operators have; TensorRT 10.3 reads up to 20.
DEFAULT_OPSET = 18
NEEDS = ("torch", "torchvision", "onnx", "onnxscript", "numpy")


def export(
    module: nn.Module,
    out: str | os.PathLike[str],
    *,
    labels: Sequence[str],
    images: Sequence[np.ndarray] | None = None,
    name: str | None = None,
    architecture: str | None = None,
    size: tuple[int, int] | None = None,
    proposals: Literal["network", "caller"] = "network",
    dialects: Sequence[Literal["onnx", "tensorrt"]] = ("onnx", "tensorrt"),
    crop: tuple[int, int] | None = None,
    overlap: float | None = None,
    window: Literal["uniform", "gaussian", "linear"] | None = None,
    whole: bool = False,
    batch: int | Literal["dynamic"] = "dynamic",
    activation: Literal["softmax", "sigmoid", "none"] | None = None,
    input_dtype: Literal["float32", "uint8"] = "float32",
    opset: int = DEFAULT_OPSET,
    tolerance: Tolerance | None = None,
    provenance: dict[str, Any] | None = None,
    overwrite: bool = False,
    progress: MakeBar | None = None,
    take_report: Callable[[Report], object] | None = None,
) -> Path:
    """Exports a network as a bundle and proves that the bundle gives the same results.

    Args:
        module: a torchvision-style SSD, RetinaNet, FCOS, Faster R-CNN or Mask R-CNN (any instance
            of torchvision's classes, whatever it was built from), or ssd_tiny; a segmentation
            network (torchvision's, fcn_resnet18, or any that gives logits of pixels); a classifier
            (any that gives one row of logits). Its ``input`` is its input record. It is read, not
            changed.
        out: the bundle's folder. It must not exist, be empty, or, with ``overwrite``, be a bundle.
        labels: names of the classes; a detector's without the background. Of a network with one
            score two, the first of what is not, or one, which gets "background" before it.
        images: pictures for the parity check, uint8 [H, W, 3] BGR. Fewer than 8 are filled up with
            generated ones.
        name: the bundle's name; the folder's if left out.
        architecture: recorded in the bundle; the class's name if left out.
        size: (height, width) of the network's input for every picture, which is fitted into it from
            the top left; multiples of what the model pads to. Left out: the model's own resize
            rule. Detectors with one built-in size take none.
        proposals: ``caller`` exports a Fast R-CNN: the proposal network is left out, and the bundle
            takes boxes with each picture. Two-stage detectors only.
        dialects: forms in which a two-stage detector's second stage is written: ``onnx`` for any
            ONNX engine, ``tensorrt`` for TensorRT. ``onnx`` has to be among them: it is the one
            that is checked.
        crop: (height, width) of crops that cover each picture; their logits are averaged where they
            overlap. Segmentation only, as the next three. Left out: as the module has it in its
            ``windows``; the picture whole where it has none.
        overlap: the part of a crop's side that neighbours share, 0 or more and below 1.
        window: how much each pixel of a crop counts where crops overlap.
        whole: pictures go through in one piece, whatever the module has.
        batch: pictures that one run of the network takes: any number, or a fixed one.
        activation: what turns a classifier's or segmentation network's outputs into scores:
            ``softmax`` over the classes; ``sigmoid`` of each, as a multi-label classifier has it;
            ``none`` for outputs that are probabilities. Left out: found out on the images, with a
            warning where the network ends in a softmax or sigmoid already; logits of several
            classes get a softmax, a single one a sigmoid.
        input_dtype: ``uint8``: the graph takes whole levels and normalises inside, a quarter of the
            copy to a device. Not for models that pad with a colour that is no whole level.
        opset: version of the ONNX operators.
        tolerance: how far results may be from the model's.
        provenance: plain values to record beside the versions and the parity report.
        progress: makes a bar for the steps, such as `edgecv.cli.progress.Progress`; None: nothing
            is shown.
        take_report: called with the parity report of the bundle that is written.

    Returns:
        The bundle's folder. It appears there complete and checked, or not at all.

    Raises:
        InputError: the module, the labels or ``out`` do not fit.
        ExportError: torch cannot export the network, or parity fails; then the report's table is in
            the exception's ``report``.
    """
    from edgecv.models.finite import require_finite_module
    from edgecv.models.windows import WindowRequest
    from edgecv_export.graphs.cuts import CutRequest, ScoredCut, cut_model

    for package in NEEDS:
        require(package)
    target = check_target(out, overwrite)
    if batch != "dynamic" and batch < 1:
        raise InputError(f"batch is {batch}; expected 'dynamic' or a number of at least 1")
    if "onnx" not in dialects or not set(dialects) <= {"onnx", "tensorrt"}:
        raise InputError(
            f"dialects are {', '.join(dialects) or 'none'}; expected onnx, or onnx and tensorrt"
        )
    if activation not in (None, *FUNCTIONS):
        raise InputError(f"activation is {activation!r}; expected {', '.join(FUNCTIONS)}")
    pictures = list(images or ())
    lacking = max(MIN_PICTURES - len(pictures), 0)
    with shown(progress, 3 + len(pictures) + lacking, "step", "export") as bar:

        def step(doing: str) -> None:
            bar.update(1, doing)

        step("reading the model")
        require_finite_module(module, architecture or type(module).__name__)
        if isinstance(labels, str):
            raise InputError("labels is a string; expected a list of names, one for each class")
        windows = WindowRequest(crop, overlap, window, whole)
        request = CutRequest(size, len(labels), proposals, tuple(dialects), windows)
        cut = cut_model(module, request)
        labels = complete_labels(labels, cut)
        _check_labels(labels, cut)
        if activation is not None and not isinstance(cut, ScoredCut):
            raise InputError(
                f"activation is for classifiers and segmentation networks, this is a {cut.task} "
                "model: leave it out"
            )
        if input_dtype not in ("float32", "uint8"):
            raise InputError(f"input_dtype is {input_dtype!r}; expected float32 or uint8")
        if input_dtype == "uint8":
            check_bytes_fit(cut.task, cut.input, {})  # before the work
        step("exporting to ONNX")
        with new_bundle(target, overwrite) as draft:
            write_cut(
                draft,
                cut,
                labels,
                name=name or target.name,
                architecture=architecture or type(module).__name__,
                batch=batch,
                opset=opset,
                provenance={"versions": _versions(), **(provenance or {})},
            )
            if input_dtype == "uint8":
                check_bytes_fit(cut.task, cut.input, draft.manifest["postprocess"])
            step("checking parity")
            longest = getattr(cut, "longest_picture", None)
            pictures += generate_pictures(lacking, longest=longest)
            if isinstance(cut, ScoredCut):
                cut.function = settle_score_function(draft, pictures, activation)
            report = cut.verify(draft.folder, pictures, tolerance or Tolerance(), bar.update)
            if not report.passed:
                raise ExportError(report.failure(), report)
            draft.manifest["provenance"]["parity"] = report.to_dict()
            if input_dtype == "uint8":
                draft.manifest["provenance"]["uint8_input"] = take_bytes(draft, pictures)
            draft.write_manifest()
    if take_report is not None:
        take_report(report)
    return target


def write_cut(
    draft: BundleDraft,
    cut: Cut,
    labels: Sequence[str],
    *,
    name: str,
    architecture: str,
    batch: int | Literal["dynamic"] = "dynamic",
    opset: int = DEFAULT_OPSET,
    provenance: dict[str, Any] | None = None,
) -> None:
    """Writes the graphs of a model that was cut, and the manifest; nothing is compared."""
    graphs, postprocess = cut.write(draft, batch=batch, opset=opset)
    draft.manifest = {
        "schema": Manifest.current_schema,
        "name": name,
        "task": cut.task,
        "architecture": architecture,
        "labels": list(labels),
        "input": cut.input,
        "graphs": graphs,
        "postprocess": postprocess,
        "provenance": provenance or {},
    }
    draft.write_manifest()


def complete_labels(labels: Sequence[str], cut: Cut) -> list[str]:
    """Two names for a network with one score, where one is given."""
    if len(labels) == 1 and getattr(cut, "columns", None) == 1:
        return ["background", *labels]
    return list(labels)


def _check_labels(labels: Sequence[str], cut: Cut) -> None:
    if len(labels) != cut.classes:
        detects = cut.task in ("detect", "instance")
        background = " (and the background, which takes no label)" if detects else ""
        if getattr(cut, "columns", None) == 1:
            background = " (one score decides between them)"
        raise InputError(
            f"{len(labels)} labels are given; the model has {cut.classes} classes{background}: "
            f"give {cut.classes}"
        )


def _versions() -> dict[str, str]:
    packages = ("edgecv", "torch", "torchvision", "onnx", "onnxscript", "onnxruntime", "numpy")
    versions = {package: importlib.metadata.version(package) for package in packages}
    return {"python": platform.python_version(), **versions}
