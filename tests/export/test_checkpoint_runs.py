"""A checkpoint where a bundle is expected: exported once to the cache, or the command is named."""

from __future__ import annotations

import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

import edgecv
import edgecv_export
from edgecv.cli.checkpoints import cache as checkpoint_cache
from edgecv.cli.checkpoints.bundle import is_checkpoint
from edgecv.cli.main import main
from edgecv.models import registry
from edgecv.models.weights.checkpoint import Checkpoint, save_checkpoint
from edgecv_runtime import BundleError

ARGUMENTS = {"num_classes": 4, "size": [64, 96], "width": 8}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    module = registry.create("ssd_tiny", **ARGUMENTS)
    path = tmp_path_factory.mktemp("run") / "best.pt"
    facts = {"epoch": 3, "precision": {"map": 0.25}, "settings": {"data": "d", "size": [64, 96]}}
    labels = ["ant", "bee", "cow"]
    save_checkpoint(
        path,
        Checkpoint("ssd_tiny", ARGUMENTS, labels, module.input, module.state_dict(), facts),
    )
    return path


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def own_cache(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGECV_CACHE", str(cache))


@pytest.fixture
def image_file(tmp_path: Path) -> Path:
    pixels = np.random.default_rng(0).integers(0, 255, (90, 120, 3), dtype=np.uint8)
    cv2.imwrite(str(tmp_path / "image.png"), pixels)
    return tmp_path / "image.png"


def test_predict_gives_what_the_exported_bundle_gives(
    checkpoint: Path, image_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--threshold", "0.01", "--json"]
    assert main(["predict", str(checkpoint), str(image_file), *words]) == 0
    first = capsys.readouterr()
    assert f"{checkpoint} is a checkpoint: exporting it, once, to " in first.err
    assert main(["export", str(checkpoint), "--out", str(tmp_path / "bundle")]) == 0
    capsys.readouterr()
    assert main(["predict", str(tmp_path / "bundle"), str(image_file), *words]) == 0
    assert json.loads(first.out) == json.loads(capsys.readouterr().out)
    # The cache knows the file by its content.
    shutil.copy(checkpoint, tmp_path / "renamed.pth")
    assert main(["predict", str(tmp_path / "renamed.pth"), str(image_file), *words]) == 0
    again = capsys.readouterr()
    assert "exporting" not in again.err
    assert json.loads(again.out) == json.loads(first.out)


def test_the_second_time_torch_is_not_loaded(checkpoint: Path, image_file: Path) -> None:
    assert main(["predict", str(checkpoint), str(image_file)]) == 0
    script = (
        "import sys; from edgecv.cli.main import main; "
        f"status = main(['predict', {str(checkpoint)!r}, {str(image_file)!r}]); "
        "sys.exit(status or 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_changed_exporter_exports_again(
    checkpoint: Path, image_file: Path, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predict", str(checkpoint), str(image_file)]) == 0
    (bundle,) = (cache / "checkpoints").iterdir()
    assert checkpoint_cache.folder_of(checkpoint) == bundle
    code = Path(edgecv_export.__path__[0], "errors.py")
    read = Path.read_bytes

    def changed(path: Path) -> bytes:
        return read(path) + (b"# another line" if path == code else b"")

    for target, name, value in (
        (Path, "read_bytes", changed),
        (importlib.metadata, "version", lambda package: "2.99"),
    ):
        checkpoint_cache.exporter.cache_clear()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(target, name, value)
            other = checkpoint_cache.folder_of(checkpoint)
        assert other.parent == bundle.parent and other != bundle
    checkpoint_cache.exporter.cache_clear()
    assert checkpoint_cache.folder_of(checkpoint) == bundle


def test_the_cache_has_a_limit(
    checkpoint: Path, image_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGECV_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "cache" / "checkpoints"
    hour = 3600
    # Name, bytes, and hours since its last use.
    for name, size, ago in (("a", 900, 2), ("b", 900, 5), ("c", 900, 4), ("d", 900, 0)):
        (folder / name / "engines").mkdir(parents=True)
        (folder / name / "engines" / "x.plan").write_bytes(b"x" * size)
        used = time.time() - ago * hour
        os.utime(folder / name, (used, used))
    new = checkpoint_cache.folder_of(checkpoint)
    assert main(["predict", str(checkpoint), str(image_file)]) == 0
    assert {path.name for path in folder.iterdir()} == {"a", "b", "c", "d", new.name}
    size = sum(path.stat().st_size for path in new.iterdir())
    monkeypatch.setattr(checkpoint_cache, "LIMIT", size + 1800)
    checkpoint_cache.make_room(new)
    assert {path.name for path in folder.iterdir()} == {"a", "d", new.name}
    # What runs is used: it is not the next to go.
    os.utime(new, (0, 0))
    assert main(["predict", str(checkpoint), str(image_file)]) == 0
    assert time.time() - new.stat().st_mtime < hour
    monkeypatch.setattr(checkpoint_cache, "LIMIT", 0)
    checkpoint_cache.make_room(new)
    assert {path.name for path in folder.iterdir()} == {"d", new.name}


def test_benchmark_takes_it(checkpoint: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--runs", "1", "--warmup", "1", "--json"]
    assert main(["benchmark", str(checkpoint), *words]) == 0
    assert json.loads(capsys.readouterr().out)["architecture"] == "ssd_tiny"


def test_info_describes_it(checkpoint: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", str(checkpoint), "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert (record["architecture"], record["task"]) == ("ssd_tiny", "detect")
    assert record["arguments"] == ARGUMENTS
    assert record["training"]["epoch"] == 3
    assert record["bytes"] == checkpoint.stat().st_size
    assert main(["info", str(checkpoint)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(maxsplit=1) for line in lines if line.startswith("labels")] == [
        ["labels", "ant, bee, cow"]
    ]


def test_build_names_the_commands(checkpoint: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["build", str(checkpoint), "--precision", "fp16"]) == 2
    line = capsys.readouterr().err
    assert f"edgecv export {checkpoint} --out best, then edgecv build best" in line


def test_python_names_the_command(checkpoint: Path) -> None:
    with pytest.raises(
        BundleError, match=r"is a checkpoint, not a bundle: edgecv export .* --out best"
    ):
        edgecv.load(checkpoint)


def test_weights_of_others_are_explained(
    tmp_path: Path, image_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.save({"model": registry.create("ssd_tiny", **ARGUMENTS).state_dict()}, tmp_path / "w.pth")
    for command in (
        ["predict", str(tmp_path / "w.pth"), str(image_file)],
        ["eval", str(tmp_path / "w.pth"), "--data", str(tmp_path)],
        ["info", str(tmp_path / "w.pth")],
    ):
        assert main(command) == 2
        line = capsys.readouterr().err.splitlines()[-1]
        assert "no checkpoint of edgecv train but a dict with model" in line
        assert "edgecv export ARCHITECTURE --weights w.pth" in line
    torch.save(registry.create("ssd_tiny", **ARGUMENTS).state_dict(), tmp_path / "w.pth")
    assert main(["predict", str(tmp_path / "w.pth"), str(image_file)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "no checkpoint of edgecv train but weights alone (" in line
    assert main(["predict", str(tmp_path / "none.pt"), str(image_file)]) == 2
    assert "none.pt: no such file; expected a bundle, or a checkpoint" in capsys.readouterr().err


@pytest.mark.parametrize(("kind", "status"), [("ExportError", 2), ("RefusedError", 3)])
def test_a_failed_export_is_one_line(
    kind: str,
    status: int,
    checkpoint: Path,
    image_file: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from edgecv_export import errors, exporting

    def fail(*_: object, **__: object) -> None:
        raise getattr(errors, kind)("the bundle gives other results")

    monkeypatch.setattr(exporting, "export", fail)
    monkeypatch.setenv("EDGECV_CACHE", str(tmp_path / "empty"))
    assert main(["predict", str(checkpoint), str(image_file)]) == status
    line = capsys.readouterr().err.splitlines()[-1]
    assert (
        "its export failed: the bundle gives other results; to see the report: edgecv export"
        in line
    )


def test_what_is_a_checkpoint(checkpoint: Path, tmp_path: Path) -> None:
    shutil.copy(checkpoint, tmp_path / "no_suffix")
    (tmp_path / "bundle.pt").mkdir()
    shutil.make_archive(str(tmp_path / "b"), "zip", checkpoint.parent)
    assert is_checkpoint(checkpoint)
    assert is_checkpoint(tmp_path / "no_suffix")
    assert is_checkpoint("none.pth")
    assert not is_checkpoint(tmp_path / "bundle.pt")
    assert not is_checkpoint(tmp_path / "b.zip")
    assert not is_checkpoint(tmp_path / "none")
