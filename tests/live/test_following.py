"""edgecv.Live with tracks and zones of each source."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

import edgecv
from edgecv_runtime import InputError
from helpers.tiny_bundle import write_tiny_bundle


@pytest.fixture
def model(tmp_path):
    return edgecv.load(write_tiny_bundle(tmp_path / "tiny"), threads=1)


@pytest.fixture
def videos(tmp_path):
    """White: the model finds two objects that stay where they are. The second ends earlier."""
    paths = []
    for name, count in (("a.avi", 8), ("b.avi", 5)):
        paths.append(tmp_path / name)
        writer = cv2.VideoWriter(str(paths[-1]), cv2.VideoWriter.fourcc(*"MJPG"), 10.0, (96, 64))
        for _ in range(count):
            writer.write(np.full((64, 96, 3), 255, np.uint8))
        writer.release()
    return paths


@pytest.fixture
def zones(tmp_path):
    path = tmp_path / "zones.json"
    polygon = [[0, 0], [46, 0], [46, 64], [0, 64]]  # the left half
    path.write_text(json.dumps({"zones": [{"name": "west", "polygon": polygon}]}))
    return path


@pytest.mark.parametrize("track", [True, "ocsort"])
def test_each_source_has_its_own_tracks(track, model, videos):
    before = dict(model.thresholds)
    with edgecv.Live(model, videos, track=track) as live:
        results = list(live)
    assert dict(model.thresholds) == before
    for index, count in ((0, 8), (1, 5)):
        mine = [result for result in results if result.source_index == index]
        ids = [sorted(result.track_ids.tolist()) for result in mine]
        assert ids == [[-1, -1]] + [[1, 2]] * (count - 1)


def test_the_results_are_those_of_a_tracker_alone(model, videos):
    with edgecv.Live(model, videos[0], track=True) as live:
        found = [result.to_dict() for result in live]
    tracker = edgecv.Tracker(threshold=dict(model.thresholds))
    model.thresholds = tracker.lowest_scores
    assert found == [tracker.update(result).to_dict() for result in model.stream(videos[0])]


def test_zones_count_in_each_source(model, videos, zones):
    with edgecv.Live(model, videos, track=True, zones=zones) as live:
        last = {result.source_index: result for result in live}
    assert [last[at].zones.zones["west"].total.occupancy for at in (0, 1)] == [1, 1]
    with edgecv.Live(model, videos, track=True, zones=[None, zones]) as live:
        last = {result.source_index: result for result in live}
    assert last[0].zones is None and last[1].zones.zones["west"].total.occupancy == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"zones": "zones.json"}, "zones: tracked objects are counted: give `track=True`"),
        ({"track": "sort"}, "kind: expected"),
        ({"track": True, "zones": ["a.json"]}, "zones: expected one file for all sources, or 2"),
    ],
)
def test_mistakes_are_one_line(options, words, model, videos):
    before = dict(model.thresholds)
    with pytest.raises(InputError, match=words):
        edgecv.Live(model, videos, **options)
    assert dict(model.thresholds) == before
