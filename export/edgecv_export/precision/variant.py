"""Another precision of a bundle's graphs, made from the bundle alone (no torch)."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.training.run.progress import MakeBar
from edgecv_export.bundle.additions import additions, clear_dead_builds
from edgecv_export.bundle.graph_record import DIALECTS, Dialect
from edgecv_export.generated_images import generate_images
from edgecv_export.precision.accuracy_gate import GateReport
from edgecv_export.precision.fp16_variant import add_half, cost_lines
from edgecv_export.precision.int8_variant import Quantization, add_int8
from edgecv_export.precision.sources import choose_sources, open_folder
from edgecv_export.progress import shown
from edgecv_runtime import InputError
from edgecv_runtime.one_line import printable
from edgecv_runtime.versions import require

GENERATED = 8  # images, where none are given


@dataclass
class VariantReport:
    """What was added, and how near it is to fp32."""

    precision: str
    files: list[str]
    notes: dict[str, Any]  # as they stand in the manifest's provenance, under variants
    gates: list[GateReport] = field(default_factory=list)  # int8 only

    def table(self) -> str:
        """For a person."""
        if self.gates:
            return "\n".join(gate.table() for gate in self.gates)
        lines = []
        for dialect in DIALECTS:
            found = self.notes.get(dialect)
            if found is None:
                continue
            if found["agreement"] is None:
                lines.append(f"dialect {dialect}: not compared: {found['not_compared']}")
                continue
            lines.append(
                f"dialect {dialect}: {found['measure']} {100 * found['agreement']:.2f} % of "
                f"{found['count']} {found['unit']}, {found['pictures']} images"
            )
        for file, nodes in self.notes["kept_in_fp32"].items():
            lines.append(f"{file}: beyond the range of fp16, kept in fp32: {', '.join(nodes)}")
        lines += cost_lines(self.notes["most_costly_layers"])
        return "\n".join(map(printable, lines))

    def to_dict(self) -> dict[str, Any]:
        return {"precision": self.precision, "files": self.files, **self.notes}


def add_variant(
    folder: str | os.PathLike[str],
    precision: str,
    *,
    dialects: Sequence[Dialect] | None = None,
    quantization: Quantization | None = None,
    images: Sequence[npt.NDArray[np.uint8]] | None = None,
    overwrite: bool = False,
    progress: MakeBar | None = None,
    pictures: Sequence[npt.NDArray[np.uint8]] | None = None,
) -> VariantReport:
    """Adds graphs of another precision to a bundle.

    They are made from its fp32 graphs, take and give float32, and are compared with those through
    the whole pipeline. Files and records that are there stay as they are.

    Args:
        folder: the bundle's folder.
        precision: ``fp16`` or ``int8``.
        dialects: the engines that the graphs are for; those that the bundle has if left out, and
            for ``int8`` both. An fp16 graph that has no form of its own for ``tensorrt`` is made in
            dialect ``onnx``.
        quantization: images to calibrate on, method and gate; ``int8`` needs it.
        images: uint8 [H, W, 3] BGR, for measuring and comparing fp16; generated ones if left out.
        overwrite: replace graphs of this precision that the bundle has.
        progress: makes a bar for the steps; None: nothing is shown.

    Raises:
        InputError: an unknown precision or dialect, a variant that is there already, a folder that
            is not a bundle, cannot be written to or was replaced meanwhile, no images to calibrate
            on.
        BundleError: the bundle is incomplete or altered.
        ExportError: a graph cannot be changed. Nothing is written then.
        RefusedError: its results differ from the fp32 graph's beyond the gate. Nothing is written
            then.
    """
    if pictures is not None:
        images = pictures
        warnings.warn(
            "`pictures` is removed in the next release: give `images`",
            DeprecationWarning,
            stacklevel=2,
        )
    require("onnx")
    if precision == "bf16":
        raise InputError(
            "bf16 needs no graph of its own: load the bundle with engine openvino, precision bf16"
        )
    if precision not in ("fp16", "int8"):
        raise InputError(f"precision is {precision!r}; expected fp16 or int8")
    if precision == "int8" and quantization is None:
        raise InputError("int8 needs images to calibrate on: give `quantization=DIR`")
    bundle = open_folder(folder)
    clear_dead_builds(Path(folder))
    sources = choose_sources(bundle, precision, dialects, overwrite)
    gates: list[GateReport] = []
    with (
        additions(Path(folder), overwrite) as added,
        shown(progress, None, "step", precision) as bar,
    ):

        def step(doing: str) -> None:
            bar.update(1, doing)

        if quantization is not None and precision == "int8":
            notes, gates = add_int8(bundle, added, sources, quantization, step)
        else:
            compared = dialects or sorted({source.dialect for source in sources})
            some = generate_images(GENERATED) if images is None else images
            notes = add_half(bundle, added, sources, compared, some, step)
        files, notes = added.write(precision, notes, {source.graph.sha256 for source in sources})
    return VariantReport(precision, files, notes, gates)
