"""Commands that need no torch, ended at each file-system call; `make interrupts` tries all points,
`make test` a few of each fault."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest

from edgecv_runtime import BundleError, Manifest
from edgecv_runtime.files.bundle import open_bundle
from interrupts.states import bundle_at, copy, hidden, named, read_json
from interrupts.sweep import Stage, Sweep


@pytest.fixture
def most(everything: bool) -> int | None:
    return None if everything else 3


def test_a_bundle_that_is_replaced(
    stage: Stage, bundle: Path, folder: Path, most: int | None
) -> None:
    """The end of export, wrap and a checkpoint's export into the cache."""
    target = folder / "out" / "bundle"
    code = f"""
import json, sys
from pathlib import Path
from edgecv_export.bundle.draft import new_bundle
try:
    with new_bundle(Path({str(target)!r}), overwrite=True) as draft:
        draft.add_file("main.onnx", Path({str(bundle / "main.onnx")!r}).read_bytes())
        draft.manifest = json.loads(Path({str(bundle / "bundle.json")!r}).read_text())
        draft.manifest["name"] = "new"
        draft.write_manifest()
except KeyboardInterrupt:
    sys.exit(130)
except OSError as error:
    sys.exit(f"edgecv: error: {{error.filename}}: {{error.strerror}}")
"""
    sweep = Sweep(
        stage, [], lambda: copy(bundle, target), lambda: named(target, "new"), code=code, most=most
    )
    assert sweep.run() == []
    assert hidden(folder / "out") == []


def test_a_graph_that_is_added_in_place_of_another(
    stage: Stage, bundle: Path, folder: Path, most: int | None
) -> None:
    """The end of build --overwrite."""
    target = folder / "out" / "bundle"
    code = f"""
import json, sys
from pathlib import Path
from edgecv_export.bundle.additions import additions, clear_dead_builds
from edgecv_runtime import InputError
folder = Path({str(target)!r})
try:
    clear_dead_builds(folder)
    graph = json.loads((folder / "bundle.json").read_text())["graphs"]["main"][0]
    names = dict(file="main.fp16.onnx", precision="fp16", dialect="onnx")
    source = dict(inputs=graph["inputs"], outputs=graph["outputs"])
    content = Path(sys.argv[1]).read_bytes()
    with additions(folder, overwrite=True) as added:
        added.add("main", source, content, **names)
        added.write("fp16", dict(by=sys.argv[1]), set([graph["sha256"]]))
except KeyboardInterrupt:
    sys.exit(130)
except (InputError, OSError) as error:
    sys.exit(f"edgecv: error: {{error}}")
"""
    for name in ("old", "new"):
        model = onnx.load(bundle / "main.onnx")
        model.producer_name = name
        onnx.save(model, folder / f"{name}.onnx")
    copy(bundle, target)
    assert stage.run([folder / "old.onnx"], code).status == 0
    shutil.copytree(target, folder / "bundles" / "with_old")

    def state() -> str:
        try:
            with open_bundle(target) as opened:
                graphs = opened.manifest.graphs["main"]
                for graph in graphs:
                    opened.verified_file(graph.file, graph.sha256)
                return onnx.load(target / graphs[1].file).producer_name
        except BundleError as error:
            return str(error)

    sweep = Sweep(
        stage,
        [folder / "new.onnx"],
        lambda: copy(folder / "bundles" / "with_old", target),
        state,
        code=code,
        most=most,
    )
    assert sweep.run() == []
    assert hidden(target) == [] and len(list(target.glob("*.onnx"))) == 2


def test_predict(stage: Stage, bundle: Path, folder: Path, most: int | None) -> None:
    """Images, in place of older results."""
    out = folder / "out"
    for name in ("a", "b"):
        cv2.imwrite(str(folder / f"{name}.png"), np.full((32, 48, 3), 255, np.uint8))

    def prepare() -> None:
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        for name in ("a", "b"):
            (out / f"{name}.json").write_text("{}")
            cv2.imwrite(str(out / f"{name}.jpg"), np.zeros((8, 8, 3), np.uint8))

    def state() -> str:
        new = True
        for name in ("a", "b"):
            record = read_json(out / f"{name}.json")
            if isinstance(record, str):
                return record
            saved = cv2.imread(str(out / f"{name}.jpg"))
            if saved is None:
                return f"{name}.jpg cannot be read"
            new &= "detections" in record and saved.shape == (32, 48, 3)
        return "new" if new else "old"

    words = ["predict", bundle, folder / "a.png", folder / "b.png", "--save", out]
    assert Sweep(stage, words, prepare, state, most=most).run() == []
    assert hidden(out) == []


@pytest.mark.parametrize("replaced", [False, True])
def test_wrap(replaced: bool, stage: Stage, bundle: Path, folder: Path, most: int | None) -> None:
    manifest = folder / "manifest.json"
    record = json.loads((bundle / "bundle.json").read_text())
    for graphs in record["graphs"].values():
        for graph in graphs:
            for key in ("file", "sha256", "precision", "dialect"):
                graph.pop(key, None)
    manifest.write_text(json.dumps(record | {"name": "new"}))
    target = folder / "out" / "bundle"

    def prepare() -> None:
        shutil.rmtree(target.parent, ignore_errors=True)
        if replaced:
            copy(bundle, target)

    words = ["wrap", bundle / "main.onnx", "--manifest", manifest, "--out", target]
    words += ["--overwrite"] if replaced else []

    def following(after: str) -> list[object]:
        # A bundle that is there is not replaced unasked.
        return ["info", target] if after == "new" and not replaced else words

    sweep = Sweep(stage, words, prepare, lambda: named(target, "new"), following, most=most)
    assert sweep.run() == []
    assert hidden(folder / "out") == []


def test_the_manifest_that_inspect_writes(
    stage: Stage, bundle: Path, folder: Path, most: int | None
) -> None:
    path = folder / "out" / "manifest.json"

    def prepare() -> None:
        shutil.rmtree(path.parent, ignore_errors=True)
        path.parent.mkdir()

    def state() -> str:
        if not path.exists():
            return "old"
        record = read_json(path)
        return record if isinstance(record, str) else "new"

    words = ["wrap", bundle / "main.onnx", "--inspect"]
    sweep = Sweep(
        stage,
        [*words, "--manifest", path],
        prepare,
        state,
        lambda after: words if after == "new" else [*words, "--manifest", path],
        most=most,
    )
    assert sweep.run() == []
    assert hidden(folder / "out") == []


def test_thresholds_that_eval_sets(
    stage: Stage, bundle: Path, folder: Path, most: int | None
) -> None:
    target = folder / "out" / "bundle"
    data = folder / "data"
    (data / "val").mkdir(parents=True)
    (data / "annotations").mkdir()
    cv2.imwrite(str(data / "val" / "a.png"), np.full((32, 48, 3), 255, np.uint8))
    record = {
        "images": [{"id": 0, "file_name": "a.png", "height": 32, "width": 48}],
        "annotations": [
            {"id": 1, "image_id": 0, "category_id": 1, "iscrowd": 0, "area": 192}
            | {"bbox": [6, 8, 12, 16]}
        ],
        "categories": [{"id": 1, "name": "left"}, {"id": 2, "name": "right"}],
    }
    (data / "annotations" / "instances_val.json").write_text(json.dumps(record))

    def state() -> str:
        found = bundle_at(target)
        if not isinstance(found, Manifest):
            return str(found)
        return "old" if list(found.thresholds) == [0.5, 0.5] else "new"

    words = ["eval", target, "--data", data, "--set-thresholds"]
    sweep = Sweep(stage, words, lambda: copy(bundle, target), state, most=most)
    assert sweep.run() == []
    assert hidden(target) == []
