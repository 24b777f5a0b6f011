"""From folder or zip to a model; what cannot be loaded says why."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

import edgecv
from edgecv import BundleError, EngineError, InputError
from edgecv_runtime.files.bundle import open_bundle
from helpers.tiny_bundle import write_tiny_bundle

WHITE = np.full((64, 96, 3), 255, np.uint8)


@pytest.fixture
def folder(tmp_path):
    return write_tiny_bundle(tmp_path / "tiny")


def test_a_folder_and_its_zip_give_the_same(folder, tmp_path):
    expected = edgecv.load(folder)(WHITE).to_dict()["detections"]
    assert len(expected) == 2
    for prefix in ("", "tiny/"):
        archive = tmp_path / "tiny.zip"
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
            for file in folder.iterdir():
                zipped.write(file, prefix + file.name)
        assert edgecv.load(archive)(WHITE).to_dict()["detections"] == expected


def test_what_is_chosen_is_told(folder):
    model = edgecv.load(folder, engine="onnxruntime", device="cpu", precision="fp32", threads=1)
    assert (model.engine_name, model.precision, model.names) == (
        "onnxruntime",
        "fp32",
        ["left", "right"],
    )


def test_what_is_asked_for_and_not_there_is_an_error(folder):
    with pytest.raises(BundleError, match="int8"):
        edgecv.load(folder, precision="int8")
    with pytest.raises(EngineError, match="caffe"):
        edgecv.load(folder, engine="caffe")
    with pytest.raises(InputError, match="threads: expected 1 to 1024, got 0"):
        edgecv.load(folder, threads=0)


def test_no_bundle(tmp_path):
    with pytest.raises(BundleError, match="does not exist"):
        edgecv.load(tmp_path / "nowhere")
    with pytest.raises(BundleError, match=r"bundle\.json"):
        edgecv.load(tmp_path)
    (tmp_path / "model.txt").write_bytes(b"x")
    with pytest.raises(BundleError, match="is not a bundle"):
        edgecv.load(tmp_path / "model.txt")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("net.onnx", r"net\.onnx is an ONNX file, not a bundle: edgecv wrap .*net\.onnx --inspect"),
        ("w.safetensors", "has weights only, not a bundle: edgecv export ARCHITECTURE --weights"),
    ],
)
def test_files_that_become_bundles_name_the_command(tmp_path, name, message):
    (tmp_path / name).write_bytes(b"\x08\x08")
    with pytest.raises(BundleError, match=message):
        edgecv.load(tmp_path / name)


def test_an_altered_or_missing_file_is_noticed(folder):
    graph = folder / "main.onnx"
    data = bytearray(graph.read_bytes())
    data[-1] ^= 1
    graph.write_bytes(data)
    with pytest.raises(BundleError, match=r"main\.onnx differs from bundle\.json"):
        edgecv.load(folder)
    graph.unlink()
    with pytest.raises(BundleError, match=r"main\.onnx"):
        edgecv.load(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema": 4}, "schema 4"),
        ({"surprise": 1}, "surprise: unknown key"),
        ({"labels": ["one"]}, "labels"),
    ],
)
def test_a_manifest_that_does_not_fit(folder, change, message):
    manifest = json.loads((folder / "bundle.json").read_text()) | change
    (folder / "bundle.json").write_text(json.dumps(manifest))
    with pytest.raises(BundleError, match=message) as caught:
        edgecv.load(folder)
    assert "\n" not in str(caught.value)


def test_zips_that_are_not_trusted(folder, tmp_path):
    leaving = tmp_path / "leaving.zip"
    with zipfile.ZipFile(leaving, "w") as zipped:
        zipped.writestr("../bundle.json", "{}")
    with pytest.raises(BundleError, match="a path that leaves it"):
        edgecv.load(leaving)
    assert not (tmp_path.parent / "bundle.json").exists()

    empty = tmp_path / "empty.zip"
    with zipfile.ZipFile(empty, "w") as zipped:
        zipped.writestr("readme.txt", "no bundle")
    with pytest.raises(BundleError, match=r"holds no bundle\.json"):
        edgecv.load(empty)

    shutil.make_archive(str(tmp_path / "cut"), "zip", folder)
    whole = (tmp_path / "cut.zip").read_bytes()
    start = whole.index(b"main.onnx") + 60
    (tmp_path / "cut.zip").write_bytes(whole[:start] + bytes(50) + whole[start + 50 :])
    with pytest.raises(BundleError, match=r"damaged|differs from"):
        edgecv.load(tmp_path / "cut.zip")


GOLDEN_ZIPS = Path(__file__).parents[1] / "golden" / "zips"
EXPECTED_OF_ZIPS = [
    line.split("\t") for line in (GOLDEN_ZIPS / "expected.tsv").read_text().splitlines()
]


@pytest.mark.parametrize(("file", "error"), EXPECTED_OF_ZIPS)
def test_zips_say_what_they_say_in_cpp(file, error):
    """tests/cpp/bundle/test_source.cpp reads the same."""
    try:
        with open_bundle(GOLDEN_ZIPS / file) as bundle:
            assert bundle.manifest.name == "golden"
            said = ""
    except BundleError as refusal:
        said = str(refusal).replace(str(GOLDEN_ZIPS / file), "ZIP")
    # The cause is worded by zipfile, differently in each version.
    cause = r"damaged \(.*\)|cannot be read: [\w ]+"
    damaged = rf"ZIP: ({cause}); expected the \.zip of a bundle: copy it again"
    assert said == error or (re.fullmatch(damaged, error) and re.fullmatch(damaged, said))


def test_a_bomb_is_refused(folder, tmp_path, monkeypatch):
    monkeypatch.setattr("edgecv_runtime.files.bundle.MAX_UNPACKED_BYTES", 100)
    shutil.make_archive(str(tmp_path / "bomb"), "zip", folder)
    with pytest.raises(BundleError, match="unpacks to more than"):
        edgecv.load(tmp_path / "bomb.zip")


def test_a_process_that_is_killed_while_it_loads_a_zip_leaves_nothing_for_long(tmp_path):
    """What it unpacked goes with the next zip that is loaded."""
    archive = shutil.make_archive(tmp_path / "tiny", "zip", write_tiny_bundle(tmp_path / "tiny"))
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    code = (
        "import importlib, os, signal, sys\n"
        "module = importlib.import_module('edgecv_runtime.models.load')\n"
        "if sys.argv[2:]: module.choose = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "module.load(sys.argv[1])"
    )
    environment = {**os.environ, "TMPDIR": str(temporary)}
    done = subprocess.run([sys.executable, "-c", code, archive, "killed"], env=environment)
    assert done.returncode == -signal.SIGKILL and len(list(temporary.iterdir())) == 1
    subprocess.run([sys.executable, "-c", code, archive], env=environment, check=True)
    assert list(temporary.iterdir()) == []
