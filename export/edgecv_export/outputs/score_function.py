"""What turns the outputs of a classifier or segmentation network into scores, settled on images."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from edgecv_export.outputs.activation import activation_inside
from edgecv_export.outputs.graph_session import GraphSession
from edgecv_runtime import InputError, Manifest, ops

if TYPE_CHECKING:
    from edgecv_export.bundle.draft import BundleDraft

ScoreFunction = Literal["softmax", "sigmoid", "none"]
FUNCTIONS = ("softmax", "sigmoid", "none")
_IMAGES = 4  # that are looked at


def usual_function(columns: int) -> ScoreFunction:
    """Of logits: a softmax over the classes, a sigmoid where there is one."""
    return "sigmoid" if columns == 1 else "softmax"


def settle_score_function(
    draft: BundleDraft, images: Sequence[NDArray[np.uint8]], wanted: ScoreFunction | None
) -> ScoreFunction:
    """Runs a bundle's network, writes into its manifest what its scores need, and returns that.

    Args:
        draft: a complete bundle of a classifier or a segmentation network.
        images: uint8 [H, W, 3] BGR.
        wanted: what the user says; None: found out. Where a softmax or sigmoid is inside already, a
            warning says so.

    Raises InputError where ``wanted`` does not fit, or the outputs do not show what they are.
    """
    import onnx

    manifest = Manifest.from_json((draft.folder / "bundle.json").read_text(encoding="utf-8"))
    record = draft.manifest["postprocess"]["scores"]
    values = scores_on(draft.folder, manifest, images[:_IMAGES], record["output"])
    model = onnx.load(draft.folder / manifest.graphs["main"][0].file)
    inside = activation_inside(model, record["output"], values, axis=0)
    low, high = min(float(v.min()) for v in values), max(float(v.max()) for v in values)
    where = f"in {low:.3g}..{high:.3g} on {len(values)} image{'s' if len(values) != 1 else ''}"
    if wanted is None:
        function = _found_out(inside, values[0].shape[0], where)
    else:
        function = wanted
        _check_wanted(inside, wanted, values[0].shape[0], where, low > -0.001 and high < 1.001)
    record["function"] = function
    draft.write_manifest()
    return function


def _found_out(inside: str | None, columns: int, where: str) -> ScoreFunction:
    if inside is None:
        return usual_function(columns)
    if inside == "unsure":
        raise InputError(
            f"the model's outputs lie {where}, so they may be probabilities or small logits: say "
            "which with `activation=softmax`, sigmoid or none"
        )
    warnings.warn(
        f"the model ends in a {inside} already (its outputs lie {where}), so the bundle takes them "
        "as probabilities: score function none",
        stacklevel=4,
    )
    return "none"


def _check_wanted(
    inside: str | None, wanted: ScoreFunction, columns: int, where: str, bounded: bool
) -> None:
    if wanted == "none":
        if not bounded:
            raise InputError(
                f"activation none: the model's outputs lie {where}, expected probabilities in "
                "0..1: leave it out, or give softmax or sigmoid"
            )
        return
    if inside in ("softmax", "sigmoid"):
        raise InputError(
            f"activation {wanted}: the model ends in a {inside} already (its outputs lie {where}): "
            "leave out the activation, or take that layer out of the model"
        )
    if wanted == "softmax" and columns == 1:
        raise InputError(
            "activation softmax: the model gives one score, whose softmax is always 1; expected "
            "sigmoid, or none for a probability"
        )


def scores_on(
    folder: Path, manifest: Manifest, images: Sequence[NDArray[np.uint8]], output: str
) -> list[NDArray[np.float32]]:
    """For each image its scores [C, ...]; of a network that takes windows, those of the first."""
    session = GraphSession(folder, manifest)
    names = [each.name for each in manifest.graphs["main"][0].outputs]
    position = names.index(output)
    windows: Any = getattr(manifest.postprocess, "windows", None)
    values = []
    for image in images:
        tensor = ops.preprocess(image, manifest.input)
        if windows is not None:
            rows, columns = windows.size
            padded = np.full((tensor.shape[0], rows, columns), manifest.input.pad_value, np.float32)
            part = tensor[:, :rows, :columns]
            padded[:, : part.shape[1], : part.shape[2]] = part
            tensor = padded
        values.append(session(tensor)[position])
    return values
