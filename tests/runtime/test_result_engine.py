"""Every result says which engine made it: each task, one image, a list, tiles, a stream."""

from __future__ import annotations

import pickle
from pathlib import Path

import cv2
import numpy as np
import pytest

import edgecv
from helpers.tiny_bundle import write_tiny_bundle

GOLDEN = Path(__file__).parents[1] / "golden"
BUNDLES = {
    "detect": "tiny",
    "instance": "bundle_v1_rcnn",
    "classify": "bundle_v2_classify",
    "segment": "bundle_v2_segment",
    "stylize": "bundle_v2_style",
}
KINDS = {
    "detect": edgecv.Detections,
    "instance": edgecv.Instances,
    "classify": edgecv.Classification,
    "segment": edgecv.Segmentation,
    "stylize": edgecv.Stylized,
}
ENGINES = ("onnxruntime", "openvino")
IMAGE = np.random.default_rng(3).integers(0, 256, (64, 96, 3), np.uint8)


@pytest.fixture(params=[(task, engine) for task in BUNDLES for engine in ENGINES], ids="-".join)
def model(request, tmp_path):
    task, engine = request.param
    pytest.importorskip(engine)
    folder = write_tiny_bundle(tmp_path / "tiny") if task == "detect" else GOLDEN / BUNDLES[task]
    loaded = edgecv.load(folder, engine=engine, threads=1)
    assert loaded.manifest.task == task and loaded.engine_name == engine
    return loaded


def cut(model) -> None:
    """Has the model take images in parts."""
    if isinstance(model, (edgecv.Detector, edgecv.InstanceSegmenter)):
        model.tiles = edgecv.Tiles(48)
    elif isinstance(model, edgecv.SemanticSegmenter):
        height, width = model.windows["size"] if model.windows else model.manifest.input.size
        model.windows = {"size": (height, width), "overlap": 0.5}
    elif isinstance(model, edgecv.Stylizer):
        model.tiling = "always"


@pytest.mark.parametrize("parts", [False, True], ids=["whole", "parts"])
def test_a_result_names_its_engine(model, parts, tmp_path):
    if parts:
        cut(model)
    kind = KINDS[model.manifest.task]
    cv2.imwrite(str(tmp_path / "image.png"), IMAGE)
    one = model(IMAGE)
    several = model([IMAGE, IMAGE[:32], tmp_path / "image.png"])
    streamed = [*model.stream([tmp_path / "image.png"] * 3, batch=2)]
    assert len(several) == len(streamed) == 3
    results = [one, *several, *streamed]
    if isinstance(model, edgecv.InstanceSegmenter) and not parts:
        results.append(model(IMAGE, proposals=[[5, 5, 60, 60]]))
    if isinstance(model, edgecv.SemanticSegmenter):
        results.append(model(IMAGE, probabilities=True))
    for result in results:
        assert type(result) is kind
        assert result.engine == model.engine_name
    if isinstance(one, (edgecv.Detections, edgecv.Classification)):
        assert one[:0].engine == one.filter(1.0).engine == model.engine_name
    again = pickle.loads(pickle.dumps(one))
    assert again.engine == model.engine_name and again.to_dict() == one.to_dict()
