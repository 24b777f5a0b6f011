"""Preprocessing against torch, torchvision and OpenCV."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from edgecv_runtime import Error, InputSpec, _core, ops

cv2 = pytest.importorskip("cv2")
torch = pytest.importorskip("torch")
torchvision = pytest.importorskip("torchvision")
v2 = pytest.importorskip("torchvision.transforms.v2")

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
# Of the 4.4 between black and white: a float32 position near column 1000 is rounded by 3e-5 of a
# pixel, twice where torch does not fuse multiplication and addition.
TOLERANCE = 3e-4


def random_image(*shape: int, seed: int = 0) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def as_tensor(rgb: npt.NDArray[np.uint8]) -> torch.Tensor:
    """float32 [3, H, W] in 0..1."""
    return torch.from_numpy(np.ascontiguousarray(rgb)).permute(2, 0, 1).float() / 255


def normalize(image: torch.Tensor) -> torch.Tensor:
    return (image - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]


def identity(**fields: Any) -> InputSpec:
    """The image's own numbers, [H, W, C]."""
    return InputSpec(resize="none", scale=1.0, dtype="uint8", layout="nhwc", **fields)


IMAGE_SIZES = [(1080, 1920), (480, 641), (700, 333), (37, 53), (1, 7), (5, 1), (1, 1), (2, 3000)]


@pytest.mark.parametrize("image_size", IMAGE_SIZES)
@pytest.mark.parametrize("size", [(300, 300), (640, 640), (7, 3), (1, 1), (33, 641)])
@pytest.mark.parametrize(
    "filtering", ["bilinear", "bilinear antialias", "nearest", "bicubic", "bicubic antialias"]
)
def test_stretch_equals_torch_interpolate(
    image_size: tuple[int, int], size: tuple[int, int], filtering: str
) -> None:
    image = random_image(*image_size, 3)
    mode, _, antialias = filtering.partition(" ")
    spec = InputSpec(
        size=size,
        mean=MEAN,
        std=STD,
        interpolation=mode,
        antialias=bool(antialias),
    )
    arguments: dict[str, Any] = (
        {"mode": "nearest-exact"}
        if mode == "nearest"
        else {"mode": mode, "align_corners": False, "antialias": bool(antialias)}
    )
    expected = torch.nn.functional.interpolate(
        normalize(as_tensor(image[..., ::-1]))[None], size=size, **arguments
    )[0]
    result = ops.preprocess(image, spec)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, expected.numpy(), rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("image_size", [(480, 640), (1080, 1920), (333, 500), (97, 61)])
def test_detection_transform_of_torchvision(image_size: tuple[int, int]) -> None:
    transform = torchvision.models.detection.transform.GeneralizedRCNNTransform(
        320, 500, MEAN, STD, size_divisible=32
    )
    transform.eval()
    image = random_image(*image_size, 3, seed=1)
    expected, _ = transform([as_tensor(image)])
    spec = InputSpec(
        size=(320, 320), resize="shortest_edge", max_size=500, mean=MEAN, std=STD, pad_multiple=32
    )
    result = ops.preprocess(image, spec, color="rgb")
    assert result.shape == tuple(expected.tensors.shape[1:])
    np.testing.assert_allclose(result, expected.tensors[0].numpy(), rtol=0, atol=TOLERANCE)
    assert _core.plan(spec, image_size).resized == tuple(expected.image_sizes[0])


def test_ssd_transform_of_torchvision() -> None:
    transform = torchvision.models.detection.transform.GeneralizedRCNNTransform(
        320, 320, [0.5] * 3, [0.5] * 3, size_divisible=1, fixed_size=(320, 320)
    )
    transform.eval()
    image = random_image(561, 728, 3, seed=2)
    expected, _ = transform([as_tensor(image)])
    spec = InputSpec(size=(320, 320), mean=(0.5,) * 3, std=(0.5,) * 3)
    result = ops.preprocess(image, spec, color="rgb")
    np.testing.assert_allclose(result, expected.tensors[0].numpy(), rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("image_size", [(480, 641), (500, 333), (230, 231), (61, 97)])
@pytest.mark.parametrize(("edge", "crop"), [(256, 224), (64, 300), (65, 64)])
@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_classifier_transform_of_torchvision(
    image_size: tuple[int, int], edge: int, crop: int, interpolation: str
) -> None:
    image = random_image(*image_size, 3, seed=3)
    # Padding of a crop larger than the image is 0 after normalising, which Normalize before the
    # crop gives.
    resize = v2.Resize(edge, v2.InterpolationMode(interpolation))
    expected = v2.Compose([v2.Normalize(MEAN, STD), resize, v2.CenterCrop(crop)])(as_tensor(image))
    spec = InputSpec(
        size=(edge, edge), resize="shortest_edge", crop=(crop, crop), antialias=True,
        interpolation=interpolation, mean=MEAN, std=STD,
    )  # fmt: skip
    result = ops.preprocess(image, spec, color="rgb")
    np.testing.assert_allclose(result, expected.numpy(), rtol=0, atol=TOLERANCE)


def test_geometry_of_shortest_edge_equals_torchvision_on_many_sizes() -> None:
    rng = np.random.default_rng(4)
    for _ in range(300):
        height, width = (int(side) for side in rng.integers(20, 700, 2))
        edge, longest = int(rng.integers(16, 80)), int(rng.integers(60, 150))
        size = _core.plan(
            InputSpec(size=(edge, edge), resize="shortest_edge"), (height, width)
        ).resized
        expected = v2.Resize(edge)(torch.empty(1, height, width, dtype=torch.uint8)).shape[-2:]
        assert size == tuple(expected)

        detection = torchvision.models.detection.transform.GeneralizedRCNNTransform(
            edge, longest, [0.0], [1.0]
        ).eval()
        resized, _ = detection.resize(torch.empty(1, height, width))
        spec = InputSpec(size=(edge, edge), resize="shortest_edge", max_size=longest)
        assert _core.plan(spec, (height, width)).resized == tuple(resized.shape[-2:])


@pytest.mark.parametrize("align", ["center", "top_left"])
def test_letterbox(align: str) -> None:
    image = random_image(375, 500, 3, seed=5)
    spec = InputSpec(
        size=(320, 352), resize="letterbox", align=align, scale=1.0, pad_value=114, color="bgr"
    )
    top = 28 if align == "center" else 0  # 375 * 352 / 500 = 264
    expected = torch.full((3, 320, 352), 114.0)
    expected[:, top : top + 264] = torch.nn.functional.interpolate(
        as_tensor(image)[None] * 255, size=(264, 352), mode="bilinear", align_corners=False
    )[0]
    np.testing.assert_allclose(ops.preprocess(image, spec), expected.numpy(), rtol=0, atol=1e-2)


@pytest.mark.parametrize("size", [(2, 2), (4, 18), (120, 160), (1080, 1920)])
def test_camera_formats_equal_opencv(size: tuple[int, int]) -> None:
    height, width = size
    nv12 = random_image(height * 3 // 2, width, seed=6)
    bgr = cv2.cvtColor(nv12, cv2.COLOR_YUV2BGR_NV12)
    np.testing.assert_array_equal(ops.preprocess(nv12, identity(color="bgr"), "nv12"), bgr)
    np.testing.assert_array_equal(
        ops.preprocess(nv12, identity(color="rgb"), "nv12"), bgr[..., ::-1]
    )
    np.testing.assert_array_equal(
        ops.preprocess(nv12, identity(color="gray"), "nv12")[..., 0],
        cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY),
    )

    yuyv = random_image(height, width, 2, seed=7)
    bgr = cv2.cvtColor(yuyv, cv2.COLOR_YUV2BGR_YUYV)
    np.testing.assert_array_equal(ops.preprocess(yuyv, identity(color="bgr"), "yuyv"), bgr)

    bgr = cv2.cvtColor(yuyv, cv2.COLOR_YUV2BGR_YVYU)
    np.testing.assert_array_equal(ops.preprocess(yuyv, identity(color="bgr"), "yvyu"), bgr)
    np.testing.assert_array_equal(
        ops.preprocess(yuyv[::-1], identity(color="bgr"), "yvyu"), bgr[::-1]
    )

    for i420 in (nv12, random_image(height * 3 // 2, width + 6, seed=9)[:, :width]):
        bgr = cv2.cvtColor(np.ascontiguousarray(i420), cv2.COLOR_YUV2BGR_I420)
        np.testing.assert_array_equal(ops.preprocess(i420, identity(color="bgr"), "i420"), bgr)


@pytest.mark.parametrize("size", [(2, 2), (4, 18), (120, 160), (480, 640)])
def test_p010_equals_its_formula(size: tuple[int, int]) -> None:
    """Of whole numbers, so that no rounding of the oracle's own is in it; numpy's floor division
    rounds down, as the shift does."""
    height, width = size
    words = np.random.default_rng(10).integers(0, 1 << 16, (height * 3 // 2, width), np.uint16)
    level = (words >> 6).astype(np.int64)  # 10 bits
    luma = 1164 * np.maximum(level[:height] - 64, 0)
    pairs = (level[height:] - 512).reshape(height // 2, width // 2, 2)
    u, v = pairs.repeat(2, axis=0).repeat(2, axis=1).transpose(2, 0, 1)
    thousandths = np.stack([luma + 2018 * u, luma - 813 * v - 391 * u, luma + 1596 * v], axis=-1)
    exact = np.clip((thousandths + 2000) // 4000, 0, 255)
    bgr = ops.preprocess(words, identity(color="bgr"), "p010").astype(np.int64)
    # The factors of 18 bits are off by 2e-6: a value near a half may go to the other side.
    unsure = np.abs((thousandths + 2000) % 4000 - 2000) > 1998
    assert np.abs(bgr - exact).max() <= 1
    np.testing.assert_array_equal(bgr[~unsure], exact[~unsure])
    np.testing.assert_array_equal(
        ops.preprocess(words, identity(color="gray"), "p010")[..., 0],
        cv2.cvtColor(bgr.astype(np.uint8), cv2.COLOR_BGR2GRAY),
    )


def test_p010_of_8_bit_levels_is_nv12() -> None:
    nv12 = random_image(180, 160, seed=11)
    decoded = ops.preprocess(nv12, identity(color="bgr"), "nv12")
    p010 = nv12.astype(np.uint16) << 8
    difference = ops.preprocess(p010, identity(color="bgr"), "p010").astype(int) - decoded
    assert np.abs(difference).max() <= 1
    assert (difference != 0).mean() < 0.01


def test_images_from_the_bottom_up_are_read_in_place() -> None:
    image = random_image(40, 30, 3, seed=12)
    spec = InputSpec(size=(20, 20), mean=MEAN, std=STD)
    expected = ops.preprocess(np.ascontiguousarray(image[::-1]), spec)
    np.testing.assert_array_equal(ops.preprocess(image[::-1], spec), expected)


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize("antialias", [False, True])
def test_camera_frames_resized_equal_their_decoded_images(
    antialias: bool, interpolation: str
) -> None:
    nv12 = random_image(540, 640, seed=8)
    bgr = cv2.cvtColor(nv12, cv2.COLOR_YUV2BGR_NV12)
    spec = InputSpec(
        size=(200, 300), mean=MEAN, std=STD, antialias=antialias, interpolation=interpolation
    )
    np.testing.assert_array_equal(ops.preprocess(nv12, spec, "nv12"), ops.preprocess(bgr, spec))


def test_gray_equals_opencv() -> None:
    bgr = random_image(301, 403, 3, seed=9)
    gray = cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY)
    np.testing.assert_array_equal(ops.preprocess(bgr, identity(color="gray"))[..., 0], gray)
    spec = InputSpec(size=(100, 90), color="gray", mean=(0.5, 0, 0), std=(0.5, 1, 1))
    np.testing.assert_array_equal(ops.preprocess(bgr, spec), ops.preprocess(gray, spec, "gray"))
    colour = InputSpec(size=(100, 90))
    channels = ops.preprocess(gray, colour, "gray")
    assert (channels == channels[:1]).all()
    np.testing.assert_array_equal(
        channels, ops.preprocess(np.repeat(gray[..., None], 3, axis=2), colour)
    )


def test_alpha_is_ignored() -> None:
    bgra = random_image(50, 60, 4, seed=10)
    spec = InputSpec(size=(33, 44), mean=MEAN, std=STD)
    bgr = np.ascontiguousarray(bgra[..., :3])
    np.testing.assert_array_equal(ops.preprocess(bgra, spec, "bgra"), ops.preprocess(bgr, spec))
    np.testing.assert_array_equal(
        ops.preprocess(bgra, spec, "rgba"), ops.preprocess(bgr, spec, "rgb")
    )


def test_rows_of_a_larger_image_are_read_in_place() -> None:
    frame = random_image(200, 300, 3, seed=11)
    spec = InputSpec(size=(64, 64), mean=MEAN, std=STD)
    part = frame[20:121, 31:200]
    assert not part.flags.c_contiguous
    np.testing.assert_array_equal(
        ops.preprocess(part, spec), ops.preprocess(np.ascontiguousarray(part), spec)
    )


@pytest.mark.parametrize("layout", ["nchw", "nhwc"])
def test_dtypes_and_layouts(layout: str) -> None:
    image = random_image(151, 97, 3, seed=12)
    fields: dict[str, Any] = {"size": (60, 80), "resize": "letterbox", "pad_value": 0.25}
    planes = ops.preprocess(image, InputSpec(**fields, mean=MEAN, std=STD))
    expected = planes if layout == "nchw" else planes.transpose(1, 2, 0)
    for dtype in ("float32", "float16"):
        spec = InputSpec(**fields, mean=MEAN, std=STD, dtype=dtype, layout=layout)
        result = ops.preprocess(image, spec)
        assert result.dtype == dtype
        np.testing.assert_array_equal(result, expected.astype(dtype))

    fields["pad_value"] = 114
    planes = ops.preprocess(image, InputSpec(**fields, scale=1.2))
    expected = planes if layout == "nchw" else planes.transpose(1, 2, 0)
    result = ops.preprocess(image, InputSpec(**fields, scale=1.2, dtype="uint8", layout=layout))
    np.testing.assert_array_equal(result, np.clip(np.rint(expected), 0, 255).astype(np.uint8))


def test_calls_from_several_threads() -> None:
    image = random_image(480, 640, 3, seed=13)
    spec = InputSpec(size=(300, 300), mean=MEAN, std=STD)
    expected = ops.preprocess(image, spec)
    with ThreadPoolExecutor(4) as executor:
        results = list(executor.map(lambda _: ops.preprocess(image, spec), range(40)))
    assert all(np.array_equal(result, expected) for result in results)


@pytest.mark.parametrize(
    ("image", "color", "message"),
    [
        (np.zeros((0, 5, 3), np.uint8), "bgr", r"0 x 5|\[H, W, 3\]"),
        (np.zeros((4, 5, 2), np.uint8), "yuyv", "YUYV needs an even width"),
        (np.zeros((5, 7), np.uint8), "nv12", "an nv12 image has"),
        (np.zeros((5, 8), np.uint16), "p010", r"a p010 image has H \* 3 / 2 rows, got 5"),
        (np.zeros((6, 8), np.uint8), "p010", "expected a uint16 array .*, got uint8"),
        (np.zeros((6, 8), np.uint16), "nv12", "expected a uint8 array .*, got uint16"),
        (np.zeros((6, 7), np.uint8), "i420", "I420 needs an even height and width, got 4 x 7"),
        (np.zeros((4, 5, 2), np.uint8), "yvyu", "YVYU needs an even width"),
        (np.zeros((3, 4, 5), np.uint8), "bgr", r"\[H, W, 3\]"),
    ],
)
def test_bad_images_are_refused(image: npt.NDArray[np.uint8], color: str, message: str) -> None:
    with pytest.raises(Error, match=message):
        ops.preprocess(image, InputSpec(size=(8, 8)), color)


def test_a_thin_image_needs_max_size() -> None:
    spec = InputSpec(size=(256, 256), resize="shortest_edge")
    with pytest.raises(Error, match="set max_size in the input record"):
        _core.plan(spec, (1, 60000))
