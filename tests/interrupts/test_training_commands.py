"""Commands that need torch, ended at each file-system call: export, build, train, demo, and a
checkpoint's export into the cache. `make interrupts` tries all points, `make test` a few of each
fault.

What computes only and always gives the same (PyTorch's export to ONNX of one set of weights, the
images of the parity check) is computed once, and remembered by the process that the runs are forks
of.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from edgecv.data.synthetic import write_shapes
from edgecv.models import registry
from edgecv.models.weights.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from edgecv_runtime import Manifest
from edgecv_runtime.engines.built.file import read_engines
from edgecv_runtime.engines.cache import IN_USE
from interrupts.states import (
    bundle_at,
    content,
    copy,
    hidden,
    named,
    precisions,
    state_of_run,
)
from interrupts.sweep import COMMAND, Stage, Sweep

LOADED = """
import torch, torchvision, lightning.pytorch, matplotlib.pyplot, onnxscript, torch.onnx
import torch._dynamo, torch.onnx._internal.exporter._core
import edgecv.training.run.fit, edgecv.training.measures, edgecv_export.exporting
import edgecv_export.source.loading, edgecv_export.precision.variant
import filelock, hashlib, onnx, pycocotools.cocoeval
import torchvision.transforms.v2, torch.utils.serialization
import edgecv.models.registry, edgecv.training.detection_task, edgecv.data.synthetic
import edgecv.cli.output.progress, edgecv.cli.options.files, edgecv.training.detection
from pathlib import Path
from edgecv_export import exporting
from edgecv_export.graphs import onnx_graph

def remembered(network, examples, **options):
    digest = hashlib.sha256(repr((options, [each.shape for each in examples])).encode())
    for name, tensor in network.state_dict().items():
        digest.update(name.encode() + tensor.numpy().tobytes())
    path = Path({folder!r}, digest.hexdigest() + ".onnx")
    if not path.exists():
        onnx.save(to_onnx(network, examples, **options), path.with_suffix(".tmp"))
        path.with_suffix(".tmp").rename(path)
    return onnx.load(path)

to_onnx, onnx_graph.to_onnx = onnx_graph.to_onnx, remembered
images = exporting.generate_images(8, longest=128)
exporting.generate_images = lambda count, longest=None: images[:count]
edgecv_export.precision.variant.generate_images = exporting.generate_images
"""


@pytest.fixture
def most(everything: bool) -> int | None:
    return None if everything else 1


@pytest.fixture(scope="module")
def checkpoint(folder: Path) -> Path:
    arguments = {"num_classes": 4, "size": [64, 96], "width": 8}
    torch.manual_seed(0)
    module = registry.create("ssd_tiny", **arguments)
    labels = ["ant", "bee", "cow"]
    path = folder / "best.pt"
    save_checkpoint(
        path, Checkpoint("ssd_tiny", arguments, labels, module.input, module.state_dict(), {})
    )
    return path


@pytest.fixture(scope="module")
def loaded(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Stage:
    stage.load(LOADED.format(folder=str(tmp_path_factory.mktemp("remembered"))))
    return stage


@pytest.fixture(scope="module")
def exported(loaded: Stage, checkpoint: Path, folder: Path) -> Path:
    target = folder / "bundles" / "exported"
    done = loaded.run(["export", checkpoint, "--out", target])
    assert done.status == 0, done.err
    return target


@pytest.fixture(scope="module")
def images(folder: Path) -> Path:
    target = folder / "images"
    target.mkdir()
    for i in range(2):
        pixels = np.random.default_rng(i).integers(0, 255, (64, 96, 3), dtype=np.uint8)
        cv2.imwrite(str(target / f"{i}.png"), pixels)
    return target


@pytest.mark.parametrize("replaced", [False, True])
def test_export(
    replaced: bool,
    loaded: Stage,
    checkpoint: Path,
    exported: Path,
    folder: Path,
    most: int | None,
) -> None:
    target = folder / "out" / "bundle"

    def prepare() -> None:
        shutil.rmtree(target.parent, ignore_errors=True)
        if replaced:
            copy(exported, target)

    words = ["export", checkpoint, "--out", target, "--name", "new"]
    words += ["--overwrite"] if replaced else []

    def following(after: str) -> list[object]:
        # A bundle that is there is not replaced unasked.
        return ["info", target] if after == "new" and not replaced else words

    sweep = Sweep(loaded, words, prepare, lambda: named(target, "new"), following, most=most)
    assert sweep.run() == []
    assert hidden(folder / "out") == []


def test_a_checkpoints_export_into_the_cache(
    loaded: Stage, checkpoint: Path, exported: Path, images: Path, folder: Path, most: int | None
) -> None:
    """The cache is full: another bundle has to go."""
    cache = folder / "out"
    other = cache / "checkpoints" / "other"

    def prepare() -> None:
        shutil.rmtree(cache, ignore_errors=True)
        shutil.copytree(exported, other)
        used = time.time() - 2 * IN_USE
        os.utime(other, (used, used))

    def state() -> str:
        new = "old"
        for path in (cache / "checkpoints").iterdir():
            if path.name.startswith(".edgecv-"):
                continue
            found = bundle_at(path)
            if not isinstance(found, Manifest):
                return str(found)
            new = "new" if path != other else new
        return new

    code = f"import edgecv.cli.checkpoints.cache as cache; cache.LIMIT = 1\n{COMMAND}"
    sweep = Sweep(
        loaded,
        ["predict", checkpoint, images / "0.png"],
        prepare,
        state,
        code=code,
        most=most,
        environment={"EDGECV_CACHE": str(cache)},
    )
    assert sweep.run() == []


@pytest.mark.parametrize("precision", ["fp16", "int8"])
@pytest.mark.parametrize("replaced", [False, True])
def test_build(
    precision: str,
    replaced: bool,
    loaded: Stage,
    exported: Path,
    images: Path,
    folder: Path,
    most: int | None,
) -> None:
    target = folder / "out" / "bundle"
    before = folder / "bundles" / f"with_{precision}_{replaced}"
    shutil.copytree(exported, before)
    words: list[object] = ["build", target, "--precision", precision]
    words += ["--calibrate", images, "--force"] if precision == "int8" else []
    if replaced:
        words.append("--overwrite")
        copy(exported, target)
        assert loaded.run(words).status == 0
        shutil.rmtree(before)
        shutil.copytree(target, before)
        # The old graphs have another content, and the same record but for that.
        manifest = json.loads((before / "bundle.json").read_text())
        manifest["provenance"]["variants"][precision]["made"] = "before"
        (before / "bundle.json").write_text(json.dumps(manifest))

    def state() -> str:
        found = bundle_at(target)
        if not isinstance(found, Manifest):
            return str(found)
        variants = json.loads(found.provenance or "{}").get("variants", {})
        if (precision in precisions(target)) != (precision in variants):
            return "graphs and provenance are not of one build"
        return "new" if "made" not in variants.get(precision, {"made": ""}) else "old"

    def following(after: str) -> list[object]:
        return ["info", target] if after == "new" and not replaced else words

    sweep = Sweep(loaded, words, lambda: copy(before, target), state, following, most=most)
    assert sweep.run() == []
    assert hidden(target) == []
    listed = {graph.file for graph in bundle_at(target).graphs["main"]}  # type: ignore[union-attr]
    assert {path.name for path in target.glob("*.onnx")} == listed


@pytest.mark.parametrize("cached", [False, True])
def test_build_engines(
    cached: bool, loaded: Stage, bundle: Path, folder: Path, most: int | None
) -> None:
    """Beside the bundle, and of a .zip in the cache; one of another GPU is there."""
    pytest.importorskip("tensorrt_rtx", reason="TensorRT for RTX is not installed")
    cache, beside = folder / "out" / "cache", folder / "out" / "bundle"
    packed = Path(shutil.make_archive(str(folder / "tiny"), "zip", bundle))
    environment = {"EDGECV_CACHE": str(cache)}

    def words(capability: str) -> list[object]:
        target = packed if cached else beside
        return ["build", target, "--engine", "tensorrt_rtx", "--compute-capability", capability]

    copy(bundle, beside)
    assert loaded.run(words("86"), **environment).status == 0
    shutil.copytree(folder / "out", folder / "before" / str(cached))

    def engines() -> Path:
        if not cached:
            return beside
        (found,) = [path for path in cache.iterdir() if path.name != "timing"]
        return found

    def prepare() -> None:
        shutil.rmtree(folder / "out")
        shutil.copytree(folder / "before" / str(cached), folder / "out")

    def state() -> str:
        files = content(engines())
        listed = read_engines(engines())
        for engine in listed:
            if engine.file not in files:
                return f"{engine.file} is listed and not there"
        return "new" if len(listed) == 2 else "old"

    sweep = Sweep(loaded, words("89"), prepare, state, most=most, environment=environment)
    assert sweep.run() == []
    assert hidden(engines()) == []
    assert len(list((engines() / "engines").iterdir())) == 2


def test_train(loaded: Stage, folder: Path, most: int | None) -> None:
    """The run that goes on gives what an undisturbed one gives, digit for digit."""
    data = write_shapes(folder / "shapes", train=4, val=1, size=(64, 64))
    out, undisturbed = folder / "out" / "run", folder / "undisturbed"
    words: list[object] = ["train", "ssd_tiny", "--data", data, "--size", "64x64", "--epochs", 2]
    words += ["--batch-size", 2, "--workers", 0, "--device", "cpu", "--out"]
    done = loaded.run([*words, undisturbed])
    assert done.status == 0, done.err

    def following(_: str) -> list[object]:
        begun = (out / "run.json").is_file()
        return [*words, out, *(["--resume"] if begun else [])]

    sweep = Sweep(
        loaded,
        [*words, out],
        lambda: shutil.rmtree(out.parent, ignore_errors=True),
        lambda: state_of_run(out, undisturbed),
        following,
        most=most,
    )
    assert sweep.run() == []
    assert hidden(folder / "out") == []


def test_demo(loaded: Stage, folder: Path, everything: bool) -> None:
    """A small one. Its parts were swept above: here each kind of file counts once."""
    out = folder / "out"
    code = f"""
from edgecv.cli import demo
demo.TRAIN_IMAGES, demo.VAL_IMAGES = 4, 1
demo.SHAPES_TRAINING = "--size 64x64 --batch-size 2 --epochs 2 --workers 0"
{COMMAND}"""

    def state() -> str:
        if not list(out.glob("val_*.jpg")):
            return "old"
        found = bundle_at(out / "bundle")
        if not isinstance(found, Manifest):
            return f"bundle: {found}"
        load_checkpoint(out / "run" / "best.pt")
        return "new"

    def following(after: str) -> list[object]:
        # A demo that has come to its end is not begun again in the same folder.
        return ["info", out / "bundle"] if after == "new" else ["demo", "--out", out]

    sweep = Sweep(
        loaded,
        ["demo", "--out", out],
        lambda: shutil.rmtree(out, ignore_errors=True),
        state,
        following,
        code=code,
        most=40 if everything else 1,
    )
    assert sweep.run() == []
    assert hidden(out) == []
