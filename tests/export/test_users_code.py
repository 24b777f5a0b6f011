"""What goes wrong in a user's own factory or module is said to be there, in one line."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from edgecv.cli.main import main

SOURCE = '''\
import torch, torchvision
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection.backbone_utils import resnet_fpn_backbone


def detector(channels):
    backbone = resnet_fpn_backbone(backbone_name="resnet18", weights=None, trainable_layers=5)
    backbone.body.conv1 = torch.nn.Conv2d(channels, 64, 7, 2, 3, bias=False)
    half = [0.5] * channels
    return FasterRCNN(backbone, num_classes=3, min_size=64, image_mean=half, image_std=half)


def gray():
    return detector(1)


def four():
    return detector(4)


def raises():
    raise ValueError("no such\\nvariant")  # line 22


def fails_in_torch():
    return torch.nn.Linear(3, -1)  # line 26


def nothing():
    detector(3)


def a_list():
    return [1, 2]


def not_finite():
    module = torchvision.models.resnet18(num_classes=2)
    module.fc.bias.data[1] = float("nan")
    return module


class Holder(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.net = torch.nn.Sequential(detector(3))


class OneChannel(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(1, 2, 3)

    def forward(self, x):
        return self.conv(x)


class Odd(torch.nn.Module):
    def forward(self, x):
        return x.mean(), x


class FailsLater(torch.nn.Module):
    """A classifier at first."""

    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(3, 2)
        self.input = dict(torchvision_record)

    def forward(self, x):
        if not torch.compiler.is_compiling() and x.abs().max() > 0:
            raise KeyError("lookup")  # line 69
        return self.layer(x.mean((2, 3)))


from edgecv.models.architecture.input_record import IMAGENET_MEAN, IMAGENET_STD, native_record
torchvision_record = native_record(IMAGENET_MEAN, IMAGENET_STD)
torchvision_record |= {"resize": "stretch", "size": [32, 32]}
'''


@pytest.fixture(autouse=True)
def users_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("theirs.py").write_text(SOURCE)
    Path("theirs_raises").mkdir()
    Path("broken_syntax.py").write_text("x = 1\ndef f(:\n")
    Path("broken_import.py").write_text("\nimport no_such_package_of_theirs\n")
    Path("broken_body.py").write_text("\n\nvalue = {}['key']\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    for name in ("theirs", "broken_syntax", "broken_import", "broken_body"):
        monkeypatch.delitem(sys.modules, name, raising=False)


@pytest.mark.parametrize(
    ("source", "messages"),
    [
        ("theirs:gray", ["FasterRCNN: its first layer takes 1 channels; edgecv's images have 3"]),
        ("theirs:four", ["FasterRCNN: its first layer takes 4 channels; edgecv's images have 3"]),
        (
            "theirs:raises",
            ["theirs:raises raised ValueError: no such variant (theirs.py, line 22); correct it"],
        ),
        (
            "theirs:fails_in_torch",
            ["theirs:fails_in_torch raised RuntimeError", "theirs.py, line 26"],
        ),
        ("theirs:nothing", ["theirs:nothing returned nothing; expected a torch.nn.Module"]),
        ("theirs:a_list", ["theirs:a_list returned a list; expected a torch.nn.Module"]),
        ("theirs:not_finite", ["theirs:not_finite: fc.bias holds NaN or infinity"]),
        (
            "theirs:Holder",
            ["cannot export Holder", "holds one, the FasterRCNN in its .net.0: give"],
        ),
        (
            "theirs:OneChannel",
            ["cannot export OneChannel", "raised RuntimeError: Given groups=1", "have 1 channels"],
        ),
        ("theirs:Odd", ["cannot export Odd", "gave a tuple; expected one of"]),
        ("theirs:FailsLater", ["theirs:FailsLater raised KeyError: 'lookup' (theirs.py, line "]),
        ("broken_syntax:f", ["broken_syntax raised SyntaxError", "(broken_syntax.py, line 2)"]),
        (
            "broken_import:f",
            [
                "broken_import raised ModuleNotFoundError: No module named "
                "'no_such_package_of_theirs' (broken_import.py, line 2)"
            ],
        ),
        ("broken_body:f", ["broken_body raised KeyError: 'key' (broken_body.py, line 3)"]),
    ],
)
def test_it_is_said_in_one_line(
    source: str, messages: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", source, "--out", "bundle"]) == 2
    printed = capsys.readouterr().err
    (line,) = [
        line for line in printed.splitlines() if "warning:" not in line and "note:" not in line
    ]
    assert line.startswith("edgecv: error: ")
    assert "internal" not in line
    assert "did you mean" not in line  # a file of nearly that name is no answer to it
    for message in messages:
        assert message in line
    assert not Path("bundle").exists()
