"""FP16 graphs for a bundle, compared with the fp32 ones through the whole pipeline."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from edgecv_export.engines.additions import Additions
from edgecv_export.engines.agreement import Agreement, agreement
from edgecv_export.engines.pipeline import Pipeline, collect_feeds
from edgecv_export.engines.sources import (
    Source,
    add_graph_file,
    fp32_files,
    new_files,
    read_graph,
)
from edgecv_export.errors import ExportError
from edgecv_export.node_names import graph_bytes
from edgecv_runtime import Bundle, InputError

if TYPE_CHECKING:
    import onnx

LEAST_AGREEMENT = 0.98


def add_half(
    bundle: Bundle,
    added: Additions,
    sources: Sequence[Source],
    dialects: Sequence[str],
    pictures: Sequence[npt.NDArray[np.uint8]],
    step: Callable[[str], None],
) -> dict[str, Any]:
    """Adds FP16 graphs and returns the notes for the manifest.

    Raises ExportError where a graph cannot be cast, or gives other results than fp32.
    """
    from edgecv_export.engines.precision import emulate_half

    kept = {}
    for source in sources:
        step(f"casting {source.graph.file}")
        half, overflowing = _half(bundle, source, pictures)
        if overflowing:
            kept[source.file("fp16")] = overflowing
        path = add_graph_file(added, bundle, source, "fp16", graph_bytes(half))
        _emulated(path).write_bytes(graph_bytes(emulate_half(half)))
    notes: dict[str, Any] = {"kept_in_fp32": kept}
    for dialect in dialects:
        step(f"comparing the results, dialect {dialect}")
        notes[dialect] = {"pictures": len(pictures), "agreement": None}
        try:
            found = _compare(bundle, added, sources, dialect, pictures)
        except InputError as error:  # a detector that sees nothing on generated pictures
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
    bundle: Bundle, source: Source, pictures: Sequence[npt.NDArray[np.uint8]]
) -> tuple[onnx.ModelProto, list[str]]:
    from edgecv_export.engines.activations import largest_values
    from edgecv_export.engines.precision import cast_to_half

    model = read_graph(bundle, source)
    files = fp32_files(bundle, source.dialect)
    largest = largest_values(model, collect_feeds(bundle, files, source.role, pictures))
    return cast_to_half(model, largest)


def _emulated(path: Path) -> Path:
    return path.with_suffix(".emulated")


def _compare(
    bundle: Bundle,
    added: Additions,
    sources: Sequence[Source],
    dialect: str,
    pictures: Sequence[npt.NDArray[np.uint8]],
) -> Agreement:
    reference = fp32_files(bundle, dialect)
    files = new_files(added, sources, dialect, "fp16", reference)
    first = Pipeline(bundle, reference)
    second = Pipeline(bundle, {role: _emulated(path) for role, path in files.items()})
    pairs = ((first(picture), second(picture)) for picture in pictures)
    found = agreement(bundle.manifest.task, pairs)
    if found.value < LEAST_AGREEMENT:
        raise ExportError(
            f"fp16 gives other results than fp32: {found}, expected "
            f"{100 * LEAST_AGREEMENT:.0f} %: nothing is written"
        )
    return found
