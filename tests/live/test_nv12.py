"""NV12 frames reach the core as they are; a result's image becomes BGR when it is asked for."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path

import cv2
import numpy as np
import pytest

import edgecv
from edgecv_runtime.sources import Frame
from helpers.tiny_bundle import write_tiny_bundle

GOLDEN = Path(__file__).parents[1] / "golden"
BUNDLES = ["bundle_v2_classify", "bundle_v2_segment", "bundle_v1_rcnn", "bundle_v2_style"]


@pytest.fixture(scope="module")
def frame():
    chance = np.random.default_rng(7)
    blocks = chance.integers(0, 256, (12, 16, 3), np.uint8)
    image = cv2.resize(blocks, (96, 64), interpolation=cv2.INTER_LINEAR)
    i420 = cv2.cvtColor(image, cv2.COLOR_BGR2YUV_I420)
    nv12 = i420.copy()
    chroma = i420[64:].reshape(2, 32, 48)
    nv12[64:] = np.stack([chroma[0], chroma[1]], axis=-1).reshape(32, 96)
    return Frame("cam", nv12, 3, 120.0, 100.0, "nv12")


@pytest.fixture(params=[*BUNDLES, "tiny"])
def model(request, tmp_path):
    if request.param == "tiny":
        return edgecv.load(write_tiny_bundle(tmp_path / "tiny"), threads=1)
    return edgecv.load(GOLDEN / request.param, threads=1)


def test_a_frame_knows_its_size_and_its_image(frame):
    assert frame.size == (64, 96) and frame.image.shape == (64, 96, 3)
    assert frame.image is frame.image  # converted once
    expected = cv2.cvtColor(frame.pixels, cv2.COLOR_YUV2BGR_NV12)
    np.testing.assert_array_equal(frame.image, expected)


def test_the_result_is_that_of_the_converted_image(frame, model):
    (found,) = model.predict_frames([frame])
    expected = model(frame.image)
    assert found.to_dict() | {"source": None} == expected.to_dict()
    assert found.image_size == expected.image_size == (64, 96)
    assert (found.frame, found.time_ms, found.play_ms, found.source) == (3, 120.0, 100.0, "cam")
    np.testing.assert_array_equal(found.image, expected.image)
    assert found.color == "bgr"
    np.testing.assert_array_equal(found.plot(), expected.plot())


def test_copies_and_pickles_have_the_image(frame, model):
    (found,) = model.predict_frames([frame])
    for other in (copy.copy(found), pickle.loads(pickle.dumps(found))):
        np.testing.assert_array_equal(other.image, model(frame.image).image)
    with pytest.raises(AttributeError, match="'picture'"):
        _ = found.picture


def test_tiles_of_it(frame, tmp_path):
    model = edgecv.load(write_tiny_bundle(tmp_path / "tiny"), threads=1)
    model.tiles = edgecv.Tiles((32, 48), overlap=0.25)
    model.thresholds = 0.1
    (found,) = model.predict_frames([frame])
    assert found.to_dict() | {"source": None} == model(frame.image).to_dict()
    assert len(found) > 0


def test_frames_of_both_formats_share_a_run(frame, tmp_path):
    model = edgecv.load(write_tiny_bundle(tmp_path / "tiny"), threads=1)
    bgr = Frame("other", frame.image, 0)
    found = model.predict_frames([frame, bgr, frame])
    assert [result.source for result in found] == ["cam", "other", "cam"]
    records = [result.to_dict() | {"source": None} for result in found]
    assert records[0] == records[1] == records[2]
