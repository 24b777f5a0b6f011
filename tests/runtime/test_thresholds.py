"""Operating thresholds: one rule for the bundle, Python, the command line and what is drawn."""

import json
import re
import sys

import cv2
import numpy as np
import pytest

import edgecv
from edgecv.cli.main import main
from edgecv_runtime import BundleError, InputError, Manifest
from helpers.tiny_bundle import write_tiny_bundle

WHITE = np.full((64, 96, 3), 255, np.uint8)  # the tiny bundle's scores on it are 0.9 and 0.6


def with_thresholds(folder, score_threshold=0.01, **keys):
    """A detector on a bundle whose manifest was changed; its scores on WHITE are 0.9 and 0.6."""
    path = write_tiny_bundle(folder) / "bundle.json"
    record = json.loads(path.read_text())
    record["postprocess"]["score_threshold"] = score_threshold
    path.write_text(json.dumps({**record, **keys}))
    return edgecv.load(path.parent)


@pytest.mark.parametrize(
    ("measuring", "keys", "operating", "found"),
    [
        # A bundle of an older schema says what its network was measured with, not what to report.
        (0.01, {"schema": 1}, [0.5, 0.5], 2),
        (0.3, {"schema": 2}, [0.5, 0.5], 2),
        (0.7, {"schema": 2}, [0.7, 0.7], 1),
        (0.01, {"schema": 3}, [0.5, 0.5], 2),
        (0.01, {"schema": 3, "thresholds": 0.65}, [0.65, 0.65], 1),
        (0.01, {"schema": 3, "thresholds": [0.95, 0.3]}, [0.95, 0.3], 1),
        (0.7, {"schema": 3, "thresholds": 0.55}, [0.55, 0.55], 2),
    ],
)
def test_a_bundle_has_one_operating_threshold(tmp_path, measuring, keys, operating, found):
    model = with_thresholds(tmp_path / "bundle", measuring, **keys)
    assert model.thresholds == dict(zip(["left", "right"], operating, strict=True))
    assert len(model(WHITE)) == found
    assert model.measuring_threshold == measuring
    model.thresholds = model.measuring_threshold
    assert len(model(WHITE)) == (1 if measuring == 0.7 else 2)


@pytest.fixture
def record(tmp_path):
    """A manifest of this schema as plain values."""
    text = (write_tiny_bundle(tmp_path / "tiny") / "bundle.json").read_text()
    return {**json.loads(text), "schema": 3}


def test_thresholds_of_a_manifest_are_written_and_read_again(record):
    text = Manifest.from_json(json.dumps({**record, "thresholds": [0.95, 0.3]})).to_json()
    assert json.loads(text)["thresholds"] == [0.95, 0.3]
    again = Manifest.from_json(text)
    np.testing.assert_array_equal(again.thresholds, np.array([0.95, 0.3], np.float32))
    assert "thresholds" not in json.loads(Manifest.from_json(json.dumps(record)).to_json())


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"thresholds": 0.3, "schema": 2}, "schema: expected 3 or above, since there are thresh"),
        ({"thresholds": []}, "thresholds: expected a number or a list of numbers, got []"),
        ({"thresholds": [0.1] * 3}, "thresholds: expected 2 numbers, one for each label, got 3"),
        ({"thresholds": [0.1, 1.5]}, r"thresholds[1]: expected a number in 0..1, got 1.5"),
        ({"thresholds": "0.3"}, "thresholds: expected a number"),
        ({"thresholds": None}, "thresholds: expected a number"),
    ],
)
def test_thresholds_that_cannot_be(record, keys, message):
    with pytest.raises(BundleError, match=re.escape(message)):
        Manifest.from_json(json.dumps({**record, **keys}))


def test_command_line_python_and_drawing_agree(tmp_path, capsys):
    bundle = write_tiny_bundle(tmp_path / "bundle")
    record = json.loads((bundle / "bundle.json").read_text())
    (bundle / "bundle.json").write_text(json.dumps({**record, "schema": 3, "thresholds": 0.7}))
    image = tmp_path / "white.png"
    cv2.imwrite(str(image), WHITE)
    model = edgecv.load(bundle)
    result = model(image)
    assert len(result) == 1

    def predicted(*options):
        assert main(["predict", str(bundle), str(image), "--json", *options]) == 0
        return json.loads(capsys.readouterr().out)["detections"]

    assert predicted() == result.to_dict()["detections"]
    model.thresholds = 0.3
    below = model(image)
    assert len(below) == 2 and predicted("--threshold", "0.3") == below.to_dict()["detections"]
    # What the result holds is drawn and written, whatever it scores.
    model.thresholds = 0.01
    dim = model((WHITE * 0.4).astype(np.uint8))
    assert dim.scores.tolist() == pytest.approx([0.36, 0.24], abs=1e-3)
    dim.save(tmp_path / "dim.png")
    both = cv2.imread(str(tmp_path / "dim.png"))
    np.testing.assert_array_equal(both, dim.plot())
    assert (dim.plot(threshold=0.3) != both).any() and (dim.plot(threshold=0.2) == both).all()
    dim.save(tmp_path / "dim.json", threshold=0.3)
    assert len(json.loads((tmp_path / "dim.json").read_text())["detections"]) == 1


def info_row(capsys):
    lines = capsys.readouterr().out.splitlines()
    return (
        next(line for line in lines if line.startswith("reported "))
        .removeprefix("reported")
        .strip()
    )


def test_info_says_from_which_score_on_objects_are_reported(tmp_path, capsys):
    bundle = write_tiny_bundle(tmp_path / "bundle")
    assert main(["info", str(bundle)]) == 0
    assert info_row(capsys) == "scores above 0.5"
    record = json.loads((bundle / "bundle.json").read_text())
    record |= {"schema": 3, "thresholds": [0.4, 0.7]}
    (bundle / "bundle.json").write_text(json.dumps(record))
    assert main(["info", str(bundle)]) == 0
    assert info_row(capsys) == "scores above left 0.4, right 0.7"
    assert main(["info", str(bundle), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["operating_thresholds"] == [0.4, 0.7]


def test_measuring_takes_the_low_threshold(tmp_path):
    from edgecv.training.detection.evaluation import of_bundle

    model = with_thresholds(tmp_path / "bundle", 0.03, schema=3, thresholds=0.95)
    assert len(model(WHITE)) == 0
    detect = of_bundle(model)
    assert model.thresholds == {"left": 0.03, "right": 0.03}
    assert detect(WHITE).scores.tolist() == pytest.approx([0.9, 0.6])


def test_an_item_that_is_set_is_set_in_the_model(tmp_path):
    model = with_thresholds(tmp_path / "bundle")
    model.thresholds["left"] = 0.95
    assert model.thresholds == {"left": 0.95, "right": 0.5}
    assert model(WHITE).names[model(WHITE).labels[0]] == "right"
    model.thresholds |= {"right": 0.8}
    assert len(model(WHITE)) == 0
    model.thresholds.update(left=0.2)
    assert model.thresholds == {"left": 0.2, "right": 0.8}
    with pytest.raises(InputError, match=r'this bundle has no class "middle", only left, right'):
        model.thresholds["middle"] = 0.3
    kept = model.thresholds.copy()
    kept["left"] = 0.9  # a copy is of no model
    assert model.thresholds["left"] == 0.2
    assert json.dumps(model.thresholds) == '{"left": 0.2, "right": 0.8}'


@pytest.mark.parametrize(
    ("name", "value"), [("threshold", 0.3), ("tresholds", 0.3), ("windows", None), ("tile", 640)]
)
def test_a_setting_that_the_model_does_not_have_is_refused(tmp_path, name, value):
    model = with_thresholds(tmp_path / "bundle")
    expected = f"^{name}: Detector has no such setting, only thresholds, classes, tiles$"
    with pytest.raises(InputError, match=expected):
        setattr(model, name, value)


@pytest.mark.parametrize("tiles", [640, (480, 640), "640", 0])
def test_tiles_are_tiles(tmp_path, tiles):
    model = with_thresholds(tmp_path / "bundle")
    with pytest.raises(InputError, match=r"^tiles: expected edgecv.Tiles\(640\) or None, got "):
        model.tiles = tiles
    assert model.tiles is None


@pytest.mark.parametrize("batch", [0, -1, "4", 1.5])
def test_a_stream_has_a_batch_of_one_or_more(tmp_path, batch):
    model = with_thresholds(tmp_path / "bundle")
    with pytest.raises(InputError, match=r"^batch: expected a whole number above 0, got "):
        next(model.stream(str(tmp_path), batch=batch))


def test_what_writing_thresholds_needs_is_asked_for_before_measuring(tmp_path, monkeypatch, capsys):
    bundle = write_tiny_bundle(tmp_path / "b")
    (tmp_path / "data").mkdir()  # measuring would say that it is empty
    monkeypatch.setitem(sys.modules, "filelock", None)
    assert main(["eval", str(bundle), "--data", str(tmp_path / "data"), "--set-thresholds"]) == 2
    assert capsys.readouterr().err == (
        "edgecv: error: this command needs filelock, which is not installed: "
        "pip install 'edgecv[eval]'\n"
    )
