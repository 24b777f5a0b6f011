"""Measured thresholds, written into a bundle's manifest."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from edgecv_runtime.one_line import printable

if TYPE_CHECKING:
    from edgecv.training.detection.operating_points import OperatingPoint


def check_can_be_set(bundle: Path) -> None:
    """Raises InputError unless it is a folder whose manifest may be replaced, and
    ModuleNotFoundError without what locks it: measuring takes long, writing comes last."""
    import filelock  # noqa: F401

    from edgecv_runtime import InputError

    if not bundle.is_dir():
        raise InputError(
            f"--set-thresholds: {bundle} is not a folder; expected a bundle's folder (unpack a "
            ".zip, export a checkpoint)"
        )
    if not os.access(bundle, os.W_OK):
        raise InputError(f"--set-thresholds: you may not write into {bundle}: work on a copy")


def set_thresholds(bundle: Path, points: Mapping[str, OperatingPoint]) -> dict[str, float]:
    """Writes the best thresholds into ``bundle.json``, whole or not at all; gives them by class.

    A class without a best threshold, or one that was not measured, keeps what it has.

    Raises InputError where the file cannot be written.
    """
    from edgecv_export.bundle.lock import locked
    from edgecv_runtime import InputError, Manifest
    from edgecv_runtime.files.whole import write_file

    found = {
        name: point.threshold for name, point in points.items() if not math.isnan(point.threshold)
    }
    path = bundle / "bundle.json"
    try:
        with locked(bundle, path.name):
            manifest = Manifest.from_json(path.read_text(encoding="utf-8"))
            own = zip(manifest.labels, manifest.thresholds, strict=True)
            changed = [found.get(name, score) for name, score in own]
            write_file(path, manifest.with_thresholds(changed).to_json())
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from error
    return found


def written_line(bundle: Path, found: Mapping[str, float], names: list[str]) -> str:
    """For a person."""
    text = ", ".join(f"{name} {score:g}" for name, score in found.items()) or "none"
    kept = [name for name in names if name not in found]
    rest = f"; unchanged: {', '.join(kept)}" if kept else ""
    return printable(f"thresholds written into {bundle}: {text}{rest}")
