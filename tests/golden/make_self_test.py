"""Writes edgecv/self_test: reduced-width bundles of every family, with inputs and expected outputs.

    python tests/golden/make_self_test.py

`edgecv doctor --self-test` runs them through every engine on machines that have neither torch nor
onnx. All are part of the wheel, so they are made to be packed: weights and pictures repeat a short
row of coarse values, large outputs are known by samples, and one xz stream holds all files.
"""

from __future__ import annotations

import io
import json
import lzma
import math
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
from edgecv.cli.diagnosis.self_test import ARCHIVE, EXPECTED, sample
from helpers.reduced_models import FAMILIES, write_reduced_bundle

SIZE = (32, 64)  # of pictures, where the graph leaves it open
# Its last feature map has two cells then: TensorRT normalises no single value.
SIZES = {"fcos": (32, 160)}
BOXES = 3
PERIOD = 61  # a prime, so that no filter is as its neighbour
BIAS = 1 / 16
FLAT = 0.05  # least standard deviation of an output, as a part of its largest value
STAMP = (2026, 1, 1, 0, 0, 0)  # the same content gives the same file


def main() -> None:
    with tempfile.TemporaryDirectory() as draft:
        for family in FAMILIES:
            folder = write_reduced_bundle(family, Path(draft) / family, repeat_weights)
            arrays = inputs_and_outputs(folder, SIZES.get(family, SIZE))
            add_half(folder)
            add_int8(folder, arrays)
            drop_notes(folder)
            np.savez(folder / EXPECTED, **sampled(arrays))
            print(family, sum(path.stat().st_size for path in folder.iterdir()))
        pack(Path(draft), ARCHIVE)
    print(ARCHIVE, ARCHIVE.stat().st_size)


def repeat_weights(module: nn.Module) -> None:
    """The same row in each layer, of small multiples of a power of two: such as keeps what comes in
    as large as it is (He et al. 2015)."""
    row = torch.randn(PERIOD).round().clamp(-2, 2)
    with torch.no_grad():
        for layer in module.modules():
            if not isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
                continue
            weights = layer.weight
            terms = weights[0].numel()  # of the sum that is a value of the output
            if isinstance(layer, nn.ConvTranspose2d):
                terms = weights[:, 0].numel() // (layer.stride[0] * layer.stride[1])
            step = 2.0 ** round(math.log2(2 / terms) / 2)
            repeats = -(-weights.numel() // PERIOD)
            weights.copy_((row.repeat(repeats)[: weights.numel()] * step).view_as(weights))
            if layer.bias is not None:
                layer.bias.copy_(row.repeat(repeats)[: layer.bias.numel()] * BIAS)


def drop_notes(folder: Path) -> None:
    """What tells a reader of the graphs more: names of nodes, shapes of values between them."""
    manifest = json.loads((folder / "bundle.json").read_text())
    for graphs in manifest["graphs"].values():
        for graph in graphs:
            model = onnx.load(folder / graph["file"])
            del model.graph.value_info[:]
            for index, node in enumerate(model.graph.node):
                # ONNX Runtime before 1.22 makes names from those of nodes that it fuses to a Split.
                node.name = str(index) if node.op_type in ("Gather", "Slice") else ""
            content = model.SerializeToString()
            (folder / graph["file"]).write_bytes(content)
            graph["sha256"] = sha256(content).hexdigest()
    (folder / "bundle.json").write_text(json.dumps(manifest, indent=1))


def add_half(folder: Path) -> None:
    """FP16 graphs beside the others, as `edgecv build --precision fp16` casts them."""
    from edgecv_export.precision.fp16_graph import cast_to_half

    manifest = json.loads((folder / "bundle.json").read_text())
    for graphs in manifest["graphs"].values():
        for graph in list(graphs):
            half, _ = cast_to_half(onnx.load(folder / graph["file"]))
            add_graph(folder, graphs, graph, half, precision="fp16")
    (folder / "bundle.json").write_text(json.dumps(manifest, indent=1))


def add_int8(folder: Path, arrays: dict[str, np.ndarray]) -> None:
    """INT8 graphs in both dialects, calibrated on the inputs that they are tested with; weights of
    7 bits, which all processors multiply alike."""
    from edgecv_export.precision.int8_graph import Quantizer
    from edgecv_export.precision.sources import choose_sources, open_folder, read_graph

    bundle = open_folder(folder)
    manifest = json.loads((folder / "bundle.json").read_text())
    for source in choose_sources(bundle, "int8", None, overwrite=False):
        file = source.graph.file
        prefix = f"{file}/in/"
        feed = {n.removeprefix(prefix): v for n, v in arrays.items() if n.startswith(prefix)}
        quantizer = Quantizer(read_graph(bundle, source), source.dialect, reduce_range=True)
        quantizer.calibrate([feed], "minmax")
        graphs = manifest["graphs"][source.role]
        record = next(graph for graph in graphs if graph["file"] == file)
        add_graph(
            folder,
            graphs,
            record,
            quantizer.quantize(),
            file=source.file("int8"),
            precision="int8",
            dialect=source.dialect,
        )
    (folder / "bundle.json").write_text(json.dumps(manifest, indent=1))


def add_graph(
    folder: Path,
    graphs: list[dict[str, Any]],
    source: dict[str, Any],
    model: onnx.ModelProto,
    **changes: str,
) -> None:
    file = source["file"].replace(".onnx", f".{changes['precision']}.onnx")
    record = source | {"file": file} | changes
    (folder / record["file"]).write_bytes(model.SerializeToString())
    record["sha256"] = sha256((folder / record["file"]).read_bytes()).hexdigest()
    graphs.append(record)


def sampled(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    stored: dict[str, np.ndarray] = {}
    for name, value in arrays.items():
        if "/out/" in name:
            stored[name.replace("/out/", "/shape/")] = np.array(value.shape)
            if value.std() < FLAT * np.abs(value).max():
                sys.exit(f"{name} is the same everywhere, and would prove nothing")
            value = sample(value)
        stored[name] = value
    return stored


def inputs_and_outputs(folder: Path, size: tuple[int, int]) -> dict[str, np.ndarray]:
    """Inputs and outputs of the fp32 graphs, as FILE/in/NAME and FILE/out/NAME. A second stage is
    fed with the feature maps that the trunk gives, in coarse values."""
    manifest = json.loads((folder / "bundle.json").read_text())
    random = np.random.default_rng(0)
    arrays: dict[str, np.ndarray] = {}
    known: dict[str, np.ndarray] = {}  # by name
    for role in ("main", "trunk", "roi", "mask", "statistics", "tile"):
        for graph in manifest["graphs"].get(role, ()):
            if graph["precision"] != "fp32":
                continue
            feeds = {port["name"]: feed(port, size, known, random) for port in graph["inputs"]}
            if "labels" in feeds:
                boxes = sum(len(value) for name, value in feeds.items() if name.startswith("boxes"))
                feeds["labels"] = np.arange(boxes, dtype=np.int64) % BOXES + 1
            session = onnxruntime.InferenceSession(folder / graph["file"])
            outputs = dict(
                zip([o.name for o in session.get_outputs()], session.run(None, feeds), strict=True)
            )
            if role in ("trunk", "statistics"):
                known = {name: np.round(8 * value) / 8 for name, value in outputs.items()}
            arrays |= {f"{graph['file']}/in/{name}": value for name, value in feeds.items()}
            arrays |= {f"{graph['file']}/out/{name}": value for name, value in outputs.items()}
    return arrays


def feed(
    port: dict[str, Any], picture: tuple[int, int], known: dict[str, np.ndarray], random: Any
) -> np.ndarray:
    name, shape = port["name"], port["shape"]
    if name in known:
        return known[name]
    if name.startswith("boxes"):
        corner = random.uniform(0, 20, (BOXES, 2))
        size = random.uniform(6, 30, (BOXES, 2))
        return np.concatenate([corner, corner + size], 1).astype(np.float32)
    if name == "levels":
        return np.arange(BOXES, dtype=np.int32) % 2
    if name == "labels":
        return np.ones(BOXES, np.int64)
    lengths = [length or default for length, default in zip(shape, (1, 3, *picture), strict=True)]
    return np.resize(random.integers(-8, 9, PERIOD) / 4, lengths).astype(np.float32)


def pack(folder: Path, archive: Path) -> None:
    """FAMILY/FILE in a zip without compression, like beside like, and all of it as one xz stream
    that expects nothing of where in a word a byte stands."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as zipped:
        for path in sorted(folder.glob("*/*"), key=lambda path: (path.name, path.parent.name)):
            name = path.relative_to(folder).as_posix()
            zipped.writestr(zipfile.ZipInfo(name, STAMP), path.read_bytes())
    archive.parent.mkdir(exist_ok=True)
    method = {"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "pb": 0}
    archive.write_bytes(lzma.compress(content.getvalue(), filters=[method]))


if __name__ == "__main__":
    main()
