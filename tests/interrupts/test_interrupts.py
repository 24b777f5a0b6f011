"""Commands that are ended at each file-system call: the old state or the new one, and the next run
works. Here some points of each kind; `make interrupts` tries all."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest

from edgecv_runtime import BundleError
from edgecv_runtime.load import open_bundle
from interrupts.sweep import COMMAND, python, run, sweep
from tiny_bundle import write_tiny_bundle

MOST = None if os.environ.get("EDGECV_ALL_INTERRUPTS") else 2

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="strace is Linux's")


@pytest.fixture(autouse=True)
def strace() -> None:
    assert shutil.which("strace"), "these tests need strace: apt install strace"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_bundle(tmp_path_factory.mktemp("bundles") / "tiny")


def hidden(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith(".edgecv-")]


def test_a_bundle_that_is_replaced(bundle: Path, tmp_path: Path) -> None:
    """The end of export, wrap and a checkpoint's export into the cache."""
    target = tmp_path / "out" / "bundle"
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

    def prepare() -> None:
        shutil.rmtree(tmp_path / "out", ignore_errors=True)
        shutil.copytree(bundle, target)

    def state() -> str:
        try:
            with open_bundle(target) as opened:
                (graph,) = opened.manifest.graphs["main"]
                opened.verified_file(graph.file, graph.sha256)
                return "new" if opened.manifest.name == "new" else "old"
        except BundleError as error:
            return str(error)

    assert sweep(python(code), prepare, state, tmp_path / "log", MOST) == []
    assert hidden(tmp_path / "out") == []


def test_a_graph_that_is_added_in_place_of_another(bundle: Path, tmp_path: Path) -> None:
    """The end of build --overwrite."""
    target = tmp_path / "bundle"
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
        onnx.save(model, tmp_path / f"{name}.onnx")

    def prepare() -> None:
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(bundle, target)
        assert run(python(code, tmp_path / "old.onnx")).returncode == 0

    def state() -> str:
        try:
            with open_bundle(target) as opened:
                file = opened.manifest.graphs["main"]
                for graph in file:
                    opened.verified_file(graph.file, graph.sha256)
                return onnx.load(target / file[1].file).producer_name
        except BundleError as error:
            return str(error)

    command = python(code, tmp_path / "new.onnx")
    assert sweep(command, prepare, state, tmp_path / "log", MOST) == []
    assert hidden(target) == [] and len(list(target.glob("*.onnx"))) == 2


def frames_of(path: Path) -> int:
    capture = cv2.VideoCapture(str(path))
    count = 0
    while capture.read()[0]:
        count += 1
    return count


def write_video(path: Path, codec: str, count: int) -> None:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), 25.0, (64, 48))
    for _ in range(count):
        writer.write(np.zeros((48, 64, 3), np.uint8))
    writer.release()


def unreadable_parts(folder: Path) -> list[str]:
    parts = [path for path in folder.glob("*.part*.mp4") if path.stat().st_size]
    return [path.name for path in parts if frames_of(path) == 0]


def test_predict(bundle: Path, tmp_path: Path) -> None:
    """An image and a video; Ctrl-C leaves a part beside an earlier video."""
    out = tmp_path / "out"
    cv2.imwrite(str(tmp_path / "a.png"), np.full((32, 48, 3), 255, np.uint8))
    write_video(tmp_path / "b.avi", "MJPG", 60)
    write_video(tmp_path / "old.mp4", "mp4v", 3)

    def prepare() -> None:
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        (out / "a.json").write_text("{}")
        cv2.imwrite(str(out / "a.jpg"), np.zeros((8, 8, 3), np.uint8))
        shutil.copy(tmp_path / "old.mp4", out / "b.mp4")
        (out / "b.jsonl").write_text("{}\n" * 3)

    def state() -> str:
        try:
            new = "detections" in json.loads((out / "a.json").read_text())
        except ValueError as error:
            return f"a.json: {error}"
        image = cv2.imread(str(out / "a.jpg"))
        if image is None:
            return "a.jpg cannot be read"
        if unreadable := unreadable_parts(out):
            return f"{unreadable} cannot be read"
        lines = len((out / "b.jsonl").read_text().splitlines())
        count = frames_of(out / "b.mp4")
        if lines not in (3, 60) or count not in (3, 60):
            return f"b.jsonl has {lines} lines, b.mp4 {count} frames"
        new = new and image.shape == (32, 48, 3) and (lines, count) == (60, 60)
        return "new" if new else "old"

    sources = (tmp_path / "a.png", tmp_path / "b.avi")
    command = python(COMMAND, "predict", bundle, *sources, "--save", out)
    assert sweep(command, prepare, state, tmp_path / "log", MOST) == []
    assert hidden(out) == []


def test_camera(bundle: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    write_video(tmp_path / "source.avi", "MJPG", 60)
    write_video(tmp_path / "old.mp4", "mp4v", 3)

    def prepare() -> None:
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        shutil.copy(tmp_path / "old.mp4", out / "a.mp4")

    def state() -> str:
        if unreadable := unreadable_parts(out):
            return f"{unreadable} cannot be read"
        count = frames_of(out / "a.mp4")
        # Ctrl-C is the usual end of a live run: what came until then is the new video.
        return "old" if count == 3 else "new" if count else "a.mp4 cannot be read"

    source = tmp_path / "source.avi"
    command = python(
        COMMAND, "camera", bundle, "--source", source, "--save", out / "a.mp4", "--no-show"
    )
    assert sweep(command, prepare, state, tmp_path / "log", MOST) == []
    assert hidden(out) == []
