"""What is drawn: captions that have room, in any script, and the options of plot."""

import importlib.util
import warnings
from pathlib import Path

import cv2
import numpy as np
import pytest

from edgecv import Detections, InputError, Instances, Masks, read_image
from edgecv.cli.main import main
from edgecv_runtime.drawing import lettering
from edgecv_runtime.drawing.boxes import PALETTE
from edgecv_runtime.drawing.captions import place_captions, smallest_size, usual_size
from edgecv_runtime.drawing.lettering import Line, drawable_name
from edgecv_runtime.results.classification import Classification
from edgecv_runtime.results.segmentation import Segmentation
from helpers.tiny_bundle import write_tiny_bundle

GREY = np.full((200, 300, 3), 128, np.uint8)
CACHES = ("drawable_text", "opencv_has", "font_for", "font_has", "font_files")


def random_boxes(seed, count, height, width, low, high):
    rng = np.random.default_rng(seed)
    sides = rng.integers(low, high, (count, 2))
    corners = (rng.uniform(0, 1, (count, 2)) * ([width, height] - sides)).astype(int)
    return [tuple(map(int, row)) for row in np.hstack([corners, corners + sides])]


def rectangles(placed):
    return np.array(
        [
            (p.left, p.top, p.left + p.line.width, p.top + p.line.height)
            for p in placed
            if p is not None
        ]
    ).reshape(-1, 4)


@pytest.mark.parametrize(("height", "width"), [(480, 640), (96, 64), (2160, 3840)])
@pytest.mark.parametrize("count", [1, 20, 200])
def test_captions_lie_inside_and_not_on_each_other(height, width, count):
    boxes = random_boxes(count, count, height, width, 4, min(height, width) // 3)
    placed = place_captions(boxes, ["traffic light 0.98"] * count, height, width)
    areas = rectangles(placed)
    assert len(placed) == count and (len(areas) > 0 or (count, height) == (200, 96))
    assert (areas[:, :2] >= 0).all() and (areas[:, 2:] <= [width, height]).all()
    canvas = np.zeros((height, width), int)
    for x1, y1, x2, y2 in areas:
        canvas[y1:y2, x1:x2] += 1
    assert canvas.max() <= 1


def test_what_has_no_room_gets_no_caption():
    # A grid without gaps: the caption of each would lie on its neighbours.
    boxes = [(x, y, x + 20, y + 20) for y in range(0, 200, 20) for x in range(0, 300, 20)]
    placed = place_captions(boxes, ["erythrocyte 0.97"] * len(boxes), 200, 300)
    assert sum(each is not None for each in placed) == 0
    # The same boxes far apart have theirs.
    apart = [(x, y, x + 20, y + 20) for y in (40, 100, 160) for x in (0, 180)]
    assert None not in place_captions(apart, ["erythrocyte 0.97"] * 6, 200, 300)
    # The best of two at one place is served first, and the other one is drawn beside it or not.
    first, second = place_captions([(50, 60, 120, 120)] * 2, ["a 0.9", "b 0.8"], 200, 300)
    assert first is not None and (first.left, first.top + first.line.height) == (50, 60)
    assert second is None or second.left >= 50 + first.line.width or second.top >= 60


def test_a_caption_fits_its_box_between_readable_and_usual():
    height, width = 1080, 1920
    assert (usual_size(height, width), smallest_size(height, width)) == (30.0, 12.0)
    text = "person 0.97"
    heights = []
    for side in (10, 60, 100, 400):
        (placed,) = place_captions([(300, 300, 300 + side, 300 + side)], [text], height, width)
        heights.append(placed.line.height)
        if side == 100:
            assert 0.8 * side <= placed.line.width <= 1.1 * side
    assert heights == sorted(heights) and heights[-1] == Line(text, 30).height
    assert heights[0] == Line(text, 12).height < heights[2] < heights[-1]


def detections(**changes):
    boxes = np.array([[20, 40, 120, 140], [150, 60, 280, 180]], np.float32)
    fields = {
        "boxes": boxes,
        "scores": np.array([0.9, 0.8], np.float32),
        "labels": np.array([2, 2]),
        "names": ["a", "b", "c"],
        "image": GREY,
    }
    return Detections(**{**fields, **changes})


def test_line_width_labels_and_color_by():
    result = detections()
    drawn = result.plot(labels=False, line_width=5)
    expected = GREY.copy()
    for x1, y1, x2, y2 in ((20, 40, 120, 140), (150, 60, 280, 180)):
        expected[y1:y2, x1:x2] = PALETTE[2]
        expected[y1 + 5 : y2 - 5, x1 + 5 : x2 - 5] = 128
    np.testing.assert_array_equal(drawn, expected)
    both = result.plot(labels=False, color_by="instance")
    assert tuple(both[100, 20]) == PALETTE[0] and tuple(both[100, 150]) == PALETTE[1]
    assert (result.plot(labels=False) == result.plot(labels=False, color_by="class")).all()
    assert (result.plot() != result.plot(labels=False)).any()
    with pytest.raises(InputError, match='color_by: expected "class" or "instance", got \'score\''):
        result.plot(color_by="score")
    for wrong in (0, -1, 1.5):
        with pytest.raises(InputError, match="line_width: expected a number of pixels above 0"):
            result.plot(line_width=wrong)


def test_lines_of_small_boxes_are_thin():
    image = np.zeros((3000, 3000, 3), np.uint8)
    boxes = np.array([[10, 10, 26, 26], [100, 100, 900, 900]], np.float32)
    drawn = detections(boxes=boxes, image=image).plot(labels=False)
    assert (drawn[18, :30] > 0).any(axis=1).sum() == 2 * 2
    assert (drawn[500, 90:500] > 0).any(axis=1).sum() == 10


def test_masks_take_the_options():
    frames = np.zeros((2, 200, 300), bool)
    frames[0, 60:120, 40:100] = frames[1, 80:160, 170:260] = True
    plain = detections()
    result = Instances(
        plain.boxes, plain.scores, plain.labels, plain.names, Masks.from_frames(frames), GREY
    )
    by_instance, by_class = result.plot(), result.plot(color_by="class")
    assert (by_instance == result.plot(color_by="instance")).all()
    assert (by_instance[90, 70] != by_instance[120, 210]).any()
    assert (by_class[90, 70] == by_class[120, 210]).all()
    # The outline of a mask is as wide as it is asked to be.
    thick = result.plot(line_width=4, labels=False)
    assert (thick[90, 40:44] == PALETTE[0]).all() and (thick[90, 46] != PALETTE[0]).any()


def test_other_results_without_labels():
    mask = np.zeros((200, 300), np.uint8)
    mask[50:] = 1
    segmented = Segmentation(mask, ["sky", "road"], image=GREY)
    legend = (segmented.plot() != segmented.plot(labels=False)).any(axis=2)
    assert legend.any() and not legend[60:].any()
    scores = np.array([1.0], np.float32)
    classified = Classification(np.array([0]), scores, scores, ["cat"], GREY)
    assert (classified.plot(labels=False) == GREY).all() and (classified.plot() != GREY).any()


def test_save_takes_the_options(tmp_path):
    result = detections()
    result.save(tmp_path / "a.png", line_width=3, labels=False)
    np.testing.assert_array_equal(
        read_image(tmp_path / "a.png"), result.plot(line_width=3, labels=False)
    )
    result.save(tmp_path / "b.png", threshold=0.85, color_by="instance")
    np.testing.assert_array_equal(
        read_image(tmp_path / "b.png"), result.plot(threshold=0.85, color_by="instance")
    )
    with pytest.raises(InputError, match="nothing is drawn in JSON: leave out line_width"):
        result.save(tmp_path / "a.json", line_width=3)


@pytest.fixture
def fonts(monkeypatch):
    """DejaVu Sans is the one font; letters that OpenCV draws are tried anew."""
    root = Path(pytest.importorskip("matplotlib").get_data_path())
    caches = [getattr(lettering, name) for name in CACHES]
    for cache in caches:
        cache.cache_clear()
    monkeypatch.setattr(lettering, "told", set())
    files = [str(root / "fonts" / "ttf" / "DejaVuSans.ttf")]
    monkeypatch.setattr(lettering, "font_files", lambda: tuple(files))
    yield files
    for cache in caches:
        cache.cache_clear()


def only_ascii(monkeypatch):
    """As OpenCV 4 is."""
    monkeypatch.setattr(lettering, "opencv_has", lambda letter: letter.isascii())


def painted(text, size=24):
    line = Line(text, size)
    canvas = np.zeros((line.height, line.width, 3), np.uint8)
    line.paint(canvas, 0, 0, (0, 0, 0))
    return canvas


@pytest.mark.skipif(int(cv2.__version__.split(".")[0]) < 5, reason="OpenCV 4 draws ASCII")
@pytest.mark.parametrize(
    "name", ["红细胞", "日本語 くるま", "한국어", "Ελληνικά", "Русский", "Zoë"]
)
def test_opencv_5_draws_these_itself(name, fonts):
    fonts.clear()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert drawable_name(name, 7) == name
        assert (painted(name) != painted("?" * len(name))[:1, :1]).any()


@pytest.mark.parametrize("name", ["سيارة حمراء", "שלום", "ñandú €"])
def test_pillow_draws_what_opencv_cannot(name, fonts, monkeypatch):
    pytest.importorskip("PIL")
    only_ascii(monkeypatch)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert drawable_name(name, 7) == name
    ink = painted(f"{name} 0.97")
    columns = (ink > 128).any(axis=(0, 2)).nonzero()[0]
    assert columns.min() < 10 and columns.max() > ink.shape[1] - 10
    assert np.ptp((ink > 128).any(axis=(1, 2)).nonzero()[0]) > 8


def test_arabic_letters_are_joined_and_run_from_the_right(fonts):
    PIL = pytest.importorskip("PIL")
    from PIL import Image, ImageDraw, ImageFont, features

    if not features.check("raqm"):
        pytest.skip("this Pillow has no raqm")
    assert PIL.__version__
    text = "سيارة"
    font = ImageFont.truetype(fonts[0], round(0.8 * 24))
    line = Line(text, 24)
    mask = Image.new("L", (line.width, line.height))
    ImageDraw.Draw(mask).text((line.margin, line.margin), text, 255, font)
    np.testing.assert_array_equal(painted(text)[:, :, 0], np.asarray(mask))
    # Single letters are wider than the word in which they join.
    assert font.getlength(text) < sum(font.getlength(letter) for letter in text)


@pytest.mark.parametrize(
    ("name", "drawn", "missing"),
    [
        ("🚗 car", "car", "🚗"),
        ("人", "class 7", "人"),
        ("हिन्दी", "class 7", "द न ह"),
        ("a\tb\n", "a b", ""),
    ],
)
def test_letters_without_a_font_are_left_out_and_it_is_said_once(
    name, drawn, missing, fonts, monkeypatch
):
    only_ascii(monkeypatch)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        assert drawable_name(name, 7) == drawn
        assert drawable_name(name + " ", 7) == drawn
    if not missing:
        assert said == []
        return
    (warning,) = said
    assert str(warning.message).startswith(f"captions leave out {missing}, which cannot be drawn")
    assert "(Debian: fonts-noto, " in str(warning.message)


def test_long_names_are_cut():
    assert drawable_name("a" * 40, 0) == "a" * 40
    assert drawable_name("a" * 41, 0) == "a" * 37 + "..."
    assert drawable_name("a" * 36 + " bcdef", 0) == "a" * 36 + "..."


def test_without_pillow_it_says_what_to_install(fonts, monkeypatch):
    only_ascii(monkeypatch)
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "PIL" else find(name)
    )
    with pytest.warns(UserWarning, match="captions leave out Ü, which .*: pip install pillow"):
        assert drawable_name("Über", 0) == "ber"


def test_the_fonts_of_the_system_are_found(tmp_path, monkeypatch):
    source = Path(pytest.importorskip("matplotlib").get_data_path()) / "fonts" / "ttf"
    names = ["DejaVuSans.ttf", "DejaVuSans-Bold.ttf", "DejaVuSerif.ttf"]  # as they are tried
    for name in reversed(names):
        (tmp_path / name).write_bytes((source / name).read_bytes())
    (tmp_path / "broken.otf").write_bytes(b"no font")
    monkeypatch.setattr(lettering, "font_folders", lambda: iter([tmp_path]))
    lettering.font_files.cache_clear()
    try:
        found = [Path(path).name for path in lettering.font_files()]
        assert found[:1] == ["broken.otf"] and found[1:] == names
        assert not lettering.font_has(str(tmp_path / "broken.otf"), "a")
        assert lettering.font_has(str(tmp_path / "DejaVuSans.ttf"), "ש")
        assert not lettering.font_has(str(tmp_path / "DejaVuSans.ttf"), "人")
    finally:
        lettering.font_files.cache_clear()


def test_commands_take_the_options(tmp_path, capsys):
    bundle = write_tiny_bundle(tmp_path / "tiny")
    photo = tmp_path / "white.png"
    cv2.imwrite(str(photo), np.full((64, 96, 3), 255, np.uint8))

    def predicted(*options):
        out = tmp_path / f"out{len(list(tmp_path.iterdir()))}"
        command = ["predict", str(bundle), str(photo), "--save", str(out), *options]
        assert main(command) == 0, capsys.readouterr().err
        return read_image(out / "white.jpg").astype(int)

    usual = predicted()
    for options in (["--line-width", "6"], ["--no-labels"], ["--color-by", "instance"]):
        changed = predicted(*options)
        if options != ["--color-by", "instance"]:  # here each class has one instance
            assert np.abs(changed - usual).max() > 60, options
    command = ["predict", str(bundle), str(photo), "--line-width", "3"]
    assert main(command) == 2
    assert "--line-width: nothing is drawn: give --save with it" in capsys.readouterr().err
    segmenter = Path(__file__).parents[1] / "golden" / "bundle_v2_segment"
    command = [
        "predict",
        str(segmenter),
        str(photo),
        "--save",
        str(tmp_path),
        "--color-by",
        "class",
    ]
