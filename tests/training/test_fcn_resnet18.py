"""The FCN of the course: its parts, and a transposed convolution that upsamples."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F
from torchvision.models import ResNet18_Weights, resnet18

from edgecv.models import registry
from edgecv.models.fcn_resnet18 import bilinear_kernel
from edgecv.models.weights.loading import load_weights
from edgecv_runtime import InputError


@pytest.mark.parametrize(("size", "stride"), [(4, 2), (64, 32)])
def test_the_kernel_upsamples_bilinearly(size: int, stride: int) -> None:
    torch.manual_seed(0)
    small = torch.rand(2, 3, 5, 6, dtype=torch.float64)
    weight = bilinear_kernel(3, 3, size).double()
    large = F.conv_transpose2d(small, weight, stride=stride, padding=stride // 2)
    expected = F.interpolate(small, scale_factor=stride, mode="bilinear", align_corners=False)
    assert large.shape == expected.shape
    inner = (..., slice(stride, -stride), slice(stride, -stride))
    assert (large[inner] - expected[inner]).abs().max() < 1e-6
    # At the border it fades: nothing is added beyond the image.
    assert (large - expected).abs().max() > 0.01


def test_an_odd_kernel_peaks_in_its_middle() -> None:
    kernel = bilinear_kernel(1, 2, 3)
    expected = torch.tensor([[0.25, 0.5, 0.25], [0.5, 1, 0.5], [0.25, 0.5, 0.25]])
    assert kernel.shape == (1, 2, 3, 3)
    torch.testing.assert_close(kernel[0, 0], expected)
    assert not kernel[0, 1].any()


def test_its_parts() -> None:
    module = registry.create("fcn_resnet18", num_classes=7, crop=[64, 96]).eval()
    assert registry.task_of("fcn_resnet18") == "segment"
    backbone = resnet18()
    expected = {k for k in backbone.state_dict() if not k.startswith("fc.")}
    names = module.state_dict()
    assert {k.removeprefix("backbone.") for k in names if k.startswith("backbone.")} == expected
    assert {k: list(v.shape) for k, v in names.items() if k.startswith("head.")} == {
        "head.classify.weight": [7, 512, 1, 1],
        "head.classify.bias": [7],
        "head.upsample.weight": [7, 7, 64, 64],
        "head.upsample.bias": [7],
    }
    assert torch.equal(names["head.upsample.weight"], bilinear_kernel(7, 7, 64))
    assert module.windows["size"] == [64, 96]
    for size in ((64, 96), (50, 70)):
        assert module(torch.zeros(1, 3, *size)).shape == (1, 7, *size)


def test_the_logits_are_those_of_the_parts() -> None:
    torch.manual_seed(0)
    module = registry.create("fcn_resnet18", num_classes=3, crop=[64, 96]).eval()
    plain = resnet18()
    state = {k.removeprefix("backbone."): v for k, v in module.state_dict().items()}
    plain.load_state_dict({k: v for k, v in state.items() if not k.startswith("head.")}, False)
    plain.eval()
    images = torch.rand(1, 3, 64, 96)
    with torch.inference_mode():
        features = torch.nn.Sequential(*list(plain.children())[:-2])(images)
        cells = F.conv2d(features, state["head.classify.weight"], state["head.classify.bias"])
        wanted = F.conv_transpose2d(cells, state["head.upsample.weight"], stride=32, padding=16)
        torch.testing.assert_close(module(images), wanted)


def test_a_crop_must_fit_the_stride() -> None:
    with pytest.raises(InputError, match="expected a crop in multiples of 32, got 100x96"):
        registry.create("fcn_resnet18", num_classes=2, crop=[100, 96])
    with pytest.raises(InputError, match="expected an overlap"):
        registry.create("fcn_resnet18", num_classes=2, overlap=1.0)


def test_default_weights_are_those_of_the_backbone(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    published = resnet18().state_dict()
    monkeypatch.setattr(ResNet18_Weights, "get_state_dict", lambda self, **_: published)
    module = registry.create("fcn_resnet18", num_classes=5)
    note = load_weights(module, "default", new_head=True)
    assert note == "default has weights of the backbone: they are kept, the head is new"
    own = module.state_dict()
    assert all(torch.equal(own[f"backbone.{k}"], v) for k, v in published.items() if "fc." not in k)
    assert torch.equal(own["head.upsample.weight"], bilinear_kernel(5, 5, 64))


def test_another_class_count_starts_the_head_anew() -> None:
    source = registry.create("fcn_resnet18", num_classes=4).state_dict()
    torch.nn.init.ones_(source["head.upsample.weight"])
    module = registry.create("fcn_resnet18", num_classes=6)
    from edgecv.models.weights.loading import fit_state_dict

    with pytest.raises(InputError, match="weights for 4 classes, not for this fcn_resnet18's 6"):
        fit_state_dict(module, source, "x.pth")
    note = fit_state_dict(module, source, "x.pth", new_head=True)
    assert note == "x.pth has 4 classes, the data 6: backbone kept, head new"
    own = module.state_dict()
    assert torch.equal(own["backbone.conv1.weight"], source["backbone.conv1.weight"])
    assert torch.equal(own["head.upsample.weight"], bilinear_kernel(6, 6, 64))
    assert 0 < own["head.classify.weight"].abs().max() <= (6 / (512 + 6)) ** 0.5
