"""The fp32 graphs of a bundle that others are made from, and where the others go."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgecv_export.bundle.additions import Additions
from edgecv_export.bundle.graph_record import DIALECTS, Dialect
from edgecv_export.bundle.node_names import name_nodes
from edgecv_runtime import Bundle, GraphFile, InputError

if TYPE_CHECKING:
    import onnx


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


def open_folder(folder: str | os.PathLike[str]) -> Bundle:
    """The bundle in a folder. Raises InputError for anything else, such as a zip."""
    if not Path(folder).is_dir():
        raise InputError(
            f"{folder} is not a folder: expected that of a bundle (unpack a .zip before you add to "
            "it)"
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
    both = precision == "int8"
    sources: dict[tuple[str, str], Source] = {}
    for role, files in bundle.manifest.graphs.items():
        full = {graph.dialect: graph for graph in files if graph.precision == "fp32"}
        for dialect in dialects or [name for name in DIALECTS if name in own or both]:
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


def has_variant(bundle: Bundle, precision: str, dialect: str) -> bool:
    """Whether an engine of that dialect finds a graph of that precision for each role."""
    wanted = {dialect, "onnx"} if precision == "fp16" else {dialect}
    graphs = bundle.manifest.graphs.values()
    return all(
        any(graph.precision == precision and graph.dialect in wanted for graph in files)
        for files in graphs
    )


def _dialect(has: str, wanted: str, precision: str) -> Dialect:
    # INT8 has two forms even where fp32 has one.
    return "tensorrt" if wanted == "tensorrt" and "tensorrt" in (has, _FORMS[precision]) else "onnx"


_FORMS = {"fp16": "onnx", "int8": "tensorrt"}


def _check_new(bundle: Bundle, source: Source, precision: str, overwrite: bool) -> None:
    for graph in bundle.manifest.graphs[source.role]:
        if (graph.precision, graph.dialect) == (precision, source.dialect) and not overwrite:
            raise InputError(
                f"{bundle.folder} has {source.role} in {precision}, dialect {source.dialect}, "
                f"already ({graph.file}): give `overwrite=True` to replace it"
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

    file = bundle.verified_file(source.graph.file, source.graph.sha256)
    model = onnx.load(file, load_external_data=False)
    name_nodes(model)  # older bundles have nodes without
    return model


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
