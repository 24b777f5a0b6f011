"""Writes edgecv/self_test: a thin bundle of every family, with inputs and the outputs expected.

    python tests/golden/make_self_test.py [family ...]

`edgecv doctor --self-test` runs them through every engine on machines that have neither torch nor
onnx. Weights are rounded, so that the files are small.
"""

from __future__ import annotations

import io
import json
import sys
import tempfile
import zipfile
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).parents[1]))
from thin_models import FAMILIES, write_thin_bundle

OUT = Path(__file__).parents[2] / "edgecv" / "self_test"
SIZE = (64, 96)  # of pictures, where the graph leaves it open
BOXES = 3
STAMP = (2026, 1, 1, 0, 0, 0)  # the same content gives the same file


def main() -> None:
    OUT.mkdir(exist_ok=True)
    for family in sys.argv[1:] or FAMILIES:
        with tempfile.TemporaryDirectory() as draft:
            folder = write_thin_bundle(family, Path(draft) / family, round_weights)
            add_half(folder)
            np.savez_compressed(folder / "expected.npz", **expected(folder))
            pack(folder, OUT / f"{family}.zip")
        print(family, (OUT / f"{family}.zip").stat().st_size)


def round_weights(module: nn.Module) -> None:
    """To about 9 values each, which deflate packs well."""
    with torch.no_grad():
        for weights in module.parameters():
            if weights.numel() > 64:
                step = weights.std() / 2
                if step > 0:
                    weights.copy_((weights / step).round().clamp(-4, 4) * step)


def add_half(folder: Path) -> None:
    """FP16 graphs beside the others, as `edgecv build --precision fp16` casts them."""
    from edgecv_export.engines.precision import cast_to_half

    manifest = json.loads((folder / "bundle.json").read_text())
    for graphs in manifest["graphs"].values():
        for graph in list(graphs):
            half, _ = cast_to_half(onnx.load(folder / graph["file"]))
            content = half.SerializeToString()
            file = graph["file"].replace(".onnx", ".fp16.onnx")
            (folder / file).write_bytes(content)
            digest = sha256(content).hexdigest()
            graphs.append(graph | {"file": file, "sha256": digest, "precision": "fp16"})
    (folder / "bundle.json").write_text(json.dumps(manifest, indent=1))


def expected(folder: Path) -> dict[str, np.ndarray]:
    """Inputs and outputs of the fp32 graphs, as FILE/in/NAME and FILE/out/NAME. A second stage is
    fed with the feature maps that the trunk gives."""
    manifest = json.loads((folder / "bundle.json").read_text())
    random = np.random.default_rng(0)
    arrays: dict[str, np.ndarray] = {}
    known: dict[str, np.ndarray] = {}  # by name
    for role in ("main", "trunk", "roi", "mask", "statistics", "tile"):
        for graph in manifest["graphs"].get(role, ()):
            if graph["precision"] != "fp32":
                continue
            feeds = {port["name"]: feed(port, known, random) for port in graph["inputs"]}
            if "labels" in feeds:
                boxes = sum(len(value) for name, value in feeds.items() if name.startswith("boxes"))
                feeds["labels"] = np.arange(boxes, dtype=np.int64) % BOXES + 1
            session = onnxruntime.InferenceSession(folder / graph["file"])
            outputs = dict(
                zip([o.name for o in session.get_outputs()], session.run(None, feeds), strict=True)
            )
            if role in ("trunk", "statistics"):
                known = outputs
            arrays |= {f"{graph['file']}/in/{name}": value for name, value in feeds.items()}
            arrays |= {f"{graph['file']}/out/{name}": value for name, value in outputs.items()}
    return arrays


def feed(port: dict[str, Any], known: dict[str, np.ndarray], random: Any) -> np.ndarray:
    name, shape = port["name"], port["shape"]
    if name in known:
        return known[name]
    if name.startswith("boxes"):
        corner = random.uniform(0, 40, (BOXES, 2))
        size = random.uniform(8, 50, (BOXES, 2))
        return np.concatenate([corner, corner + size], 1).astype(np.float32)
    if name == "levels":
        return np.arange(BOXES, dtype=np.int32) % 2
    if name == "labels":
        return np.ones(BOXES, np.int64)
    lengths = [length or default for length, default in zip(shape, (1, 3, *SIZE), strict=True)]
    # Coarse values, so that they deflate: a network does not mind.
    return (random.integers(-8, 9, lengths) / 4).astype(np.float32)


def pack(folder: Path, archive: Path) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as zipped:
        for path in sorted(folder.iterdir()):
            zipped.writestr(
                zipfile.ZipInfo(path.name, STAMP), path.read_bytes(), zipfile.ZIP_DEFLATED, 9
            )
    archive.write_bytes(content.getvalue())


if __name__ == "__main__":
    main()
