"""Variants of a bundle: what is added, what stays as it was, and what goes wrong in one line."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from edgecv_export import ExportError, GraphOptions, export
from edgecv_export.generated_images import generate_images
from edgecv_export.precision import fp16_variant as half_variant
from edgecv_export.precision import variant as variants
from edgecv_export.precision.agreement import agreement
from edgecv_export.precision.variant import add_variant
from edgecv_export.tensorrt.plan import BuildOptions, Plan, ShapeRange, build_plan
from edgecv_runtime import Bundle, InputError
from helpers import small_dense
from helpers.all_scores import load_all_scores
from helpers.varied_detections import varied_detector

LABELS = ["ant", "bee", "cow", "dog"]


@pytest.fixture(scope="module")
def small_images() -> list[np.ndarray]:
    """Small ones, for speed."""
    return [image[:200, :180].copy() for image in generate_images(8, seed=1)]


@pytest.fixture
def bundle(small_bundle: Path, tmp_path: Path) -> Path:
    """A copy of the small SSD to add to."""
    return Path(shutil.copytree(small_bundle, tmp_path / "bundle"))


def build(content: bytes, ranges: dict[str, ShapeRange]) -> Plan:
    return build_plan(content, ranges, options=BuildOptions((86,)))


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.iterdir() if path.suffix != ".lock")
    return {path.name: path.read_bytes() for path in files}


def weight_bytes(content: bytes) -> int:
    """Of the floats that a graph holds."""
    tensors = onnx.load_from_string(content).graph.initializer
    arrays = [onnx.numpy_helper.to_array(tensor) for tensor in tensors]
    return sum(array.nbytes for array in arrays if array.dtype.kind == "f")


def graphs(folder: Path) -> dict[tuple[str, str, str], Any]:
    manifest = json.loads((folder / "bundle.json").read_text())
    return {
        (role, graph["precision"], graph["dialect"]): graph
        for role, files in manifest["graphs"].items()
        for graph in files
    }


def test_half_adds_a_file_and_leaves_the_others(
    bundle: Path, small_images: list[np.ndarray]
) -> None:
    before, graphs_before = contents(bundle), graphs(bundle)
    report = add_variant(bundle, "fp16", images=small_images)
    after = contents(bundle)
    assert set(after) - set(before) == {"main.fp16.onnx"}
    assert all(after[name] == before[name] for name in before if name != "bundle.json")
    assert weight_bytes(after["main.fp16.onnx"]) == 0.5 * weight_bytes(after["main.onnx"])

    full, half = graphs(bundle)["main", "fp32", "onnx"], graphs(bundle)["main", "fp16", "onnx"]
    assert full == graphs_before["main", "fp32", "onnx"]
    assert half["inputs"] == full["inputs"] and half["outputs"] == full["outputs"]
    assert report.notes["onnx"]["agreement"] > 0.98 and report.notes["onnx"]["pictures"] == len(
        small_images
    )
    provenance = json.loads(Bundle.open(str(bundle)).manifest.provenance)
    assert provenance["variants"] == {"fp16": report.notes}
    assert provenance["parity"] == json.loads(before["bundle.json"])["provenance"]["parity"]

    fp32, fp16 = (load_all_scores(bundle, precision=p) for p in ("fp32", "fp16"))
    full_scores, half_scores = (
        np.concatenate([found.scores for found in model(small_images)]) for model in (fp32, fp16)
    )
    assert fp16.precision == "fp16" and len(full_scores) > 5
    assert not np.array_equal(full_scores, half_scores)


def test_a_variant_that_is_there(bundle: Path, small_images: list[np.ndarray]) -> None:
    add_variant(bundle, "fp16", images=small_images)
    first = contents(bundle)
    with pytest.raises(InputError, match="has main in fp16, dialect onnx, already"):
        add_variant(bundle, "fp16", images=small_images)
    assert contents(bundle) == first
    add_variant(bundle, "fp16", images=small_images, overwrite=True)
    assert contents(bundle) == first
    assert len(graphs(bundle)) == 2


def test_two_stages_in_both_dialects(
    mask_bundle: Path, tmp_path: Path, small_images: list[np.ndarray]
) -> None:
    pytest.importorskip("tensorrt_rtx", reason="TensorRT for RTX is not installed")
    bundle = shutil.copytree(mask_bundle, tmp_path / "bundle")
    report = add_variant(bundle, "fp16", images=small_images)
    assert report.notes["onnx"]["agreement"] > 0.98 and report.notes["tensorrt"]["agreement"] > 0.98
    half = {key: graph for key, graph in graphs(bundle).items() if key[1] == "fp16"}
    assert set(half) == {
        ("trunk", "fp16", "onnx"),
        ("roi", "fp16", "onnx"),
        ("roi", "fp16", "tensorrt"),
        ("mask", "fp16", "onnx"),
        ("mask", "fp16", "tensorrt"),
    }
    size = ShapeRange((1, 3, 64, 64), (1, 3, 96, 160), (1, 3, 160, 160))
    build((bundle / half["trunk", "fp16", "onnx"]["file"]).read_bytes(), {"images": size})
    rows = [(1,), (50,), (100,)]
    ranges = {
        "features_0": ShapeRange((1, 16, 8, 8), (1, 16, 12, 20), (1, 16, 20, 20)),
        "features_1": ShapeRange((1, 16, 4, 4), (1, 16, 6, 10), (1, 16, 10, 10)),
        "boxes": ShapeRange(*((*n, 4) for n in rows)),
        "levels": ShapeRange(*rows),
    }
    for role, more in (("roi", {}), ("mask", {"labels": ShapeRange(*rows)})):
        record = half[role, "fp16", "tensorrt"]
        plan = build((bundle / record["file"]).read_bytes(), ranges | more)
        assert {port.name: port.dtype for port in plan.inputs + plan.outputs} == {
            port["name"]: port["dtype"] for port in record["inputs"] + record["outputs"]
        }


def test_one_dialect_of_two_stages(
    mask_bundle: Path, tmp_path: Path, small_images: list[np.ndarray]
) -> None:
    bundle = shutil.copytree(mask_bundle, tmp_path / "bundle")
    add_variant(bundle, "fp16", dialects=["tensorrt"], images=small_images)
    half = {key for key in graphs(bundle) if key[1] == "fp16"}
    assert half == {
        ("trunk", "fp16", "onnx"),
        ("roi", "fp16", "tensorrt"),
        ("mask", "fp16", "tensorrt"),
    }


def test_group_norm(small_images: list[np.ndarray], tmp_path: Path) -> None:
    pytest.importorskip("tensorrt_rtx", reason="TensorRT for RTX is not installed")
    module = varied_detector(small_dense.make_fcos, small_images, background_margin=6.0)
    bundle = export(
        module,
        tmp_path / "bundle",
        labels=LABELS,
        images=small_images,
        graph=GraphOptions(size=(160, 256)),
    ).folder
    report = add_variant(bundle, "fp16", images=small_images)
    assert report.notes["onnx"]["agreement"] > 0.98 and report.notes["onnx"]["count"] > 20
    shape = (1, 3, 160, 256)
    content = (bundle / "main.fp16.onnx").read_bytes()
    build(content, {"images": ShapeRange(shape, shape, shape)})


def test_a_full_disk_leaves_nothing(
    bundle: Path, monkeypatch: pytest.MonkeyPatch, small_images: list[np.ndarray]
) -> None:
    before = contents(bundle)

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(bundle / "bundle.json"))

    monkeypatch.setattr(os, "replace", full)  # the last step, when the graph is in place
    with pytest.raises(InputError, match=r"cannot write to the bundle \(No space left on device"):
        add_variant(bundle, "fp16", images=small_images)
    assert contents(bundle) == before


def test_a_full_disk_brings_back_what_was_overwritten(
    bundle: Path, monkeypatch: pytest.MonkeyPatch, small_images: list[np.ndarray]
) -> None:
    add_variant(bundle, "fp16", images=small_images)
    before = contents(bundle)
    replace = os.replace

    def full(source: Path, target: Path) -> None:
        if Path(target).name == "bundle.json":
            raise OSError(errno.ENOSPC, "No space left on device", str(target))
        replace(source, target)

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(InputError, match="it is as it was"):
        add_variant(bundle, "fp16", images=small_images, overwrite=True)
    assert contents(bundle) == before


def test_a_folder_that_cannot_be_written(
    bundle: Path, monkeypatch: pytest.MonkeyPatch, small_images: list[np.ndarray]
) -> None:
    def read_only(*_: Any) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "mkdir", read_only)
    with pytest.raises(InputError, match=r"cannot write to the bundle \(Read-only"):
        add_variant(bundle, "fp16", images=small_images)


def test_results_that_differ_are_refused(
    bundle: Path, monkeypatch: pytest.MonkeyPatch, small_images: list[np.ndarray]
) -> None:
    monkeypatch.setattr(half_variant, "LEAST_AGREEMENT", 1.5)
    before = contents(bundle)
    with pytest.raises(ExportError, match=r"fp16 gives other results than fp32: matched detect"):
        add_variant(bundle, "fp16", images=small_images)
    assert contents(bundle) == before


def test_mistakes_are_one_line(
    bundle: Path, tmp_path: Path, small_images: list[np.ndarray]
) -> None:
    with pytest.raises(InputError, match="bf16 needs no graph of its own"):
        add_variant(bundle, "bf16")
    with pytest.raises(InputError, match="precision is 'fp8'; expected fp16 or int8"):
        add_variant(bundle, "fp8")
    with pytest.raises(InputError, match="dialect 'coreml'; expected onnx or tensorrt"):
        add_variant(bundle, "fp16", dialects=["coreml"])  # type: ignore[list-item]
    with pytest.raises(InputError, match="is not a folder: expected that of a bundle"):
        add_variant(tmp_path / "bundle.zip", "fp16")
    (bundle / "main.fp16.onnx").write_bytes(b"mine")
    with pytest.raises(InputError, match=r"main.fp16.onnx is there, but not in the manifest"):
        add_variant(bundle, "fp16", images=small_images)


class Found:
    def __init__(self, boxes: list[list[float]], scores: list[float], labels: list[int]) -> None:
        self.boxes = np.array(boxes, np.float32).reshape(-1, 4)
        self.scores, self.labels = np.array(scores, np.float32), np.array(labels)


def test_agreement_of_detections() -> None:
    square, shifted, far = [0, 0, 10, 10], [0, 0, 10, 21], [50, 50, 60, 60]
    reference = Found([square, far], [0.9, 0.6], [0, 1])

    def of(other: Found) -> float:
        return agreement("detect", [(reference, other)]).value

    assert of(reference) == 1
    assert of(Found([square, far], [0.9, 0.3], [0, 1])) == 1  # faint, but there; 3 of 3
    assert of(Found([square, far], [0.9, 0.2], [0, 1])) == pytest.approx(2 / 3)
    assert of(Found([square, far], [0.9, 0.6], [0, 0])) == pytest.approx(2 / 4)  # another label
    assert of(Found([shifted, far], [0.9, 0.6], [0, 1])) == pytest.approx(2 / 4)  # IoU 10 / 21
    # One to one: a second box over the same object has no partner.
    assert of(Found([square, square, far], [0.9, 0.8, 0.6], [0, 0, 1])) == pytest.approx(4 / 5)
    nothing = Found([], [], [])
    assert of(nothing) == 0
    with pytest.raises(InputError, match="neither model sees an object"):
        agreement("detect", [(nothing, nothing)])


def test_agreement_of_other_tasks() -> None:
    class Result:
        def __init__(self, **values: Any) -> None:
            self.__dict__ |= values

    one = Result(mask=np.array([[0, 1], [2, 3]], np.uint8))
    other = Result(mask=np.array([[0, 1], [2, 0]], np.uint8))
    assert agreement("segment", [(one, other), (one, one)]).value == 7 / 8
    first, second = Result(labels=np.array([3, 1])), Result(labels=np.array([1, 3]))
    assert agreement("classify", [(first, first), (first, second)]).value == 1 / 2
    dark, light = (Result(image=np.full((2, 2, 3), level, np.uint8)) for level in (0, 51))
    assert agreement("stylize", [(dark, light), (light, dark)]).value == pytest.approx(0.8)
    with pytest.raises(InputError, match="no image to compare"):
        agreement("segment", [])


def as_if_built_otherwise(bundle: Path) -> None:
    """Gives the fp16 graph the fp32 one's bytes: the next build replaces it by another file."""
    manifest = json.loads((bundle / "bundle.json").read_text())
    graphs = manifest["graphs"]["main"]
    old = (bundle / graphs[0]["file"]).read_bytes()
    (bundle / "main.fp16.onnx").write_bytes(old)
    graphs[1]["sha256"] = hashlib.sha256(old).hexdigest()
    (bundle / "bundle.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize("before", [True, False], ids=["before", "behind"])
def test_an_interrupt_beside_the_last_step_loses_neither_variant(
    bundle: Path, monkeypatch: pytest.MonkeyPatch, small_images: list[np.ndarray], before: bool
) -> None:
    add_variant(bundle, "fp16", images=small_images)
    as_if_built_otherwise(bundle)
    replace = os.replace

    def interrupted(source: Path, target: Path) -> None:
        last = Path(target) == bundle / "bundle.json"
        if last and before:
            raise KeyboardInterrupt
        replace(source, target)
        if last:
            raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        add_variant(bundle, "fp16", images=small_images, overwrite=True)
    opened = Bundle.open(str(bundle))
    graph = opened.graph("main", "fp16", "onnx")
    opened.verified_path(graph.file, graph.sha256)
    assert (graph.file == "main.fp16.onnx") is before
    files = {file.file for files in opened.manifest.graphs.values() for file in files}
    assert {name for name in contents(bundle) if name.endswith(".onnx")} == files


def test_what_a_killed_build_left_is_cleared_by_the_next(
    bundle: Path, small_images: list[np.ndarray]
) -> None:
    code = f"""
import os
from pathlib import Path
from edgecv_export.bundle import additions
replace = os.replace
def die(source, target):
    if Path(target).name == "bundle.json":
        os.kill(os.getpid(), 9)
    replace(source, target)
os.replace = die
from edgecv_export.precision.variant import add_variant
add_variant({str(bundle)!r}, "fp16")
"""
    before = contents(bundle)
    assert subprocess.run([sys.executable, "-c", code]).returncode == -9
    assert (bundle / "main.fp16.onnx").is_file()  # there, but not in the manifest
    add_variant(bundle, "fp16", images=small_images)
    assert contents(bundle).keys() == {*before, "main.fp16.onnx"}


def test_two_builds_at_once_lose_no_variant(
    bundle: Path, monkeypatch: pytest.MonkeyPatch, small_images: list[np.ndarray]
) -> None:
    """The second starts and ends while the first makes its graphs."""
    inner = variants.add_half

    def and_meanwhile(*arguments: Any, **options: Any) -> Any:
        monkeypatch.setattr(variants, "add_half", inner)
        add_variant(bundle, "fp16", dialects=["onnx"], images=small_images)
        manifest = json.loads((bundle / "bundle.json").read_text())
        manifest["graphs"]["main"][1]["precision"] = "int8"  # as if it had been that one
        manifest["graphs"]["main"][1]["file"] = "main.int8.onnx"
        (bundle / "main.fp16.onnx").rename(bundle / "main.int8.onnx")
        (bundle / "bundle.json").write_text(json.dumps(manifest))
        return inner(*arguments, **options)

    monkeypatch.setattr(variants, "add_half", and_meanwhile)
    add_variant(bundle, "fp16", images=small_images)
    opened = Bundle.open(str(bundle))
    for precision in ("fp32", "int8", "fp16"):
        graph = opened.graph("main", precision, "onnx")
        opened.verified_path(graph.file, graph.sha256)


def test_a_build_does_not_add_to_another_bundle_or_twice(
    bundle: Path, monkeypatch: pytest.MonkeyPatch, small_images: list[np.ndarray]
) -> None:
    inner = variants.add_half

    def twice(*arguments: Any, **options: Any) -> Any:
        monkeypatch.setattr(variants, "add_half", inner)
        add_variant(bundle, "fp16", images=small_images)
        return inner(*arguments, **options)

    monkeypatch.setattr(variants, "add_half", twice)
    with pytest.raises(InputError, match=r"another build has added main\.fp16\.onnx meanwhile"):
        add_variant(bundle, "fp16", images=small_images)

    def replaced(*arguments: Any, **options: Any) -> Any:
        manifest = json.loads((bundle / "bundle.json").read_text())
        manifest["graphs"]["main"][0]["sha256"] = 64 * "0"
        (bundle / "bundle.json").write_text(json.dumps(manifest))
        return inner(*arguments, **options)

    monkeypatch.setattr(variants, "add_half", replaced)
    with pytest.raises(InputError, match="was replaced while its graphs were made"):
        add_variant(bundle, "fp16", images=small_images, overwrite=True)
