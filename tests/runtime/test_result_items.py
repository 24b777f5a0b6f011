"""Results as collections, their conversions, and what all of them say about themselves."""

import pickle
from pathlib import Path

import numpy as np
import pytest

import edgecv
from edgecv import (
    ClassArea,
    Classification,
    ClassScore,
    Detection,
    Detections,
    InputError,
    Instance,
    Instances,
    Masks,
    Segmentation,
    Stylized,
)
from helpers.tiny_bundle import write_tiny_bundle

GOLDEN = Path(__file__).parent.parent / "golden"
TASKS = {
    "detect": "bundle_v1",
    "instance": "bundle_v1_rcnn",
    "classify": "bundle_v2_classify",
    "segment": "bundle_v2_segment",
    "stylize": "bundle_v2_style",
}
NAMES = ["cat", "dog", "traffic light"]
BOXES = np.array([[10, 40, 60, 90], [50.4, 30.6, 119.5, 99.5], [5, 5, 15, 15]], np.float32)
SCORES = np.array([0.9, 0.5, 0.1], np.float32)
LABELS = np.array([1, 2, 1], np.int64)


def frames():
    painted = np.zeros((3, 100, 120), np.bool_)
    for frame, (x1, y1, x2, y2) in zip(painted, BOXES.astype(int), strict=True):
        frame[y1:y2, x1:x2] = True
    return painted


def detections():
    image = np.full((100, 120, 3), 128, np.uint8)
    return Detections(BOXES.copy(), SCORES.copy(), LABELS.copy(), NAMES, image, source="a.jpg")


def instances():
    masks = Masks.from_frames(frames())
    return Instances(BOXES.copy(), SCORES.copy(), LABELS.copy(), NAMES, masks)


def classification():
    probabilities = np.array([0.1, 0.7, 0.2], np.float32)
    return Classification(
        np.array([1, 2, 0]), probabilities[[1, 2, 0]], probabilities, NAMES, image_size=(4, 5)
    )


def segmentation(names=("background", "road", "sky")):
    mask = np.zeros((4, 6), np.uint8)
    mask[1:3, 2:5], mask[3, 0] = 1, 2
    return Segmentation(mask, list(names))


def test_detections_are_a_collection():
    result = detections()
    first = Detection((10.0, 40.0, 60.0, 90.0), 0.9, 1, "dog")
    assert len(result) == 3 and result[0] == first and result[-3] == first
    assert [each.name for each in result] == ["dog", "traffic light", "dog"]
    assert result[1].box == (50.4, 30.6, 119.5, 99.5) and result[1].score == 0.5
    with pytest.raises(IndexError, match="the result has"):
        result[3]
    assert result[np.int64(2)].score == 0.1


@pytest.mark.parametrize(
    ("index", "kept"),
    [
        (slice(0, 2), [0, 1]),
        (slice(None, None, -1), [2, 1, 0]),
        (slice(5, 9), []),
        ([2, 0], [2, 0]),
        (np.array([], np.int64), []),
        (np.array([True, False, True]), [0, 2]),
        ([False, True, False], [1]),
        (np.array([-1]), [2]),
    ],
)
@pytest.mark.parametrize("make", [detections, instances])
def test_several_at_once_are_a_result(make, index, kept):
    whole = make()
    some = whole[index]
    assert type(some) is type(whole) and some.source == whole.source
    np.testing.assert_array_equal(some.boxes, BOXES[kept])
    np.testing.assert_array_equal(some.scores, SCORES[kept])
    np.testing.assert_array_equal(some.labels, LABELS[kept])
    if make is instances:
        np.testing.assert_array_equal(some.masks, frames()[kept])
    some.boxes[...] = 0
    some.names[0] = "cow"
    np.testing.assert_array_equal(whole.boxes, BOXES)
    assert whole.names == NAMES


def test_a_mask_of_another_length_is_no_index():
    with pytest.raises(IndexError):
        detections()[np.array([True, False])]


def test_instances_have_their_masks():
    for instance, frame in zip(instances(), frames(), strict=True):
        assert isinstance(instance, Instance)
        np.testing.assert_array_equal(instance.mask, frame)
    first = instances()[0]
    assert first.name == "dog" and "crop" not in repr(first)
    assert first.mask_crops.rle() == instances().mask_crops.rle()[:1]
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(first)).mask, frames()[0])


def test_classes_of_an_image_are_a_collection():
    result = classification()
    assert list(result) == [
        ClassScore(0.7, 1, "dog"),
        ClassScore(0.2, 2, "traffic light"),
        ClassScore(0.1, 0, "cat"),
    ]
    assert result[0].name == "dog" and len(result[:2]) == 2
    kept = result.filter(0.15)
    kept.probabilities[...] = 0
    assert len(kept) == 2 and result.probabilities.tolist() == pytest.approx([0.1, 0.7, 0.2])


def test_classes_of_pixels_are_a_collection():
    result = segmentation()
    assert list(result) == [
        ClassArea(0, "background", 17, 17 / 24),
        ClassArea(1, "road", 6, 0.25),
        ClassArea(2, "sky", 1, 1 / 24),
    ]
    assert len(result) == 3 and result[-1].name == "sky"
    assert [area.name for area in result[1:]] == ["road", "sky"]


@pytest.mark.parametrize("make", [detections, instances])
def test_supervision_gets_copies(make):
    supervision = pytest.importorskip("supervision")
    result = make()
    found = result.to_supervision()
    assert isinstance(found, supervision.Detections)
    arrays = [(found.xyxy, result.boxes), (found.confidence, result.scores)]
    arrays += [(found.class_id, result.labels)]
    if make is instances:
        np.testing.assert_array_equal(found.mask, frames())
        arrays += [(found.mask, result.masks)]
    for theirs, ours in arrays:
        assert not np.shares_memory(theirs, ours)
        theirs[...] = 0
    np.testing.assert_array_equal(result.boxes, BOXES)
    np.testing.assert_array_equal(result.scores, SCORES)


def test_supervision_of_classes():
    supervision = pytest.importorskip("supervision")
    result = classification()
    found = result.to_supervision()
    assert isinstance(found, supervision.Classifications)
    assert found.class_id.tolist() == [1, 2, 0]
    np.testing.assert_array_equal(found.confidence, result.scores)
    assert not np.shares_memory(found.confidence, result.scores)
    assert not np.shares_memory(found.class_id, result.labels)


def test_supervision_of_a_class_map():
    supervision = pytest.importorskip("supervision")
    result = segmentation()
    found = result.to_supervision()
    assert isinstance(found, supervision.Detections)
    assert found.class_id.tolist() == [1, 2]  # without the background
    assert found.data["class_name"].tolist() == ["road", "sky"]
    assert found.xyxy.tolist() == [[2, 1, 5, 3], [0, 3, 1, 4]]
    np.testing.assert_array_equal(found.mask, [result.mask == 1, result.mask == 2])
    # Their annotators take it as it is.
    scene = np.zeros((4, 6, 3), np.uint8)
    assert supervision.MaskAnnotator().annotate(scene, found).any()
    assert len(segmentation(["grass", "road", "sky"]).to_supervision()) == 3
    empty = Segmentation(np.zeros((4, 6), np.uint8), ["background"]).to_supervision()
    assert len(empty) == 0


def test_a_painted_image_is_no_objects():
    with pytest.raises(InputError, match=r"no boxes, masks or classes; take result\.image"):
        Stylized(np.zeros((4, 5, 3), np.uint8)).to_supervision()


def test_a_painted_image_is_plotted_as_a_copy():
    result = Stylized(np.zeros((4, 5, 3), np.uint8))
    result.plot()[...] = 9
    assert (result.image == 0).all()


@pytest.fixture(scope="module", params=TASKS)
def model(request):
    return edgecv.load(GOLDEN / TASKS[request.param])


def random_image():
    return np.random.default_rng(0).integers(0, 256, (96, 128, 3), np.uint8)


def test_results_share_no_memory_with_each_other_or_the_model(model):
    first = model(random_image())
    kept = {name: value.copy() for name, value in arrays_of(first).items()}
    second = model(random_image()[::-1].copy())
    for name, value in arrays_of(first).items():
        np.testing.assert_array_equal(value, kept[name])
        assert not np.shares_memory(value, arrays_of(second)[name])
    first.names[:] = []
    assert model.names == second.names and (model.names or model.manifest.task == "stylize")


def arrays_of(result):
    fields = {name: value for name, value in vars(result).items() if isinstance(value, np.ndarray)}
    if not isinstance(result, Stylized):
        fields.pop("image")  # held, not copied: it is the caller's
    return fields


def test_models_say_what_they_are(model):
    kind = type(model).__name__
    assert repr(model).startswith(f"<{kind} '{model.manifest.name}': {model.manifest.architecture}")
    assert repr(model).endswith(f"{model.engine_name} on cpu, fp32>")


def test_repr_of_a_model(tmp_path):
    model = edgecv.load(write_tiny_bundle(tmp_path / "tiny"), engine="onnxruntime")
    assert repr(model) == "<Detector 'tiny': brightness, 2 classes, onnxruntime on cpu, fp32>"
