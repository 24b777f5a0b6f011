"""Video files of kinds that trip readers: each frame is right, or the run says that it is not.

Most are small files that tests/golden/make_videos.py wrote: frame n is flat, at level 40 + 10 n.
"""

from __future__ import annotations

import os
import re
import shutil
import struct
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest

from edgecv_runtime import InputError
from edgecv_runtime.sources import Failure, open_source, resolve_source
from edgecv_runtime.sources.video_files import reading
from edgecv_runtime.sources.video_files.container import Evidence, read_evidence

VIDEOS = Path(__file__).parents[1] / "golden" / "videos"
OPENCV = tuple(int(part) for part in cv2.__version__.split(".")[:2])


@pytest.fixture
def without_pyav(monkeypatch):
    monkeypatch.setattr(reading, "pyav_is_here", lambda: False)


def levels(frames):
    return [round((float(frame.image.mean()) - 40) / 10, 1) for frame in frames]


def times(frames):
    return [round(frame.time_ms) for frame in frames]


def write_motion_jpeg(path, frames, rate=10.0, seed=0):
    """Noise: every frame is as large as the next."""
    random = np.random.default_rng(seed)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), rate, (160, 120))
    assert writer.isOpened()
    for _ in range(frames):
        writer.write(random.integers(0, 256, (120, 160, 3), dtype=np.uint8))
    writer.release()
    return path


def write_mp4(path, frames=6, size=(64, 48)):
    """MPEG-4, whose left half is bright and whose upper half is green."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 10.0, size)
    assert writer.isOpened()
    image = np.zeros((size[1], size[0], 3), np.uint8)
    image[:, : size[0] // 2, 2] = 200
    image[: size[1] // 2, :, 1] = 150
    for _ in range(frames):
        writer.write(image)
    writer.release()
    return path


def assert_interlaced(frames):
    assert len(frames) == 4
    for at, frame in enumerate(frames):
        assert abs(frame.image[0::2].mean() - (40 + 10 * at)) < 3
        assert abs(frame.image[1::2].mean() - (100 + 10 * at)) < 3


@pytest.mark.parametrize("name", ["interlaced.ts", "interlaced.mp4"])
def test_interlaced_frames_are_right(name):
    frames = list(open_source(VIDEOS / name))
    assert_interlaced(frames)
    assert times(frames) == [0, 100, 200, 300]


@pytest.mark.parametrize("name", ["interlaced.ts", "interlaced.mp4"])
def test_interlaced_frames_are_right_or_refused_without_pyav(name, without_pyav):
    # A video of the same size before it: its frames lie in the memory that OpenCV hands out.
    frames = list(open_source(VIDEOS / name))
    if OPENCV < (4, 13):
        assert_interlaced(frames)
        return
    (failure,) = frames
    assert isinstance(failure.error, InputError) and failure.index == 0
    assert f"{name}: frame 0 is interlaced, which OpenCV" in str(failure.error)
    assert "pip install av" in str(failure.error)


SIZED = [
    ("sizes_h264.ts", 12, 6),
    ("sizes_h265.ts", 12, 6),
    ("sizes_mpeg2.ts", 11, 5),  # the decoder loses the last of the first part
    ("sizes_vp8.mkv", 12, 6),
    ("sizes_vp9.mkv", 12, 6),
]


@pytest.mark.parametrize(("name", "count", "change"), SIZED)
def test_a_change_of_size_gives_each_frame_its_own(name, count, change):
    frames = list(open_source(VIDEOS / name))
    sizes = [frame.image.shape[:2] for frame in frames]
    assert sizes == [(48, 64)] * change + [(64, 96)] * (count - change)
    assert np.abs(np.subtract(levels(frames), [*range(change), *range(6, 12)])).max() < 0.3


@pytest.mark.parametrize(("name", "count", "change"), SIZED)
def test_a_change_of_size_is_said_without_pyav(name, count, change, without_pyav):
    *good, last = open_source(VIDEOS / name)
    assert all(frame.image.shape == (48, 64, 3) for frame in good) and len(good) <= change
    assert isinstance(last, Failure)
    # OpenCV 4.8 to 4.12 cannot even convert such frames.
    assert re.search(r"96 x 64 pixels|64 x 48 pixels|cannot convert frame", str(last.error))


@pytest.mark.parametrize("pyav", [True, False])
def test_a_change_of_size_in_mpeg_4(pyav, tmp_path, monkeypatch):
    parts = [(64, 48), (96, 80)]
    path = tmp_path / "clip.ts"
    path.write_bytes(
        b"".join(write_mp4(tmp_path / f"{size[0]}.ts", 6, size).read_bytes() for size in parts)
    )
    monkeypatch.setattr(reading, "pyav_is_here", lambda: pyav)
    found = list(open_source(path))
    if pyav:
        shapes = [frame.image.shape[:2] for frame in found]
        assert shapes == [(48, 64)] * 6 + [(80, 96)] * 6
    else:
        *good, last = found
        assert 0 < len(good) <= 6 and all(frame.image.shape == (48, 64, 3) for frame in good)
        assert re.search(r"96 x 80 pixels|cannot convert frame", str(last.error))


@pytest.mark.parametrize("size", [(64, 48), (66, 34)])
@pytest.mark.parametrize("suffix", [".avi", ".mp4", ".mkv"])
def test_the_size_in_mpeg_4_is_the_one_that_is_shown(suffix, size, tmp_path):
    sizes = reading.SizeChanges(str(write_mp4(tmp_path / f"a{suffix}", 4, size)), "FMP4")
    assert [sizes.true_size(at, size[::-1]) for at in range(4)] == [None] * 4
    assert sizes._changes in ([], [(0, size[::-1])])
    sizes.close()


def test_sizes_are_read_from_the_packets_of_an_ordinary_video_too(tmp_path):
    """A motion JPEG of one size: the size that is read is the one that OpenCV says."""
    path = write_motion_jpeg(tmp_path / "clip.avi", 5)
    sizes = reading.SizeChanges(str(path), "MJPG")
    assert [sizes.true_size(index, (120, 160)) for index in range(5)] == [None] * 5
    assert sizes._changes == [(0, (120, 160))]
    sizes.close()


def test_a_codec_without_decoder_is_named(without_pyav):
    frames = list(open_source(VIDEOS / "av1.mp4"))
    if cv2.VideoCapture(str(VIDEOS / "av1.mp4")).read()[0]:  # OpenCV 4.14's wheels do
        assert np.abs(np.subtract(levels(frames), [0, 1, 2])).max() < 0.3
        return
    (failure,) = frames
    assert "av1.mp4: not one frame can be decoded: its codec is AV01" in str(failure.error)


def test_pyav_decodes_what_opencv_does_not():
    frames = list(open_source(VIDEOS / "av1.mp4"))
    assert np.abs(np.subtract(levels(frames), [0, 1, 2])).max() < 0.3


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("uneven.mkv", [0, 100, 1000, 1050, 4000, 4700, 4710, 6000]),
        ("sound.ts", [100 * at for at in range(8)]),  # six seconds of sound
        ("late.ts", [100 * at for at in range(8)]),  # four seconds of sound come first
        ("reordered.mp4", [100 * at for at in range(20)]),
    ],
)
def test_whole_videos_are_not_called_truncated(name, expected):
    frames = list(open_source(VIDEOS / name))
    assert times(frames) == expected
    assert np.abs(np.subtract(levels(frames), range(len(expected)))).max() < 0.3


def with_edit(source, target, length_ms, start):
    """A copy that shows a part only, as trimming without encoding anew makes it."""
    data = bytearray(source.read_bytes())
    at = data.find(b"elst")
    data[at + 12 : at + 20] = struct.pack(">Ii", length_ms, start)
    target.write_bytes(data)
    return target


@pytest.mark.parametrize(
    ("length_ms", "first", "count"), [(2000, 0, 20), (1000, 10, 10), (700, 0, 7), (500, 4, 5)]
)
def test_a_trimmed_copy_is_whole(length_ms, first, count, tmp_path):
    source = VIDEOS / "reordered.mp4"
    at = source.read_bytes().find(b"mdhd")
    ticks = struct.unpack(">I", source.read_bytes()[at + 16 : at + 20])[0] // 10  # of a frame
    path = with_edit(source, tmp_path / "cut.mp4", length_ms, 2 * ticks + first * ticks)
    assert read_evidence(str(path), inside=True).frames == count
    frames = list(open_source(path))
    assert np.abs(np.subtract(levels(frames), range(first, first + count))).max() < 0.3


def test_a_list_of_edits_that_claims_four_billion_has_those_that_are_there(tmp_path):
    data = bytearray((VIDEOS / "reordered.mp4").read_bytes())
    at = data.find(b"elst")
    data[at + 8 : at + 12] = b"\xff" * 4
    path = tmp_path / "clip.mp4"
    path.write_bytes(data)
    assert read_evidence(str(path), inside=True).frames == 20


@pytest.mark.parametrize("claimed", [1 << 28, 1 << 32])
def test_a_few_bytes_do_not_make_an_index_of_gigabytes(claimed, tmp_path):
    data = bytearray((VIDEOS / "reordered.mp4").read_bytes())
    at = data.find(b"stts")
    assert struct.unpack(">I", data[at + 12 : at + 16]) == (20,)
    data[at + 12 : at + 16] = struct.pack(">I", claimed - 1)
    path = tmp_path / "clip.mp4"
    path.write_bytes(data)
    tracemalloc.start()
    assert read_evidence(str(path), inside=True) == Evidence()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1 << 20


def test_frames_that_lean_on_what_was_cut_off_are_not_missed():
    """The file has 28 frames; the first four cannot be decoded."""
    assert read_evidence(str(VIDEOS / "leading.mp4"), inside=True).frames == 24
    frames = list(open_source(VIDEOS / "leading.mp4"))
    assert len(frames) == 24 and times(frames) == [100 * at for at in range(24)]


@pytest.mark.parametrize("kept", [50, 80, 92, 97])
@pytest.mark.parametrize("suffix", [".avi", ".mkv", ".mp4"])
def test_the_lost_end_of_a_video_is_an_error(suffix, kept, tmp_path):
    whole = write_motion_jpeg(tmp_path / f"whole{suffix}", 60)
    if suffix == ".mp4":
        whole.write_bytes(index_first(whole.read_bytes()))
    assert all(not isinstance(frame, Failure) for frame in open_source(whole))
    cut = tmp_path / f"cut{suffix}"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * kept // 100])
    *good, last = open_source(cut)
    assert 60 * kept // 100 - 3 <= len(good) < 60
    assert isinstance(last, Failure)
    assert f"cut{suffix}: ends after {len(good)} of 60 frames" in str(last.error)


def index_first(data):
    """An MP4 with its index before its frames, as they are made for the web."""
    boxes, at = {}, 0
    while at < len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        if length == 1:
            length = int.from_bytes(data[at + 8 : at + 16], "big")
        boxes[data[at + 4 : at + 8]] = data[at : at + length]
        at += length
    index = bytearray(boxes.pop(b"moov"))
    table = index.find(b"stco")
    for entry in range(int.from_bytes(index[table + 8 : table + 12], "big")):
        place = slice(table + 12 + 4 * entry, table + 16 + 4 * entry)
        index[place] = (int.from_bytes(index[place], "big") + len(index)).to_bytes(4, "big")
    return boxes.pop(b"ftyp") + bytes(index) + b"".join(boxes.values())


def test_an_index_whose_frames_are_empty_is_an_error(tmp_path):
    """The last tenth is zeros, as interrupted copies have it; the file has its full length."""
    whole = write_motion_jpeg(tmp_path / "clip.mp4", 60)
    data = bytearray(index_first(whole.read_bytes()))
    data[len(data) * 9 // 10 :] = bytes(len(data) - len(data) * 9 // 10)
    whole.write_bytes(data)
    *good, last = open_source(whole)
    assert 50 <= len(good) < 56 and isinstance(last, Failure)
    assert "of 60 frames" in str(last.error)


def test_a_recording_that_was_not_finished_has_no_index(tmp_path):
    whole = write_motion_jpeg(tmp_path / "clip.mp4", 20).read_bytes()
    (tmp_path / "clip.mp4").write_bytes(whole[: len(whole) // 2])
    (frame,) = open_source(tmp_path / "clip.mp4")
    assert "cannot be opened: its index is missing: the recording or the copy" in str(frame.error)


def test_a_hole_in_a_matroska_file_is_an_error(tmp_path):
    path = write_motion_jpeg(tmp_path / "clip.mkv", 60)
    data = bytearray(path.read_bytes())
    hole = slice(len(data) // 2, len(data) // 2 + 200_000)
    data[hole] = b"\x55" * 200_000
    path.write_bytes(data)
    found = list(open_source(path))
    assert any(isinstance(frame, Failure) for frame in found) and len(found) > 20


def damage(path, name, number):
    """The MP4 file `name` with one frame that cannot be decoded."""
    data = bytearray((VIDEOS / name).read_bytes())
    at = data.find(b"stsz")
    sizes = struct.unpack_from(f">{number}I", data, at + 16)
    at = data.find(b"stco")
    place = struct.unpack_from(">I", data, at + 12)[0] + sum(sizes)
    data[place : place + 4] = b"\xff\xff\xff\xff"  # the length of what follows
    path.write_bytes(data)
    return path


def test_damage_in_the_middle_is_an_error_at_its_place(tmp_path):
    found = list(open_source(damage(tmp_path / "clip.mp4", "reordered.mp4", 12)))
    failures = [at for at, frame in enumerate(found) if isinstance(frame, Failure)]
    assert len(failures) == 1 and 0 < failures[0] < len(found) - 1
    assert "cannot be decoded: the video is broken there" in str(found[failures[0]].error)
    numbers = [frame.index for frame in found if not isinstance(frame, Failure)]
    assert numbers == list(range(len(numbers))) and len(numbers) >= 17


@pytest.mark.parametrize(
    ("name", "number", "expected", "message"),
    [
        ("interlaced.mp4", 3, [0, None, 100, 300], "between frames 0 and 1 cannot be decoded"),
        ("av1.mp4", 2, [0, None], "what follows frame 0 cannot be decoded"),
    ],
)
def test_pyav_goes_on_behind_damage(name, number, expected, message, tmp_path, monkeypatch):
    path = damage(tmp_path / "clip.mp4", name, number)

    def refuse(reader):
        raise reading.Refused("with every OpenCV")

    monkeypatch.setattr(reading.FileReader, "converted", refuse)
    found = list(open_source(path))
    shown = [None if isinstance(frame, Failure) else round(frame.time_ms) for frame in found]
    assert shown == expected
    assert message in str(found[expected.index(None)].error)


def ivf(frame_lengths):
    head = b"DKIF" + struct.pack("<HH4sHHIIII", 0, 32, b"VP80", 64, 48, 25, 1, 4, 0)
    frames = (
        struct.pack("<IQ", length, at) + b"x" * length for at, length in enumerate(frame_lengths)
    )
    return head + b"".join(frames)


def mxf(contents):
    label = b"\x06\x0e\x2b\x34\x01\x02\x01\x01\x0d\x01\x03\x01\x15\x01\x05\x00"
    short = label + b"\x0a" + b"x" * 10
    return short + label + b"\x83" + contents.to_bytes(3, "big") + b"x" * contents


@pytest.mark.parametrize("whole", [ivf([30, 7, 0, 200]), mxf(300)])
def test_elements_with_lengths_say_what_is_missing(whole, tmp_path):
    path = tmp_path / "clip"
    for missing in (0, 1, 150):
        path.write_bytes(whole[: len(whole) - missing])
        assert read_evidence(path, True) == Evidence(missing_bytes=missing or None)
    path.write_bytes(whole + b"y" * 40)  # no key of MXF; behind the frames that IVF announces
    assert read_evidence(path, True) == Evidence(broken=whole.startswith(b"\x06"))


def test_a_tag_behind_the_end_of_an_mp4_is_no_box(tmp_path):
    path = tmp_path / "clip.mp4"
    parts = [(b"ftyp", 8), (b"moof", 40), (b"mdat", 300)]
    whole = b"".join(struct.pack(">I", 8 + size) + kind + b"x" * size for kind, size in parts)
    path.write_bytes(whole + b"TAG" + b"x" * 125)
    assert read_evidence(path, True) == Evidence()
    path.write_bytes(whole[:-7])
    assert read_evidence(path, True) == Evidence(missing_bytes=7)


def test_an_empty_video_says_so(tmp_path):
    path = tmp_path / "clip.mp4"
    path.touch()
    (failure,) = open_source(path)
    assert str(failure.error) == f"{path}: the file is empty, a video was expected"


def test_a_live_recording_that_was_cut_is_an_error(tmp_path):
    """Its segment and clusters have no lengths, its frames have."""
    path = write_motion_jpeg(tmp_path / "clip.mkv", 20)
    data = bytearray(path.read_bytes())
    for kind in (b"\x18\x53\x80\x67", b"\x1f\x43\xb6\x75"):
        at = data.find(kind) + 4
        width = 9 - data[at].bit_length()
        data[at : at + width] = bytes([(1 << (8 - width)) | ((1 << (8 - width)) - 1)]) + b"\xff" * (
            width - 1
        )
    path.write_bytes(data[: len(data) // 2])
    *frames, failure = open_source(path)
    assert 5 < len(frames) < 15
    assert "the video is truncated or broken" in str(failure.error)


def test_a_refusal_is_heard_by_the_thread_that_it_is_for(without_pyav):
    """Interlaced and other videos at the same time."""

    def read(name):
        return [type(frame).__name__ for frame in open_source(VIDEOS / name)]

    names = ["interlaced.ts", "reordered.mp4", "interlaced.mp4", "uneven.mkv"] * 12
    with ThreadPoolExecutor(4) as pool:
        found = dict(zip(names, pool.map(read, names), strict=True))
        everything = list(pool.map(read, names))
    assert everything == [found[name] for name in names]
    assert found["reordered.mp4"] == ["Frame"] * 20 and found["uneven.mkv"] == ["Frame"] * 8
    interlaced = ["Frame"] * 4 if OPENCV < (4, 13) else ["Failure"]
    assert found["interlaced.ts"] == found["interlaced.mp4"] == interlaced


def test_the_time_goes_on_where_two_videos_are_joined(tmp_path):
    part = (VIDEOS / "sizes_mpeg2.ts").read_bytes()
    joined = tmp_path / "joined.ts"
    joined.write_bytes(part + part)
    frames = list(open_source(joined))
    found = [frame.time_ms for frame in frames]
    assert found == sorted(found) and 2000 < found[-1] < 2600


@pytest.mark.parametrize(
    ("turn", "matrix"),
    [
        (0, (1, 0, 0, 1)),
        (90, (0, 1, -1, 0)),
        (180, (-1, 0, 0, -1)),
        (270, (0, -1, 1, 0)),
    ],
)
def test_videos_of_a_phone_stand_upright(turn, matrix, tmp_path):
    path = write_mp4(tmp_path / "phone.mp4")
    data = bytearray(path.read_bytes())
    at = data.find(b"tkhd") + 4
    at += 4 + (32 if data[at] else 20) + 16
    a, b, c, d = (side << 16 for side in matrix)
    data[at : at + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
    upright = np.rot90(
        next(iter(open_source(write_mp4(tmp_path / "plain.mp4")))).image, -turn // 90
    )
    image = next(iter(open_source(path))).image
    assert image.shape == upright.shape
    assert np.abs(image.astype(int) - upright).mean() < 1


def test_music_with_a_cover_is_one_image():
    (frame,) = open_source(VIDEOS / "cover.mp4")
    assert levels([frame])[0] == pytest.approx(5, abs=0.3)


@pytest.mark.parametrize(
    "name", [b"clip.AVI", b"clip", b"clip.part", b"a:b.avi", b"50%.avi", b"stra\xdfe.avi"]
)
def test_names_of_videos(name, tmp_path):
    path = os.fsencode(tmp_path) + b"/" + name
    shutil.copy(write_motion_jpeg(tmp_path / "source.avi", 3), path)
    frames = list(open_source(os.fsdecode(path)))
    assert len(frames) == 3 and frames[0].name == os.fsdecode(path)


@pytest.mark.parametrize("suffix", [".M2TS", ".3gp", ".vob", ""])
def test_transport_streams_by_other_names(suffix, tmp_path):
    path = tmp_path / f"clip{suffix}"
    shutil.copy(VIDEOS / "sizes_mpeg2.ts", path)
    assert len(list(open_source(path))) == 11


def test_a_text_without_suffix_is_no_video(tmp_path):
    path = tmp_path / "notes"
    path.write_text("no video")
    (frame,) = open_source(path)
    assert "notes: cannot be decoded" in str(frame.error)


@pytest.mark.parametrize("name", ["clip.mp4", "photo.png", "frames"])
def test_pipes_are_refused_at_once(name, tmp_path):
    os.mkfifo(tmp_path / name)
    with pytest.raises(InputError, match="is a pipe, a file was expected"):
        open_source(tmp_path / name)
    with pytest.raises(InputError, match="is a device, a file was expected: v4l2:///dev/videoN"):
        open_source("/dev/null")


def test_a_pipe_in_a_folder_does_not_stop_it(tmp_path):
    os.mkfifo(tmp_path / "a.png")
    cv2.imwrite(str(tmp_path / "b.png"), np.zeros((4, 4, 3), np.uint8))
    first, second = open_source(tmp_path)
    assert "a.png: is a pipe" in str(first.error) and second.image.shape == (4, 4, 3)


def test_folders_named_like_images_are_none(tmp_path):
    (tmp_path / "deeper.png").mkdir()
    cv2.imwrite(str(tmp_path / "b.png"), np.zeros((4, 4, 3), np.uint8))
    (part,) = resolve_source(tmp_path)
    assert [path.name for path in part.paths] == ["b.png"]
