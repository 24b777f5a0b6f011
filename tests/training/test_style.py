"""Training of style networks and optimisation of one image, with random backbones."""

import csv
import itertools
import json
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torchvision.models.vgg import cfgs, make_layers

import edgecv
from edgecv.cli.main import main
from edgecv.models.weights.checkpoint import load_checkpoint
from edgecv.training.run.fit import fit
from edgecv.training.style.images import StyleImages, split_images
from edgecv.training.style.losses import (
    LossWeights,
    StyleLoss,
    VggBackbone,
    gram,
    read_style,
    to_tensor,
    total_variation,
)
from edgecv.training.style.optimisation import OptimisationSettings, optimise_image
from edgecv.training.style.recipe import StyleSettings
from edgecv_export import GraphOptions, export
from edgecv_export.generated_images import generate_images
from edgecv_runtime import InputError

SHALLOW = {"style_layers": "relu1_1,relu2_1", "content_layers": "relu1_2"}


def make_image(height, width, seed=0):
    image = generate_images(1, seed=seed)[0]
    return cv2.resize(image, (width, height))


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    folder = tmp_path_factory.mktemp("images")
    (folder / "more").mkdir()
    for index in range(10):
        where = folder / "more" if index > 6 else folder
        cv2.imwrite(str(where / f"{index}.png"), make_image(60 + index, 70, index))
    cv2.imwrite(str(folder / "grey.png"), make_image(50, 90)[:, :, 0])
    cv2.imwrite(str(folder / "0.png"), make_image(9, 14))  # tiny, and kept back for validation
    return folder


@pytest.fixture(scope="module")
def style_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("style") / "starry.png"
    cv2.imwrite(str(path), make_image(64, 80, seed=9))
    return path


def settings(images, style_file, **more):
    values = {
        "data": str(images),
        "style": str(style_file),
        "loss_weights": "none",
        "size": (32, 40),
        "width": 2,
        "blocks": 1,
        "epochs": 2,
        "batch_size": 3,
        **SHALLOW,
        **more,
    }
    return StyleSettings("style_transform", **values)


def test_gram_matrices_and_total_variation_follow_their_formulas():
    x = torch.rand(2, 3, 4, 5)
    for b in range(2):
        rows = x[b].reshape(3, 20).double()
        expected = (rows @ rows.T / 60).float()
        torch.testing.assert_close(gram(x)[b], expected)
    down = sum(abs(x[:, :, i + 1] - x[:, :, i]).sum() for i in range(3)) / (2 * 3 * 3 * 5)
    across = sum(abs(x[..., i + 1] - x[..., i]).sum() for i in range(4)) / (2 * 3 * 4 * 4)
    torch.testing.assert_close(total_variation(x), (down + across) / 2)


def test_a_backbone_gives_what_torchvisions_vgg_does(tmp_path):
    torch.manual_seed(0)
    peer = make_layers(cfgs["D"]).eval()  # torchvision's vgg16().features
    state = {f"features.{key}": value for key, value in peer.state_dict().items()}
    torch.save({**state, "classifier.0.weight": torch.zeros(1)}, tmp_path / "vgg16.pth")
    layers = ["relu2_2", "relu1_1", "relu3_3"]
    backbone = VggBackbone("vgg16", layers, str(tmp_path / "vgg16.pth"))
    image = torch.rand(1, 3, 40, 48)
    mean = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
    std = torch.tensor([0.229, 0.224, 0.225])[:, None, None]
    found = backbone(image)
    for layer, end in (("relu1_1", 2), ("relu2_2", 9), ("relu3_3", 16)):
        torch.testing.assert_close(found[layer], peer[:end]((image - mean) / std))
    assert not any(parameter.requires_grad for parameter in backbone.parameters())
    assert len(backbone.features) == 16  # nothing deeper than what is asked for
    with pytest.raises(InputError, match=r"not the weights of torchvision's vgg19: features\.16"):
        VggBackbone("vgg19", layers, str(tmp_path / "vgg16.pth"))
    with pytest.raises(InputError, match="vgg16 has no layer 'relu3_4': expected relu1_1 to "):
        VggBackbone("vgg16", ["relu3_4"], "none")
    with pytest.raises(InputError, match="backbone 'resnet': expected one of vgg16, vgg19"):
        VggBackbone("resnet", layers, "none")


def test_published_weights_are_fetched_or_their_absence_is_one_line(monkeypatch):
    import edgecv.training.style.losses as losses

    class Unreachable:
        def get_state_dict(self, **_):
            raise OSError("no route to host")

    monkeypatch.setitem(losses.PUBLISHED_WEIGHTS, "vgg16", Unreachable())
    with pytest.raises(InputError, match=r"weights of vgg16 cannot be downloaded \(no route"):
        VggBackbone("vgg16", ["relu1_1"], "default")

    class Published:
        def get_state_dict(self, **_):
            return {f"features.{k}": v + 1 for k, v in vgg16_features().items()}

    monkeypatch.setitem(losses.PUBLISHED_WEIGHTS, "vgg16", Published())
    backbone = VggBackbone("vgg16", ["relu1_1"], "default")
    torch.testing.assert_close(backbone.features[0].weight, vgg16_features()["0.weight"] + 1)


def vgg16_features():
    torch.manual_seed(3)
    return make_layers(cfgs["D"]).state_dict()


def test_losses_by_hand():
    torch.manual_seed(0)
    backbone = VggBackbone("vgg16", ["relu1_2", "relu1_1", "relu2_1"], "none")
    style, content, stylized = (
        torch.rand(3, 40, 33),
        torch.rand(2, 3, 32, 36),
        torch.rand(2, 3, 32, 36),
    )
    weights = LossWeights(content=2.0, style=30.0, tv=0.5)
    loss = StyleLoss(backbone, style, ["relu1_2"], ["relu1_1", "relu2_1"], weights)
    losses = loss(stylized, loss.contents(content))
    seen, of_content, of_style = backbone(stylized), backbone(content), backbone(style[None])
    expected = 2 * F.mse_loss(seen["relu1_2"], of_content["relu1_2"])
    torch.testing.assert_close(losses["content"], expected)
    expected = sum(
        30 * (gram(seen[layer]) - gram(of_style[layer])).square().mean()
        for layer in ("relu1_1", "relu2_1")
    )
    torch.testing.assert_close(losses["style"], expected)
    torch.testing.assert_close(losses["tv"], 0.5 * total_variation(stylized))
    same = loss(content, loss.contents(content))
    assert same["content"] == 0 and same["style"] > 0
    with pytest.raises(InputError, match="at least one layer for the content and one for the"):
        StyleLoss(backbone, style, ["relu1_2"], [], weights)


def test_style_images_that_are_tiny_or_grey(tmp_path):
    cv2.imwrite(str(tmp_path / "tiny.png"), make_image(31, 90))
    with pytest.raises(InputError, match=r"tiny.png: 90 x 31 pixels are too few to learn a style"):
        read_style(tmp_path / "tiny.png", 512)
    cv2.imwrite(str(tmp_path / "grey.png"), make_image(50, 64)[:, :, 1])
    grey = read_style(tmp_path / "grey.png", 512)
    assert grey.shape == (3, 50, 64) and (grey[0] == grey[2]).all()
    assert read_style(tmp_path / "grey.png", 48).shape == (3, 38, 48)


def test_images_are_found_split_and_cropped(images, tmp_path):
    train, val = split_images(str(images), "train", "val")
    assert len(train) == 9 and len(val) == 2 and not set(train) & set(val)
    dataset = StyleImages(train, (100, 24))  # higher than the images: they are made larger
    for index in range(len(dataset)):
        crop = dataset[index]
        assert crop.shape == (3, 100, 24) and crop.dtype == torch.uint8
    for name, count in (("train", 3), ("val", 1)):
        (tmp_path / name).mkdir()
        for index in range(count):
            cv2.imwrite(str(tmp_path / name / f"{index}.png"), make_image(40, 40))
    train, val = split_images(str(tmp_path), "train", "val")
    assert [path.parent.name for path in train + val] == ["train"] * 3 + ["val"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="empty: no images in it"):
        split_images(str(tmp_path / "empty"), "train", "val")
    with pytest.raises(InputError, match="nowhere: no such folder"):
        split_images(str(tmp_path / "nowhere"), "train", "val")


def test_a_run_lowers_its_loss_and_exports(images, style_file, tmp_path):
    torch.manual_seed(0)
    best = fit(
        settings(images, style_file, epochs=6, learning_rate=0.03), tmp_path / "run", workers=0
    )
    rows = list(csv.DictReader((tmp_path / "run" / "metrics.csv").open()))
    assert len(rows) == 6 and {"content", "style", "tv", "validation"} <= rows[0].keys()
    assert float(rows[-1]["validation"]) < 0.9 * float(rows[0]["validation"])
    assert best["validation"] == pytest.approx(
        min(float(row["validation"]) for row in rows), abs=1e-4
    )
    total = sum(float(rows[0][name]) for name in ("content", "style", "tv"))
    assert float(rows[0]["loss"]) == pytest.approx(total, rel=1e-4)
    sheets = sorted((tmp_path / "run" / "pictures").iterdir())
    assert [sheet.name for sheet in sheets] == [f"epoch_{n:03}.jpg" for n in range(1, 7)]
    sheet = cv2.imread(str(sheets[0]))
    assert sheet.shape[0] == 512  # images above, their results below
    checkpoint = load_checkpoint(tmp_path / "run" / "best.pt")
    assert checkpoint.labels == [] and checkpoint.arguments == {"width": 2, "blocks": 1}
    bundle = export(
        checkpoint.module(),
        tmp_path / "bundle",
        labels=checkpoint.labels,
        graph=GraphOptions(size=(32, 32)),
        images=generate_images(8)[:1] * 8,
    ).folder
    assert edgecv.load(bundle)(make_image(30, 40)).image.shape == (30, 40, 3)


def test_a_run_is_resumed(images, style_file, tmp_path):
    short = settings(images, style_file, epochs=2)
    fit(short, tmp_path / "run", workers=0)
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert record["style"] == str(style_file)
    with pytest.raises(InputError, match="cannot resume with other settings: tv_weight was 1"):
        fit(settings(images, style_file, tv_weight=3.0), tmp_path / "run", workers=0, resume=True)
    # A run that was stopped after one of its epochs: its table says so.
    table = tmp_path / "run" / "metrics.csv"
    fit(short, tmp_path / "run", workers=0, resume=True)
    assert len(table.read_text().splitlines()) == 3
    # An earlier version called the backbone of the losses its trunk.
    state = torch.load(tmp_path / "run" / "last.ckpt", weights_only=False)
    weights = state["state_dict"]
    assert any(name.startswith("loss.backbone.") for name in weights)
    renamed = {name.replace("loss.backbone.", "loss.trunk."): weights[name] for name in weights}
    torch.save({**state, "state_dict": renamed}, tmp_path / "run" / "last.ckpt")
    fit(replace(short, epochs=3), tmp_path / "run", workers=0, resume=True)
    assert len(table.read_text().splitlines()) == 4


def test_settings_that_cannot_be(images, style_file, tmp_path):
    for more, message in (
        ({"style": ""}, "learns a style: give its image as `style`"),
        ({"size": (16, 64)}, "`size` is 16x64; expected at least 32 pixels each way"),
        ({"batch_size": 40}, "9 training images are fewer than a batch of 40"),
        ({"style_layers": "relu9_1"}, "vgg16 has no layer 'relu9_1'"),
    ):
        with pytest.raises(InputError, match=message):
            fit(settings(images, style_file, **more), tmp_path / "run", workers=0)


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_optimisation_lowers_the_losses(optimizer):
    torch.manual_seed(0)
    content, style = to_tensor(make_image(40, 48)), to_tensor(make_image(36, 40, seed=2))
    steps = []
    shallow = {"content_layers": ("relu1_2",), "style_layers": ("relu1_1", "relu2_1")}
    result = optimise_image(
        content,
        style,
        OptimisationSettings(
            steps=12, optimizer=optimizer, weights="none", backbone="vgg16", **shallow
        ),
        done=lambda step, losses, show: steps.append((step, losses, show())),
    )
    assert result.shape == (40, 48, 3) and result.dtype == np.uint8
    totals = [sum(losses.values()) for _, losses, _ in steps]
    assert [step for step, _, _ in steps] == list(range(1, 13))
    assert steps[0][1]["content"] == 0  # it begins with the content
    assert totals[-1] < 0.7 * totals[0]
    np.testing.assert_array_equal(steps[-1][2], result)
    assert (steps[0][2] != result).any()


def test_small_losses_do_not_end_the_optimisation():
    """L-BFGS ends by itself where gradients are below 1e-7, which those of large images are."""
    torch.manual_seed(0)
    layers = {"content_layers": ("relu1_2",), "style_layers": ("relu1_1", "relu2_1")}
    settings = OptimisationSettings(
        8, weights="none", backbone="vgg16", loss=LossWeights(1e-4, 10.0, 1e-4), **layers
    )
    totals = []
    optimise_image(
        to_tensor(make_image(40, 48)),
        to_tensor(make_image(36, 40, seed=2)),
        settings,
        done=lambda _step, losses, _show: totals.append(sum(losses.values())),
    )
    assert all(later < earlier for earlier, later in itertools.pairwise(totals))
    assert totals[-1] < 0.8 * totals[0]


def test_optimising_without_style_keeps_the_image():
    content = to_tensor(make_image(33, 35))
    loss = LossWeights(content=1.0, style=0.0, tv=0.0)
    layers = {"content_layers": ("relu1_1",), "style_layers": ("relu1_1",)}
    result = optimise_image(
        content,
        content,
        OptimisationSettings(3, weights="none", backbone="vgg16", loss=loss, **layers),
    )
    np.testing.assert_array_equal(result, make_image(33, 35))
    with pytest.raises(InputError, match="optimizer 'sgd': expected one of lbfgs, adam"):
        optimise_image(content, content, OptimisationSettings(optimizer="sgd", weights="none"))


def test_command_style(tmp_path, capsys, style_file):
    cv2.imwrite(str(tmp_path / "content.png"), make_image(90, 120))
    out = tmp_path / "new" / "picture.png"
    command = ["style", str(tmp_path / "content.png"), str(style_file), "--out", str(out)]
    quick = ["--weights", "none", "--trunk", "vgg16", "--size", "48", "--steps", "4"]
    shallow = ["--content-layers", "relu1_1", "--style-layers", "relu1_1,relu1_2"]
    assert main([*command, *quick, *shallow, "--every", "2", "--optimizer", "adam"]) == 0
    text = capsys.readouterr().out
    assert "48 x 36 pixels; last losses: content" in text
    assert "the backbone's weights were random, as asked" in text
    assert sorted(path.name for path in out.parent.iterdir()) == ["picture.png", "picture_2.png"]
    assert cv2.imread(str(out)).shape == (36, 48, 3)
    for more, message in (
        (["--out", str(tmp_path / "a.txt")], "expected an image's name such as stylized.png"),
        (["--size", "40"], "40 x 30 pixels (at --size 40) are too few"),
    ):
        assert main([*command, *quick, *more]) == 2
        assert message in capsys.readouterr().err


def test_command_train(images, style_file, tmp_path, capsys):
    command = ["train", "style_transform", "--data", str(images), "--out", str(tmp_path / "run")]
    assert main(command) == 2
    assert "style_transform learns a style: give its image as --style" in capsys.readouterr().err
    options = ["--style", str(style_file), "--loss-weights", "none", "--epochs", "1"]
    options += ["--size", "32x32", "--width", "1", "--blocks", "0", "--batch-size", "4"]
    options += ["--style-layers", "relu1_1", "--content-layers", "relu1_1", "--style-weight", "10"]
    assert main([*command, *options, "--workers", "0", "--device", "cpu"]) == 0
    text = capsys.readouterr().out
    assert "9 images, 2 to validate with; style" in text
    assert "vgg16, has random weights, as asked: the results will not show the style" in text
    assert (tmp_path / "run" / "best.pt").is_file()
    command[-1] = str(tmp_path / "other")
    assert main([*command, "--style", str(style_file), "--flip", "both"]) == 2
    assert "--flip does not apply to style_transform" in capsys.readouterr().err
