"""Records of architectures: what is known of each by its name."""

from __future__ import annotations

import copy
from dataclasses import FrozenInstanceError, replace

import pytest
from torch import nn

from edgecv.models import registry
from edgecv.models.architecture.catalogue import CATALOGUE
from edgecv.models.architecture.heads import in_head
from edgecv_runtime import InputError

# Nobody publishes weights of these.
WITHOUT_WEIGHTS = {"ssd_tiny", "maskrcnn_mobilenet_v3_large_fpn", "style_transform"}


@pytest.mark.parametrize("name", CATALOGUE)
def test_each_name_of_the_catalogue_has_a_record(name):
    record = registry.find(name)
    assert (record.name, record.task) == (name, CATALOGUE[name].task)
    assert (record.published is None) == (name in WITHOUT_WEIGHTS)


def test_a_record_is_not_changed():
    with pytest.raises(FrozenInstanceError):
        registry.find("ssd_tiny").backbone_prefix = "backbone."


def test_a_record_has_to_fit_the_catalogue():
    with pytest.raises(ValueError, match="ssd_tiny, segment: not so in"):
        registry.register(replace(registry.find("ssd_tiny"), task="segment"))


def test_a_copy_of_a_module_is_of_the_same_architecture():
    module = copy.deepcopy(registry.create("ssd_tiny", num_classes=3, size=(64, 96), width=4))
    assert registry.architecture_of(module) is registry.find("ssd_tiny")
    assert registry.input_of(module)["size"] == [64, 96]


def test_other_modules_have_no_record():
    with pytest.raises(InputError, match=r"Linear: not an architecture that edgecv knows by name"):
        in_head(nn.Linear(2, 2), "weight")


@pytest.mark.parametrize(
    ("name", "head", "rest"),
    [
        ("ssd_tiny", "head.classes.0.weight", "stages.0.0.0.weight"),
        ("retinanet_resnet50_fpn", "head.classification_head.cls_logits.weight",
         "head.classification_head.conv.0.0.weight"),
        ("fasterrcnn_mobilenet_v3_large_fpn", "roi_heads.box_predictor.bbox_pred.weight",
         "roi_heads.box_head.fc6.weight"),
        ("resnet18", "fc.weight", "layer4.1.conv2.weight"),
        ("lraspp_mobilenet_v3_large", "classifier.high_classifier.weight",
         "classifier.cbr.0.weight"),
    ],
)  # fmt: skip
def test_what_new_classes_replace(name, head, rest):
    with registry.without_weights():
        module = registry.create(name, num_classes=3)
    assert {head, rest} <= {key for key, _ in module.named_parameters()}
    assert in_head(module, head)
    assert not in_head(module, rest)
