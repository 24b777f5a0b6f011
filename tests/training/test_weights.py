"""Weights from every file format, transfer to another class count, checkpoints, clear errors."""

from __future__ import annotations

import urllib.error
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torchvision.models import detection

from edgecv.models import registry
from edgecv.models.weights.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from edgecv.models.weights.loading import infer_num_classes, load_weights, read_state_dict
from edgecv_runtime import InputError

SSDLITE = "ssdlite320_mobilenet_v3_large"


def tiny(num_classes: int = 3, seed: int = 0, width: int = 8) -> nn.Module:
    torch.manual_seed(seed)
    return registry.create("ssd_tiny", num_classes=num_classes, size=(64, 64), width=width)


def differing(a: nn.Module, b: nn.Module) -> set[str]:
    other = b.state_dict()
    return {key for key, value in a.state_dict().items() if not torch.equal(value, other[key])}


def save(state_dict: dict[str, torch.Tensor], path: Path) -> Path:
    if path.suffix == ".safetensors":
        save_file(state_dict, path)
    elif path.suffix == ".npz":
        np.savez(path, **{key: value.numpy() for key, value in state_dict.items()})
    else:
        torch.save(state_dict, path)
    return path


@pytest.mark.parametrize("name", ["w.pth", "w.pt", "w.safetensors", "w.npz"])
def test_every_format_gives_the_same_weights(tmp_path: Path, name: str) -> None:
    source, target = tiny(seed=0), tiny(seed=1)
    assert differing(source, target)
    assert load_weights(target, save(source.state_dict(), tmp_path / name)) is None
    assert differing(source, target) == set()


def test_wrapped_state_dicts(tmp_path: Path) -> None:
    source = tiny()
    parallel = {f"module.{key}": value for key, value in source.state_dict().items()}
    torch.save({"model": parallel, "epoch": 3}, tmp_path / "w.pth")
    target = tiny(seed=1)
    load_weights(target, tmp_path / "w.pth")
    assert differing(source, target) == set()


def test_none_leaves_the_module_alone() -> None:
    module = tiny()
    assert load_weights(module, "none") is None
    assert differing(module, tiny()) == set()


def test_another_class_count_is_refused_or_replaces_the_head(tmp_path: Path) -> None:
    source = tiny(num_classes=3)
    path = save(source.state_dict(), tmp_path / "w.pth")
    target = tiny(num_classes=5, seed=1)
    with pytest.raises(InputError, match=r"for 3 classes .* not for this ssd_tiny's 5: head"):
        load_weights(target, path)
    note = load_weights(target, path, new_head=True)
    assert (
        note == f"{path} has 3 classes, the data 5 (background included): backbone kept, head new"
    )
    own, other = target.state_dict(), source.state_dict()
    backbone = [key for key in own if not key.startswith("head.")]
    assert len(backbone) > 20
    assert all(torch.equal(own[key], other[key]) for key in backbone)
    # Xavier: uniform within sqrt(6 / (fan in + fan out)), no bias.
    for convolution in [*target.head.classes, *target.head.boxes]:
        out_channels, in_channels = convolution.weight.shape[:2]
        bound = (6 / (9 * (in_channels + out_channels))) ** 0.5
        assert convolution.weight.abs().max() <= bound
        assert convolution.weight.abs().max() > 0.9 * bound
        assert not convolution.bias.any()


@pytest.mark.parametrize("architecture", ["ssd_tiny", SSDLITE, "ssd300_vgg16"])
def test_class_count_is_inferred(architecture: str) -> None:
    with torch.device("meta"):
        module = registry.create(architecture, num_classes=21)
    assert infer_num_classes(architecture, module.state_dict()) == 21
    with pytest.raises(InputError, match=f"not of {architecture}"):
        infer_num_classes(architecture, {"a": torch.zeros(3)})


def broken(path: Path) -> Path:
    path.write_bytes(b"not weights")
    return path


ERRORS: dict[str, Any] = {
    "no such file": lambda folder: folder / "none.pth",
    r"w\.h5: cannot be read as weights": lambda folder: broken(folder / "w.h5"),
    r"w\.pth: cannot be read as weights": lambda folder: broken(folder / "w.pth"),
    "broken safetensors": lambda folder: broken(folder / "w.safetensors"),
    "broken npz": lambda folder: broken(folder / "w.npz"),
    "holds no weights": lambda folder: save({"a": 1}, folder / "w.pth"),
    "holds no weights but a list": lambda folder: save([1], folder / "w.pth"),
    r"another architecture than ssd_tiny: keys 2 missing .* and 1 unexpected": lambda folder: save(
        {k: v for k, v in tiny().state_dict().items() if "classes.0" not in k}
        | {"fc.weight": torch.zeros(1)},
        folder / "w.pth",
    ),
    r"another shape than this ssd_tiny: stages.*expected \[4, 3, 3, 3\]": lambda folder: save(
        tiny(width=16).state_dict(), folder / "w.pth"
    ),
}


@pytest.mark.parametrize("message", ERRORS)
def test_weights_that_do_not_fit(tmp_path: Path, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        load_weights(tiny(), ERRORS[message](tmp_path), new_head=True)
    assert "\n" not in str(caught.value)


def test_default_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """The published enum is asked; what it gives is loaded, a failed download is explained."""
    torch.manual_seed(0)
    published = detection.ssdlite320_mobilenet_v3_large(
        weights=None, weights_backbone=None, num_classes=91
    )
    enum = detection.SSDLite320_MobileNet_V3_Large_Weights
    monkeypatch.setattr(enum, "get_state_dict", lambda self, **_: published.state_dict())
    torch.manual_seed(1)
    module = registry.create(SSDLITE, num_classes=4)
    assert "default has 91 classes" in str(load_weights(module, "default", new_head=True))
    assert all(key.startswith("head.") for key in differing_keys(module, published))

    def offline(self: object, **_: object) -> None:
        raise urllib.error.URLError("no route to host")

    monkeypatch.setattr(enum, "get_state_dict", offline)
    with pytest.raises(InputError, match=r"cannot be downloaded .*no route.* pass the file as"):
        load_weights(module, "default")
    with pytest.raises(InputError, match="ssd_tiny has no default weights"):
        load_weights(tiny(), "default")


def differing_keys(a: nn.Module, b: nn.Module) -> list[str]:
    own, other = a.state_dict(), b.state_dict()
    return [
        key
        for key in own
        if own[key].shape != other[key].shape or not torch.equal(own[key], other[key])
    ]


def checkpoint(module: nn.Module) -> Checkpoint:
    arguments = {"num_classes": 3, "size": [64, 64], "width": 8}
    return Checkpoint(
        "ssd_tiny", arguments, ["a", "b"], module.input, module.state_dict(), {"epoch": 4}
    )


def test_checkpoint_round_trip(tmp_path: Path) -> None:
    module = tiny().eval()
    save_checkpoint(tmp_path / "best.pt", checkpoint(module))
    assert [path.name for path in tmp_path.iterdir()] == ["best.pt"]
    plain = torch.load(tmp_path / "best.pt", weights_only=True)
    assert {key: plain[key] for key in ("format", "architecture", "labels")} == {
        "format": 1,
        "architecture": "ssd_tiny",
        "labels": ["a", "b"],
    }
    loaded = load_checkpoint(tmp_path / "best.pt")
    assert loaded.input == module.input
    assert loaded.training == {"epoch": 4}
    again = loaded.module()
    assert not again.training
    image = torch.rand(3, 50, 70)
    for own, other in zip(again([image])[0].values(), module([image])[0].values(), strict=True):
        assert torch.equal(own, other)
    # A checkpoint is also a source of weights.
    assert differing(module, tiny()) == set()
    target = tiny(seed=1)
    load_weights(target, tmp_path / "best.pt")
    assert differing(module, target) == set()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.pop("format"), "no checkpoint of edgecv train"),
        (lambda c: c.update(format=2), "checkpoint format 2, this version reads 1"),
        (lambda c: c.pop("labels"), "labels is missing"),
        (lambda c: c["arguments"].update(num_classes=7), "for 3 classes"),
        (lambda c: c.update(architecture="ssd_big"), "unknown architecture 'ssd_big'"),
    ],
)
def test_bad_checkpoints(tmp_path: Path, change: Any, message: str) -> None:
    path = tmp_path / "best.pt"
    save_checkpoint(path, checkpoint(tiny()))
    content = torch.load(path, weights_only=True)
    change(content)
    torch.save(content, path)
    with pytest.raises(InputError, match=message):
        load_checkpoint(path).module()


def test_missing_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file; expected a checkpoint"):
        load_checkpoint(tmp_path / "best.pt")


def test_integer_and_half_arrays_keep_their_type(tmp_path: Path) -> None:
    np.savez(tmp_path / "w.npz", a=np.arange(3), b=np.ones(2, np.float16))
    weights = read_state_dict(tmp_path / "w.npz")
    assert (weights["a"].dtype, weights["b"].dtype) == (torch.int64, torch.float16)
