"""The Stylizer over ONNX Runtime, and what it gives."""

import json
import re

import cv2
import numpy as np
import pytest

import edgecv
from edgecv import InputError
from edgecv.cli.main import main
from edgecv_runtime import Stylized, Stylizer, _core

GOLDEN = __file__.rsplit("/", 2)[0] + "/golden/bundle_v2_style"


def random_image(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def grey_mean(image):
    """What the golden bundle's network does, in float64."""
    centred = image - image.mean((0, 1)) + 128
    return centred.clip(0, 255)


@pytest.fixture
def model():
    return edgecv.load(GOLDEN, threads=2)


def test_load_gives_a_stylizer_without_labels(model):
    assert isinstance(model, Stylizer)
    assert model.names == [] and set(model.engines) == {"main", "statistics", "tile"}
    assert model.steps == ("preprocess", "network", "postprocess")
    tiles = model.manifest.postprocess.tiles
    assert (tiles.size, tiles.overlap, tiles.above) == ((32, 32), 0.25, 4000)


@pytest.mark.parametrize("size", [(8, 8), (41, 23), (60, 61)])
def test_an_image_is_stylized_whole(model, size):
    image = random_image(*size)
    result = model(image)
    assert result.image.dtype == np.uint8 and result.image.shape == image.shape
    assert np.abs(result.image - grey_mean(image)).max() < 0.51
    assert model.timing.network_ms > 0


def test_colours_alpha_and_grey(model):
    image = random_image(30, 40)
    expected = model(image).image
    rgb = np.ascontiguousarray(image[:, :, ::-1])
    np.testing.assert_array_equal(model(rgb, color="rgb").image, expected)
    alpha = np.dstack([image, np.zeros((30, 40), np.uint8)])
    np.testing.assert_array_equal(model(alpha).image, expected)
    grey = model(image[:, :, 0]).image
    assert grey.shape == (30, 40, 3) and (grey == grey[:, :, :1]).all()


def test_a_tiny_image_is_continued_by_its_last_row_and_column(model):
    image = random_image(3, 5)
    continued = np.pad(image, ((0, 5), (0, 3), (0, 0)), mode="edge")
    np.testing.assert_array_equal(model(image).image, model(continued).image[:3, :5])


def test_tiles_with_the_images_own_statistics_give_the_whole_image(model):
    """The thumbnail is the image itself, so tiles differ from one run by rounding only."""
    image = random_image(40, 39)
    whole = model(image).image
    model.tiling = "always"
    tiled = model(image).image
    assert np.abs(whole.astype(int) - tiled).max() <= 1


def test_large_images_are_cut_and_share_the_thumbnails_statistics(model):
    # Bright at the left and dark at the right: tiles by themselves would all become grey.
    image = np.broadcast_to(np.linspace(230, 20, 160)[None, :, None], (90, 160, 3))
    image = image.astype(np.uint8)
    tiled = model(image).image
    model.tiling = "never"
    whole = model(image).image
    assert np.abs(whole.astype(int) - tiled).max() <= 2
    assert tiled[:, :10].min() > tiled[:, -10:].max() + 150


def test_tiling_says_what_it_takes(model):
    with pytest.raises(InputError, match='tiling: expected one of auto, never, always, got "yes"'):
        model.tiling = "yes"
    assert model.tiling == "auto"


def test_a_list_gives_a_list(model):
    images = [random_image(20, 30), random_image(31, 9), random_image(80, 90)]
    results = model(images)
    for image, result in zip(images, results, strict=True):
        np.testing.assert_array_equal(result.image, model(image).image)


def test_a_result_is_saved_and_described(model, tmp_path):
    path = tmp_path / "in.png"
    cv2.imwrite(str(path), random_image(30, 40))
    result = model(path)
    result.save(tmp_path / "out.png")
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / "out.png")), result.image)
    result.save(tmp_path / "out.json")
    assert json.loads((tmp_path / "out.json").read_text()) == result.to_dict()
    assert result.to_dict() == {"source": str(path), "height": 30, "width": 40}
    assert result.summary() == "stylized"
    assert repr(result) == f"<Stylized: stylized on {str(path)!r}, 40 x 30 pixels>"
    np.testing.assert_array_equal(result.plot(), result.image)
    with pytest.raises(InputError, match=r"out.xyz: expected a suffix such as \.jpg"):
        result.save(tmp_path / "out.xyz")


def test_a_result_can_be_made_by_hand():
    assert Stylized(random_image(2, 3)).image_size == (2, 3)


@pytest.mark.parametrize("color", ["rgb", "bgr"])
def test_write_image_against_numpy(color):
    rng = np.random.default_rng(3)
    planes = rng.uniform(-1.2, 1.2, (3, 37, 53)).astype(np.float32)
    found = _core.write_image(planes, color, 127.5, 127.5, (35, 50))
    levels = planes * np.float32(127.5) + np.float32(127.5)
    expected = np.rint(levels.clip(0, 255)).astype(np.uint8).transpose(1, 2, 0)[:35, :50]
    np.testing.assert_array_equal(found, expected[:, :, ::-1] if color == "rgb" else expected)
    with pytest.raises(InputError, match="a size of at least 1 x 1 within them"):
        _core.write_image(planes, color, 1, 0, (38, 53))


def dark(seed):
    return cv2.GaussianBlur(random_image(48, 64, seed) // 3, (0, 0), 4)


def test_video_is_stylized_frame_by_frame(tmp_path):
    video = tmp_path / "holiday.mp4"
    writer = cv2.VideoWriter(str(video), cv2.VideoWriter.fourcc(*"mp4v"), 10, (64, 48))
    for index in range(5):
        writer.write(dark(index))
    writer.release()
    out = tmp_path / "out"
    assert main(["predict", GOLDEN, str(video), "--save", str(out)]) == 0
    capture = cv2.VideoCapture(str(out / "holiday.mp4"))
    frames = []
    while (frame := capture.read()[1]) is not None:
        frames.append(frame)
    assert len(frames) == 5 and frames[0].shape == (48, 64, 3)
    assert abs(float(frames[0].mean()) - 128) < 8  # what the golden network makes of any image
    assert abs(float(dark(0).mean()) - 128) > 8


def test_command_predict_takes_the_tiling(tmp_path, capsys):
    cv2.imwrite(str(tmp_path / "in.png"), random_image(40, 50))
    command = ["predict", GOLDEN, str(tmp_path / "in.png"), "--save", str(tmp_path / "out")]
    assert main([*command, "--tiling", "always"]) == 0
    assert (tmp_path / "out" / "in.jpg").is_file() and (tmp_path / "out" / "in.json").is_file()
    assert "in.png: stylized" in capsys.readouterr().out
    assert main([*command, "--tile", "64"]) == 2
    assert "is not a detector: give --tiling always" in capsys.readouterr().err
    assert main([*command, "--threshold", "0.5"]) == 2
    assert (
        "is for the task stylize, whose results have no scores: leave it out"
        in capsys.readouterr().err
    )


def test_command_info(capsys):
    assert main(["info", GOLDEN]) == 0
    text = capsys.readouterr().out
    assert re.search(r"^labels +none$", text, re.MULTILINE)
    assert "stylize, rgb levels x * 1 + 0" in text
    tiles = "32 x 32 (height x width), overlap 0.25, above 4,000 pixels, statistics of 40 pixels"
    assert tiles in text


def test_what_was_stylized_of_a_broken_video_stays_playable(tmp_path, capsys):
    video = tmp_path / "broken.avi"
    writer = cv2.VideoWriter(str(video), cv2.VideoWriter.fourcc(*"MJPG"), 10, (64, 48))
    for index in range(20):
        writer.write(random_image(48, 64, index))
    writer.release()
    content = video.read_bytes()
    video.write_bytes(content[: len(content) // 2])
    assert main(["predict", GOLDEN, str(video), "--save", str(tmp_path / "out")]) == 2
    assert "broken.avi" in capsys.readouterr().err
    capture = cv2.VideoCapture(str(tmp_path / "out" / "broken.mp4"))
    frames = 0
    while capture.read()[0]:
        frames += 1
    lines = (tmp_path / "out" / "broken.jsonl").read_text().splitlines()
    assert 5 <= frames == len(lines) < 20
