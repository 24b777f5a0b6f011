"""A bundle that is replaced while it is loaded: the old one or the new one, never a mixture."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

import edgecv
from edgecv_runtime import BundleError, EngineError
from edgecv_runtime._core import HashedFile
from edgecv_runtime.files.whole import new_folder, write_file
from helpers.tiny_bundle import write_tiny_bundle

load_module = importlib.import_module("edgecv_runtime.models.load")  # `load` is the function, too
ENGINES = ("onnxruntime", "openvino")


def generation(folder: Path, number: int) -> Path:
    """A bundle whose labels and scores say which one it is."""
    write_tiny_bundle(folder / "tiny")
    model = onnx.load(folder / "tiny" / "main.onnx")
    (scores,) = (each for each in model.graph.initializer if each.name == "white_scores")
    value = np.array([[[0.5 + number / 10, 0], [0, 0]]], np.float32)
    scores.CopyFrom(numpy_helper.from_array(value, "white_scores"))
    content = model.SerializeToString()
    manifest = json.loads((folder / "tiny" / "bundle.json").read_text())
    manifest["labels"] = [f"left {number}", f"right {number}"]
    manifest["graphs"]["main"][0]["sha256"] = sha256(content).hexdigest()
    shutil.rmtree(folder / "tiny")
    (folder / "main.onnx").write_bytes(content)
    (folder / "bundle.json").write_text(json.dumps(manifest))
    return folder


def replace(bundle: Path, number: int) -> None:
    with new_folder(bundle, replace=True) as draft:
        generation(draft, number)


def number_of(model: Any) -> tuple[int, int]:
    """The generation that the labels say, and the one that the graph says."""
    result = model(np.full((32, 48, 3), 255, np.uint8))
    return int(result.names[0].split()[1]), round(10 * (float(result.scores.max()) - 0.5))


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    pytest.importorskip(request.param)
    return str(request.param)


def test_replaced_between_manifest_and_graph(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    bundle = generation(tmp_path / "bundle", 1)
    choose = load_module.choose

    def late(*arguments: Any) -> Any:
        monkeypatch.setattr(load_module, "choose", choose)
        replace(bundle, 2)
        return choose(*arguments)

    monkeypatch.setattr(load_module, "choose", late)
    assert number_of(edgecv.load(bundle, engine=engine)) == (2, 2)


def test_replaced_between_hash_and_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    bundle = generation(tmp_path / "bundle", 1)
    open_engines = load_module.open_engines

    def late(*arguments: Any) -> Any:
        replace(bundle, 2)
        return open_engines(*arguments)

    monkeypatch.setattr(load_module, "open_engines", late)
    assert number_of(edgecv.load(bundle, engine=engine)) == (1, 1)
    assert number_of(edgecv.load(bundle, engine=engine)) == (2, 2)


def test_written_into_while_it_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    """As by cp: then the file that was hashed is another one itself."""
    bundle = generation(tmp_path / "bundle", 1)
    other = generation(tmp_path / "other", 2)
    open_engines = load_module.open_engines

    def late(*arguments: Any) -> Any:
        shutil.copy(other / "main.onnx", bundle / "main.onnx")
        return open_engines(*arguments)

    monkeypatch.setattr(load_module, "open_engines", late)
    with pytest.raises(BundleError, match=r"main.onnx was written to while it was loaded"):
        edgecv.load(bundle, engine=engine)


def test_a_bundle_that_is_replaced_again_and_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = generation(tmp_path / "bundle", 1)
    choose = load_module.choose
    calls: list[int] = []

    def late(*arguments: Any) -> Any:
        calls.append(1)
        replace(bundle, 1 + len(calls) % 2)
        return choose(*arguments)

    pauses: list[float] = []
    monkeypatch.setattr(load_module, "choose", late)
    monkeypatch.setattr(load_module, "time", SimpleNamespace(sleep=pauses.append))
    with pytest.raises(BundleError, match="was replaced since it was opened: open it again"):
        edgecv.load(bundle)
    assert len(calls) == 21
    assert pauses == sorted(pauses) and pauses[0] == 0.001 and 2 < sum(pauses) < 4


def test_loads_beside_a_process_that_replaces(tmp_path: Path) -> None:
    bundle = generation(tmp_path / "bundle", 1)
    generation(tmp_path / "two", 2)
    code = f"""
import shutil, time
from edgecv_runtime.files.whole import new_folder
print("ready", flush=True)
shutil.copytree({str(bundle)!r}, {str(tmp_path / "one")!r})
while True:
    for name in ("two", "one"):
        with new_folder({str(bundle)!r}, replace=True) as draft:
            shutil.copytree({str(tmp_path)!r} + "/" + name, draft, dirs_exist_ok=True)
        time.sleep(0.03)  # a load is repeated 20 times at most
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None and other.stdout.readline()
        try:
            found = [number_of(edgecv.load(bundle, threads=1)) for _ in range(60)]
        finally:
            other.kill()
    assert set(found) <= {(1, 1), (2, 2)}


def test_a_plan_is_held_too(tmp_path: Path) -> None:
    write_file(tmp_path / "a.plan", b"plan")
    file = HashedFile.open(tmp_path / "a.plan")
    write_file(tmp_path / "a.plan", b"another plan")
    assert Path(file).read_bytes() == b"plan" and str(file) == str(tmp_path / "a.plan")
    file.require_unchanged()
    with pytest.raises(BundleError, match="is not a regular file"):
        HashedFile.open(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BundleError, match="is not a regular file"):
        HashedFile.open(tmp_path / "pipe")


def test_errors_of_engines_name_the_file(tmp_path: Path, engine: str) -> None:
    bundle = generation(tmp_path / "bundle", 1)
    write_file(bundle / "main.onnx", b"no graph")
    manifest = json.loads((bundle / "bundle.json").read_text())
    manifest["graphs"]["main"][0]["sha256"] = HashedFile.open(bundle / "main.onnx").sha256
    write_file(bundle / "bundle.json", json.dumps(manifest))
    with pytest.raises((EngineError, BundleError), match=r"main\.onnx") as caught:
        edgecv.load(bundle, engine=engine)
    assert "/proc/" not in str(caught.value)
