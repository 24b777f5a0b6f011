"""Tracks against Roboflow's `trackers`, measured by `trackeval`, on videos without images.

benchmarks/tracking.py has more and longer ones, and the times.
"""

from dataclasses import replace

import numpy as np
import pytest

from helpers.moving_objects import SCENES, make_video
from helpers.peer_trackers import edgecv_tracker, roboflow_tracker
from helpers.tracking_measures import hota_and_idf1


@pytest.mark.parametrize("kind", ["bytetrack", "ocsort"])
@pytest.mark.parametrize("name", ["crowd", "clutter", "frames dropped"])
def test_tracks_are_not_worse(name, kind):
    scene = replace(SCENES[name], frames=75, objects=20)
    measured = {"edgecv": [], "roboflow": []}
    for seed in (1, 2):
        video = make_video(scene, seed)
        for who, run in (
            ("edgecv", edgecv_tracker(kind)),
            ("roboflow", roboflow_tracker(kind, scene)),
        ):
            measured[who].append(hota_and_idf1(video, run(video)))
    ours, theirs = (np.mean(measured[who], axis=0) for who in ("edgecv", "roboflow"))
    assert (ours > theirs).all(), f"HOTA and IDF1 {ours}, theirs {theirs}"
    assert ours[1] > 0.85


def test_measures_of_perfect_tracks():
    video = make_video(replace(SCENES["street"], frames=20, objects=5), 3)
    whole = [(frame.boxes, frame.ids) for frame in video]
    assert hota_and_idf1(video, whole) == (1.0, 1.0)
    nothing = [(frame.boxes, np.full(5, -1)) for frame in video]
    assert hota_and_idf1(video, nothing) == (0.0, 0.0)
    swapped = [
        (frame.boxes, frame.ids if index < 10 else frame.ids + 100)
        for index, frame in enumerate(video)
    ]
    assert hota_and_idf1(video, swapped)[1] == pytest.approx(0.5)
