"""What was added to a bundle, graphs and engines, for a person and for ``--json``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edgecv_export.precision.variant import VariantReport
    from edgecv_export.tensorrt.build import Built


def print_variant(variant: VariantReport) -> None:
    print(f"{variant.table()}\nadded {', '.join(variant.files)}", flush=True)


def print_engine(built: Built) -> None:
    engine = built.engine
    target = engine.gpu or "compute capability " + ", ".join(map(str, engine.compute_capabilities))
    print(
        f"{engine.role}: {engine.precision}, {engine.kind} {engine.version}, {target}, "
        f"{built.size / 1e6:.1f} MB, {built.seconds:.1f} s: {built.folder / engine.file}",
        flush=True,
    )


def additions_record(variant: VariantReport | None, engines: Sequence[Built]) -> dict[str, Any]:
    """For ``--json``."""
    return {
        "variant": None if variant is None else variant.to_dict(),
        "engines": [_engine_record(each) for each in engines],
    }


def _engine_record(built: Built) -> dict[str, Any]:
    return {
        **asdict(built.engine),
        "folder": str(built.folder),
        "bytes": built.size,
        "seconds": built.seconds,
    }
