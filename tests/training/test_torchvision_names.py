"""torchvision's classifiers and segmentation networks by name: records, heads, weights."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torchvision import models
from torchvision.models import segmentation

from edgecv.models import registry
from edgecv.models.architecture.heads import in_head, layers_of_classes
from edgecv.models.weights.loading import fit_state_dict, infer_num_classes, load_weights
from edgecv_runtime import InputError

SEGMENTATION = [
    "fcn_resnet50",
    "fcn_resnet101",
    "deeplabv3_resnet50",
    "deeplabv3_resnet101",
    "deeplabv3_mobilenet_v3_large",
    "lraspp_mobilenet_v3_large",
]
# One of each family whose head is called differently.
HEADS = {
    "resnet18": ("fc.",),
    "alexnet": ("classifier.6.",),
    "squeezenet1_1": ("classifier.1.",),
    "googlenet": ("aux1.fc2.", "aux2.fc2.", "fc."),
    "inception_v3": ("AuxLogits.fc.", "fc."),
    "vit_b_16": ("heads.head.",),
    "swin_t": ("head.",),
    "maxvit_t": ("classifier.5.",),
    "regnet_y_400mf": ("fc.",),
    "fcn_resnet50": ("classifier.4.", "aux_classifier.4."),
    "lraspp_mobilenet_v3_large": ("classifier.low_classifier.", "classifier.high_classifier."),
}


def build(name: str, **arguments: Any) -> Any:
    with registry.without_weights():
        return registry.create(name, **arguments)


def test_every_name_of_torchvision_is_there() -> None:
    names = registry.names()
    assert set(models.list_models(module=models)) <= set(names)
    assert set(models.list_models(module=segmentation)) <= set(names)
    assert set(SEGMENTATION) == set(models.list_models(module=segmentation))
    assert {registry.task_of(name) for name in SEGMENTATION} == {"segment"}
    assert registry.task_of("vit_b_16") == "classify"
    assert not registry.counts_background("resnet18")
    with pytest.raises(InputError, match="unknown architecture 'resnet19'; did you mean resnet1"):
        registry.task_of("resnet19")


@pytest.mark.parametrize("name", sorted(HEADS))
def test_the_head_is_found_and_the_class_count_inferred(name: str) -> None:
    assert layers_of_classes(name) == HEADS[name]
    module = build(name, num_classes=17)
    assert infer_num_classes(name, module.state_dict()) == 17
    inside = {key for key, _ in module.named_parameters() if in_head(module, key)}
    assert inside and all(key.startswith(HEADS[name]) for key in inside)


@pytest.mark.parametrize(
    ("name", "edge", "crop"),
    [
        ("resnet18", 256, 224),
        ("inception_v3", 342, 299),
        ("resnet50", 232, 224),  # of the second version of its weights
    ],
)
def test_the_record_is_that_of_the_published_weights(name: str, edge: int, crop: int) -> None:
    record = build(name, num_classes=2).input
    assert (record["size"], record["resize"]) == ([edge, edge], "shortest_edge")
    assert (record["crop"], record["max_size"]) == ([crop, crop], None)
    assert (record["interpolation"], record["antialias"]) == ("bilinear", True)
    assert record["mean"] == [0.485, 0.456, 0.406]


def test_bicubic_presets() -> None:
    assert build("efficientnet_b0", num_classes=2).input["interpolation"] == "bicubic"


def test_another_size() -> None:
    record = build("resnet18", num_classes=2, size=[96, 64]).input
    assert (record["crop"], record["size"]) == ([96, 64], [110, 110])
    assert build("vit_b_16", num_classes=2, size=[64, 64]).image_size == 64
    with pytest.raises(InputError, match="expected a square size, got 64x96"):
        build("vit_b_16", num_classes=2, size=[64, 96])
    with pytest.raises(InputError, match="at least 32x32"):
        build("resnet18", num_classes=2, size=[16, 16])


def test_default_weights_and_a_new_head(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    published = models.squeezenet1_1().state_dict()
    enum = models.SqueezeNet1_1_Weights
    monkeypatch.setattr(enum, "get_state_dict", lambda self, **_: published)
    same = registry.create("squeezenet1_1", num_classes=1000)
    assert load_weights(same, "default") is None
    assert all(torch.equal(v, published[k]) for k, v in same.state_dict().items())
    other = registry.create("squeezenet1_1", num_classes=3)
    note = load_weights(other, "default", new_head=True)
    assert note == "default has 1000 classes, the data 3: backbone kept, head new"
    kept = [k for k in published if not k.startswith("classifier.1.")]
    assert all(torch.equal(other.state_dict()[k], published[k]) for k in kept)


def test_weights_without_the_second_classifier(monkeypatch: pytest.MonkeyPatch) -> None:
    """As torchvision saves a model that was made without auxiliary loss."""
    torch.manual_seed(0)
    module = registry.create("deeplabv3_mobilenet_v3_large", num_classes=3)
    weights = {k: v + 1 for k, v in module.state_dict().items()}
    short = {k: v for k, v in weights.items() if not k.startswith("aux_classifier.")}
    before = module.state_dict()["aux_classifier.0.weight"].clone()
    assert fit_state_dict(module, short, "w.pth") is None
    own = module.state_dict()
    assert all(torch.equal(own[k], v) for k, v in short.items())
    assert torch.equal(own["aux_classifier.0.weight"], before)
    with pytest.raises(InputError, match=r"1 missing \(such as classifier\.4\.bias\)"):
        fit_state_dict(module, {k: v for k, v in short.items() if k != "classifier.4.bias"}, "w")


@pytest.mark.parametrize(
    ("name", "classifier", "key"),
    [
        ("lraspp_mobilenet_v3_large", "mobilenet_v3_large", "features.0.0.weight"),
        ("fcn_resnet18", "resnet18", "conv1.weight"),
    ],
)
def test_a_classifier_s_weights_fill_the_backbone(name: str, classifier: str, key: str) -> None:
    torch.manual_seed(0)
    weights = models.get_model(classifier).state_dict()
    module = registry.create(name, num_classes=3)
    with pytest.raises(InputError, match="weights of another architecture"):
        fit_state_dict(module, weights, "w.pth")
    note = fit_state_dict(module, weights, "w.pth", new_head=True)
    assert note == "w.pth has weights of the backbone: they are kept, the head is new"
    own = module.state_dict()[f"backbone.{key.removeprefix('features.')}"]
    assert torch.equal(own, weights[key])
