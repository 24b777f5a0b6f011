"""engines.json: what is read, what is refused, and which engine fits which machine."""

import hashlib
import json
import os
import time
from pathlib import Path

import pytest

from edgecv_runtime import Bundle, BundleError, EngineError
from edgecv_runtime.engines.built.file import read_engines, to_json
from edgecv_runtime.engines.built.record import BuiltEngine, ShapeRange
from edgecv_runtime.engines.built.search import fitting_engine
from edgecv_runtime.engines.cache import cache_of_bundle
from edgecv_runtime.engines.nvidia.gpu import Gpu
from helpers.tiny_bundle import write_tiny_bundle

ORIN = Gpu("Orin", 87)
PLAN = b"a plan"
IMAGES = ShapeRange((1, 3, 32, 48), (2, 3, 32, 48), (4, 3, 32, 48))


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("EDGECV_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def bundle(tmp_path):
    return Bundle.open(write_tiny_bundle(tmp_path / "tiny"))


def engine(bundle, **changes):
    record = {
        "role": "main",
        "kind": "tensorrt",
        "version": "10.3.0",
        "gpu": "Orin",
        "compute_capabilities": (87,),
        "compatibility": "none",
        "version_compatible": False,
        "precision": "fp32",
        "tf32": False,
        "graph_sha256": bundle.manifest.graphs["main"][0].sha256,
        "profile": {"images": IMAGES},
        "built": "2026-11-24T12:00:00+00:00",
        "file": "engines/a.plan",
        "sha256": hashlib.sha256(PLAN).hexdigest(),
    }
    return BuiltEngine(**record | changes)


def put(folder, *engines):
    (folder / "engines").mkdir(parents=True, exist_ok=True)
    for each in engines:
        (folder / each.file).write_bytes(PLAN)
    (folder / "engines.json").write_text(to_json(list(engines)))


def find(bundle, version="10.3.0", gpu=ORIN, kind="tensorrt", precision="fp32"):
    file, engine = fitting_engine(bundle, "main", kind, precision, version, gpu)
    return Path(str(file)), engine


def folder_of(bundle):
    return Path(bundle.folder)


def test_what_is_written_is_read(bundle):
    engines = [engine(bundle), engine(bundle, kind="tensorrt_rtx", gpu=None, precision="fp16")]
    put(folder_of(bundle), *engines)
    assert read_engines(bundle.folder) == engines


def test_no_file_means_no_engines(tmp_path):
    assert read_engines(tmp_path) == []


def test_the_fitting_engine_is_found(bundle):
    put(folder_of(bundle), engine(bundle, version="10.7.0", file="engines/b.plan"), engine(bundle))
    path, found = find(bundle)
    assert path == folder_of(bundle) / "engines/a.plan"
    assert found.profile["images"].largest == (4, 3, 32, 48)


def test_of_several_that_fit_the_latest_is_taken(bundle):
    later = engine(bundle, built="2026-11-24T13:00:00+00:00", file="engines/b.plan", profile={})
    put(folder_of(bundle), later, engine(bundle))
    assert find(bundle)[0].name == "b.plan"


def test_the_cache_serves_bundles_that_cannot_be_written_to(bundle):
    put(cache_of_bundle(bundle.folder), engine(bundle))
    os.utime(cache_of_bundle(bundle.folder), (0, 0))
    assert find(bundle)[0] == cache_of_bundle(bundle.folder) / "engines/a.plan"
    # It was used just now, and is not the next to go when the cache is full.
    assert time.time() - cache_of_bundle(bundle.folder).stat().st_mtime < 600


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"version": "10.7.0"}, r"it is for TensorRT 10\.7\.0, this is 10\.3\.0"),
        ({"gpu": "RTX 3060", "compute_capabilities": (86,)}, r"for RTX 3060, .* is Orin \(8\.7\)"),
        ({"gpu": "Orin Nano"}, r"it is for Orin Nano, this GPU is Orin \(8\.7\)"),
        ({"graph_sha256": "0" * 64}, "its graph has changed since"),
    ],
)
def test_one_that_does_not_fit_says_why(bundle, changes, message):
    put(folder_of(bundle), engine(bundle, **changes))
    with pytest.raises(EngineError, match=message) as caught:
        find(bundle)
    command = f"run edgecv build {bundle.folder} --engine tensorrt --precision fp32"
    assert str(caught.value).endswith(command)


def test_none_of_the_kind_or_precision(bundle):
    with pytest.raises(EngineError, match='has no tensorrt engine for its graph "main" in fp32: '):
        find(bundle)
    put(folder_of(bundle), engine(bundle))
    with pytest.raises(EngineError, match=r"in fp16 \(only tensorrt fp32\): run edgecv build"):
        find(bundle, precision="fp16")
    with pytest.raises(EngineError, match="--engine tensorrt_rtx"):
        find(bundle, kind="tensorrt_rtx")


def test_built_ahead_of_time_for_capabilities(bundle):
    put(
        folder_of(bundle),
        engine(bundle, kind="tensorrt_rtx", gpu=None, compute_capabilities=(86, 89)),
    )
    assert find(bundle, kind="tensorrt_rtx", gpu=Gpu("any Ada", 89))
    with pytest.raises(EngineError, match=r"for compute capability 8\.6, 8\.9, .* Orin \(8\.7\)"):
        find(bundle, kind="tensorrt_rtx")


def test_compatible_engines_fit_more(bundle):
    put(folder_of(bundle), engine(bundle, compatibility="ampere_plus", version_compatible=True))
    assert find(bundle, "10.7.0", Gpu("RTX 4090", 89))
    for version, gpu in (("10.2.9", ORIN), ("11.4.0", ORIN), ("10.3.0", Gpu("T4", 75))):
        with pytest.raises(EngineError, match="does not fit"):
            find(bundle, version, gpu)
    put(folder_of(bundle), engine(bundle, compatibility="same_compute_capability"))
    assert find(bundle, gpu=Gpu("Orin Nano", 87))
    with pytest.raises(EngineError, match="does not fit"):
        find(bundle, gpu=Gpu("RTX 4090", 89))


def test_an_altered_or_missing_file_is_noticed(bundle):
    put(folder_of(bundle), engine(bundle))
    path = folder_of(bundle) / "engines/a.plan"
    path.write_bytes(b"another plan")
    with pytest.raises(
        BundleError, match=r"a\.plan differs from engines\.json .*: run edgecv build"
    ):
        find(bundle)
    path.unlink()
    with pytest.raises(BundleError, match=r"a\.plan: No such file or directory: run edgecv build"):
        find(bundle)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("schema",), 2, "schema 2; this edgecv reads 1"),
        (("surprise",), 1, "surprise: expected one of engines, schema"),
        (("engines",), {}, "engines: expected a list"),
        (("engines", 0, "kind"), "caffe", r"engines\[0\]\.kind: expected one of tensorrt, "),
        (("engines", 0, "kind"), [], r"engines\[0\]\.kind: expected one of"),
        (("engines", 0, "file"), "../a.plan", r"file: expected a path that stays in the folder"),
        (("engines", 0, "file"), "/a.plan", r"file: expected a path that stays in the folder"),
        (("engines", 0, "sha256"), "zz", r"sha256: expected 64 hex digits"),
        (("engines", 0, "compute_capabilities"), [8.6], "expected a list of numbers such as 86"),
        (("engines", 0, "compatibility"), "all", r"compatibility: expected one of none"),
        (("engines", 0, "tf32"), 1, r"tf32: expected true or false"),
        (("engines", 0, "profile", "images", "min"), [9, 3, 32, 48], "of one rank and rising"),
        (("engines", 0, "profile", "images", "min"), [3, 32, 48], "of one rank and rising"),
        (("engines", 0, "profile", "images", "most"), [1], "expected one of max, min, opt"),
    ],
)
def test_a_damaged_list_names_the_key(bundle, path, value, message):
    put(folder_of(bundle), engine(bundle))
    file = folder_of(bundle) / "engines.json"
    record = json.loads(file.read_text())
    target = record
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = value
    file.write_text(json.dumps(record))
    with pytest.raises(BundleError, match=message) as caught:
        read_engines(bundle.folder)
    assert str(file) in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"schema": 1', "is not JSON"),
        (b"\xff\xfe\x00", "is not text"),
        (b"[" * 100_000, "nested too deeply|is not JSON"),
        (b"[]", "the file: expected an object"),
        (b'{"schema": 1}', "the file.engines: expected it to be there"),
    ],
)
def test_no_list_at_all(tmp_path, content, message):
    (tmp_path / "engines.json").write_bytes(content)
    with pytest.raises(BundleError, match=message):
        read_engines(tmp_path)
