"""edgecv.Zones: the file, and reports; tests/cpp/zones has the counting itself."""

import copy
import json
import os

import numpy as np
import pytest

import edgecv
from edgecv_runtime import InputError
from edgecv_runtime.results.detections import Detections
from edgecv_runtime.results.instances import Instances
from edgecv_runtime.results.masks import Masks
from edgecv_runtime.zones.report import LineCount, Visit, ZoneCount, ZoneEvent

NAMES = ["person", "car"]
SIZE = (480, 640)
RECORD = {
    "zones": [
        {
            "name": "door",
            "polygon": [[100, 100], [300, 100], [300, 300], [100, 300]],
            "anchor": "center",
        }
    ],
    "lines": [{"name": "gate", "from": [0, 200], "to": [640, 200], "anchor": "center"}],
}


def tracked(*objects, time_ms=None):
    """Each object is its centre's x and y, its id and its label; boxes are 40 x 40."""
    rows = np.array(objects, np.float32).reshape(-1, 4)
    result = Detections(
        rows[:, [0, 1, 0, 1]] + np.array([-20, -20, 20, 20], np.float32),
        np.full(len(rows), 0.9, np.float32),
        rows[:, 3].astype(np.int64),
        NAMES,
        np.full((*SIZE, 3), 128, np.uint8),
    )
    result.track_ids = rows[:, 2].astype(np.int64)
    result.time_ms = time_ms
    return result


def changed(**parts):
    """The record with some keys replaced: `polygon`, `classes` and `anchor` are the zone's, `start`
    and `end` the line's."""
    record = copy.deepcopy(RECORD)
    for key, value in parts.items():
        if key in ("polygon", "classes", "anchor", "name"):
            record["zones"][0][key] = value
        elif key in ("start", "end"):
            record["lines"][0][{"start": "from", "end": "to"}[key]] = value
        else:
            record[key] = value
    return record


def test_a_walk_through_a_zone_and_over_a_line():
    zones = edgecv.Zones(RECORD, NAMES)
    path = [(50, 150), (150, 150), (150, 250), (150, 350)]
    events = []
    for index, (x, y) in enumerate(path):
        given = tracked((x, y, 7, 0), (400, 150, 8, 1), (200, 200, -1, 0), time_ms=40.0 * index)
        result = zones.update(given)
        assert given.zones is None and result.track_ids.tolist() == [7, 8, -1]
        events.append(list(result.zones.events))
        if index == 2:
            assert result.zones.zones["door"].visits == (Visit(7, "person", pytest.approx(0.04)),)
    assert events == [
        [],
        [ZoneEvent("enter", "door", 7, "person", 40.0)],
        [ZoneEvent("in", "gate", 7, "person", 80.0)],
        [ZoneEvent("exit", "door", 7, "person", 120.0, pytest.approx(0.08))],
    ]
    door, gate = result.zones.zones["door"], result.zones.lines["gate"]
    assert door.classes == {"person": ZoneCount(0, 1, 1, 0, 0, pytest.approx(0.08))}
    assert door.total == door.classes["person"] and door.visits == ()
    assert gate.classes == {"person": LineCount(1, 0)} and gate.total == LineCount(1, 0)
    assert door.polygon == ((100, 100), (300, 100), (300, 300), (100, 300))
    assert gate.ends == ((0, 200), (640, 200))


def test_the_json_of_the_documentation():
    zones = edgecv.Zones(RECORD, NAMES)
    zones.update(tracked((150, 150, 1, 0), time_ms=0))
    zones.update(tracked((150, 250, 1, 0), time_ms=1000))
    record = json.loads(json.dumps(zones.update(tracked((150, 350, 1, 0), time_ms=1500)).to_dict()))
    counts = {"occupancy": 0, "entries": 0, "exits": 1, "appeared": 1, "vanished": 0}
    assert record["detections"][0]["track_id"] == 1
    assert record["zones"] == {
        "door": {"classes": {"person": {**counts, "seconds": 1.5}}, "visits": []}
    }
    assert record["lines"] == {"gate": {"person": {"in": 1, "out": 0}}}
    event = {"kind": "exit", "place": "door", "track_id": 1, "name": "person"}
    assert record["events"] == [{**event, "time_ms": 1500.0, "seconds": 1.5}]


def test_totals_of_several_classes():
    zones = edgecv.Zones(RECORD, NAMES)
    objects = (150, 150, 1, 0), (200, 150, 2, 1), (250, 150, 3, 1)
    state = zones.update(tracked(*objects)).zones.zones["door"]
    assert state.classes["car"].occupancy == 2 and state.total.occupancy == 3
    assert [visit.name for visit in state.visits] == ["person", "car", "car"]


def test_instances_are_counted():
    zones = edgecv.Zones(RECORD, NAMES)
    masks = np.zeros((1, *SIZE), bool)
    masks[0, 130:170, 130:170] = True
    box, one = np.array([[130, 130, 170, 170]], np.float32), np.ones(1, np.float32)
    result = Instances(box, one, np.zeros(1, np.int64), NAMES, Masks.from_frames(masks))
    result.track_ids = np.array([4])
    counted = zones.update(result)
    assert isinstance(counted, Instances)
    assert counted.zones.zones["door"].total.occupancy == 1


def test_a_tracker_and_zones_together():
    tracker, zones = edgecv.Tracker(), edgecv.Zones(RECORD, NAMES)
    for index in range(20):
        result = tracked((150, 120 + 8 * index, 0, 0))
        result.track_ids = None
        result = zones.update(tracker.update(result, time_ms=40 * index))
    assert result.zones.lines["gate"].total == LineCount(1, 0)
    assert result.zones.zones["door"].total.appeared == 1


def test_reset():
    zones = edgecv.Zones(RECORD, NAMES)
    zones.update(tracked((150, 150, 1, 0), time_ms=5000))
    zones.reset()
    result = zones.update(tracked((150, 250, 1, 0), time_ms=0))
    assert result.zones.lines["gate"].total == LineCount(0, 0)
    assert result.zones.zones["door"].total.appeared == 1


def test_results_that_cannot_be_counted():
    zones = edgecv.Zones(RECORD, NAMES)
    untracked = tracked((150, 150, 1, 0))
    untracked.track_ids = None
    with pytest.raises(InputError, match=r"give the result of Tracker\.update"):
        zones.update(untracked)
    other = tracked((150, 150, 1, 0))
    other.names = ["cat"]
    with pytest.raises(InputError, match="a model with other classes"):
        zones.update(other)
    zones.update(tracked((150, 150, 1, 0), time_ms=40))
    with pytest.raises(InputError, match="the frame at 20 ms came after that at 40 ms"):
        zones.update(tracked((150, 150, 1, 0), time_ms=20))


def test_a_zone_outside_the_image():
    zones = edgecv.Zones(changed(polygon=[[700, 0], [900, 0], [900, 90]]), NAMES)
    with pytest.raises(InputError) as caught:
        zones.update(tracked())
    assert str(caught.value) == (
        'zone "door": lies outside the image of 480 x 640 (height x width): give its points in '
        "pixels, or the size that they belong to as image_size"
    )


def test_points_of_an_image_of_another_size():
    zones = edgecv.Zones(changed(image_size=[960, 1280]), NAMES)
    state = zones.update(tracked((60, 60, 1, 0))).zones.zones["door"]
    assert state.polygon[2] == (150, 150) and state.total.occupancy == 1


def test_margin_and_time_to_forget_are_the_files():
    def entries(**settings):
        zones = edgecv.Zones(changed(**settings), NAMES)
        for index in range(9):
            result = zones.update(tracked((97 if index % 2 == 0 else 103, 250, 1, 0)))
        return result.zones.zones["door"].total.entries

    assert entries() == 1 and entries(margin=0) == 4

    def occupancy(**settings):
        zones = edgecv.Zones(changed(**settings), NAMES)
        zones.update(tracked((150, 150, 1, 0), time_ms=0))
        return zones.update(tracked(time_ms=1000)).zones.zones["door"].total.occupancy

    assert occupancy() == 1 and occupancy(forget_s=0.5) == 0


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ([], "the file: expected an object, got []"),
        ({}, "expected zones or lines, there is neither"),
        ({"zone": []}, 'the file: unknown key "zone" (did you mean "zones"?)'),
        ({"zones": {}}, "zones: expected a list, got {}"),
        ({"zones": [3]}, "zones[0]: expected an object, got 3"),
        ({"lines": [{"name": "gate", "from": [0, 0]}]}, 'lines[0]: "to" is missing'),
        (changed(name=""), 'zone "": expected a name'),
        (changed(name="a\nb"), 'zones[0].name: expected a string on one line, got "a\\nb"'),
        (changed(name=3), "zones[0].name: expected a string on one line, got 3"),
        (changed(name="gate"), 'line "gate": another zone or line has this name'),
        (changed(anchor="middle"), 'zones[0].anchor: expected one of bottom, center, top, got "mi'),
        (changed(anchor=[]), "zones[0].anchor: expected one of bottom, center, top, got []"),
        (
            changed(classes=["persn"]),
            'zones[0].classes[0]: the model has no class "persn" (did you mean "person"?)',
        ),
        (
            changed(classes=["dog"]),
            'zones[0].classes[0]: the model has no class "dog"; expected some of person, car',
        ),
        (changed(classes=[0]), "zones[0].classes[0]: the model has no class 0"),
        (changed(classes="person"), 'zones[0].classes: expected a list, got "person"'),
        (changed(classes=[]), "zones[0].classes: expected class names; for all leave it out"),
        (changed(polygon=[[0, 0], [1, 1]]), 'zone "door": expected a polygon of 3 to 1000 corners'),
        (
            changed(polygon=[[0, 0], [9, 9], [9, 0], [0, 9]]),
            'zone "door": the polygon crosses itself: the side from [0, 0] to [9, 9] meets that '
            "from [9, 0] to [0, 9]: list the corners in order around it",
        ),
        (changed(polygon=[[0, 0], [1, 1], [2]]), "zones[0].polygon[2]: expected a point [x, y], g"),
        (changed(polygon=[[0, 0], [1, "1"]]), 'zones[0].polygon[1][1]: expected a number, got "1"'),
        (changed(polygon=[[0, 0], [1, True]]), "zones[0].polygon[1][1]: expected a number, got tr"),
        (changed(polygon=[[0, 0], [1, 10**400]]), "zones[0].polygon[1][1]: expected a number, got"),
        (changed(polygon=[[0, 0], [1, 9e6], [3, 3]]), 'zone "door": expected points of -1000000 t'),
        (changed(start=[0, 200], end=[0, 200]), 'line "gate": both ends are the same point'),
        (changed(margin=-1), "margin: expected 0 to 10, got -1"),
        (changed(margin="wide"), 'margin: expected a number, got "wide"'),
        (changed(forget_s=1e5), "forget_s: expected 0 to 3600 seconds, got 1e+05"),
        (changed(image_size=[0, 5]), "image_size: expected [height, width] in pixels, got [0, 5]"),
        (changed(image_size=4), "image_size: expected [height, width] in pixels, got 4"),
    ],
)
def test_what_cannot_be_is_named(record, message, tmp_path):
    with pytest.raises(InputError) as caught:
        edgecv.Zones(record, NAMES)
    assert str(caught.value).startswith(message) and "\n" not in str(caught.value)
    path = tmp_path / "zones.json"
    path.write_text(json.dumps(record))
    with pytest.raises(InputError) as caught:
        edgecv.Zones.read(path, NAMES)
    assert str(caught.value).startswith(f"{path}: {message}")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not JSON: Expecting value in line 1, column 1"),
        (b'{"zones": [}', "not JSON: Expecting value in line 1, column 12"),
        (b'{"zones":\n [1,]]}', "not JSON: "),
        (b'{"zones": [], "zones": []}', 'the key "zones" is there twice'),
        (b"\xff\xfe", "not UTF-8: see byte 0"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"margin": NaN, "zones": []}', "expected zones or lines, there is neither"),
        (b" " * (1 << 20) + b"{}", "expected a file of zones, at most 1 MB"),
    ],
)
def test_files_that_are_broken(content, message, tmp_path):
    path = tmp_path / "zones.json"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        edgecv.Zones.read(path, NAMES)
    assert str(caught.value).startswith(f"{path}: {message}") and "\n" not in str(caught.value)


def test_numbers_that_are_none(tmp_path):
    path = tmp_path / "zones.json"
    path.write_text(json.dumps(changed(margin=float("nan"))))
    with pytest.raises(InputError, match="margin: expected 0 to 10, got nan"):
        edgecv.Zones.read(path, NAMES)


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(InputError, match=r"nowhere\.json: cannot be read: No such file"):
        edgecv.Zones.read(tmp_path / "nowhere.json", NAMES)
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        edgecv.Zones.read(tmp_path, NAMES)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="is a pipe, a file was expected"):
        edgecv.Zones.read(tmp_path / "pipe", NAMES)


def test_a_file_with_a_byte_order_mark(tmp_path):
    path = tmp_path / "zones.json"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(RECORD).encode())
    assert edgecv.Zones.read(path, NAMES).update(tracked()).zones.zones.keys() == {"door"}


def test_zones_and_lines_are_drawn():
    zones = edgecv.Zones(RECORD, NAMES)
    result = zones.update(tracked((500, 400, 1, 0)))
    plain = tracked((500, 400, 1, 0)).plot(labels=False)
    drawn = result.plot(labels=False)
    different = (drawn != plain).any(axis=2)
    assert different[100, 100:300].all()  # a side of the zone
    assert different[290:295, 250:290].all()  # the tint
    assert different[200, 350:630].all()  # the line
    assert different[200:212, 320].all()  # its arrow, down
    assert not different[185:196, 320].any()
    assert not different[310:, 310:].any()
    named = result.plot()
    assert (named != drawn).any(axis=2)[102:114, 102:160].any()
    np.testing.assert_array_equal(result.image, np.full((*SIZE, 3), 128, np.uint8))


@pytest.mark.parametrize("shift", [-300, 0, 500])
def test_zones_that_leave_the_image_are_drawn(shift):
    corners = [[100 + shift, 100], [300 + shift, 100], [300 + shift, 900], [100 + shift, 900]]
    record = changed(polygon=corners, image_size=None, start=[-900, 470], end=[9000, 479])
    if shift == -300:
        record["zones"][0]["polygon"][1][0] = record["zones"][0]["polygon"][2][0] = 5
    assert edgecv.Zones(record, NAMES).update(tracked()).plot().shape == (*SIZE, 3)
