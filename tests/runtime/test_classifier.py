"""Classifiers against torch's softmax and torchvision's centre crop."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision.transforms.v2 import functional

import edgecv
from edgecv import BundleError, Classification, EngineError, InputError
from edgecv_runtime import Bundle, Classifier
from helpers.fake_engine import FakeEngine

GOLDEN = Path(__file__).parents[1] / "golden" / "bundle_v2_classify"
LABELS = ["cat", "dog", "horse"]


def random_image(height=30, width=41, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def rows_in_turn(logits):
    """Gives the rows, one for each image of a run, and begins again at their end."""
    given = 0

    def network(images):
        nonlocal given
        rows = range(given, given + len(images))
        given += len(images)
        return np.take(np.float32(logits), rows, 0, mode="wrap")

    return network


def classifier(tmp_path, logits, batch=-1, **postprocess):
    folder = Path(shutil.copytree(GOLDEN, tmp_path / "bundle", dirs_exist_ok=True))
    manifest = json.loads((folder / "bundle.json").read_text())
    manifest["labels"] = [f"class{i}" for i in range(len(logits[0]))]
    for port in ("inputs", "outputs"):
        manifest["graphs"]["main"][0][port][0]["shape"][0] = None if batch < 0 else batch
    manifest["graphs"]["main"][0]["outputs"][0]["shape"][1] = len(logits[0])
    manifest["postprocess"] |= postprocess
    (folder / "bundle.json").write_text(json.dumps(manifest))
    engine = FakeEngine(
        rows_in_turn(logits), {"images": [batch, 3, 16, 16]}, {"logits": [batch, len(logits[0])]}
    )
    return Classifier(Bundle.open(str(folder)), {"main": engine}, "fake", "fp32")


@pytest.mark.parametrize("classes", [1, 2, 7, 1000])
@pytest.mark.parametrize(
    ("function", "of"),
    [
        ("softmax", lambda logits: logits.softmax(0)),
        ("sigmoid", torch.sigmoid),
        ("none", lambda logits: logits),
    ],
)
def test_scores_are_those_of_torch(tmp_path, classes, function, of):
    logits = np.random.default_rng(classes).normal(0, 4, classes).astype(np.float32)
    scores = {"output": "logits", "function": function}
    if (function, classes) == ("softmax", 1):
        with pytest.raises(BundleError, match="the softmax of one score is always 1"):
            classifier(tmp_path, [logits], scores=scores, topk=5)
        return
    result = classifier(tmp_path, [logits], scores=scores, topk=5)(random_image())
    expected = of(torch.from_numpy(logits))
    top = expected.topk(min(5, classes))
    np.testing.assert_allclose(result.probabilities, expected, rtol=2e-6, atol=1e-7)
    np.testing.assert_array_equal(result.labels, top.indices)
    np.testing.assert_allclose(result.scores, top.values, rtol=2e-6, atol=1e-7)
    assert (result.labels.dtype, result.scores.dtype) == (np.int64, np.float32)


def test_of_equal_scores_the_lowest_label_comes_first(tmp_path):
    assert classifier(tmp_path, [[1, 3, 3, 0, 3]], topk=4)(random_image()).labels.tolist() == [
        1,
        2,
        4,
        0,
    ]


def test_scores_rounded_to_one_keep_the_order_of_their_logits(tmp_path):
    scores = {"output": "logits", "function": "sigmoid"}
    result = classifier(tmp_path, [[40, 60, 50]], scores=scores, topk=3)(random_image())
    assert (result.scores == 1).all()
    assert result.labels.tolist() == [1, 2, 0]


def test_the_golden_classifier_is_its_network_behind_torchvisions_preset():
    image = random_image(30, 41)
    tensor = torch.from_numpy(image[:, :, ::-1].copy()).permute(2, 0, 1).float() / 255
    tensor = functional.center_crop(functional.resize(tensor, [20], antialias=True), [16, 16])
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    tensor = (tensor - mean[:, None, None]) / std[:, None, None]
    patch = np.random.default_rng(1).normal(0, 0.5, (3, 3, 4, 4)).astype(np.float32)
    cells = torch.nn.functional.conv2d(tensor[None], torch.from_numpy(patch), stride=4)
    expected = cells.mean((2, 3))[0].softmax(0)

    model = edgecv.load(GOLDEN)
    assert isinstance(model, edgecv.Classifier)
    result = model(image)
    np.testing.assert_allclose(result.probabilities, expected, atol=1e-5)
    assert result.labels.tolist() == expected.topk(2).indices.tolist()
    assert result.names == LABELS
    assert model.timing.network_ms > 0
    model.warmup()


@pytest.mark.parametrize("batch", [-1, 1, 4])
def test_a_list_gives_what_each_image_gives_alone(tmp_path, batch):
    logits = np.random.default_rng(3).normal(0, 1, (5, 3))
    images = [random_image(20 + i, 30, i) for i in range(5)]
    model = classifier(tmp_path, logits, batch)
    engine = model.engines["main"]
    results = model(images)
    order = np.argsort(-logits, axis=1)
    assert [list(result.labels) for result in results] == order[:, :2].tolist()
    assert [len(seen) for seen in engine.seen] == {-1: [5], 1: [1] * 5, 4: [4, 4]}[batch]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_logits_that_are_no_numbers_are_an_error(tmp_path, value):
    with pytest.raises(EngineError, match='output "logits" of the network holds NaN or infinity'):
        classifier(tmp_path, [[0, value, 1]])(random_image())


def result(image=None):
    scores = np.float32([0.75, 0.125])
    probabilities = np.float32([0.125, 0.125, 0.75])
    labels = np.int64([2, 0])
    return Classification(
        labels, scores, probabilities, LABELS, image, source="a.jpg", image_size=(30, 41)
    )


def test_a_result_sums_itself_up_and_filters():
    assert result().summary() == "horse 0.75, cat 0.12"
    assert repr(result()) == "<Classification: horse 0.75, cat 0.12 on 'a.jpg', 41 x 30 pixels>"
    best = result().filter(0.75)
    assert best.labels.tolist() == [2] and len(best) == 1
    np.testing.assert_array_equal(best.probabilities, result().probabilities)
    assert result().filter(0.9).summary() == "nothing"
    assert result().to_dict() == {
        "source": "a.jpg",
        "height": 30,
        "width": 41,
        "classes": [
            {"label": 2, "name": "horse", "score": 0.75},
            {"label": 0, "name": "cat", "score": 0.125},
        ],
    }


def test_a_result_is_drawn_and_saved(tmp_path):
    image = np.full((300, 400, 3), 90, np.uint8)
    classification = Classification(
        np.int64([2, 0]), np.float32([0.75, 0.125]), np.float32([0.125, 0.125, 0.75]), LABELS, image
    )
    drawn = classification.plot()
    assert drawn.shape == image.shape and (image == 90).all()
    changed = (drawn != 90).any(2)
    assert changed[:40, :40].any() and not changed[:, 300:].any() and not changed[150:].any()
    only_best = classification.plot(threshold=0.5)
    assert (only_best != 90).any(2).sum() < changed.sum()
    classification.save_files(tmp_path / "out" / "photo")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["photo.jpg", "photo.json"]
    record = json.loads((tmp_path / "out" / "photo.json").read_text())
    assert record["classes"][0]["name"] == "horse"
    with pytest.raises(InputError, match="this result holds no image"):
        result().plot()
