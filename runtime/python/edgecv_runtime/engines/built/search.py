"""The search for an engine that fits this machine, among those built for a bundle."""

from __future__ import annotations

from pathlib import Path

from edgecv_runtime._core import Bundle, BundleError, EngineError, HashedFile
from edgecv_runtime.engines.built.file import read_engines
from edgecv_runtime.engines.built.record import BuiltEngine
from edgecv_runtime.engines.cache import cache_of_bundle, mark_used
from edgecv_runtime.engines.nvidia.gpu import Gpu


def engines_of(bundle: Bundle) -> list[tuple[Path, BuiltEngine]]:
    """All engines built for a bundle, each with its folder: the bundle's own, then those of the
    cache, which serves bundles that cannot be written to."""
    folders = (Path(bundle.folder), cache_of_bundle(bundle.folder))
    return [(folder, engine) for folder in folders for engine in read_engines(folder)]


def fitting_engine(
    bundle: Bundle,
    role: str,
    kind: str,
    precision: str,
    version: str,
    gpu: Gpu,
    path: str | None = None,
) -> tuple[HashedFile, BuiltEngine]:
    """File and record of the engine to run a role with. Nothing is deserialised.

    Args:
        version, gpu: of this machine.
        path: what the user calls the bundle, for messages.

    Raises:
        EngineError: there is none, or none that fits: the message says what differs and which
            command builds the right one.
        BundleError: its file is missing or altered.
    """
    shown = path or bundle.folder
    command = f"edgecv build {shown} --engine {kind} --precision {precision}"
    here = [(folder, engine) for folder, engine in engines_of(bundle) if engine.role == role]
    asked = [e for e in here if (e[1].kind, e[1].precision) == (kind, precision)]
    if not asked:
        others = sorted({f"{engine.kind} {engine.precision}" for _, engine in here})
        there = f" (only {', '.join(others)})" if others else ""
        raise EngineError(
            f'{shown} has no {kind} engine for its graph "{role}" in {precision}{there}: '
            f"run {command}"
        )
    graphs = {g.sha256 for g in bundle.manifest.graphs[role] if g.precision == precision}
    judged = []
    for folder, engine in asked:
        graph = engine.graph_sha256 if engine.graph_sha256 in graphs else ""
        judged.append((engine.misfits(version, gpu, graph), engine.built, folder, engine))
    fitting = [entry for entry in judged if not entry[0]]
    if not fitting:
        differences = min((entry[0] for entry in judged), key=len)
        raise EngineError(
            f'the {kind} engine for the graph "{role}" does not fit: '
            f"{'; '.join(differences)}: run {command}"
        )
    _, _, folder, engine = max(fitting, key=lambda entry: entry[1])
    if folder != Path(bundle.folder):
        mark_used(folder)  # it is not the next that the cache gives up
    return _verified(folder / engine.file, engine.sha256, command), engine


def _verified(path: Path, sha256: str, command: str) -> HashedFile:
    try:
        path.stat()
        file = HashedFile.open(path)
    except OSError as error:
        raise BundleError(f"{path}: {error.strerror}: run {command}") from error
    except BundleError as error:
        raise BundleError(f"{error}: run {command}") from error
    if file.sha256 != sha256:
        raise BundleError(
            f"{path} differs from engines.json (its sha256 is another): run {command}"
        )
    return file
