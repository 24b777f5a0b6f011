"""One model called from several threads: results are those of single calls, bit for bit."""

import asyncio
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import edgecv
from edgecv_runtime import Engine, EngineError
from edgecv_runtime.files.bundle import open_bundle
from edgecv_runtime.models.load import make_model
from helpers.fake_tensorrt import fake_plan

GOLDEN = Path(__file__).parents[1] / "golden"
THREADS, CALLS = 4, 25


def image(index, channels=3):
    rng = np.random.default_rng(index)
    height, width = (64, 64) if channels != 3 else (40 + 16 * (index % 4), 56 + 24 * (index % 3))
    shape = (height, width) if channels == 1 else (height, width, channels)
    return rng.integers(0, 256, shape, np.uint8)


IMAGES = [image(index) for index in range(8)]


def bits(result):
    """All that a result holds, as bytes."""
    found = [
        getattr(result, name).tobytes()
        for name in ("boxes", "scores", "labels", "probabilities", "mask", "masks")
        if isinstance(getattr(result, name, None), np.ndarray)
    ]
    if isinstance(result, edgecv.Stylized):
        found.append(result.image.tobytes())
    return (*found, result.image_size)


def in_threads(work, count=THREADS):
    """Runs `work(number)` in threads and raises what they raise."""
    with ThreadPoolExecutor(count) as pool:
        for future in [pool.submit(work, number) for number in range(count)]:
            future.result(timeout=120)


def compare(model, call=None, images=IMAGES):
    call = call or model
    expected = [bits(call(each)) for each in images]
    assert len(set(expected)) > 1
    wrong = []

    def work(number):
        order = np.random.default_rng(number).integers(0, len(images), CALLS)
        wrong.extend(i for i in order if bits(call(images[i])) != expected[i])

    in_threads(work)
    assert wrong == []


BUNDLES = ("bundle_v1", "bundle_v1_rcnn", "bundle_v2_classify", "bundle_v2_segment")


@pytest.mark.parametrize("threads", [1, None])
@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
@pytest.mark.parametrize("name", [*BUNDLES, "bundle_v2_style"])
def test_every_task(name, engine, threads):
    pytest.importorskip(engine)
    compare(edgecv.load(GOLDEN / name, engine=engine, device="cpu", threads=threads))


@pytest.mark.parametrize("name", ["bundle_v1", "bundle_v1_rcnn"])
def test_in_tiles(name):
    model = edgecv.load(GOLDEN / name, device="cpu")
    model.tiles = edgecv.Tiles(32, whole=True)
    compare(model)


def test_the_whole_image_of_a_segmenter_probabilities_and_tiles_of_a_stylizer():
    segmenter = edgecv.load(GOLDEN / "bundle_v2_segment", device="cpu")
    segmenter.windows = None
    compare(segmenter, lambda each: segmenter(each, probabilities=True))
    stylizer = edgecv.load(GOLDEN / "bundle_v2_style", device="cpu")
    stylizer.tiling = "always"
    compare(stylizer)


def test_proposals():
    model = edgecv.load(GOLDEN / "bundle_v1_rcnn", device="cpu")
    boxes = np.array([[0, 0, 30, 30], [10, 5, 50, 40], [3, 20, 44, 39]], np.float32)
    compare(model, lambda each: model(each, proposals=boxes))


def test_streams_in_several_threads():
    cv2 = pytest.importorskip("cv2")
    model = edgecv.load(GOLDEN / "bundle_v1", device="cpu")

    def work(number, folder):
        expected = [bits(model(each)) for each in IMAGES]
        assert [bits(result) for result in model.stream(folder, batch=3)] == expected

    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        for index, each in enumerate(IMAGES):
            cv2.imwrite(f"{folder}/{index}.png", each)
        in_threads(lambda number: work(number, folder))


def test_the_slicer_of_supervision():
    supervision = pytest.importorskip("supervision")
    model = edgecv.load(GOLDEN / "bundle_v1", device="cpu")

    def sliced(workers):
        slicer = supervision.InferenceSlicer(
            callback=lambda tile: model(tile).to_supervision(),
            slice_wh=(48, 48),
            overlap_wh=(8, 8),
            thread_workers=workers,
        )
        found = slicer(np.random.default_rng(3).integers(0, 256, (200, 240, 3), np.uint8))
        order = np.lexsort((found.class_id, found.confidence, *found.xyxy.T))
        return found.xyxy[order], found.confidence[order], found.class_id[order]

    alone, together = sliced(1), sliced(4)
    assert len(alone[0]) > 20
    for a, b in zip(alone, together, strict=True):
        np.testing.assert_array_equal(a, b)


def test_asyncio():
    model = edgecv.load(GOLDEN / "bundle_v1_rcnn", device="cpu")
    expected = [bits(model(each)) for each in IMAGES]

    async def serve():
        return await asyncio.gather(*(asyncio.to_thread(model, each) for each in IMAGES * 5))

    assert [bits(result) for result in asyncio.run(serve())] == expected * 5


class OneCaller(Engine):
    """An engine as a user writes it: it has one context, and knows if two threads are inside."""

    def __init__(self, inner):
        super().__init__(list(inner.inputs), list(inner.outputs))
        self.inner, self.inside, self.together = inner, 0, 0
        self.hold = None

    def _enter(self, method, *args):
        self.inside += 1
        self.together = max(self.together, self.inside)
        time.sleep(0)  # lets others come in, if they can
        try:
            return method(*args)
        finally:
            self.inside -= 1

    def input(self, index, shape):
        return self._enter(self.inner.input, index, shape)

    def bind(self, index, array):
        self._enter(self.inner.bind, index, array)

    def run(self):
        if self.hold is not None:
            self.hold()
        self._enter(self.inner.run)

    def output(self, index):
        return self._enter(self.inner.output, index)


def with_own_engines(name):
    opened = edgecv.load(GOLDEN / name, device="cpu")
    engines = {role: OneCaller(engine) for role, engine in opened.engines.items()}
    with open_bundle(GOLDEN / name) as bundle:
        return make_model(bundle, engines, "own", "fp32", threads=1), engines


@pytest.mark.parametrize("name", [*BUNDLES, "bundle_v2_style"])
def test_an_engine_of_the_users_own_is_entered_by_one_thread_at_a_time(name):
    model, engines = with_own_engines(name)
    compare(model)
    assert {engine.together for engine in engines.values()} <= {0, 1}


def test_contexts_share_their_session_and_only_as_many_are_made_as_run_at_once(monkeypatch):
    from edgecv_runtime.engines.onnxruntime import OnnxRuntimeEngine

    made = []
    make = OnnxRuntimeEngine.new_context
    monkeypatch.setattr(
        OnnxRuntimeEngine, "new_context", lambda self: made.append(make(self)) or made[-1]
    )
    model = edgecv.load(GOLDEN / "bundle_v1", engine="onnxruntime", device="cpu", threads=1)
    for each in IMAGES:
        model(each)
    assert made == []
    in_threads(lambda number: [model(each) for each in IMAGES * 10], 8)
    assert len(made) < 8
    assert all(other._session is model.engines["main"]._session for other in made)


def test_those_who_wait_do_not_hold_the_interpreter():
    model, engines = with_own_engines("bundle_v1")
    inside, go_on = threading.Event(), threading.Event()

    def hold():
        inside.set()
        assert go_on.wait(30)

    engines["main"].hold = hold
    with ThreadPoolExecutor(3) as pool:
        calls = [pool.submit(model, IMAGES[0]) for _ in range(3)]
        assert inside.wait(30)
        time.sleep(0.05)  # now two wait for the first
        assert sum(range(100_000)) == 4999950000  # the interpreter runs on
        model.thresholds = 0.2  # and settings can be changed meanwhile
        go_on.set()
        assert len({bits(call.result(timeout=30)) for call in calls}) == 1


def test_a_call_sees_the_settings_of_one_moment():
    """Two settings are changed in turn; a list of arrays of several kinds is one call."""
    model = edgecv.load(GOLDEN / "bundle_v1", device="cpu", threads=1)
    mixed = [image(1), image(2, 1), image(3, 4), image(4), image(5, 1)]
    tiles = edgecv.Tiles(24)

    def outcome():
        return tuple(bits(result) for result in model(mixed))

    # In this order, so that (high, tiles) never is.
    states = ((0.05, None), (0.6, None), (0.05, None), (0.05, tiles))
    allowed = set()
    for model.thresholds, model.tiles in states:
        allowed.add(outcome())
    assert len(allowed) == 3
    stop = threading.Event()

    def change():
        while not stop.is_set():
            model.tiles = None
            model.thresholds = 0.6
            model.thresholds = 0.05
            model.tiles = tiles

    changer = threading.Thread(target=change)
    changer.start()
    try:
        in_threads(lambda number: [check(outcome() in allowed) for _ in range(60)], 3)
    finally:
        stop.set()
        changer.join()


def check(fact):
    assert fact


def test_two_threads_change_different_classes():
    model = edgecv.load(GOLDEN / "bundle_v1", device="cpu")

    def work(number):
        name = ("cat", "dog")[number]
        for step in range(300):
            model.thresholds = {name: 0.1 + step / 1000}
            assert model.thresholds[name] == pytest.approx(0.1 + step / 1000)

    in_threads(work, 2)
    assert model.thresholds == pytest.approx({"cat": 0.399, "dog": 0.399})


def test_timing_is_that_of_the_threads_own_last_call():
    model, engines = with_own_engines("bundle_v1")
    assert model.timing.network_ms == 0
    model(IMAGES[0])
    mine = model.timing.network_ms
    assert mine > 0
    engines["main"].hold = lambda: time.sleep(0.05)

    def work(number):
        assert model.timing.network_ms == 0
        model(IMAGES[0])
        assert 50 <= model.timing.network_ms < 5000

    in_threads(work, 1)
    assert model.timing.network_ms == mine


@pytest.mark.parametrize("name", [*BUNDLES, "bundle_v2_style"])
def test_results_share_no_memory_with_the_model_or_each_other(name):
    model = edgecv.load(GOLDEN / name, device="cpu")
    first, second = model(IMAGES[0]), model(IMAGES[0])
    expected = bits(second)
    for held in vars(first).values():
        if isinstance(held, np.ndarray) and not np.shares_memory(held, IMAGES[0]):
            held[...] = 0
    first.names.clear()
    assert bits(second) == expected == bits(model(IMAGES[0]))
    assert second.names == model.names == list(model.manifest.labels)


@pytest.mark.parametrize("name", ["bundle_v1", "bundle_v1_rcnn"])
def test_a_call_that_fails_leaves_the_others_whole(name):
    model, engines = with_own_engines(name)
    expected = [bits(model(each)) for each in IMAGES]
    failures = []

    def hold():
        if threading.current_thread().name == "bad":
            failures.append(1)
            raise (KeyboardInterrupt if len(failures) % 2 else ValueError)("on purpose")

    for engine in engines.values():
        engine.hold = hold
    stop = threading.Event()

    def bad():
        while not stop.is_set():
            with pytest.raises((KeyboardInterrupt, ValueError), match="on purpose"):
                model(IMAGES[0])

    disturber = threading.Thread(target=bad, name="bad")
    disturber.start()
    try:
        in_threads(
            lambda number: [
                check(bits(model(IMAGES[i])) == expected[i]) for i in list(range(8)) * 4
            ],
            3,
        )
    finally:
        stop.set()
        disturber.join()
    assert len(failures) > 3


def test_nan_in_one_call():
    model, engines = with_own_engines("bundle_v1")
    expected = bits(model(IMAGES[0]))
    inner = engines["main"].inner
    output = type(inner).output

    def broken(index):
        found = output(inner, index)
        if threading.current_thread().name == "bad":
            return np.full_like(found, np.nan)
        return found

    engines["main"].inner = type("Broken", (), {})()
    for method in ("input", "run", "bind"):
        setattr(engines["main"].inner, method, getattr(inner, method))
    engines["main"].inner.output = broken

    def bad():
        for _ in range(20):
            with pytest.raises(EngineError, match="NaN"):
                model(IMAGES[1])

    disturber = threading.Thread(target=bad, name="bad")
    disturber.start()
    in_threads(lambda number: [check(bits(model(IMAGES[0])) == expected) for _ in range(40)], 2)
    disturber.join()


class Interrupt:
    """Raises KeyboardInterrupt at the n-th line that an engine's module runs."""

    def __init__(self, at):
        self.at, self.lines = at, 0

    def __call__(self, frame, event, arg):
        return self.line if "edgecv_runtime/engines" in frame.f_code.co_filename else None

    def line(self, frame, event, arg):
        if event == "line":
            self.lines += 1
            if self.lines == self.at:
                raise KeyboardInterrupt
        return self.line


def interrupted(model, given, at):
    """Whether the call was interrupted."""
    before = sys.gettrace()
    interrupt = Interrupt(at)
    sys.settrace(interrupt)
    try:
        model(given)
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)
    return False


@pytest.mark.parametrize("name", ["bundle_v1", "bundle_v1_rcnn", "bundle_v2_style"])
@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
def test_an_interrupt_at_any_line_of_an_engine(name, engine):
    pytest.importorskip(engine)
    interrupt_everywhere(edgecv.load(GOLDEN / name, engine=engine, device="cpu"))


@pytest.mark.parametrize("kind", ["tensorrt", "tensorrt_rtx"])
def test_an_interrupt_at_any_line_of_tensorrt(kind, machine, tmp_path):
    import shutil

    shutil.copytree(GOLDEN / "bundle_v1_rcnn", tmp_path / "bundle")
    machine.install(tmp_path / "bundle", kind, lambda onnx: fake_plan(onnx, largest=256))
    interrupt_everywhere(edgecv.load(tmp_path / "bundle", engine=kind))


def interrupt_everywhere(model):
    small, large = IMAGES[0], IMAGES[7]
    expected = [bits(model(small)), bits(model(large))]
    assert expected[0] != expected[1]
    at = 1
    while interrupted(model, large if at % 2 else small, at):
        # The image that was not interrupted comes first: it may find what the other one left.
        assert bits(model(small)) == expected[0], f"after line {at}"
        assert bits(model(large)) == expected[1], f"after line {at}"
        at += 1
    assert at > 5
