"""From a model object to a checked bundle."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from tqdm import tqdm

from edgecv_export.bundle import BundleDraft, check_target, new_bundle
from edgecv_export.comparison import Tolerance
from edgecv_export.errors import ExportError
from edgecv_export.pictures import generate_pictures
from edgecv_export.verify import MIN_PICTURES, ParityReport, verify
from edgecv_runtime import InputError

if TYPE_CHECKING:
    from torch import nn

    from edgecv_export.graphs.ssd import SsdCut

# The one that the dynamo exporter's own operators have; TensorRT 10.3 reads up to 20.
DEFAULT_OPSET = 18
GRAPH_FILE = "main.onnx"
ANCHOR_FILE = "anchors.npy"


def export(
    module: nn.Module,
    out: str | os.PathLike[str],
    *,
    labels: Sequence[str],
    images: Sequence[np.ndarray] | None = None,
    name: str | None = None,
    architecture: str | None = None,
    batch: int | Literal["dynamic"] = "dynamic",
    opset: int = DEFAULT_OPSET,
    tolerance: Tolerance | None = None,
    provenance: dict[str, Any] | None = None,
    overwrite: bool = False,
    progress: bool = False,
) -> Path:
    """Exports a detector as a bundle and proves that the bundle gives the same results.

    Args:
        module: a torchvision-style SSD (any ``torchvision.models.detection.ssd.SSD``) or ssd_tiny.
            It is read, not changed.
        out: the bundle's folder. It must not exist, be empty, or, with ``overwrite``, be a bundle.
        labels: names of the classes, without the background.
        images: pictures for the parity check, uint8 [H, W, 3] BGR. Fewer than 8 are filled up with
            generated ones.
        name: the bundle's name; the folder's if left out.
        architecture: recorded in the bundle; the class's name if left out.
        batch: pictures that one run of the network takes: any number, or a fixed one.
        opset: version of the ONNX operators.
        tolerance: how far results may be from the model's.
        provenance: plain values to record beside the versions and the parity report.
        progress: show a progress bar on stderr.

    Returns:
        The bundle's folder. It appears there complete and checked, or not at all.

    Raises:
        InputError: the module, the labels or ``out`` do not fit.
        ExportError: torch cannot export the network, or parity fails; then the report's table is in
            the exception's ``report``.
    """
    from edgecv_export.graphs.onnx_graph import to_onnx
    from edgecv_export.graphs.ssd import cut_ssd

    target = check_target(out, overwrite)
    if batch != "dynamic" and batch < 1:
        raise InputError(f"batch is {batch}; expected 'dynamic' or a number of at least 1")
    pictures = list(images or ())
    pictures += generate_pictures(MIN_PICTURES - len(pictures))
    with tqdm(total=3 + len(pictures), disable=not progress, leave=False, unit="step") as bar:

        def step(doing: str) -> None:
            bar.set_description(doing)
            bar.update()

        step("reading the model")
        cut = cut_ssd(module)
        _check_labels(labels, cut.classes)
        step("exporting to ONNX")
        model = to_onnx(
            cut.network, cut.tensor_size, outputs=["logits", "deltas"], batch=batch, opset=opset
        )
        with new_bundle(target, overwrite) as draft:
            draft.manifest = {
                "schema": 1,
                "name": name or target.name,
                "task": "detect",
                "architecture": architecture or type(module).__name__,
                "labels": list(labels),
                "input": cut.input,
                "graphs": {"main": [_graph_record(draft, model.SerializeToString(), cut, batch)]},
                "postprocess": _postprocess(draft, cut),
                "provenance": {"versions": _versions(), **(provenance or {})},
            }
            draft.write_manifest()
            step("checking parity")
            report = verify(cut, draft.folder, pictures, tolerance or Tolerance(), bar.update)
            if not report.passed:
                raise ExportError(_failure(report), report)
            draft.manifest["provenance"]["parity"] = report.to_dict()
            draft.write_manifest()
    return target


def _check_labels(labels: Sequence[str], classes: int) -> None:
    if isinstance(labels, str):
        raise InputError("labels is a string; expected a list of names, one for each class")
    if len(labels) != classes:
        raise InputError(
            f"{len(labels)} labels are given; the model has {classes} classes "
            f"(and the background, which takes no label): give {classes}"
        )


def _graph_record(
    draft: BundleDraft, content: bytes, cut: SsdCut, batch: int | Literal["dynamic"]
) -> dict[str, Any]:
    count = None if batch == "dynamic" else batch
    anchors = cut.anchors.shape[0]

    def tensor(name: str, *shape: int) -> dict[str, Any]:
        return {"name": name, "dtype": "float32", "shape": [count, *shape]}

    return {
        "file": GRAPH_FILE,
        "sha256": draft.add_file(GRAPH_FILE, content),
        "precision": "fp32",
        "dialect": "onnx",
        "inputs": [tensor("images", 3, *cut.tensor_size)],
        "outputs": [
            tensor("logits", anchors, cut.classes + 1),
            tensor("deltas", anchors, 4),
        ],
    }


def _postprocess(draft: BundleDraft, cut: SsdCut) -> dict[str, Any]:
    if cut.anchor_file is None:
        return cut.postprocess
    sha256 = draft.add_array(ANCHOR_FILE, cut.anchor_file)
    anchors = {**cut.postprocess["anchors"], "file": ANCHOR_FILE, "sha256": sha256}
    return {**cut.postprocess, "anchors": anchors}


def _versions() -> dict[str, str]:
    packages = ("edgecv", "torch", "torchvision", "onnx", "onnxscript", "onnxruntime", "numpy")
    versions = {package: importlib.metadata.version(package) for package in packages}
    return {"python": platform.python_version(), **versions}


def _failure(report: ParityReport) -> str:
    what = (
        f"raw outputs differ by {report.logits_difference:.3g} and {report.deltas_difference:.3g}"
        if report.degenerate
        else f"{report.unmatched} detections unmatched, boxes differ by up to "
        f"{report.box_difference_1080p:.3g} px at 1080p scale, scores by "
        f"{report.score_difference:.3g}"
    )
    return (
        f"the bundle does not give the model's results ({what}), so it was not written: the model "
        "does something that the export does not read from its attributes"
    )
