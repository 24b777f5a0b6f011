"""Old names of modules give the new ones, and a warning."""

from __future__ import annotations

import importlib
import sys

import pytest

MODULES = {
    "edgecv.models.checkpoint": "edgecv.models.weights.checkpoint",
    "edgecv.models.roi_pool": "edgecv.models.parts.roi_pool",
    "edgecv.data.records": "edgecv.data.reading.records",
    "edgecv.training.fit": "edgecv.training.run.fit",
    "edgecv.training.metrics": "edgecv.training.detection.metrics",
    "edgecv.training.in_effect": "edgecv.training.run.resolved_settings",
    "edgecv.data.folder": "edgecv.data.detection_folder",
    "edgecv.data.reading.repeated": "edgecv.data.reading.duplicates",
    "edgecv.training.detection.detector": "edgecv.training.detection.torch_detector",
    "edgecv.training.classification.classifier": "edgecv.training.classification.torch_classifier",
}
NAMES = {
    ("edgecv.models.weights", "load_weights"): "edgecv.models.weights.loading",
    ("edgecv.data.coco", "read"): "edgecv.data.coco.reader",
    ("edgecv.training.detection", "DetectionSettings"): "edgecv.training.detection.recipe",
}


@pytest.mark.parametrize(("old", "new"), MODULES.items())
def test_an_old_module_is_the_new_one(old, new, monkeypatch):
    monkeypatch.delitem(sys.modules, old, raising=False)
    with pytest.warns(DeprecationWarning, match=f"{old} has moved to {new};"):
        module = importlib.import_module(old)
    assert module is importlib.import_module(new)
    assert module.__name__ == module.__spec__.name == new


@pytest.mark.parametrize(("old", "new"), NAMES.items())
def test_a_name_of_a_module_that_is_a_folder_now(old, new):
    package, name = old
    with pytest.warns(DeprecationWarning, match=f"{package}.{name} has moved to {new}.{name};"):
        found = getattr(importlib.import_module(package), name)
    assert found is getattr(importlib.import_module(new), name)


def test_other_names_are_unknown_as_ever():
    with pytest.raises(ModuleNotFoundError, match=r"edgecv\.training\.nothing"):
        importlib.import_module("edgecv.training.nothing")
    with pytest.raises(AttributeError, match="nothing"):
        _ = importlib.import_module("edgecv.data.coco").nothing
