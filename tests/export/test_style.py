"""Style networks: the model, its graphs, the bundle, against torch."""

import json
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import edgecv
from edgecv.cli.main import main
from edgecv.models import registry
from edgecv.models.style_transform import StyleTransform
from edgecv.models.weights.loading import fit_state_dict
from edgecv_export import GraphOptions, export
from edgecv_export.generated_images import generate_images
from edgecv_export.graphs.style.networks import Statistics, Tile
from edgecv_export.graphs.style.to_onnx import tiles_for
from edgecv_export.parity.style_report import StyleReport
from edgecv_export.tensorrt.plan import BuildOptions, ShapeRange, build_plan
from edgecv_runtime import BundleError, InputError

SIZES = [(64, 96), (41, 58), (8, 8), (5, 33)]


def varied_style(width=6, blocks=1, seed=0):
    """Random weights whose images use the whole range of levels."""
    torch.manual_seed(seed)
    module = registry.create("style_transform", width=width, blocks=blocks).eval()
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            if ".in" in name or name.startswith("in"):
                parameter += 0.3 * torch.randn_like(parameter)
        image = torch.from_numpy(generate_images(1, seed=5)[0]).permute(2, 0, 1)[None].float()
        output = module(image[..., :128, :160])
        module.deconv3.conv2d.weight *= 60 / output.std()
        module.deconv3.conv2d.bias.fill_(128)
    return module


@pytest.fixture(scope="module")
def style():
    return varied_style()


@pytest.fixture(scope="module")
def bundle(style, tmp_path_factory):
    images = [image[:200, :160] for image in generate_images(7, seed=2)]
    images.append(generate_images(1, seed=3)[0][:600, :540])
    return export(
        style, tmp_path_factory.mktemp("style") / "bundle", labels=[], images=images
    ).folder


def rgb_tensor(image):
    rgb = np.ascontiguousarray(image[:, :, ::-1].transpose(2, 0, 1))
    return torch.from_numpy(rgb)[None].float()


def levels(output, size):
    pixels = output[0, :, : size[0], : size[1]].clamp(0, 255).round()
    return pixels.permute(1, 2, 0).numpy()[:, :, ::-1].astype(np.uint8)


class ReferenceConv(nn.Module):
    """The layers of pytorch/examples' TransformerNet, written down once more for comparison."""

    def __init__(self, state, prefix, stride=1, upsample=False):
        super().__init__()
        self.weight, self.bias = state[f"{prefix}.conv2d.weight"], state[f"{prefix}.conv2d.bias"]
        self.stride, self.upsample = stride, upsample

    def forward(self, x):
        if self.upsample:
            x = x.repeat_interleave(2, 2).repeat_interleave(2, 3)
        pad = self.weight.shape[-1] // 2
        x = F.pad(x, (pad, pad, pad, pad), mode="reflect")
        return F.conv2d(x, self.weight, self.bias, self.stride)


def reference(state, x):
    def norm(prefix, x):
        mean, variance = x.mean((2, 3), keepdim=True), x.var((2, 3), unbiased=False, keepdim=True)
        scale = state[f"{prefix}.weight"][:, None, None] / (variance + 1e-5).sqrt()
        return (x - mean) * scale + state[f"{prefix}.bias"][:, None, None]

    for i, stride in ((1, 1), (2, 2), (3, 2)):
        x = F.relu(norm(f"in{i}", ReferenceConv(state, f"conv{i}", stride)(x)))
    for i in range(1, 6):
        y = F.relu(norm(f"res{i}.in1", ReferenceConv(state, f"res{i}.conv1")(x)))
        x = norm(f"res{i}.in2", ReferenceConv(state, f"res{i}.conv2")(y)) + x
    for i in (1, 2):
        x = F.relu(norm(f"in{i + 3}", ReferenceConv(state, f"deconv{i}", upsample=True)(x)))
    return ReferenceConv(state, "deconv3")(x)


@torch.inference_mode()
def test_the_network_is_that_of_pytorch_examples():
    module = varied_style(width=4, blocks=5)
    image = torch.rand(2, 3, 48, 71) * 255
    expected = reference(module.state_dict(), image)
    assert expected.shape == (2, 3, 48, 72)
    torch.testing.assert_close(module(image), expected, atol=2e-2, rtol=1e-4)


def test_published_names_and_shapes():
    state = StyleTransform().state_dict()
    assert len(state) == 62 and sum(value.numel() for value in state.values()) == 1_679_235
    assert state["res5.conv2.conv2d.weight"].shape == (128, 128, 3, 3)
    assert state["deconv2.conv2d.weight"].shape == (32, 64, 3, 3)


def test_running_statistics_of_old_checkpoints_are_left_out(style):
    state = dict(style.state_dict())
    state |= {f"in1.{kind}": torch.zeros(6) for kind in ("running_mean", "running_var")}
    state["res1.in2.num_batches_tracked"] = torch.tensor(3)
    module = registry.create("style_transform", width=6, blocks=1)
    module.architecture = "style_transform"
    assert fit_state_dict(module, state, "old.pth") is None
    with pytest.raises(InputError, match=r"1 unexpected \(such as in1.other\)"):
        fit_state_dict(module, {**state, "in1.other": torch.zeros(6)}, "old.pth")


@torch.inference_mode()
def test_given_statistics_replace_the_images_own(style):
    image = rgb_tensor(generate_images(1, seed=4)[0][:160, :200])
    statistics = Statistics(style)(image)
    channels = sum(norm.num_features for norm in style.norms)
    assert statistics.shape == (1, 2, channels)
    whole = style(image)
    torch.testing.assert_close(Tile(style)(image, statistics), whole, atol=2e-3, rtol=0)
    # A part with the whole image's statistics is that part of the whole, away from its border.
    part = Tile(style)(image[..., 40:140, 60:168], statistics)
    reach = style.reach
    inner = (slice(None), slice(None), slice(reach, -reach), slice(reach, -reach))
    torch.testing.assert_close(part[inner], whole[..., 40:140, 60:168][inner], atol=2e-3, rtol=0)
    assert (part - whole[..., 40:140, 60:168]).abs().max() > 1  # at the border it is another


def test_the_overlap_leaves_every_seam_its_neighbourhood():
    for blocks in (0, 5, 12):
        module = StyleTransform(width=1, blocks=blocks)
        tiles = tiles_for(module)
        overlap = tiles["size"][0] * tiles["overlap"]
        fade = overlap / 32  # to each side of the middle
        assert overlap / 2 - fade >= module.reach


def test_the_bundle_stylizes_as_torch_does(style, bundle):
    model = edgecv.load(bundle)
    for seed, size in enumerate(SIZES):
        image = generate_images(1, seed=seed)[0][: size[0], : size[1]]
        tensor = rgb_tensor(image)
        missing = [max(8 - side, 0) for side in size]
        tensor = F.pad(tensor, (0, missing[1], 0, missing[0]), mode="replicate")
        with torch.inference_mode():
            expected = levels(style(tensor), size)
        assert expected.std() > 20
        found = model(image).image
        assert found.shape == image.shape
        assert np.abs(found.astype(int) - expected).max() <= 1
        assert (found != expected).mean() < 1e-2


def test_tiles_paint_what_one_run_does(style, bundle):
    """The thumbnail is the image itself here, so any difference would be a seam."""
    image = cv2.resize(generate_images(1, seed=6)[0], (900, 700))
    model = edgecv.load(bundle)
    whole = model(image).image
    model.tiling = "always"
    tiled = model(image).image
    assert np.abs(whole.astype(int) - tiled).max() <= 1


def test_the_report_is_in_the_bundle(bundle):
    record = json.loads((bundle / "bundle.json").read_text())
    parity = record["provenance"]["parity"]
    assert record["labels"] == [] and record["schema"] == 3
    assert parity["passed"] and parity["pictures"] == 8
    assert parity["psnr"] is None or parity["psnr"] > 50
    assert parity["level_difference"] <= 1 and parity["tiles_level_difference"] <= 1
    assert 0 < parity["output_difference"] < 0.05 < parity["output_largest"]


def test_a_report_fails_below_50_decibels():
    report = StyleReport()
    one = np.zeros((10, 10, 3), np.uint8)
    report.add(one, one)
    assert report.passed and report.to_dict()["psnr"] is None
    report.add_tiles(one, one + np.uint8(1))
    assert not report.passed and report.tiles_psnr == pytest.approx(48.13, abs=0.01)
    assert "PSNR 48.1 dB, expected at least 50" in report.failure()


def test_a_bundle_of_one_size_stretches_and_brings_back(style, tmp_path):
    images = [image[:99, :120] for image in generate_images(8, seed=2)]
    options = GraphOptions(size=(48, 64))
    folder = export(style, tmp_path / "fixed", labels=[], graph=options, images=images).folder
    model = edgecv.load(folder)
    assert set(model.engines) == {"main"}
    image = generate_images(1, seed=9)[0][:100, :150]
    tensor = F.interpolate(rgb_tensor(image), (48, 64), mode="bilinear")
    with torch.inference_mode():
        small = levels(style(tensor), (48, 64))
    expected = edgecv.ops.preprocess(
        small,
        edgecv.InputSpec(color="bgr", size=(100, 150), scale=1, dtype="uint8", layout="nhwc"),
    )
    assert np.abs(model(image).image.astype(int) - expected).max() <= 1
    with pytest.raises(InputError, match="this bundle has no graphs for tiles"):
        model.tiling = "always"


@pytest.mark.parametrize("size", [None, (48, 64)])
def test_tensorrt_builds_every_graph(style, bundle, tmp_path, size):
    folder = bundle
    if size is not None:
        folder = tmp_path / "fixed"
        export(style, folder, labels=[], graph=GraphOptions(size=size), images=generate_small(8))
    for file in folder.glob("*.onnx"):
        dynamic = {"images": ShapeRange((1, 3, 8, 8), (1, 3, 64, 64), (2, 3, 128, 160))}
        if size is not None:
            dynamic = {"images": ShapeRange((1, 3, *size), (1, 3, *size), (2, 3, *size))}
        plan = build_plan(file.read_bytes(), dynamic, options=BuildOptions((86,)))
        assert len(plan.content) > 10_000
        assert plan.inputs[0].name == "images"


def generate_small(count):
    return [image[:60, :70] for image in generate_images(count)]


def test_graphs_hold_convolutions_and_no_surprises(bundle):
    operators = {node.op_type for node in onnx.load(bundle / "main.onnx").graph.node}
    assert operators == {"Pad", "Conv", "InstanceNormalization", "Relu", "Resize", "Add"}


def test_command_line(tmp_path, capsys):
    module = StyleTransform()
    weights = tmp_path / "candy.npz"
    arrays = {key: value.numpy() for key, value in module.state_dict().items()}
    np.savez(weights, **{k: v.astype("f2") if v.ndim == 4 else v for k, v in arrays.items()})
    images = tmp_path / "images"
    images.mkdir()
    for index, image in enumerate(generate_images(8)):
        cv2.imwrite(str(images / f"{index}.png"), image[:32, :40])
    out = tmp_path / "candy"
    command = ["export", "style_transform", "--weights", str(weights), "--out", str(out)]
    assert main([*command, "--images", str(images), "--size", "32x40"]) == 0
    assert "lowest PSNR, dB" in capsys.readouterr().out
    assert isinstance(edgecv.load(out), edgecv.Stylizer)
    for more, message in (
        (["--num-classes", "5"], "style_transform has no classes: leave out --num-classes"),
        (["--batch", "4"], "images are stylized one by one: expected 1 or dynamic"),
        (["--size", "4x64"], "size 4x64: expected sides of at least 8 pixels"),
    ):
        assert main([*command, "--overwrite", *more]) == 2
        assert message in capsys.readouterr().err


def test_a_manifest_of_schema_1_cannot_stylize(bundle, tmp_path):
    text = (bundle / "bundle.json").read_text()
    with pytest.raises(BundleError, match="schema: expected 2 or above"):
        edgecv_manifest(text.replace('"schema": 3', '"schema": 1'))


def edgecv_manifest(text):
    from edgecv_runtime import Manifest

    return Manifest.from_json(text)


def test_published_candy_and_its_published_result(data: Path):
    """27.3 dB were measured, of a published JPEG."""
    state = np.load(data / "style" / "weights" / "candy.npz")
    module = StyleTransform().eval()
    module.load_state_dict({key: torch.from_numpy(state[key]) for key in state.files})
    image = cv2.imread(str(data / "style" / "content" / "amber.jpg"))
    expected = cv2.imread(str(data / "style" / "reference_outputs" / "amber-candy.jpg"))
    with torch.inference_mode():
        stylized = levels(module(rgb_tensor(image)), (1080, 1080))
    error = np.mean((stylized.astype(float) - expected) ** 2)
    assert 10 * np.log10(255**2 / error) > 27
