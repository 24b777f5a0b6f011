"""Images that other libraries made: Pillow's are taken, tensors are refused with what to write."""

import re

import cv2
import numpy as np
import pytest

import edgecv
from edgecv import InputError, read_image
from helpers.tiny_bundle import write_tiny_bundle

PIL = pytest.importorskip("PIL.Image")
RNG = np.random.default_rng(4)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return edgecv.load(write_tiny_bundle(tmp_path_factory.mktemp("bundles") / "tiny"))


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "PA", "1", "CMYK", "YCbCr", "HSV"])
def test_pillow_images_give_what_their_array_gives(model, mode):
    image = PIL.fromarray(RNG.integers(0, 256, (64, 96, 3), np.uint8)).convert(mode)
    rgb = np.asarray(image.convert("RGB"))
    result = model(image)
    assert result.to_dict() == model(rgb, color="rgb").to_dict()
    np.testing.assert_array_equal(result[:0].plot(), rgb[..., ::-1])
    assert result.image_size == (64, 96)
    # An image says its order itself.
    assert model(image, color="bgr").to_dict() == model(image, color="rgb").to_dict()


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_a_pillow_image_from_a_file(model, tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    cv2.imwrite(str(path), RNG.integers(0, 256, (64, 96, 3), np.uint8))
    with PIL.open(path) as image:
        pixels = model(image)[:0].plot()
    tolerance = 0 if suffix == ".png" else 3  # two JPEG decoders
    assert np.abs(pixels.astype(int) - read_image(path)).max() <= tolerance


def test_16_bit_pillow_images_are_rounded_as_files_are(model, tmp_path):
    samples = RNG.integers(0, 65536, (64, 96), np.uint16)
    samples[0, :3] = 0, 128, 65535
    cv2.imwrite(str(tmp_path / "deep.png"), samples)
    with PIL.open(tmp_path / "deep.png") as image:
        assert image.mode.startswith("I")
        pixels = model(image)[:0].plot()
        wide = model(image.convert("I"))[:0].plot()
    np.testing.assert_array_equal(pixels, read_image(tmp_path / "deep.png"))
    np.testing.assert_array_equal(wide, pixels)


def test_pillow_images_without_a_range(model):
    with pytest.raises(InputError, match=r"mode F has no defined range: scale it to 0\.\.255"):
        model(PIL.new("F", (8, 8)))
    with pytest.raises(InputError, match="mode I has samples of 70000 to 70000, expected 0 to"):
        model(PIL.new("I", (8, 8), 70000))


def test_pillow_images_in_lists_and_plots(model):
    images = [PIL.new("RGB", (96, 64), (255, 0, 0)), np.zeros((64, 96, 3), np.uint8)]
    assert [result.image_size for result in model(images)] == [(64, 96)] * 2
    drawn = model(images[1])[:0].plot(images[0])
    assert (drawn == (0, 0, 255)).all()


def advice(error):
    return re.search(r"give (image.*) with color=\"rgb\"", str(error.value))[1]


@pytest.mark.parametrize("kind", ["float", "uint8", "grad", "last"])
def test_the_advice_for_tensors_is_right(model, kind):
    torch = pytest.importorskip("torch")
    rgb = RNG.integers(0, 256, (64, 96, 3), np.uint8)
    image = torch.from_numpy(rgb.copy()).permute(2, 0, 1)
    if kind == "last":
        image = image.permute(1, 2, 0)
    if kind in ("float", "grad"):
        image = (image / 255).requires_grad_(kind == "grad")
    with pytest.raises(InputError, match=r"got torch\.Tensor: give image") as error:
        model(image)
    assert "\n" not in str(error.value)
    converted = eval(advice(error), {"image": image})
    np.testing.assert_array_equal(converted, rgb)
    assert model(converted, color="rgb").to_dict() == model(rgb[..., ::-1]).to_dict()


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (None, "got NoneType: cv2.imread gives None for a file that it cannot read"),
        (b"\xff\xd8", r"got bytes: decode it with cv2.imdecode"),
        (7, 'got int: convert it with numpy.asarray(image), and say color="rgb" if'),
    ],
)
def test_other_things_are_no_images(model, image, words):
    with pytest.raises(InputError, match=re.escape(words)):
        model(image)


def test_a_batch_tensor(model):
    torch = pytest.importorskip("torch")
    with pytest.raises(InputError, match="give its images one by one, or as a list"):
        model(torch.zeros(2, 3, 8, 8))


def test_opencv_s_other_arrays(model):
    with pytest.raises(InputError, match=r"got cv2\.UMat: convert it with \.get\(\)"):
        model(cv2.UMat(np.zeros((8, 8, 3), np.uint8)))
