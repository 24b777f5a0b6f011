"""edgecv.Tracker: results with ids; tests/cpp/tracking has the trackers themselves."""

import importlib.util
import itertools
import json
import math
import pickle
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

import edgecv
from edgecv_runtime import InputError, _core
from edgecv_runtime.results.classification import Classification
from edgecv_runtime.results.detections import Detections
from edgecv_runtime.results.instances import Instances
from edgecv_runtime.results.masks import Masks
from helpers.moving_objects import Scene, make_video

GOLDEN = Path(__file__).parents[1] / "golden"
NAMES = ["person", "car"]
KINDS = ["bytetrack", "ocsort"]


def found(*objects, names=NAMES, **changes):
    """Each object is x, and what is given of score and label, in that order."""
    rows = [(*each, *(0.9, 0)[len(each) - 1 :]) for each in objects]
    result = Detections(
        np.array([[x, 10, x + 40, 90] for x, _, _ in rows], np.float32).reshape(-1, 4),
        np.array([score for _, score, _ in rows], np.float32),
        np.array([label for _, _, label in rows], np.int64),
        names,
        np.zeros((120, 400, 3), np.uint8),
    )
    for name, value in changes.items():
        setattr(result, name, value)
    return result


@pytest.fixture(params=KINDS)
def tracker(request):
    return edgecv.Tracker(request.param)


def test_ids_of_detections(tracker):
    first = found((10,), (300,))
    result = tracker.update(first)
    assert result.track_ids.tolist() == [-1, -1] and result.track_ids.dtype == np.int64
    assert first.track_ids is None  # what was given stays as it is
    result = tracker.update(found((302,), (12,)))
    assert result.track_ids.tolist() == [2, 1] or result.track_ids.tolist() == [1, 2]
    again = tracker.update(found((14,), (304,)))
    assert again.track_ids.tolist() == result.track_ids[::-1].tolist()
    assert again.names == NAMES and again.image is not None


def test_ids_of_instances(tracker):
    for _ in range(2):
        masks = np.zeros((2, 120, 400), bool)
        masks[0, 20:60, 10:50] = masks[1, 20:60, 300:340] = True
        boxes = np.array([[10, 10, 50, 90], [300, 10, 340, 90]], np.float32)
        scores = np.array([0.9, 0.3], np.float32)
        given = Instances(boxes, scores, np.zeros(2, np.int64), NAMES, Masks.from_frames(masks))
        result = tracker.update(given)
    assert isinstance(result, Instances)
    assert result.track_ids.tolist() == [1]  # the other scores too low, and has no track
    np.testing.assert_array_equal(result.masks, masks[:1])
    assert result[0].track_id == 1


def test_no_detections(tracker):
    assert tracker.update(found()).track_ids.tolist() == []
    tracker.update(found((10,)))
    assert tracker.update(found()).track_ids.shape == (0,)


def test_weak_detections_stay_where_they_continue_a_track():
    objects = [(10, 0.3), (300, 0.3)]
    for kind, expected in (("bytetrack", [1]), ("ocsort", [])):
        tracker = edgecv.Tracker(kind)
        for _ in range(2):
            tracker.update(found((10,)))
        assert tracker.update(found(*objects)).track_ids.tolist() == expected


def test_thresholds_by_class():
    thresholds = {"car": 0.8, "person": 0.25}
    tracker = edgecv.Tracker(threshold=thresholds)
    assert tracker.lowest_scores == {"car": 0.1, "person": 0.1}
    for _ in range(2):
        result = tracker.update(found((10, 0.3, 0), (300, 0.7, 1)))
    assert result.track_ids.tolist() == [1] and result.labels.tolist() == [0]
    assert edgecv.Tracker("ocsort", threshold=thresholds).lowest_scores == thresholds
    assert edgecv.Tracker(threshold=0.4).lowest_scores == 0.1
    assert edgecv.Tracker(threshold=0.05).lowest_scores == 0.05
    assert edgecv.Tracker(low_threshold=0.2).lowest_scores == 0.2
    with pytest.raises(InputError, match='expected one for each class, "car" has none'):
        edgecv.Tracker(threshold={"person": 0.5}).update(found())


def moving(tracker, times_ms, how):
    """Ids of an object that goes 300 pixels in a second, at these times."""
    ids = []
    for time_ms in times_ms:
        result = found((0.3 * time_ms,))
        if how == "given":
            result = tracker.update(result, time_ms=time_ms)
        elif how == "result's":
            result.time_ms = time_ms
            result = tracker.update(result)
        else:
            result.frame = round(time_ms * 0.03)
            result = tracker.update(result)
        ids.append(int(result.track_ids[0]))
    return ids


@pytest.mark.parametrize("how", ["given", "result's", "frame's number"])
def test_frames_may_be_missing(tracker, how):
    """Ten frames, then one 15 frames later: 150 pixels further, where nothing overlaps."""
    times = [*(100 * index / 3 for index in range(10)), 800.0]
    assert moving(tracker, times, how) == [-1, *[1] * 10]


def test_without_the_times_they_are_lost(tracker):
    for index in range(10):
        tracker.update(found((10 * index,)))
    assert tracker.update(found((240,))).track_ids.tolist() == [-1]


def test_the_time_that_was_given_is_kept(tracker):
    assert tracker.update(found((1,)), time_ms=40).time_ms == 40.0
    assert tracker.update(found((1,), time_ms=70.0)).time_ms == 70.0


@pytest.mark.parametrize("time_ms", [math.nan, math.inf, "soon", -math.inf])
def test_times_that_are_none(tracker, time_ms):
    with pytest.raises(InputError, match="time_ms: expected a number of milliseconds, got"):
        tracker.update(found((1,)), time_ms=time_ms)


def test_times_that_go_back(tracker):
    tracker.update(found((1,)), time_ms=120)
    with pytest.raises(InputError, match=r"the frame at 80 ms came after that at 120 ms: .*reset"):
        tracker.update(found((1,)), time_ms=80)
    assert tracker.update(found((1,)), time_ms=160).track_ids.tolist() == [1]
    tracker.reset()
    assert tracker.update(found((1,)), time_ms=0).track_ids.tolist() == [-1]
    assert tracker.update(found((1,)), time_ms=40).track_ids.tolist() == [1]


def test_results_that_cannot_be_tracked(tracker):
    one = np.zeros(1, np.int64)
    scores = np.ones(1, np.float32)
    other = Classification(one, scores, scores, ["cat"], image_size=(4, 4))
    with pytest.raises(InputError, match="takes detections or instances, got Classification"):
        tracker.update(other)
    with pytest.raises(InputError, match=r"expected boxes \[N, 4\].*got \[1, 4\], \[1\] and \[2\]"):
        tracker.update(found((1,), labels=np.zeros(2, np.int64)))
    with pytest.raises(InputError, match="labels: expected 0 to 1, got 5 to 5"):
        tracker.update(found((1, 0.9, 5)))
    with pytest.raises(InputError, match=r"other classes than the one before; call reset\(\)"):
        tracker.update(found((1,), names=["cat"]))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "sort"}, 'kind: expected "bytetrack" or "ocsort", got \'sort\''),
        ({"threshold": 2}, "threshold: expected a number from 0 to 1, got 2"),
        ({"threshold": {"person": None}}, "threshold: expected a number from 0 to 1, got None"),
        ({"kind": "ocsort", "low_threshold": 0.1}, "low_threshold: ocsort uses no detections"),
        ({"low_threshold": -1}, "low_threshold: expected a number from 0 to 1, got -1"),
        ({"min_iou": 7}, "min_iou: expected a number from 0 to 1, got 7"),
        ({"confirm_hits": 0}, "confirm_hits: expected 1 or more, got 0"),
        ({"lost_s": -1.0}, "lost_s: expected 0 to 3600 seconds, got -1"),
        ({"frame_rate": 0.0}, "frame_rate: expected 0.01 to 1000 frames per second, got 0"),
    ],
)
def test_options_that_cannot_be(options, message):
    with pytest.raises(InputError) as caught:
        edgecv.Tracker(**options)
    assert str(caught.value).startswith(message)


def tracked():
    tracker = edgecv.Tracker()
    tracker.update(found((10,), (300,)))
    return tracker.update(found((10,), (300,), (150,)))


def test_parts_keep_their_ids():
    result = tracked()
    assert result.track_ids.tolist() == [1, 2, -1]
    assert [each.track_id for each in result] == [1, 2, None]
    assert result[result.track_ids >= 0].track_ids.tolist() == [1, 2]
    assert result[[2, 0]].track_ids.tolist() == [-1, 1]
    assert result.filter(0.95).track_ids.tolist() == []
    assert pickle.loads(pickle.dumps(result)).track_ids.tolist() == [1, 2, -1]
    assert found((1,))[0].track_id is None


def test_json_has_null_where_there_is_no_id():
    record = json.loads(json.dumps(tracked().to_dict()))
    assert [each["track_id"] for each in record["detections"]] == [1, 2, None]
    assert "track_id" not in found((1,)).to_dict()["detections"][0]
    assert "zones" not in record


def test_supervision_gets_the_ids():
    assert tracked().to_supervision().tracker_id.tolist() == [1, 2, -1]
    assert found((1,)).to_supervision().tracker_id is None


def test_a_track_keeps_its_colour():
    """Whatever its place among the detections; without an id it is its class's."""
    result = tracked()
    turned = result[[2, 1, 0]]
    np.testing.assert_array_equal(result.plot(labels=False), turned.plot(labels=False))
    by_class = result.plot(labels=False, color_by="class")
    assert (by_class[10, 10] == by_class[10, 300]).all()
    assert (result.plot(labels=False)[10, 10] != result.plot(labels=False)[10, 300]).any()


def test_captions_begin_with_the_id(monkeypatch):
    from edgecv_runtime.drawing import boxes

    written = []
    monkeypatch.setattr(
        boxes, "place_captions", lambda _, texts, *size: written.extend(texts) or [None] * 3
    )
    tracked().plot()
    assert written == ["#1 person 0.90", "#2 person 0.90", "person 0.90"]


def test_an_object_is_not_counted_before_it_has_an_id():
    """Clutter that never comes twice at one place gets no ids."""
    rng = np.random.default_rng(0)
    tracker = edgecv.Tracker()
    ids = set()
    for _ in range(100):
        places = rng.permutation(9)[:2] * 400
        ids |= {*tracker.update(found(*((x + rng.uniform(0, 99),) for x in places))).track_ids}
        ids |= {*tracker.update(found()).track_ids}
    assert ids == {-1}


def test_dropped_frames_cost_little():
    """The same video with all frames and with half of them: the same objects."""
    video = make_video(Scene(objects=8, frames=90, clutter=0, missed=0, speed=100), 4)
    seen = []
    for frames in (video, video[::2]):
        tracker = edgecv.Tracker()
        labels = [np.zeros(len(frame.scores), np.int64) for frame in frames]
        results = [
            tracker.update(Detections(frame.found, frame.scores, label, NAMES, image_size=(1, 1)),
                           1000 * frame.time_s)
            for frame, label in zip(frames, labels, strict=True)
        ]  # fmt: skip
        seen.append(results)
    whole, half = seen
    pairs = set()
    for one, other in zip(whole[::2], half, strict=True):
        ids = dict(zip(map(tuple, other.boxes.tolist()), other.track_ids.tolist(), strict=True))
        for box, track in zip(one.boxes.tolist(), one.track_ids.tolist(), strict=True):
            other_track = ids.get(tuple(box), -1)
            if track >= 0 and other_track >= 0:
                pairs.add((track, other_track))
    assert len({a for a, _ in pairs}) >= 8
    assert len(pairs) <= len({a for a, _ in pairs}) + 1


@pytest.fixture(scope="module")
def golden():
    spec = importlib.util.spec_from_file_location("make_tracking", GOLDEN / "make_tracking.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["assignment.txt", "motion.txt", "tracks.txt"])
def test_golden_files_are_what_their_makers_say(golden, name):
    """SciPy, NumPy and the trackers of this build; C++ reads the same files."""
    lines = (GOLDEN / "tracking" / name).read_text().splitlines()
    made = list(golden.FILES[name]())
    assert len(lines) == len(made)
    for line, again in zip(lines, made, strict=True):
        numbers, others = (
            np.array([float(each) for each in text.split()]) for text in (line, again)
        )
        np.testing.assert_allclose(numbers, others, rtol=1e-9)


@pytest.mark.parametrize("kind", [0, 1])
def test_golden_tracks(kind):
    """The ids of the file from the detections of the file."""
    rows = np.loadtxt(GOLDEN / "tracking" / "tracks.txt")
    tracker = (_core.ByteTrack, _core.OcSort)[kind](_core.TrackerOptions())
    for _, group in itertools.groupby(rows, key=lambda row: row[0]):
        frame = np.array(list(group))
        ids = tracker.update(
            np.ascontiguousarray(frame[:, 2:6], np.float32),
            np.ascontiguousarray(frame[:, 6], np.float32),
            np.ascontiguousarray(frame[:, 7], np.int64),
            float(frame[0, 1]),
        )
        assert ids.tolist() == frame[:, 8 + kind].astype(int).tolist()


@pytest.mark.parametrize("seed", range(6))
def test_linear_assignment_costs_what_scipys_does(seed):
    rng = np.random.default_rng(seed)
    for _ in range(40):
        shape = rng.integers(1, 30, 2)
        cost = rng.normal(size=shape)
        if seed % 2:
            cost = np.round(3 * cost)  # many of equal cost
        columns = edgecv.ops.linear_assignment(cost)
        rows = np.flatnonzero(columns >= 0)
        assert len(rows) == min(shape) == len(set(columns[rows].tolist()))
        theirs = linear_sum_assignment(cost)
        assert cost[rows, columns[rows]].sum() == pytest.approx(cost[theirs].sum())
        if seed % 2 == 0:
            np.testing.assert_array_equal(rows, theirs[0])
            np.testing.assert_array_equal(columns[rows], theirs[1])


def test_linear_assignment_of_other_arrays():
    assert edgecv.ops.linear_assignment(np.zeros((0, 3))).shape == (0,)
    assert edgecv.ops.linear_assignment(np.zeros((2, 0))).tolist() == [-1, -1]
    with pytest.raises(InputError, match=r"cost: expected \[R, C\], got \[3\]"):
        edgecv.ops.linear_assignment([1, 2, 3])
    with pytest.raises(
        InputError, match="cost: expected finite numbers, got inf in row 0, column 1"
    ):
        edgecv.ops.linear_assignment([[1, np.inf]])
