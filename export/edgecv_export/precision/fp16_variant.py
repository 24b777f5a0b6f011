"""FP16 graphs for a bundle, compared with the fp32 ones through the whole pipeline."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from edgecv_export.bundle.additions import Additions
from edgecv_export.bundle.node_names import graph_bytes
from edgecv_export.errors import RefusedError
from edgecv_export.precision.agreement import Agreement, agreement
from edgecv_export.precision.pipeline import Pipeline, collect_feeds
from edgecv_export.precision.sources import (
    Source,
    add_graph_file,
    fp32_files,
    new_files,
    read_graph,
)
from edgecv_runtime import Bundle, InputError
from edgecv_runtime.files.whole import temporary_folder
from edgecv_runtime.one_line import printable

if TYPE_CHECKING:
    import onnx

    from edgecv_export.precision.sensitivity import LayerError

LEAST_AGREEMENT = 0.98
SHOWN_LAYERS = 10
_MEASURED = 4  # images on which layers are compared


def add_half(
    bundle: Bundle,
    added: Additions,
    sources: Sequence[Source],
    dialects: Sequence[str],
    images: Sequence[npt.NDArray[np.uint8]],
    step: Callable[[str], None],
) -> dict[str, Any]:
    """Adds FP16 graphs and returns the notes for the manifest.

    Raises ExportError where a graph cannot be cast, RefusedError where it gives other results than
    fp32.
    """
    from edgecv_export.precision.fp16_graph import emulate_half

    kept, costs = {}, {}
    for source in sources:
        step(f"casting {source.graph.file}")
        half, overflowing, layers = _half(bundle, source, images)
        costs[source.file("fp16")] = [asdict(layer) for layer in layers[:SHOWN_LAYERS]]
        if overflowing:
            kept[source.file("fp16")] = overflowing
        path = add_graph_file(added, bundle, source, "fp16", graph_bytes(half))
        _emulated(path).write_bytes(graph_bytes(emulate_half(half)))
    notes: dict[str, Any] = {"kept_in_fp32": kept, "most_costly_layers": costs}
    for dialect in dialects:
        step(f"comparing the results, dialect {dialect}")
        notes[dialect] = {"pictures": len(images), "agreement": None}
        try:
            found = _compare(bundle, added, sources, dialect, images, costs)
        except InputError as error:  # a detector that sees nothing on generated images
            notes[dialect]["not_compared"] = str(error)
            continue
        notes[dialect] |= {
            "measure": found.measure,
            "agreement": found.value,
            "count": found.count,
            "unit": found.unit,
        }
    return notes


def _half(
    bundle: Bundle, source: Source, images: Sequence[npt.NDArray[np.uint8]]
) -> tuple[onnx.ModelProto, list[str], list[LayerError]]:
    """The graph in FP16, the nodes that cannot be, and what each layer costs."""
    from edgecv_export.precision.fp16_cost import half_costs
    from edgecv_export.precision.fp16_graph import cast_to_half
    from edgecv_export.precision.largest_values import largest_values

    model = read_graph(bundle, source)
    files = fp32_files(bundle, source.dialect)
    largest = largest_values(model, collect_feeds(bundle, files, source.role, images))
    some = collect_feeds(bundle, files, source.role, images[:_MEASURED])
    return *cast_to_half(model, largest), half_costs(model, largest, some)


def _emulated(path: Path) -> Path:
    return path.with_suffix(".emulated")


def _compare(
    bundle: Bundle,
    added: Additions,
    sources: Sequence[Source],
    dialect: str,
    images: Sequence[npt.NDArray[np.uint8]],
    costs: Mapping[str, list[dict[str, Any]]],
) -> Agreement:
    reference = fp32_files(bundle, dialect)
    files = new_files(added, sources, dialect, "fp16", reference)
    first = Pipeline(bundle, reference)
    second = Pipeline(bundle, {role: _emulated(path) for role, path in files.items()})
    pairs = ((first(image), second(image)) for image in images)
    found = agreement(bundle.manifest.task, pairs)
    if found.value < LEAST_AGREEMENT:
        weights = _with_rounded_weights(bundle, first, reference, images)
        report = HalfReport(found, weights, costs)
        raise RefusedError(report.failure(), report)
    return found


def _with_rounded_weights(
    bundle: Bundle,
    first: Pipeline,
    reference: Mapping[str, Path],
    images: Sequence[npt.NDArray[np.uint8]],
) -> Agreement:
    """The control: everything in FP32, with weights that were rounded to FP16."""
    import onnx

    from edgecv_export.precision.fp16_cost import weights_in_half

    with temporary_folder() as folder:
        files = {}
        for role, path in reference.items():
            files[role] = folder / f"{role}.onnx"
            onnx.save(weights_in_half(onnx.load(path)), files[role])
        second = Pipeline(bundle, files)
        pairs = ((first(image), second(image)) for image in images)
        return agreement(bundle.manifest.task, pairs)


@dataclass
class HalfReport:
    """Why FP16 was refused: its agreement with FP32, that of rounded weights alone, and for each
    file the layers that cost most."""

    half: Agreement
    weights_only: Agreement
    layers: Mapping[str, list[dict[str, Any]]]
    passed: bool = False

    def failure(self) -> str:
        cause = (
            "the network itself amplifies rounding, as one with random weights does"
            if self.weights_only.value < LEAST_AGREEMENT
            else "the layers above cost most"
        )
        return (
            f"fp16 gives other results than fp32: {self.half}, expected "
            f"{100 * LEAST_AGREEMENT:.0f} %; rounding the weights alone gives "
            f"{100 * self.weights_only.value:.2f} %: {cause}; nothing is written"
        )

    def table(self) -> str:
        """For a person."""
        lines = [f"fp16: {self.half}", f"weights rounded, all else in fp32: {self.weights_only}"]
        return "\n".join(map(printable, [*lines, *cost_lines(self.layers)]))

    def to_dict(self) -> dict[str, Any]:
        return {
            "fp16": asdict(self.half),
            "weights_only": asdict(self.weights_only),
            "most_costly_layers": self.layers,
        }


def cost_lines(layers: Mapping[str, list[dict[str, Any]]]) -> list[str]:
    """For a person: the layers that cost most, all files together."""
    rows = [(row["error"], file, row["weight"]) for file in layers for row in layers[file]]
    rows = sorted(rows, reverse=True)[:SHOWN_LAYERS]
    width = max((len(f"{file} {weight}") for _, file, weight in rows), default=0)
    title = "what fp16 costs most"
    lines = [f"{title:{width}}  error of its output"]
    return lines + [f"{f'{file} {weight}':{width}}  {100 * e:.3f} %" for e, file, weight in rows]
