"""From a model object to a checked bundle."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from edgecv.models.architecture.windows import WindowOptions
from edgecv.training.run.progress import MakeBar
from edgecv_export.bundle.draft import BundleDraft, check_target, name_of, new_bundle
from edgecv_export.errors import RefusedError
from edgecv_export.generated_images import generate_images
from edgecv_export.options import DEFAULT_OPSET, GraphOptions, Origin, with_loose_arguments
from edgecv_export.outputs.score_function import FUNCTIONS, settle_score_function
from edgecv_export.parity.comparison import Tolerance
from edgecv_export.precision.uint8_input import check_uint8_fits, take_uint8
from edgecv_export.progress import shown
from edgecv_export.report import Report
from edgecv_export.source.labels import settle_labels, without_background
from edgecv_runtime import InputError, Manifest
from edgecv_runtime.versions import require

if TYPE_CHECKING:
    from torch import nn

    from edgecv_export.graphs.cut import Cut

NEEDS = ("torch", "torchvision", "onnx", "onnxscript", "numpy")
LEAST_IMAGES = 8  # for the parity check


@dataclass(frozen=True)
class Exported:
    """A bundle that was written. Where a path is expected, as in `edgecv.load`, it is the folder.

    Attributes:
        folder: of the bundle.
        report: what the parity check compared.
    """

    folder: Path
    report: Report

    def __fspath__(self) -> str:
        return str(self.folder)

    def __str__(self) -> str:
        return str(self.folder)

    def __truediv__(self, name: str) -> Path:
        return _as_path(self) / name

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or not hasattr(Path, name):
            raise AttributeError(f"Exported has no {name}; it has folder and report")
        return getattr(_as_path(self), name)


def _as_path(exported: Exported) -> Path:
    warnings.warn(
        "export() returns a record, which is a path until the next release only: take its .folder",
        DeprecationWarning,
        stacklevel=3,
    )
    return exported.folder


def export(
    module: nn.Module,
    out: str | os.PathLike[str],
    *,
    labels: Sequence[str] | None,
    images: Sequence[np.ndarray] | None = None,
    name: str | None = None,
    origin: Origin | None = None,
    graph: GraphOptions | None = None,
    windows: WindowOptions | None = None,
    activation: Literal["softmax", "sigmoid", "none"] | None = None,
    tolerance: Tolerance | None = None,
    overwrite: bool = False,
    progress: MakeBar | None = None,
    take_report: Callable[[Report], object] | None = None,
    **loose: Any,
) -> Exported:
    """Exports a network as a bundle and proves that the bundle gives the same results.

    Args:
        module: a torchvision-style SSD, RetinaNet, FCOS, Faster R-CNN or Mask R-CNN (any instance
            of torchvision's classes, whatever it was built from), or ssd_tiny; a segmentation
            network (torchvision's, fcn_resnet18, or any that gives logits of pixels); a classifier
            (any that gives one row of logits). Its ``input`` is its input record. It is read, not
            changed.
        out: the bundle's folder. It must not exist, be empty, or, with ``overwrite``, be a bundle.
        labels: names of the classes; a detector's without the background (a first
            ``__background__`` is left out). A network with one score has two names, the first for
            what is not the object, or one, before which "background" is put. None: the classes are
            numbered.
        images: for the parity check, uint8 [H, W, 3] BGR. Fewer than 8 are filled up with generated
            ones.
        name: the bundle's name; the folder's if left out.
        origin: where the model is from, to be recorded.
        graph: how the graphs are written: size, batch, dtype of the input, dialects, opset.
        windows: segmentation only: windows that cover each image; their logits are averaged where
            they overlap. What is left out comes from the module's own ``windows``; the image
            goes through whole where it has none.
        activation: what turns a classifier's or segmentation network's outputs into scores:
            ``softmax`` over the classes; ``sigmoid`` of each, for a multi-label classifier;
            ``none`` for outputs that are probabilities. Left out: found out on the images, with a
            warning where the network ends in a softmax or sigmoid already; logits of several
            classes get a softmax, a single one a sigmoid.
        tolerance: how far results may be from the model's.
        overwrite: replace a bundle that is there.
        progress: makes a bar for the steps, such as `edgecv.cli.output.progress.Progress`; None:
            nothing is shown.

    Returns:
        The bundle's folder and the parity report. The bundle appears complete and checked, or not
        at all.

    Raises:
        InputError: the module, the labels or ``out`` do not fit.
        ExportError: torch cannot export the network.
        RefusedError: parity fails; the report's table is in the exception's ``report``.

    Example:
        >>> from edgecv_export import GraphOptions, export
        >>> exported = export(module, "bundle", labels=["cat"], graph=GraphOptions(batch=1))
        >>> print(exported.report.table())
        >>> model = edgecv.load(exported.folder)
    """
    from edgecv.models.weights.usable import require_finite_module
    from edgecv_export.graphs.cut import CutRequest, ScoredCut
    from edgecv_export.graphs.families import cut_model
    from edgecv_export.parity.verify import verify

    records = graph or GraphOptions(), windows or WindowOptions(), origin or Origin()
    graph, windows, origin = with_loose_arguments(records, loose)
    for package in NEEDS:
        require(package)
    target = check_target(out, overwrite)
    if activation not in (None, *FUNCTIONS):
        raise InputError(f"activation is {activation!r}; expected {', '.join(FUNCTIONS)}")
    if isinstance(labels, str):
        raise InputError("labels is a string; expected a list of names, one for each class")
    images = list(images or ())
    lacking = max(LEAST_IMAGES - len(images), 0)
    architecture = origin.architecture or type(module).__name__
    with shown(progress, 3 + len(images) + lacking, "step", "export") as bar:

        def step(doing: str) -> None:
            bar.update(1, doing)

        step("reading the model")
        require_finite_module(module, architecture)
        count = None if labels is None else len(without_background(labels))
        cut = cut_model(
            module,
            CutRequest(graph.size, count, graph.proposals, tuple(graph.dialects), windows),
        )
        one_score = getattr(cut, "columns", None) == 1
        names = settle_labels(labels, cut.task, cut.classes, one_score=one_score)
        if activation is not None and not isinstance(cut, ScoredCut):
            raise InputError(
                f"activation is for classifiers and segmentation networks, this is a {cut.task} "
                "model: leave it out"
            )
        if graph.input_dtype == "uint8":
            check_uint8_fits(cut.task, cut.input, {})  # before the work
        step("exporting to ONNX")
        with new_bundle(target, overwrite) as draft:
            write_cut(
                draft,
                cut,
                names,
                name=name or name_of(target),
                architecture=architecture,
                batch=graph.batch,
                opset=graph.opset,
                provenance={"versions": _versions(), **origin.provenance},
            )
            if graph.input_dtype == "uint8":
                check_uint8_fits(cut.task, cut.input, draft.manifest["postprocess"])
            step("checking parity")
            longest = getattr(cut, "longest_image", None)
            images += generate_images(lacking, longest=longest)
            if isinstance(cut, ScoredCut):
                cut.function = settle_score_function(draft, images, activation)
            report = verify(cut, draft.folder, images, tolerance, lambda: bar.update(1))
            if not report.passed:
                raise RefusedError(report.failure(), report)
            draft.manifest["provenance"]["parity"] = report.to_dict()
            if graph.input_dtype == "uint8":
                draft.manifest["provenance"]["uint8_input"] = take_uint8(draft, images)
            draft.write_manifest()
    if take_report is not None:
        warnings.warn(
            "export(take_report=) is removed in the next release: take the report from what it "
            "returns",
            DeprecationWarning,
            stacklevel=2,
        )
        take_report(report)
    return Exported(target, report)


def write_cut(
    draft: BundleDraft,
    cut: Cut,
    labels: Sequence[str],
    *,
    name: str,
    architecture: str,
    batch: int | Literal["dynamic"] = "dynamic",
    opset: int = DEFAULT_OPSET,
    provenance: Mapping[str, Any] | None = None,
) -> None:
    """Writes the graphs of a model that was cut, and the manifest; nothing is compared."""
    from edgecv_export.graphs.families import write_graphs

    graphs, postprocess = write_graphs(cut, draft, batch=batch, opset=opset)
    draft.manifest = {
        "schema": Manifest.current_schema,
        "name": name,
        "task": cut.task,
        "architecture": architecture,
        "labels": list(labels),
        "input": cut.input,
        "graphs": graphs,
        "postprocess": postprocess,
        "provenance": dict(provenance or {}),
    }
    draft.write_manifest()


def _versions() -> dict[str, str]:
    packages = ("edgecv", "torch", "torchvision", "onnx", "onnxscript", "onnxruntime", "numpy")
    versions = {package: importlib.metadata.version(package) for package in packages}
    return {"python": platform.python_version(), **versions}
