"""Writes the small videos in `videos/`, of kinds that OpenCV cannot write. Needs PyAV.

python tests/golden/make_videos.py
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

FOLDER = Path(__file__).parent / "videos"
LEVEL_STEP = 10  # grey level of frame n: 40 + 10 n
TICK = Fraction(1, 1000)


def level(at: int) -> np.ndarray:
    return np.uint8(40 + LEVEL_STEP * at)


def encoded(stream, images: Iterable[np.ndarray], times: Iterable[int] | None = None) -> list:
    packets = []
    for at, image in enumerate(images):
        frame = av.VideoFrame.from_ndarray(image, "rgb24")
        if times is not None:
            frame.pts, frame.time_base = list(times)[at], TICK
        packets += stream.encode(frame)
    return packets + list(stream.encode(None))


def flat(size: tuple[int, int], levels: Iterable[int]) -> list[np.ndarray]:
    return [np.full((*size, 3), level(at), np.uint8) for at in levels]


def write(name: str, codec: str, images, times=None, options=None, sound_s: float = 0, fmt=None):
    with av.open(str(FOLDER / name), "w", format=fmt) as out:
        stream = out.add_stream(codec, rate=10, options=options or {})
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        if times is not None:
            stream.time_base = stream.codec_context.time_base = TICK
        sound = out.add_stream("mp2", rate=32000) if sound_s else None
        packets = encoded(stream, images, times)
        if sound is not None:
            sound.layout, sound.bit_rate = "mono", 32000
            for at in range(int(sound_s * 32000 / 1152)):
                frame = av.AudioFrame.from_ndarray(np.zeros((1, 1152), np.int16), "s16", "mono")
                frame.sample_rate, frame.pts = 32000, 1152 * at
                packets += sound.encode(frame)
            packets += sound.encode(None)
        for packet in sorted(packets, key=lambda packet: packet.dts * packet.time_base):
            out.mux(packet)


def write_sizes(name: str, codec: str, options=None) -> None:
    """Six frames of 64 x 48 (width x height), then six of 96 x 64, in one stream."""
    with av.open(str(FOLDER / name), "w", format="mpegts" if name.endswith("ts") else None) as out:
        first = out.add_stream(codec, rate=10, options=options or {})
        first.height, first.width, first.pix_fmt = 48, 64, "yuv420p"
        later = av.CodecContext.create(codec, "w")
        later.height, later.width, later.pix_fmt = 64, 96, "yuv420p"
        later.time_base, later.framerate, later.options = Fraction(1, 10), 10, options or {}
        packets = encoded(first, flat((48, 64), range(6)))
        last = max(packet.dts for packet in packets)
        for packet in packets:
            out.mux(packet)
        start = Fraction(6, 10) / packets[0].time_base
        for packet in encoded(later, flat((64, 96), range(6, 12))):
            ratio = Fraction(1, 10) / packets[0].time_base
            packet.pts, packet.dts = (
                int(packet.pts * ratio + start),
                int(packet.dts * ratio + start),
            )
            packet.dts = last = max(packet.dts, last + 1)
            packet.time_base, packet.stream = packets[0].time_base, first
            out.mux(packet)


def write_leading(name: str) -> None:
    """Cut at a key frame of an open group: of 28 frames the first four lean on what was cut."""
    options = "open-gop=1:keyint=12:min-keyint=1:bframes=6:b-adapt=0:scenecut=0:b-pyramid=none"
    stream = av.CodecContext.create("libx264", "w")
    stream.height, stream.width, stream.pix_fmt = 48, 64, "yuv420p"
    stream.time_base, stream.framerate = Fraction(1, 10), 10
    stream.options = {"x264-params": options}
    stream.flags |= 1 << 22  # the headers stand before all, as MP4 wants them
    packets = encoded(stream, [np.full((48, 64, 3), 40 + 5 * at, np.uint8) for at in range(36)])
    second = [packet.is_keyframe for packet in packets].index(True, 1)
    with av.open(str(FOLDER / name), "w", options={"use_editlist": "0"}) as out:
        film = out.add_stream("libx264", rate=10)
        film.height, film.width, film.pix_fmt = 48, 64, "yuv420p"
        film.codec_context.extradata = stream.extradata
        for packet in packets[second:]:
            packet.stream, packet.time_base = film, Fraction(1, 10)
            out.mux(packet)


def interlaced() -> list[np.ndarray]:
    """Frame n: its even rows at the level of n, its odd rows 60 brighter."""
    images = flat((64, 64), range(4))
    for image in images:
        image[1::2] += 60
    return images


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    fields = {"flags": "+ilme+ildct"}
    write("interlaced.ts", "mpeg2video", interlaced(), options={**fields, "b": "400k"})
    write("interlaced.mp4", "libx264", interlaced(), options={**fields, "x264-params": "tff=1"})
    write("av1.mp4", "libsvtav1", flat((64, 64), range(3)), options={"preset": "12"})
    uneven = [0, 100, 1000, 1050, 4000, 4700, 4710, 6000]
    write("uneven.mkv", "libvpx", flat((48, 64), range(8)), uneven)
    write("sound.ts", "libx264", flat((48, 64), range(8)), sound_s=6)
    late = [4000 + 100 * at for at in range(8)]
    write("late.ts", "libx264", flat((48, 64), range(8)), late, sound_s=5)
    write("reordered.mp4", "libx264", flat((48, 64), range(20)), options={"bf": "2"})
    write("reordered.mkv", "libx264", flat((48, 64), range(20)), options={"bf": "2", "g": "8"})
    quick = {"preset": "ultrafast"}
    write_sizes("sizes_h264.ts", "libx264", quick)
    write_sizes("sizes_h265.ts", "libx265", {**quick, "x265-params": "log-level=none"})
    write_sizes("sizes_mpeg2.ts", "mpeg2video")
    write_sizes("sizes_vp8.mkv", "libvpx")
    write_sizes("sizes_vp9.mkv", "libvpx-vp9")
    write_leading("leading.mp4")
    with av.open(str(FOLDER / "cover.mp4"), "w") as out:  # music with a cover
        sound = out.add_stream("aac", rate=32000)
        sound.layout = "mono"
        cover = out.add_stream("mjpeg", rate=90000)
        cover.height, cover.width, cover.pix_fmt = 48, 64, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        for at in range(30):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
            frame.sample_rate, frame.pts = 32000, 1024 * at
            out.mux(sound.encode(frame))
        out.mux(sound.encode(None))
        picture = av.VideoFrame.from_ndarray(flat((48, 64), [5])[0], "rgb24")
        out.mux(cover.encode(picture.reformat(format="yuvj420p")))
        out.mux(cover.encode(None))


if __name__ == "__main__":
    main()
