"""What is there after a command was ended: which of the files are whole, and whose they are."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import cv2
import torch

from edgecv.models.weights.checkpoint import load_checkpoint
from edgecv_runtime import BundleError, Manifest
from edgecv_runtime.files.bundle import open_bundle


def bundle_at(folder: Path) -> Manifest | str | None:
    """The manifest of a bundle whose files are all whole; None where there is none; or what is
    wrong with it."""
    if not folder.exists():
        return None
    try:
        with open_bundle(folder) as bundle:
            for graphs in bundle.manifest.graphs.values():
                for graph in graphs:
                    bundle.verified_file(graph.file, graph.sha256)
            return bundle.manifest
    except BundleError as error:
        return str(error)


def named(folder: Path, new: str) -> str:
    """ "new" where the bundle has that name, "old" where it has another or there is none."""
    found = bundle_at(folder)
    if isinstance(found, str):
        return found
    return "new" if found is not None and found.name == new else "old"


def precisions(folder: Path) -> list[str]:
    """Of a bundle's graphs "main". A bundle that is damaged is an error of the test."""
    found = bundle_at(folder)
    assert isinstance(found, Manifest), found
    return [graph.precision for graph in found.graphs["main"]]


def hidden(folder: Path) -> list[str]:
    """What a command that died has left anywhere below a folder."""
    return [str(path) for path in folder.rglob(".edgecv-*")]


def copy(source: Path, target: Path) -> None:
    """A folder as it was; nothing else is beside it, but what other tests may have left."""
    shutil.rmtree(target.parent, ignore_errors=True)
    shutil.copytree(source, target)


def content(folder: Path) -> dict[str, bytes]:
    return dict(_files(folder))


def _files(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.name.endswith(".lock"):
            yield str(path.relative_to(folder)), path.read_bytes()


def read_json(path: Path) -> dict[str, object] | str:
    try:
        read: dict[str, object] = json.loads(path.read_text())
        return read
    except ValueError as error:
        return f"{path.name}: {error}"


def state_of_run(out: Path, undisturbed: Path) -> str:
    """Of a training: "new" where all is there and every number is that of the undisturbed one."""
    if not (out / "last.ckpt").exists():
        return "old"
    torch.load(out / "last.ckpt", weights_only=True)
    for name in ("best.pt", "last.pt"):
        if (out / name).exists():
            load_checkpoint(out / name)
    curve = out / "curve.png"
    if curve.exists() and cv2.imread(str(curve)) is None:
        return "curve.png cannot be read"
    return "new" if _same_run(out, undisturbed) and curve.exists() else "old"


def _same_run(out: Path, other: Path) -> bool:
    """Whether every number of both is the same, but for the time."""
    if not all((out / name).exists() for name in ("best.pt", "last.pt", "metrics.csv")):
        return False
    if _rows(out) != _rows(other):
        return False
    for name in ("best.pt", "last.pt"):
        one, two = load_checkpoint(out / name), load_checkpoint(other / name)
        if one.training["epoch"] != two.training["epoch"]:
            return False
        if not all(torch.equal(one.state_dict[key], two.state_dict[key]) for key in two.state_dict):
            return False
    return True


def _rows(out: Path) -> list[dict[str, str]]:
    with (out / "metrics.csv").open() as file:
        return [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(file)]
