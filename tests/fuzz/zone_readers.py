"""Readers of files of zones; what they accept also counts and is drawn."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from edgecv_runtime.results.detections import Detections
from edgecv_runtime.zones.zones import Zones
from fuzz.reader import Reader

_NAMES = ["person", "car"]
_SEEDS = [
    {
        "zones": [
            {"name": "door", "polygon": [[10, 10], [60, 10], [60, 60], [10, 60]]},
            {"name": "bay", "polygon": [[0, 0], [30, 5], [9, 9]], "classes": ["car"]},
        ],
        "lines": [{"name": "gate", "from": [0, 40], "to": [80, 40], "anchor": "center"}],
    },
    {
        "lines": [{"name": "gate", "from": [0, 0.5], "to": [-5, 4e1], "classes": ["person"]}],
        "image_size": [72, 80],
        "margin": 0.2,
        "forget_s": 1,
    },
]


def _read(folder: Path) -> object:
    zones = Zones.read(folder / "zones.json", _NAMES)
    for place in range(0, 60, 20):
        box = np.array([[place, place, place + 20, place + 20]], np.float32)
        image = np.zeros((72, 80, 3), np.uint8)
        found = Detections(box, np.ones(1, np.float32), np.zeros(1, np.int64), _NAMES, image)
        found.track_ids = np.ones(1, np.int64)
        result = zones.update(found)
        result.plot()
    return json.dumps(result.to_dict())


READERS = {"zones": Reader("zones.json", [json.dumps(each).encode() for each in _SEEDS], _read)}
