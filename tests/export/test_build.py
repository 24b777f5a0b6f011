"""edgecv build: engines listed with their identity, whole or not at all."""

from __future__ import annotations

import errno
import json
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from edgecv.cli.main import main
from edgecv_export.bundle import lock as bundle_lock
from edgecv_export.tensorrt import build as engine_build
from edgecv_export.tensorrt import plan as tensorrt
from edgecv_export.tensorrt import store
from edgecv_export.tensorrt.build import Built, build_engines, check_ports
from edgecv_export.tensorrt.plan import BuildOptions, Plan, Port
from edgecv_export.tensorrt.shape_ranges import ShapeWishes
from edgecv_export.tensorrt.store import add_engine
from edgecv_runtime import Bundle, BundleError, EngineError, InputError
from edgecv_runtime.engines import cache as engine_cache
from edgecv_runtime.engines.built.file import read_engines
from edgecv_runtime.engines.built.record import BuiltEngine
from edgecv_runtime.engines.cache import cache_of_bundle
from helpers.tiny_bundle import write_tiny_bundle

pytest.importorskip("tensorrt_rtx", reason="TensorRT for RTX is not installed")

ADA = BuildOptions(compute_capabilities=(89,))


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EDGECV_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_tiny_bundle(tmp_path / "tiny")


def build(folder: Path, **options: Any) -> list[Built]:
    return build_engines(Bundle.open(folder), "tensorrt_rtx", options=ADA, **options)


def tree(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".lock"
    }


def test_an_engine_is_built_and_listed(folder: Path) -> None:
    before = tree(folder)
    reported: list[Built] = []
    (built,) = build(folder, wishes=ShapeWishes(batch=(1, 2, 4)), report=reported.append)
    assert reported == [built]
    assert read_engines(folder) == [built.engine]
    engine = built.engine
    assert (engine.role, engine.kind, engine.precision) == ("main", "tensorrt_rtx", "fp32")
    assert (engine.gpu, engine.compute_capabilities) == (None, (89,))
    assert engine.graph_sha256 == Bundle.open(folder).manifest.graphs["main"][0].sha256
    assert engine.profile["images"].largest == (4, 3, 32, 48)
    after = tree(folder)
    assert len(after.pop(engine.file)) == built.size > 1000
    del after["engines.json"]
    assert after == before, "the rest of the bundle is left alone"


def test_one_of_the_same_identity_is_replaced_and_others_stay(folder: Path) -> None:
    (first,) = build(folder)
    build(folder, wishes=ShapeWishes(batch=(2, 2, 2)))
    record = replace(first.engine, built="later")
    again = add_engine(folder, record, b"another plan")
    listed = read_engines(folder)
    assert len(listed) == 2 and listed[-1] == again
    assert {f"engines/{path.name}" for path in (folder / "engines").iterdir()} == {
        engine.file for engine in listed
    }, "the file of the engine that was replaced is gone"


def test_a_zip_and_a_read_only_bundle_are_served_from_the_cache(folder: Path) -> None:
    before = tree(folder)
    (built,) = build(folder, read_only=True)
    assert tree(folder) == before
    assert built.folder == cache_of_bundle(folder)
    assert read_engines(built.folder) == [built.engine]


def test_the_cache_of_engines_has_a_limit(
    folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of those of other bundles the ones used longest ago go; other folders are not engines."""
    hour, names = 3600, {name: name * 32 for name in "abcd"}
    for name, ago in ((names["a"], 2), (names["b"], 5), (names["c"], 4), ("checkpoints", 9)):
        (cache / name / "engines").mkdir(parents=True)
        (cache / name / "engines" / "x.plan").write_bytes(b"x" * 900)
        used = time.time() - ago * hour
        os.utime(cache / name, (used, used))
    (cache / names["d"] / "engines").mkdir(parents=True)  # of a build that is at work
    (cache / names["d"] / "engines" / "x.plan").write_bytes(b"x" * 900)
    (built,) = build(folder, read_only=True)
    assert all((cache / name).is_dir() for name in names.values())
    own = sum(path.stat().st_size for path in built.folder.rglob("*") if path.is_file())
    monkeypatch.setattr(engine_cache, "ENGINES_LIMIT", own + 1800)
    build(folder, read_only=True)
    kept = {path.name for path in cache.iterdir()} - {"timing"}
    assert kept == {built.folder.name, names["a"], names["d"], "checkpoints"}
    assert len(read_engines(built.folder)) == 1


def test_what_builds_measured_has_a_limit(
    folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = cache / "timing" / "tensorrt-8.6-sm61.cache"
    old.parent.mkdir(parents=True)
    old.write_bytes(b"x")
    os.utime(old, (0, 0))
    measured = engine_build.build_plan
    monkeypatch.setattr(
        engine_build,
        "build_plan",
        lambda *given, **options: replace(measured(*given, **options), timing_cache=b"measured"),
    )
    monkeypatch.setattr(engine_build, "KERNELS_LIMIT", 0)
    build(folder)
    (new,) = old.parent.iterdir()
    assert new != old and new.read_bytes() == b"measured"


def test_a_folder_that_cannot_be_written_to(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: Any) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(store.tempfile, "TemporaryFile", refuse)
    assert store.store_for(folder) == cache_of_bundle(folder)


@pytest.mark.parametrize("at", [1, 2], ids=["the engine file", "engines.json"])
@pytest.mark.parametrize("earlier", [False, True])
def test_a_full_disk_leaves_all_as_it_was(
    folder: Path, monkeypatch: pytest.MonkeyPatch, at: int, earlier: bool
) -> None:
    if earlier:
        build(folder, wishes=ShapeWishes(batch=(2, 2, 2)))
    before = tree(folder)
    calls = []

    def full(handle: int) -> None:
        calls.append(handle)
        if len(calls) == at:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(
        EngineError, match=r"no space left for the engine of .* MB in .*: free some"
    ):
        build(folder)
    assert len(calls) == at
    assert tree(folder) == before


def test_many_writers_at_once_lose_nothing(folder: Path) -> None:
    (first,) = build(folder)
    failures: list[Exception] = []

    def write(number: int) -> None:
        try:
            add_engine(folder, replace(first.engine, version=f"1.{number}"), b"x" * number)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(1, 17)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    versions = {engine.version for engine in read_engines(folder)}
    assert versions == {first.engine.version, *(f"1.{n}" for n in range(1, 17))}


def test_a_lock_that_is_not_let_go(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle_lock, "LOCK_SECONDS", 0.1)
    (built,) = build(folder)
    with (
        bundle_lock.locked(folder, "engines.json"),
        pytest.raises(EngineError, match="another edgecv build has held"),
    ):
        add_engine(folder, built.engine, b"plan")


def test_an_interrupt_ends_the_build_and_leaves_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = tree(folder)
    make = tensorrt.make_builder

    def interrupting(*arguments: Any) -> Any:
        builder = make(*arguments)

        class Builder:
            """As if Ctrl-C came in the first moment of the build."""

            def __getattr__(self, name: str) -> Any:
                return getattr(builder, name)

            def build_serialized_network(self, network: Any, config: Any) -> Any:
                os.kill(os.getpid(), signal.SIGINT)
                return builder.build_serialized_network(network, config)

        return Builder()

    monkeypatch.setattr(tensorrt, "make_builder", interrupting)
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        build(folder)
    assert signal.getsignal(signal.SIGINT) is handler
    assert tree(folder) == before


def test_an_interrupt_behind_the_last_step_keeps_what_is_listed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace_file = os.replace

    def interrupted(source: Any, target: Any) -> None:
        replace_file(source, target)
        if Path(target).name == "engines.json":
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", interrupted)
        with pytest.raises(KeyboardInterrupt):
            build(folder)
    (engine,) = read_engines(folder)
    assert sha256((folder / engine.file).read_bytes()).hexdigest() == engine.sha256


def test_a_file_that_a_killed_build_has_not_listed_is_removed(folder: Path) -> None:
    (first,) = build(folder)
    before = tree(folder)
    content = b"half a build"
    name = f"engines/main.fp32.tensorrt_rtx.{sha256(content).hexdigest()[:12]}.plan"
    (folder / name).write_bytes(content)
    (folder / "engines" / "mine.plan").write_bytes(content)
    add_engine(folder, first.engine, Path(folder, first.engine.file).read_bytes())
    assert tree(folder).keys() == {*before, "engines/mine.plan"}


def test_a_damaged_list_is_not_written_over(folder: Path) -> None:
    (folder / "engines.json").write_text("{")
    with pytest.raises(BundleError, match=r"engines\.json is not JSON"):
        build(folder)
    assert (folder / "engines.json").read_text() == "{"


def test_options_that_do_not_fit(folder: Path) -> None:
    bundle = Bundle.open(folder)

    def refused(match: str, kind: str = "tensorrt_rtx", **options: Any) -> None:
        with pytest.raises(InputError, match=match):
            build_engines(bundle, kind, options=BuildOptions(**options))

    refused("compute capability 87: expected one of 75, 80", compute_capabilities=(87,))
    refused("has no compatible engines", compute_capabilities=(86,), version_compatible=True)
    refused("has no compatible engines", compute_capabilities=(86,), compatibility="ampere_plus")
    refused('engine "caffe": expected one of tensorrt, tensorrt_rtx', kind="caffe")
    with pytest.raises(BundleError, match=r'no graph "main" in precision "fp16".* it has main'):
        build(folder, precision="fp16")


def test_a_graph_without_a_form_for_tensorrt() -> None:
    bundle = Bundle.open(Path(__file__).parents[1] / "golden" / "bundle_v1_rcnn")
    with pytest.raises(EngineError, match=r'the graph "mask" in fp32 .* `dialects=onnx,t'):
        build_engines(bundle, "tensorrt_rtx", options=ADA)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda ports: ports[:1], "outputs are scores, the manifest has boxes, scores"),
        (lambda ports: [ports[0], replace(ports[1], dtype="float16")], "output boxes .*float16"),
        (
            lambda ports: [ports[0], replace(ports[1], shape=(1, 3, 4))],
            r"output boxes .*\(1, 3, 4\)",
        ),
    ],
)
def test_an_engine_that_is_not_what_the_manifest_says(
    folder: Path, change: Callable[[list[Port]], list[Port]], message: str
) -> None:
    graph = Bundle.open(folder).manifest.graphs["main"][0]
    inputs = [Port("images", "float32", (1, 3, 32, 48))]
    outputs = [Port("scores", "float32", (1, 2, 2)), Port("boxes", "float32", (1, 2, 4))]
    check_ports(graph, Plan(b"", inputs, outputs))
    with pytest.raises(EngineError, match=message):
        check_ports(graph, Plan(b"", inputs, change(outputs)))


def run(*arguments: object) -> int:
    return main([str(each) for each in arguments])


def test_the_command(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    common = ("build", folder, "--engine", "tensorrt_rtx", "--compute-capability", "8.6,120")
    assert run(*common, "--batch", "1,2,4", "--workspace", "256") == 0
    line = capsys.readouterr().out
    assert line.startswith("main: fp32, tensorrt_rtx 1.") and "compute capability 86, 120" in line
    assert run(*common, "--json") == 0
    (record,) = json.loads(capsys.readouterr().out)["engines"]
    assert record["profile"]["images"]["largest"] == [1, 3, 32, 48]
    assert len(read_engines(folder)) == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--compute-capability", "ada"), "expected a list such as 86,89,120"),
        (("--batch", "4,2,1"), "or smallest, typical and largest such as 1,4,8"),
        (("--height-width", "64x64,32x96,96x96"), "expected HEIGHTxWIDTH, or smallest, typical"),
    ],
)
def test_arguments_that_do_not_parse(
    folder: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, str], message: str
) -> None:
    with pytest.raises(SystemExit) as caught:
        run("build", folder, "--engine", "tensorrt_rtx", *options)
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


def test_without_a_gpu_the_capabilities_have_to_be_named(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from edgecv_export.tensorrt import build as module

    def none(index: int) -> None:
        raise EngineError("there is no NVIDIA driver on this machine")

    monkeypatch.setattr(module, "describe_gpu", none)
    assert run("build", folder, "--engine", "tensorrt_rtx") == 2
    error = capsys.readouterr().err
    assert "--compute-capability: no GPU here" in error and "some of 75,80,86,89" in error
    assert error.count("\n") == 1


def test_identity_leaves_out_what_does_not_matter() -> None:
    assert set(BuiltEngine.__dataclass_fields__) - {"built", "file", "sha256"} == set(
        BuiltEngine.identity(BuiltEngine(*([""] * 4), (), "", False, "", False, "", {}, "", "", ""))
    )
