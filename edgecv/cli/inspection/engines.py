"""What `edgecv info` says of engines: which were built, and which one runs the bundle here."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edgecv_runtime import Bundle


def describe_engines(bundle: Bundle, path: str) -> dict[str, Any]:
    """Plain values: "built", what engines.json lists; "choice", what `edgecv.load` would take, or
    None and the reason under "error"."""
    from edgecv_runtime import BundleError, EngineError
    from edgecv_runtime.engines.built.search import engines_of
    from edgecv_runtime.engines.choice import choose

    record: dict[str, Any] = {"built": [], "choice": None, "passed_over": {}, "error": None}
    try:
        for folder, engine in engines_of(bundle):
            record["built"].append({**engine.identity(), "file": str(folder / engine.file)})
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what is passed over is in the record
            choice = choose(bundle, path=path)
    except (BundleError, EngineError) as error:
        return {**record, "error": str(error)}
    chosen = {"engine": choice.engine, "device": choice.device, "precision": choice.precision}
    return {**record, "choice": chosen, "passed_over": dict(choice.passed_over)}


def engine_rows(record: dict[str, Any]) -> list[tuple[str, str]]:
    rows = [(f"engine {engine['role']}", _engine_line(engine)) for engine in record["built"]]
    choice = record["choice"]
    if choice is None:
        return [*rows, ("runs with", f"nothing: {record['error']}")]
    device = f" on {choice['device']}" if choice["device"] else ""
    rows.append(("runs with", f"{choice['engine']}{device}, {choice['precision']}"))
    rows += [(f"not {engine}", reason) for engine, reason in record["passed_over"].items()]
    return rows


def _engine_line(engine: dict[str, Any]) -> str:
    capabilities = ", ".join(map(str, engine["compute_capabilities"]))
    target = engine["gpu"] or f"compute capability {capabilities}"
    shapes = "; ".join(
        f"{name} {_lengths(r['smallest'])} to {_lengths(r['largest'])}"
        for name, r in engine["profile"].items()
    )
    parts = [f"{engine['kind']} {engine['version']}", engine["precision"], target, shapes]
    return ", ".join(part for part in parts if part) + f": {engine['file']}"


def _lengths(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))
