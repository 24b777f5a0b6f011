"""Another precision of a bundle's graphs, made from the bundle alone (no torch)."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from edgecv_export.engines.additions import Additions, additions
from edgecv_export.engines.agreement import agreement
from edgecv_export.engines.pipeline import Pipeline, collect_feeds
from edgecv_export.errors import ExportError
from edgecv_export.pictures import generate_pictures
from edgecv_runtime import Bundle, GraphFile, InputError

if TYPE_CHECKING:
    import onnx

Dialect = Literal["onnx", "tensorrt"]
DIALECTS: tuple[Dialect, ...] = ("onnx", "tensorrt")
PICTURES = 8  # generated, where nobody gave any
LEAST_AGREEMENT = 0.98


@dataclass(frozen=True)
class Source:
    """A graph of the bundle that another is made from."""

    role: str
    graph: GraphFile
    dialect: Dialect  # of the graph to be made

    def file(self, precision: str) -> str:
        stem = self.graph.file.removesuffix(".onnx")
        if self.dialect != self.graph.dialect:
            stem = f"{stem}.{self.dialect}"
        return f"{stem}.{precision}.onnx"


def add_variant(
    folder: str | os.PathLike[str],
    precision: str,
    *,
    dialects: Sequence[Dialect] | None = None,
    pictures: Sequence[npt.NDArray[np.uint8]] | None = None,
    overwrite: bool = False,
    progress: bool = False,
) -> dict[str, Any]:
    """Adds graphs of another precision to a bundle.

    They are made from its fp32 graphs, take and give float32, and are compared with those through
    the whole pipeline. Files and records that are there stay as they are.

    Args:
        folder: the bundle's folder.
        precision: ``fp16``.
        dialects: the engines that the graphs are for; those that the bundle has if left out. A
            graph that has no form of its own for ``tensorrt`` is made in dialect ``onnx``.
        pictures: uint8 [H, W, 3] BGR, for measuring and comparing; generated ones if left out.
        overwrite: replace graphs of this precision that the bundle has.
        progress: show a progress bar on stderr.

    Returns:
        What was found, as it stands in the manifest's ``provenance`` under ``variants``.

    Raises:
        InputError: an unknown precision or dialect, a variant that is there already, a folder that
            is no bundle or cannot be written to.
        BundleError: the bundle is incomplete or altered.
        ExportError: a graph cannot be cast, or its results differ from the fp32 graph's. Nothing is
            written then.
    """
    if precision == "bf16":
        raise InputError(
            "bf16 needs no graph of its own: load the bundle with engine openvino, precision bf16"
        )
    if precision != "fp16":
        raise InputError(f"precision is {precision!r}; expected fp16")
    bundle = open_folder(folder)
    sources = choose_sources(bundle, precision, dialects, overwrite)
    from edgecv_export.engines.precision import emulate_half

    if pictures is None:
        pictures = generate_pictures(PICTURES)
    with (
        additions(Path(folder)) as added,
        tqdm(total=2 * len(sources), disable=not progress, leave=False, unit="step") as bar,
    ):
        kept = {}
        for source in sources:
            bar.set_description(f"casting {source.graph.file}")
            half, overflowing = _half(bundle, source, pictures)
            if overflowing:
                kept[source.file(precision)] = overflowing
            path = add_graph_file(added, bundle, source, precision, half.SerializeToString())
            _emulated(path).write_bytes(emulate_half(half).SerializeToString())
            bar.update()
        report: dict[str, Any] = {"kept_in_fp32": kept}
        for dialect in dialects or sorted({source.dialect for source in sources}):
            bar.set_description(f"comparing the results, dialect {dialect}")
            report[dialect] = _compare(bundle, added, sources, dialect, precision, pictures)
            bar.update()
        added.write({precision: report})
    return report


def open_folder(folder: str | os.PathLike[str]) -> Bundle:
    """The bundle in a folder. Raises InputError for anything else, such as a zip."""
    if not Path(folder).is_dir():
        raise InputError(
            f"{folder} is no folder: expected that of a bundle (unpack a .zip before you add to it)"
        )
    return Bundle.open(str(folder))


def choose_sources(
    bundle: Bundle, precision: str, dialects: Sequence[str] | None, overwrite: bool
) -> list[Source]:
    """The fp32 graphs to make others from.

    Raises InputError where the bundle has no fp32 graphs, or has the variant already.
    """
    unknown = set(dialects or ()) - set(DIALECTS)
    if unknown:
        raise InputError(f"dialect {min(unknown)!r}; expected onnx or tensorrt")
    own = {graph.dialect for files in bundle.manifest.graphs.values() for graph in files}
    sources: dict[tuple[str, str], Source] = {}
    for role, files in bundle.manifest.graphs.items():
        full = {graph.dialect: graph for graph in files if graph.precision == "fp32"}
        for dialect in dialects or [name for name in DIALECTS if name in own]:
            graph = full.get(dialect) or full.get("onnx")
            if graph is None:
                raise InputError(
                    f"{bundle.folder} has no fp32 graph {role!r} to make {precision} from"
                )
            source = Source(role, graph, _dialect(graph.dialect, dialect, precision))
            sources[role, source.dialect] = source
    for source in sources.values():
        _check_new(bundle, source, precision, overwrite)
    return list(sources.values())


def _dialect(has: str, wanted: str, precision: str) -> Dialect:
    # INT8 has two forms even where fp32 has one.
    return "tensorrt" if wanted == "tensorrt" and "tensorrt" in (has, _FORMS[precision]) else "onnx"


_FORMS = {"fp16": "onnx", "int8": "tensorrt"}


def _check_new(bundle: Bundle, source: Source, precision: str, overwrite: bool) -> None:
    for graph in bundle.manifest.graphs[source.role]:
        if (graph.precision, graph.dialect) == (precision, source.dialect) and not overwrite:
            raise InputError(
                f"{bundle.folder} has {source.role} in {precision}, dialect {source.dialect}, "
                f"already ({graph.file}): give overwrite to replace it"
            )
    path = Path(bundle.folder) / source.file(precision)
    if path.exists() and not overwrite:
        raise InputError(f"{path} is there, but not in the manifest: move it away")


def fp32_files(bundle: Bundle, dialect: str) -> dict[str, Path]:
    """The checked file of each role that an engine of that dialect runs."""
    files = {}
    for role, graphs in bundle.manifest.graphs.items():
        full = {graph.dialect: graph for graph in graphs if graph.precision == "fp32"}
        graph = full.get(dialect) or full["onnx"]
        files[role] = Path(bundle.verified_path(graph.file, graph.sha256))
    return files


def read_graph(bundle: Bundle, source: Source) -> onnx.ModelProto:
    import onnx

    return onnx.load(bundle.verified_path(source.graph.file, source.graph.sha256))


def add_graph_file(
    added: Additions, bundle: Bundle, source: Source, precision: str, content: bytes
) -> Path:
    graph = source.graph

    def ports(specs: Any) -> list[dict[str, Any]]:
        return [
            {
                "name": port.name,
                "dtype": port.dtype,
                "shape": [axis if axis >= 0 else None for axis in port.shape],
            }
            for port in specs
        ]

    record = {"inputs": ports(graph.inputs), "outputs": ports(graph.outputs)}
    return added.add(
        source.role,
        record,
        content,
        file=source.file(precision),
        precision=precision,
        dialect=source.dialect,
    )


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
    precision: str,
    pictures: Sequence[npt.NDArray[np.uint8]],
) -> dict[str, Any]:
    reference = fp32_files(bundle, dialect)
    files = new_files(added, sources, dialect, precision, reference)
    found = compare_pipelines(
        bundle, reference, {role: _emulated(path) for role, path in files.items()}, pictures
    )
    if found["agreement"] < LEAST_AGREEMENT:
        raise ExportError(
            f"{precision} gives other results than fp32: {found['measure']} "
            f"{100 * found['agreement']:.2f} %, expected {100 * LEAST_AGREEMENT:.0f} %: "
            "nothing is written"
        )
    return found


def new_files(
    added: Additions,
    sources: Sequence[Source],
    dialect: str,
    precision: str,
    reference: Mapping[str, Path],
) -> dict[str, Path]:
    """The new file of each role for an engine of that dialect."""
    files = dict(reference)
    for wanted in ("onnx", dialect):  # the dialect's own goes before
        for source in sources:
            if source.dialect == wanted:
                files[source.role] = added.staging / source.file(precision)
    return files


def compare_pipelines(
    bundle: Bundle,
    reference: Mapping[str, Path],
    other: Mapping[str, Path],
    pictures: Sequence[npt.NDArray[np.uint8]],
) -> dict[str, Any]:
    """Agreement of two sets of graph files on pictures, as plain values."""
    first, second = Pipeline(bundle, reference), Pipeline(bundle, other)
    task = bundle.manifest.task
    found = agreement(task, ((first(picture), second(picture)) for picture in pictures))
    return {
        "measure": found.measure,
        "agreement": found.value,
        "count": found.count,
        "unit": found.unit,
        "pictures": len(pictures),
    }
