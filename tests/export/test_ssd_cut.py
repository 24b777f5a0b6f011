"""Everything is read from the object."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torchvision.models import detection

from edgecv_export import export
from edgecv_export.graphs.families import cut_model
from edgecv_runtime import InputError


def test_records_of_an_own_detector(small_parts: Any) -> None:
    cut = cut_model(small_parts.make_detector())
    assert cut.classes == 4
    assert cut.tensor_size == (96, 160)
    assert cut.input == {
        "color": "rgb",
        "size": [96, 160],
        "resize": "stretch",
        "max_size": None,
        "align": "center",
        "crop": None,
        "interpolation": "bilinear",
        "antialias": False,
        "scale": 1 / 255,
        "mean": [0.4, 0.5, 0.6],
        "std": [0.2, 0.25, 0.3],
        "pad_value": 0.0,
        "pad_multiple": 1,
        "dtype": "float32",
        "layout": "nchw",
    }
    assert cut.postprocess == {
        "method": "ssd",
        "scores": {"output": "logits", "function": "softmax", "background": "first"},
        "boxes": {
            "output": "deltas",
            "encoding": "deltas",
            "normalized": False,
            "weights": [8.0, 9.0, 4.0, 5.0],
            "max_log_scale": pytest.approx(4.135166556742356),
        },
        "anchors": {
            "kind": "default_boxes",
            "feature_sizes": [[12, 20], [6, 10], [3, 5]],
            "aspect_ratios": [[2.0], [2.0, 3.0], [3.0]],
            "scales": [0.15, 0.35, 0.6, 0.9],
            "steps": None,
            "clip": False,
        },
        "score_threshold": 0.05,
        "iou_threshold": 0.6,
        "topk_candidates": 50,
        "max_detections": 90,
    }


def test_ssd300_has_its_own_normalisation() -> None:
    with torch.device("meta"):
        module = detection.ssd300_vgg16(weights=None, weights_backbone=None)
    # Only the transform is looked at; the network need not be there.
    from edgecv_export.graphs.ssd.cut import ssd_input_record

    record = ssd_input_record(module.transform)
    assert record["mean"] == [0.48235, 0.45882, 0.40784]
    assert record["std"] == [1 / 255] * 3
    assert record["size"] == [300, 300]
    assert record["pad_multiple"] == 1


def test_the_callers_module_is_left_as_it_is(small_parts: Any) -> None:
    module = small_parts.make_detector().train().double()
    before = {key: value.clone() for key, value in module.state_dict().items()}
    cut_model(module)
    assert module.training
    for key, value in module.state_dict().items():
        assert value.dtype == before[key].dtype
        torch.testing.assert_close(value, before[key], rtol=0, atol=0)


@pytest.mark.parametrize("change", ["subclass", "private", "scales"])
def test_anchors_that_parameters_cannot_say_are_stored(change: str, small_parts: Any) -> None:
    module = small_parts.make_detector()
    if change == "subclass":
        module.anchor_generator.__class__ = small_parts.ShiftedAnchors
    elif change == "private":
        module.anchor_generator._wh_pairs[0][0] *= 1.5
    else:
        module.anchor_generator.scales = [0.2, 0.3, 0.4, 0.5]  # read when it was built, not later
    cut = cut_model(module)
    assert cut.postprocess["anchors"] == {"kind": "file", "normalized": False}
    stored = cut.anchor_file
    assert stored is not None
    assert stored.dtype == np.float32
    assert stored.shape == (12 * 20 * 4 + 6 * 10 * 6 + 3 * 5 * 4, 4)
    if change == "subclass":
        # First cell's square of side 0.15 around its centre, moved by 3 pixels.
        np.testing.assert_allclose(
            stored[0], [4 - 12 + 3, 4 - 7.2 + 3, 4 + 12 + 3, 4 + 7.2 + 3], atol=1e-4
        )


def test_spare_entries_of_a_generator_are_left_out(small_parts: Any) -> None:
    module = small_parts.make_detector()
    module.anchor_generator = detection.anchor_utils.DefaultBoxGenerator(
        [[2], [2, 3], [3], [2]], scales=[0.15, 0.35, 0.6, 0.9, 1.0], steps=[8, 16, 32, 64]
    )
    anchors = cut_model(module).postprocess["anchors"]
    assert anchors["aspect_ratios"] == [[2.0], [2.0, 3.0], [3.0]]
    assert anchors["scales"] == [0.15, 0.35, 0.6, 0.9]
    assert anchors["steps"] == [8.0, 16.0, 32.0]


class _OtherCoder(detection._utils.BoxCoder):
    pass


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: setattr(m, "box_coder", _OtherCoder((1, 1, 1, 1))), "box_coder _OtherCoder"),
        (lambda m: setattr(m, "transform", nn.Identity()), "transform Identity"),
        (lambda m: setattr(m.transform, "fixed_size", None), "no fixed_size"),
        (
            lambda m: setattr(
                m, "anchor_generator", detection.anchor_utils.DefaultBoxGenerator([[2], [2], [2]])
            ),
            r"cls_logits have shape \[1, 1380, 5\]; expected \[1, 1260,",
        ),
    ],
)
def test_what_cannot_be_recorded_is_refused(small_parts: Any, change: Any, message: str) -> None:
    module = small_parts.make_detector()
    change(module)
    with pytest.raises(InputError, match=message):
        cut_model(module)


@pytest.mark.parametrize("thing", [nn.Linear(3, 4), "ssd300_vgg16", None])
def test_other_objects_are_refused(thing: Any) -> None:
    with pytest.raises(InputError, match=r"expected (a torch|one of: .*a torchvision SSD)"):
        cut_model(thing)


@pytest.mark.parametrize(
    ("labels", "message"),
    [(["a", "b"], "2 labels are given; the model has 4 classes"), ("abcd", "labels is a string")],
)
def test_labels_must_fit(labels: Any, message: str, small_parts: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        export(small_parts.make_detector(), tmp_path / "out", labels=labels)
    assert list(tmp_path.iterdir()) == []


def test_manifest_of_an_export(small_bundle: Path) -> None:
    record = json.loads((small_bundle / "bundle.json").read_text())
    assert record["name"] == "bundle"
    assert record["architecture"] == "SSD"
    assert record["labels"] == ["ant", "bee", "cow", "dog"]
    (graph,) = record["graphs"]["main"]
    assert graph["inputs"] == [{"name": "images", "dtype": "float32", "shape": [None, 3, 96, 160]}]
    assert [o["shape"] for o in graph["outputs"]] == [[None, 1380, 5], [None, 1380, 4]]
    versions = record["provenance"]["versions"]
    assert {"edgecv", "torch", "torchvision", "onnx", "onnxruntime"} <= versions.keys()
    assert sorted(p.name for p in small_bundle.iterdir()) == ["bundle.json", "main.onnx"]
