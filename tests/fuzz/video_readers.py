"""Readers of videos: the frames, and what a container says about its own end."""

from __future__ import annotations

import struct
from pathlib import Path

from edgecv_runtime import Error
from edgecv_runtime.sources import Failure, open_source
from edgecv_runtime.sources.video_files.container import lacks_index, read_evidence
from fuzz.reader import Reader

_VIDEOS = Path(__file__).parents[1] / "golden" / "videos"
_MOST_FRAMES = 40


def _golden(*names: str) -> list[bytes]:
    return [(_VIDEOS / name).read_bytes() for name in names]


def _video(name: str, seeds: list[bytes]) -> Reader:
    def read(folder: Path) -> object:
        for number, frame in enumerate(open_source(folder / name)):
            if isinstance(frame, Failure):
                raise frame.error if isinstance(frame.error, Error) else AssertionError(frame.error)
            if number == _MOST_FRAMES:
                break
        return None

    return Reader(name, seeds, read)


def _containers() -> list[bytes]:
    """Of each kind one; what stands for frames is none."""
    entries = b"".join(struct.pack("<4s3I", b"00dc", 16, 4 + 20 * at, 12) for at in range(3))
    chunks = b"movi" + struct.pack("<I", 4) + b"xxxx"
    chunks += b"idx1" + struct.pack("<I", len(entries)) + entries
    avi = b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"AVI " + chunks
    tag = b"\x09" + (7).to_bytes(3, "big") + bytes(7) + b"x" * 7
    flv = b"FLV\x01\x01\0\0\0\x09\0\0\0\0" + tag + struct.pack(">I", len(tag))
    ivf = b"DKIF" + struct.pack("<HH4sHHIIII", 0, 32, b"VP80", 64, 48, 25, 1, 2, 0)
    ivf += b"".join(struct.pack("<IQ", 9, at) + b"x" * 9 for at in range(2))
    label = b"\x06\x0e\x2b\x34\x01\x02\x01\x01\x0d\x01\x03\x01\x15\x01\x05\x00"
    mxf = label + b"\x0a" + b"x" * 10 + label + b"\x83" + (40).to_bytes(3, "big") + b"x" * 40
    properties = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
    asf = bytes(30) + properties + struct.pack("<Q", 104) + bytes(16) + struct.pack("<Q", 150)
    return [avi, flv, ivf, mxf, asf.ljust(150, b"x")]


READERS = {
    "mp4": _video(
        "x.mp4", _golden("reordered.mp4", "interlaced.mp4", "leading.mp4", "av1.mp4", "cover.mp4")
    ),
    "mkv": _video("x.mkv", _golden("uneven.mkv", "sizes_vp8.mkv", "sizes_vp9.mkv")),
    "ts": _video("x.ts", _golden("interlaced.ts", "sizes_h264.ts")),
    "container": Reader(
        "video",
        [*_containers(), *_golden("reordered.mp4", "leading.mp4", "cover.mp4", "uneven.mkv")],
        lambda folder: (
            read_evidence(str(folder / "video"), inside=True),
            lacks_index(str(folder / "video")),
        ),
    ),
}
