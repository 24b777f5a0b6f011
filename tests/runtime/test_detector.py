"""The Detector over a test double for its engine, and over ONNX Runtime."""

import gc
import weakref

import numpy as np
import pytest

import edgecv
from edgecv import EngineError, InputError
from edgecv_runtime import Bundle, Engine
from edgecv_runtime.models.detector import Detector
from helpers.fake_engine import FakeEngine
from helpers.tiny_bundle import BOXES, LABELS, SCORES, write_tiny_bundle

WHITE = np.full((64, 96, 3), 255, np.uint8)


def both_boxes(images):
    """The two boxes of the tiny bundle, for each image."""
    return [np.repeat(SCORES[None], len(images), 0), np.repeat(BOXES[None], len(images), 0)]


def fake_engine(batch=-1, dtype="float32", names=("scores", "boxes"), network=both_boxes, **more):
    outputs = {name: [batch, 2, width] for name, width in zip(names, (2, 4), strict=True)}
    return FakeEngine(network, {"images": [batch, 3, 32, 48]}, outputs, dtype=dtype, **more)


@pytest.fixture
def bundle(tmp_path):
    return Bundle.open(str(write_tiny_bundle(tmp_path / "tiny")))


def detector(bundle, engine):
    return Detector(bundle, {"main": engine}, "fake", "fp32", threads=2)


def test_one_image_gives_one_result_in_its_own_pixels(bundle):
    result = detector(bundle, fake_engine())(WHITE)
    assert result.engine == "fake" and result.filter(0.7).engine == "fake"
    np.testing.assert_allclose(result.scores, [0.9, 0.6])
    np.testing.assert_array_equal(result.boxes, [[12, 16, 36, 48], [48, 16, 96, 48]])
    assert result.labels.tolist() == [0, 1] and result.labels.dtype == np.int64
    assert result.boxes.dtype == result.scores.dtype == np.float32
    assert result.names == LABELS


@pytest.mark.parametrize(
    "box",
    [
        (0.6, 0.25, 0.4, 0.75),  # inside out across
        (0.4, 0.75, 0.6, 0.25),  # and down
        (0.6, 0.75, 0.4, 0.25),  # and both
        (0.4, 0.25, 0.4, 0.75),  # without width
        (1.1, 0.25, 1.3, 0.75),  # beyond the image
    ],
)
def test_boxes_that_enclose_nothing_are_not_reported(bundle, box):
    outputs = [SCORES[None], np.array([[box, BOXES[1]]], np.float32)]
    engine = fake_engine(network=lambda images: outputs)
    result = detector(bundle, engine)(WHITE)
    np.testing.assert_array_equal(result.boxes, [[48, 16, 96, 48]])
    assert result.labels.tolist() == [1]


def test_the_network_gets_rgb_in_0_to_1(bundle):
    engine = fake_engine()
    blue = np.zeros((32, 48, 3), np.uint8)
    blue[..., 0] = 255
    detector(bundle, engine)(blue)
    assert engine.seen[0].shape == (1, 3, 32, 48)
    assert engine.seen[0].max(axis=(0, 2, 3)).tolist() == [0, 0, 1]
    detector(bundle, engine)(blue, color="rgb")
    assert engine.seen[1].max(axis=(0, 2, 3)).tolist() == [1, 0, 0]


def test_a_list_gives_a_list_and_shares_runs(bundle):
    engine = fake_engine()
    sizes = [(10, 20), (64, 96), (333, 77)]
    results = detector(bundle, engine)([np.zeros((*size, 3), np.uint8) for size in sizes])
    assert [result.image_size for result in results] == sizes
    assert [len(seen) for seen in engine.seen] == [3]
    for result, (height, width) in zip(results, sizes, strict=True):
        np.testing.assert_allclose(result.boxes, BOXES * np.float32([width, height] * 2), rtol=1e-5)
    assert detector(bundle, engine)([]) == []


def test_a_fixed_batch_is_filled_up_with_zeros(bundle):
    engine = fake_engine(batch=2)
    results = detector(bundle, engine)([WHITE] * 3)
    assert len(results) == 3
    assert [seen.shape[0] for seen in engine.seen] == [2, 2]
    assert (engine.seen[1][1] == 0).all()


@pytest.mark.parametrize(
    ("built_for", "rows"),
    [((1, 8), [8, 3]), ((4, 8), [8, 4]), ((2, 2), [2] * 6), ((1, 100), [11]), ((20, 30), [20])],
)
def test_a_list_is_cut_into_what_the_engine_was_built_for(bundle, built_for, rows):
    engine = fake_engine(batch_range=built_for)
    images = [np.full((64, 96, 3), 20 * level, np.uint8) for level in range(1, 12)]
    assert len(detector(bundle, engine)(images)) == 11
    assert [len(seen) for seen in engine.seen] == rows
    levels = np.concatenate([seen.max(axis=(1, 2, 3)) for seen in engine.seen])
    np.testing.assert_allclose(levels[:11], np.arange(1, 12) * 20 / 255, rtol=1e-6)
    assert (levels[11:] == 0).all()


def test_batch_range_of_engines_that_do_not_say(bundle):
    assert Engine.batch_range(fake_engine(batch=3)) == (3, 3)
    lowest, highest = Engine.batch_range(fake_engine())
    assert lowest == 1 and highest > 1 << 40


def test_a_graph_of_four_takes_eleven(tmp_path):
    pytest.importorskip("onnxruntime")
    four = edgecv.load(write_tiny_bundle(tmp_path / "four", batch=4), engine="onnxruntime")
    any_number = edgecv.load(write_tiny_bundle(tmp_path / "any"), engine="onnxruntime")
    four.thresholds = any_number.thresholds = 0.01
    images = [np.full((50, 60, 3), 20 * level, np.uint8) for level in range(1, 12)]
    results = four(images)
    assert [each.to_dict() for each in results] == [any_number(p).to_dict() for p in images]
    scores = [each.scores[0] for each in results]
    np.testing.assert_allclose(scores, np.arange(1, 12) * 18 / 255, rtol=1e-4)


def test_images_of_all_channel_counts_in_one_list(bundle):
    engine = fake_engine()
    gray, alpha = WHITE[..., 0], np.dstack([WHITE, WHITE[..., :1]])
    results = detector(bundle, engine)([WHITE, gray, alpha])
    assert [len(result) for result in results] == [2, 2, 2]
    assert all((seen == 1).all() for seen in engine.seen)


def test_thresholds_by_class_and_for_all(bundle):
    model = detector(bundle, fake_engine())
    assert model.thresholds == {"left": 0.5, "right": 0.5}
    model.thresholds = {"right": 0.7}
    assert model(WHITE).labels.tolist() == [0]
    assert model.thresholds == pytest.approx({"left": 0.5, "right": 0.7})
    model.thresholds = 0.95
    assert len(model(WHITE)) == 0
    with pytest.raises(InputError, match='no class "middle", only left, right'):
        model.thresholds = {"middle": 0.5}
    for wrong in (1.5, -0.1, float("nan"), "0.5", None, {"left": "0.5"}):
        with pytest.raises(InputError, match=r"thresholds: expected a number from 0 to 1, got"):
            model.thresholds = wrong
    assert model.thresholds == pytest.approx({"left": 0.95, "right": 0.95})


@pytest.mark.parametrize(
    ("results", "message"),
    [
        ([SCORES[None] * np.nan, BOXES[None]], '"scores" of the network holds NaN or infinity'),
        ([SCORES[None], BOXES[None] * np.inf], '"boxes" of the network holds NaN or infinity'),
        ([SCORES[None, :, :1].copy(), BOXES[None]], r'"scores" came as float32 \[1, 2, 1\]'),
        ([SCORES[None], BOXES[None, :1].copy()], r'"boxes" came as float32 \[1, 1, 4\]'),
        ([SCORES, BOXES[None]], r'"scores" came as float32 \[2, 2\]'),
        (
            [SCORES[None].astype(np.int64), BOXES[None]],
            '"scores" as int64',
        ),
        ([SCORES[None].astype(np.float64), BOXES[None]], "a dtype other than"),
    ],
)
def test_unusable_outputs_are_one_clear_error(bundle, results, message):
    engine = fake_engine(network=lambda images: results)
    with pytest.raises(EngineError, match=message):
        detector(bundle, engine)(WHITE)


def test_engines_that_do_not_fit_the_manifest(bundle):
    with pytest.raises(EngineError, match='no output "scores", only "a", "b"'):
        detector(bundle, fake_engine(names=("a", "b")))
    with pytest.raises(EngineError, match='"images" is uint8'):
        detector(bundle, fake_engine(dtype="uint8"))


def test_an_exception_inside_an_engine_arrives_unchanged(bundle):
    def broken(images):
        raise KeyError("gone")

    with pytest.raises(KeyError, match="gone"):
        detector(bundle, fake_engine(network=broken))(WHITE)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((3, 64, 96), np.uint8), "channels to the end"),
        (np.zeros((64, 96, 3), np.float32), "float32"),
        (np.zeros((0, 96, 3), np.uint8), "empty"),
        (None, "NoneType"),
        ("no/such/file.jpg", "no/such/file.jpg"),
    ],
)
def test_bad_images_are_one_clear_error(bundle, image, message):
    with pytest.raises(InputError, match=message) as caught:
        detector(bundle, fake_engine())(image)
    assert "\n" not in str(caught.value)


def test_results_outlive_the_model_and_the_model_goes_when_dropped(tmp_path):
    model = edgecv.load(write_tiny_bundle(tmp_path / "tiny"), threads=1)
    result = model(WHITE)
    gone = weakref.ref(model)
    del model
    gc.collect()
    assert gone() is None
    np.testing.assert_allclose(result.scores, [0.9, 0.6], rtol=1e-6)


def test_stream_yields_the_good_images_before_it_raises(tmp_path):
    import cv2

    model = edgecv.load(write_tiny_bundle(tmp_path / "tiny"), threads=1)
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name in ("1.png", "2.png", "4.png"):
        cv2.imwrite(str(folder / name), WHITE)
    assert [len(result) for result in model.stream(folder, batch=2)] == [2, 2, 2]
    (folder / "3.png").write_bytes(b"no picture")
    seen = []
    with pytest.raises(InputError, match=r"3\.png"):
        for result in model.stream(folder, batch=16):
            seen.append(result.source)
    assert seen == [str(folder / "1.png"), str(folder / "2.png")]


def test_stream_skips_what_cannot_be_read_and_says_so(tmp_path):
    import cv2

    model = edgecv.load(write_tiny_bundle(tmp_path / "tiny"), threads=1)
    for name in ("1.png", "3.png"):
        cv2.imwrite(str(tmp_path / name), WHITE)
    (tmp_path / "2.png").write_bytes(b"no picture")
    with pytest.warns(UserWarning, match=r"skipped: .*2\.png: cannot be decoded"):
        results = list(model.stream(tmp_path, batch=16, on_error="skip"))
    assert [result.source for result in results] == [
        str(tmp_path / "1.png"),
        str(tmp_path / "3.png"),
    ]
    assert [(result.frame, result.time_ms) for result in results] == [(0, None), (2, None)]
    with pytest.raises(InputError, match='on_error: expected "raise" or "skip", got True'):
        list(model.stream(tmp_path, on_error=True))


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_results_of_a_stream_carry_frame_and_time(batch, tmp_path):
    import cv2

    model = edgecv.load(write_tiny_bundle(tmp_path / "tiny"), threads=1)
    path = str(tmp_path / "clip.avi")
    writer = cv2.VideoWriter(path, cv2.VideoWriter.fourcc(*"MJPG"), 10.0, WHITE.shape[1::-1])
    for _ in range(5):
        writer.write(WHITE)
    writer.release()
    results = list(model.stream(path, batch=batch))
    assert [result.frame for result in results] == [0, 1, 2, 3, 4]
    assert [round(result.time_ms, 3) for result in results] == [0, 100, 200, 300, 400]
    alone = model(WHITE)
    assert (alone.frame, alone.time_ms) == (None, None)


def test_timing_covers_the_steps(tmp_path):
    model = edgecv.load(write_tiny_bundle(tmp_path / "tiny"), threads=1)
    model.warmup()
    model(WHITE)
    timing = model.timing
    assert timing.preprocess_ms > 0 and timing.network_ms > 0 and timing.postprocess_ms > 0
    steps = ", ".join(f"{step}_ms={getattr(timing, f'{step}_ms'):.2f}" for step in model.steps)
    assert repr(timing) == f"Timing({steps})"
