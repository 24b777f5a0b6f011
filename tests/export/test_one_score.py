"""Heads with one logit, and heads with a softmax or sigmoid inside: right scores, or a word."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import edgecv_runtime
from edgecv.models.architecture.input_record import native_record
from edgecv_export import GraphOptions, export
from edgecv_export.generated_images import generate_images
from edgecv_runtime import InputError

RECORD = native_record([0.5, 0.5, 0.5], [0.25, 0.25, 0.25])
CLASS_RECORD = {**RECORD, "resize": "stretch", "size": [32, 32]}
IMAGES = generate_images(8, longest=96)
NAMES = ["fine", "broken"]


class Head(nn.Module):
    """`columns` varied scores of an image, or of each 4 x 4 pixels, through `last`."""

    def __init__(self, columns: int, last: nn.Module, pixels: bool, windows: Any = None) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.body = nn.Conv2d(3, 8, 4, 4)
        self.head = nn.Conv2d(8, columns, 1)
        self.head.weight.data *= 6
        for parameter in self.parameters():
            parameter.requires_grad_(False)
        self.last = last
        self.pixels = pixels
        self.input = RECORD if pixels else CLASS_RECORD  # type: ignore[assignment]
        if windows is not None:
            self.windows = windows

    def logits(self, images: Tensor) -> Tensor:
        scores: Tensor = self.head(self.body(images).relu())
        scores = scores - 2
        return scores if self.pixels else scores.mean((2, 3))

    def forward(self, images: Tensor) -> Tensor:
        scores: Tensor = self.last(self.logits(images))
        return scores


class Written(nn.Module):
    """A sigmoid that nobody recognises by its operator."""

    def forward(self, scores: Tensor) -> Tensor:
        return 1 / (1 + torch.exp(-scores))


def exported(module: nn.Module, out: Path, labels: list[str], **options: Any) -> Any:
    export(module, out, labels=labels, images=IMAGES, **options)
    return edgecv_runtime.load(out)


def function_of(out: Path) -> str:
    record = json.loads((out / "bundle.json").read_text())
    return str(record["postprocess"]["scores"]["function"])


def tensor_of(model: Any, image: np.ndarray) -> Tensor:
    return torch.from_numpy(edgecv_runtime.ops.preprocess(image, model.manifest.input))[None]


@pytest.mark.parametrize("dtype", ["float32", "uint8"])
def test_a_classifier_with_one_logit_answers_both_ways(dtype: Any, tmp_path: Path) -> None:
    module = Head(1, nn.Identity(), False)
    float_model = exported(module, tmp_path / "float", NAMES)
    tensors = torch.cat([tensor_of(float_model, image) for image in IMAGES])
    module.head.bias.data -= module(tensors).median()  # both ways
    float_model = exported(module, tmp_path / "float", NAMES, overwrite=True)
    model = exported(module, tmp_path / "out", NAMES, graph=GraphOptions(input_dtype=dtype))
    assert function_of(tmp_path / "out") == "sigmoid"
    firsts = set()
    for image in IMAGES:
        positive = float(module(tensor_of(float_model, image)).sigmoid())
        result = model(image)
        atol = 1e-5 if dtype == "float32" else 0.02
        np.testing.assert_allclose(result.probabilities, [1 - positive, positive], atol=atol)
        if abs(positive - 0.5) > 0.02:
            assert result.labels.tolist() == ([1, 0] if positive > 0.5 else [0, 1])
        np.testing.assert_array_equal(result.scores, result.probabilities[result.labels])
        firsts.add(int(result.labels[0]))
    assert firsts == {0, 1}


def test_one_name_stands_beside_the_background(tmp_path: Path) -> None:
    model = exported(Head(1, nn.Identity(), False), tmp_path / "out", ["broken"])
    assert model.names == ["background", "broken"]
    with pytest.raises(InputError, match=r"the model has 2 classes \(one score"):
        export(Head(1, nn.Identity(), False), tmp_path / "no", labels=["a", "b", "c"])


@pytest.mark.parametrize("windows", [None, "uniform", "gaussian"])
def test_a_segmenter_with_one_logit(windows: str | None, tmp_path: Path) -> None:
    """In windows, logits are averaged before the sigmoid."""
    plan = {"size": [32, 40], "overlap": 0.5, "weight": windows, "batch": 3} if windows else None
    module = Head(1, nn.Identity(), True, plan)
    model = exported(module, tmp_path / "out", NAMES)
    seen = set()
    for image in IMAGES[:4]:
        logits = _logits(module, tensor_of(model, image), plan)
        result = model(image, probabilities=True)
        positive = logits.sigmoid().numpy()
        np.testing.assert_allclose(result.probabilities[1], positive, atol=1e-4)
        np.testing.assert_allclose(result.probabilities[0], 1 - positive, atol=1e-4)
        clear = np.abs(logits.numpy()) > 1e-3
        np.testing.assert_array_equal(result.mask[clear], (logits.numpy() > 0)[clear])
        np.testing.assert_array_equal(model(image).mask, result.mask)
        seen |= set(np.unique(result.mask).tolist())
    assert seen == {0, 1}


def _logits(module: Any, tensor: Tensor, plan: Any) -> Tensor:
    """[H, W], by torch alone."""
    height, width = tensor.shape[-2:]

    def of(part: Tensor, size: Any) -> Tensor:
        with torch.inference_mode():
            cells = module.logits(part)
        return nn.functional.interpolate(cells, size, mode="bilinear", align_corners=False)[0, 0]

    if plan is None:
        return of(tensor, (height, width))
    rows, columns = plan["size"]
    padded = nn.functional.pad(tensor, (0, max(columns - width, 0), 0, max(rows - height, 0)))
    total = torch.zeros(padded.shape[-2:])
    weights = torch.zeros_like(total)

    def side(length: int) -> Tensor:
        place = torch.arange(length) - (length - 1) / 2
        gaussian = torch.exp(-0.5 * (place / (length / 8)) ** 2)
        return gaussian if plan["weight"] == "gaussian" else torch.ones(length)

    weight = side(rows)[:, None] * side(columns)
    if plan["weight"] == "gaussian":
        weight = weight.clamp(min=1e-3)
    size = (padded.shape[-2], padded.shape[-1])
    for x1, y1, x2, y2 in edgecv_runtime.ops.sliding_windows(size, (rows, columns), 0.5).tolist():
        total[y1:y2, x1:x2] += weight * of(padded[..., y1:y2, x1:x2], (rows, columns))
        weights[y1:y2, x1:x2] += weight
    return (total / weights)[:height, :width]


@pytest.mark.parametrize("pixels", [False, True])
@pytest.mark.parametrize(
    ("columns", "last", "inside"),
    [(3, nn.Softmax(1), "softmax"), (3, nn.Sigmoid(), "sigmoid"), (1, nn.Sigmoid(), "sigmoid")],
)
def test_probabilities_are_taken_as_they_are(
    pixels: bool, columns: int, last: nn.Module, inside: str, tmp_path: Path
) -> None:
    module = Head(columns, last, pixels)
    labels = NAMES if columns == 1 else ["a", "b", "c"]
    with pytest.warns(UserWarning, match=f"ends in a {inside} already") as caught:
        model = exported(module, tmp_path / "out", labels)
    assert len([each for each in caught if "already" in str(each.message)]) == 1
    assert function_of(tmp_path / "out") == "none"
    image = IMAGES[0]
    with torch.inference_mode():
        expected = module(tensor_of(model, image))
        if pixels:
            expected = nn.functional.interpolate(expected, image.shape[:2], mode="bilinear")
    own = expected[0].numpy()
    own = np.concatenate([1 - own, own]) if columns == 1 else own
    found = (model(image, probabilities=True) if pixels else model(image)).probabilities
    np.testing.assert_allclose(found, own, atol=1e-4)
    for wanted in ("softmax", "sigmoid"):
        with pytest.raises(InputError, match=f"activation {wanted}: the model ends in a {inside}"):
            export(module, tmp_path / "no", labels=labels, images=IMAGES, activation=wanted)  # type: ignore[arg-type]


def test_a_multi_label_classifier_says_so(tmp_path: Path) -> None:
    module = Head(3, nn.Identity(), False)
    model = exported(module, tmp_path / "out", ["a", "b", "c"], activation="sigmoid")
    expected = module(tensor_of(model, IMAGES[1])).sigmoid()[0].numpy()
    np.testing.assert_allclose(model(IMAGES[1]).probabilities, expected, atol=1e-5)


def test_what_nobody_can_tell_is_asked(tmp_path: Path) -> None:
    module = Head(3, Written(), False)
    with pytest.raises(InputError, match=r"may be probabilities or small logits: say which with"):
        export(module, tmp_path / "out", labels=["a", "b", "c"], images=IMAGES)
    model = exported(module, tmp_path / "out", ["a", "b", "c"], activation="none")
    expected = module(tensor_of(model, IMAGES[1]))[0].numpy()
    np.testing.assert_allclose(model(IMAGES[1]).probabilities, expected, atol=1e-5)
    with pytest.raises(InputError, match=r"activation none: the model's outputs lie in -\d"):
        export(
            Head(3, nn.Identity(), False), tmp_path / "no", labels=["a", "b", "c"], images=IMAGES,
            activation="none",
        )  # fmt: skip
    with pytest.raises(InputError, match="activation softmax: the model gives one score"):
        export(
            Head(1, nn.Identity(), False), tmp_path / "no", labels=NAMES, images=IMAGES,
            activation="softmax",
        )  # fmt: skip


@pytest.mark.parametrize("last", [nn.Identity(), nn.ReLU(), nn.LogSoftmax(1)])
def test_logits_get_a_softmax_without_a_word(last: nn.Module, tmp_path: Path) -> None:
    """Small ones too: an untrained network's lie in 0..1 often."""
    module = Head(3, last, False)
    module.head.weight.data *= 0.001
    module.head.bias.data[:] = torch.tensor([2.2, 2.5, 2.7])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        exported(module, tmp_path / "out", ["a", "b", "c"])
    assert function_of(tmp_path / "out") == "softmax"


def test_int8_and_fp16_gates_take_one_logit(tmp_path: Path) -> None:
    from edgecv_export.precision.variant import add_variant

    for pixels in (False, True):
        out = tmp_path / f"{pixels}"
        module = Head(1, nn.Identity(), pixels)
        exported(module, out, NAMES)
        report = add_variant(out, "fp16", dialects=["onnx"], images=IMAGES)
        assert report.notes["onnx"]["agreement"] >= 0.99
        half = edgecv_runtime.load(out, precision="fp16")(IMAGES[0])
        assert half.names == NAMES
