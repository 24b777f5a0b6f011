"""A model that goes to another process: by fork, by spawn, by pickle."""

import copy
import multiprocessing
import os
import pickle
import shutil
import signal
import threading
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import edgecv
from edgecv_runtime import BundleError, EngineError, InputError
from edgecv_runtime.files.bundle import open_bundle
from edgecv_runtime.models.load import make_model

GOLDEN = Path(__file__).parents[1] / "golden"
IMAGE = np.random.default_rng(1).integers(0, 256, (90, 120, 3), np.uint8)
NAMES = ("bundle_v1", "bundle_v1_rcnn", "bundle_v2_classify", "bundle_v2_segment")

forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


def summary(model, given=IMAGE):
    """Called in the other process; plain values come back."""
    result = model(given)
    return pickle.dumps({key: bits(value) for key, value in vars(result).items()})


def bits(value):
    if isinstance(value, np.ndarray):
        return value.tobytes()
    if isinstance(value, edgecv.Masks):
        return [crop.pixels.tobytes() for crop in value.crops]
    return repr(value)


def in_child(work, seconds=30):
    """What `work()` returns in a forked child, or its exception's text; a hang is an error."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(seconds)
        try:
            found = work()
        except Exception as error:
            found = f"{type(error).__name__}: {error}"
        finally:
            with open(write, "wb") as pipe:
                pipe.write(pickle.dumps(found))
            os._exit(0)
    os.close(write)
    with open(read, "rb") as pipe:
        content = pipe.read()
    _, status = os.waitpid(child, 0)
    assert os.WIFEXITED(status), f"the child hung: it ended by signal {os.WTERMSIG(status)}"
    return pickle.loads(content)


@forks
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("name", NAMES)
def test_a_forked_child_runs_the_parents_model(name, threads):
    model = edgecv.load(GOLDEN / name, engine="onnxruntime", device="cpu", threads=threads)
    expected = summary(model)
    assert in_child(lambda: summary(model)) == expected
    assert summary(model) == expected


@forks
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_fork_while_other_threads_call_the_model_and_use_the_thread_pool():
    model = edgecv.load(GOLDEN / "bundle_v1_rcnn", device="cpu")
    model.thresholds = {"cat": 0.45}
    expected = summary(model)
    stop = threading.Event()

    def work():
        while not stop.is_set():
            model(IMAGE)
            edgecv.ops.nms(np.zeros((1, 4), np.float32), np.zeros(1, np.float32), 0.5)
            model.thresholds = {"cat": 0.45}

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(5):
            found = in_child(
                lambda: (summary(model), model.thresholds["cat"], model.timing.roi_ms > 0)
            )
            assert found == (expected, 0.45, True)
    finally:
        stop.set()
        for thread in threads:
            thread.join()


@forks
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_several_threads_of_a_child_begin_at_once_and_settings_are_kept():
    model = edgecv.load(GOLDEN / "bundle_v1", device="cpu")
    model.thresholds, model.tiles = 0.3, edgecv.Tiles(48)
    expected = summary(model)

    def work():
        found = []
        threads = [threading.Thread(target=lambda: found.append(summary(model))) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return found, model.tiles

    assert in_child(work) == ([expected] * 4, edgecv.Tiles(48))


@forks
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_what_cannot_be_loaded_again_says_so():
    opened = edgecv.load(GOLDEN / "bundle_v1", device="cpu")
    with open_bundle(GOLDEN / "bundle_v1") as bundle:
        made = make_model(bundle, opened.engines, "own", "fp32")
    made(IMAGE)
    assert in_child(lambda: made(IMAGE)) == (
        "EngineError: this model was made from engines before the process forked, and their "
        "threads stayed behind: make it in the child process, or start processes by spawn"
    )
    opened.device = "cuda:1"
    assert in_child(lambda: opened(IMAGE)) == (
        "EngineError: this model was loaded before the process forked, and onnxruntime on cuda:1 "
        "does not survive that: start processes by spawn, or load it in the child process only"
    )


@forks
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_openvino_which_hangs_in_a_forked_child_is_refused_there():
    pytest.importorskip("openvino")
    model = edgecv.load(GOLDEN / "bundle_v1", engine="openvino")
    assert in_child(lambda: model(IMAGE)) == (
        "EngineError: this model was loaded before the process forked, and openvino on cpu does "
        "not survive that: start processes by spawn, or load it in the child process only"
    )
    assert in_child(lambda: edgecv.load(GOLDEN / "bundle_v1", engine="openvino")) == (
        "EngineError: openvino was in use before this process forked, and its threads stayed "
        "behind: start processes by spawn, or use it in the child process only"
    )


@forks
def test_the_core_refuses_by_itself():
    """For pipelines of the core that no model reopens."""
    core = edgecv.load(GOLDEN / "bundle_v1", device="cpu")._state.core
    core.run([IMAGE], ["bgr"])
    assert in_child(lambda: core.run([IMAGE], ["bgr"])) == (
        "EngineError: this model was made before its process forked, and its engine's threads "
        "stayed behind: make it in the child process"
    )


@pytest.mark.parametrize("name", [*NAMES, "bundle_v2_style"])
def test_a_pickled_model_is_the_same_model(name):
    model = edgecv.load(GOLDEN / name, device="cpu", threads=1)
    for copied in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model), copy.copy(model)):
        assert copied is not model and copied.engines.keys() == model.engines.keys()
        assert summary(copied) == summary(model)
        assert copied.origin == model.origin


def test_settings_travel():
    detector = edgecv.load(GOLDEN / "bundle_v1", device="cpu")
    detector.thresholds, detector.tiles = {"cat": 0.4, "dog": 0.2}, edgecv.Tiles(48, whole=True)
    copied = pickle.loads(pickle.dumps(detector))
    assert (copied.thresholds, copied.tiles) == (detector.thresholds, detector.tiles)
    assert summary(copied) == summary(detector)
    copied.thresholds = 0.9
    assert detector.thresholds == {"cat": 0.4, "dog": 0.2}

    segmenter = edgecv.load(GOLDEN / "bundle_v2_segment", device="cpu")
    for windows in (None, {"size": (24, 16), "overlap": 0.5}):
        segmenter.windows = windows
        copied = pickle.loads(pickle.dumps(segmenter))
        assert copied.windows == segmenter.windows
        assert summary(copied) == summary(segmenter)

    stylizer = edgecv.load(GOLDEN / "bundle_v2_style", device="cpu")
    stylizer.tiling = "always"
    assert pickle.loads(pickle.dumps(stylizer)).tiling == "always"


@pytest.mark.parametrize("name", [*NAMES, "bundle_v2_style"])
def test_results_travel(name):
    result = edgecv.load(GOLDEN / name, device="cpu")(IMAGE)
    for copied in (pickle.loads(pickle.dumps(result)), copy.deepcopy(result)):
        assert type(copied) is type(result)
        assert {k: bits(v) for k, v in vars(copied).items()} == {
            k: bits(v) for k, v in vars(result).items()
        }


def test_a_manifest_travels():
    manifest = edgecv.load(GOLDEN / "bundle_v1_rcnn", device="cpu").manifest
    for copied in (pickle.loads(pickle.dumps(manifest)), copy.deepcopy(manifest)):
        assert copied.to_json() == manifest.to_json()


def test_a_path_that_was_relative_is_found_from_another_folder(tmp_path, monkeypatch):
    shutil.copytree(GOLDEN / "bundle_v1", tmp_path / "here" / "bundle")
    monkeypatch.chdir(tmp_path / "here")
    content = pickle.dumps(edgecv.load("bundle", device="cpu"))
    monkeypatch.chdir(tmp_path)
    assert pickle.loads(content).manifest.task == "detect"


def test_a_zip_is_opened_again(tmp_path):
    archive = shutil.make_archive(str(tmp_path / "bundle"), "zip", GOLDEN / "bundle_v1")
    model = edgecv.load(archive, device="cpu")
    assert summary(pickle.loads(pickle.dumps(model))) == summary(model)


def test_another_bundle_in_its_place_is_refused(tmp_path):
    shutil.copytree(GOLDEN / "bundle_v1", tmp_path / "bundle")
    content = pickle.dumps(edgecv.load(tmp_path / "bundle", device="cpu"))
    shutil.rmtree(tmp_path / "bundle")
    with pytest.raises(BundleError, match="does not exist"):
        pickle.loads(content)
    shutil.copytree(GOLDEN / "bundle_v2_classify", tmp_path / "bundle")
    with pytest.raises(BundleError, match="is another bundle than the one that this model was"):
        pickle.loads(content)


def test_a_model_from_elsewhere_is_not_pickled():
    opened = edgecv.load(GOLDEN / "bundle_v1", device="cpu")
    with open_bundle(GOLDEN / "bundle_v1") as bundle:
        made = make_model(bundle, opened.engines, "own", "fp32")
    for action in (pickle.dumps, copy.deepcopy):
        with pytest.raises(InputError, match="made from engines that were open already") as caught:
            action(made)
        assert "\n" not in str(caught.value)


def test_a_pool_of_processes():
    model = edgecv.load(GOLDEN / "bundle_v1_rcnn", device="cpu", threads=1)
    model.thresholds = 0.45
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, context) as pool:
        assert pool.submit(summary, model, IMAGE).result(timeout=60) == summary(model)
        with pytest.raises(EngineError):
            pool.submit(fails).result(timeout=60)


def fails():
    raise EngineError("on purpose")
