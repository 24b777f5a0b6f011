"""What a video file says about its own end: how many bytes it needs, how many frames it shows.

The number of frames that OpenCV announces is often duration times rate, which says little: sound
may last longer, frames may be uneven, a trimmed copy hides some. What is found here is exact, or
None.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from edgecv_runtime.sources.video_files.matroska import is_broken, matroska_end

_LARGEST_INDEX = 1 << 28  # bytes; more is an accident or an attack
_MOST_FRAMES = 1 << 24  # of an index that says "so many of this length": a day has 10 million
_MXF_KEY = b"\x06\x0e\x2b\x34"
_EBML = b"\x1a\x45\xdf\xa3"
_BOXES = frozenset(
    {b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"mfra", b"sidx", b"ssix", b"free", b"skip"}
    | {b"wide", b"uuid", b"meta", b"meco", b"pdin", b"prft", b"emsg", b"pnot", b"PICT", b"udta"}
)
_ASF_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")


@dataclass(frozen=True)
class Evidence:
    """Nothing of it speaks against a whole file."""

    missing_bytes: int | None = None  # that the container announces and the file has not
    frames: int | None = None  # that are shown, by an index of every frame
    broken: bool = False  # the container's own structure does not hold together


def read_evidence(path: str, inside: bool) -> Evidence:
    """Looks at the container's headers, and `inside` it where that takes long.

    Of an unknown container nothing is said, nor of one whose headers are broken.
    """
    size = os.path.getsize(path)
    with open(path, "rb") as file:
        head = file.read(1 << 16)
        file.seek(0)
        try:
            if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"):
                return _mp4(file, size)
            if (head[:4], head[8:12]) == (b"RIFF", b"AVI "):
                return _avi(file, size)
            if head.startswith(b"FLV"):
                return Evidence(broken=not _flv_ends_well(file, size))
            if head.startswith(b"DKIF"):
                return _ivf(file, size)
            if head.startswith(_MXF_KEY):
                return _mxf(file, size)
            if head.startswith(_EBML):
                return Evidence(
                    _missing(matroska_end(head), size), broken=inside and is_broken(file, size)
                )
            at = head.find(_ASF_PROPERTIES)
            if at >= 0:
                return Evidence(_missing(_little(head, at + 40, 8), size))
        except (ValueError, IndexError, OverflowError):
            pass
    return Evidence()


def lacks_index(path: str) -> bool:
    """Whether it is an MP4 whose index, which is written last, was never written."""
    try:
        with open(path, "rb") as file:
            kinds = [kind for kind, _, _ in _boxes_of_file(file, os.path.getsize(path))]
    except OSError:
        return False
    return kinds[:1] == [b"ftyp"] and b"moov" not in kinds


def _missing(end: int | None, size: int) -> int | None:
    return None if end is None or end <= size else end - size


def _little(data: bytes, at: int, length: int) -> int:
    return int.from_bytes(data[at : at + length], "little")


def _big(data: bytes, at: int, length: int = 4) -> int:
    return int.from_bytes(data[at : at + length], "big")


def _avi(file: BinaryIO, size: int) -> Evidence:
    """A long AVI consists of several RIFF chunks; then the index in the first is not of all."""
    at, index, length = 0, None, 0
    while at + 12 <= size:
        file.seek(at)
        head = file.read(12)
        length = _little(head, 4, 4)
        if head[:4] != b"RIFF" or length in (0, 0xFFFFFFFF):  # it was never finished
            return Evidence()
        index = _old_index(file, at + 12, min(at + 8 + length, size)) if at == 0 else None
        at += 8 + length + (length & 1)
    # The filling byte behind an odd chunk is often left out.
    return Evidence(_missing(at - (length & 1), size), index)


def _old_index(file: BinaryIO, at: int, end: int) -> int | None:
    """Frames in the index of an AVI; entries of length 0 repeat the frame before."""
    while at + 8 <= end:
        file.seek(at)
        head = file.read(8)
        length = _little(head, 4, 4)
        if head[:4] == b"idx1" and length <= _LARGEST_INDEX:
            entries = np.frombuffer(file.read(length - length % 16), "<u4").reshape(-1, 4)
            kinds = entries[:, 0] >> 16
            film = (kinds == _little(b"dc", 0, 2)) | (kinds == _little(b"db", 0, 2))
            streams = entries[film, 0] & 0xFFFF
            first = streams == streams.min() if len(streams) else streams > 0
            return int((entries[film, 3][first] > 0).sum()) or None
        at += 8 + length + (length & 1)
    return None


def _flv_ends_well(file: BinaryIO, size: int) -> bool:
    """Each tag is followed by its length, the last one too."""
    file.seek(max(size - 4, 0))
    length = _big(file.read(4), 0)
    if length < 11 or length + 4 > size:
        return False
    file.seek(size - 4 - length)
    return _big(file.read(11), 1, 3) == length - 11


def _ivf(file: BinaryIO, size: int) -> Evidence:
    """Each frame comes behind its length and time. What follows the last one is not video."""
    head = file.read(32)
    at, left = _little(head, 6, 2), _little(head, 24, 4) or size  # 0: it was not finished
    while at + 12 <= size and left > 0:
        file.seek(at)
        at += 12 + _little(file.read(4), 0, 4)
        left -= 1
    return Evidence(_missing(at, size))


def _mxf(file: BinaryIO, size: int) -> Evidence:
    """Keys of 16 bytes, lengths as in DER, values."""
    at = 0
    while at + 25 <= size:
        file.seek(at)
        head = file.read(25)
        if not head.startswith(_MXF_KEY):
            return Evidence(broken=True)
        width = head[16] & 0x7F if head[16] & 0x80 else 0
        at += 17 + width + (_big(head, 17, width) if width else head[16])
    return Evidence(_missing(at, size))


def _mp4(file: BinaryIO, size: int) -> Evidence:
    missing, frames = None, None
    for kind, start, end in _boxes_of_file(file, size):
        if kind not in _BOXES:  # such as tags that were added behind the end
            break
        if end > size:
            missing = end - size
        elif kind == b"moov" and end - start <= _LARGEST_INDEX:
            file.seek(start)
            frames = _shown_frames(file.read(end - start))
    return Evidence(missing, frames)


def _boxes_of_file(file: BinaryIO, size: int) -> Iterator[tuple[bytes, int, int]]:
    at = 0
    while at + 8 <= size:
        file.seek(at)
        head = file.read(16)
        length, start = _big(head, 0), at + 8
        if length == 1:
            length, start = _big(head, 8, 8), at + 16
        end = size if length == 0 else at + length
        if end < start:
            return
        yield head[4:8], start, end
        at = end


def _boxes(data: bytes) -> dict[bytes, list[bytes]]:
    found: dict[bytes, list[bytes]] = {}
    at = 0
    while at + 8 <= len(data):
        length, start = _big(data, at), at + 8
        if length == 1:
            length, start = _big(data, at + 8, 8), at + 16
        end = len(data) if length == 0 else at + length
        if end < start:
            break
        found.setdefault(data[at + 4 : at + 8], []).append(data[start:end])
        at = end
    return found


def _inside(data: bytes, *path: bytes) -> bytes | None:
    for kind in path:
        data = (_boxes(data).get(kind) or [b""])[0]
    return data or None


def _shown_frames(movie: bytes) -> int | None:
    """Frames of the first film track inside its edit list; None where there is no such index."""
    for track in _boxes(movie).get(b"trak", []):
        handler = _inside(track, b"mdia", b"hdlr")
        if handler is None or handler[8:12] != b"vide":
            continue
        table = _inside(track, b"mdia", b"minf", b"stbl")
        if table is None or b"mvex" in _boxes(movie):  # fragments: no index of the whole
            return None
        return _count_shown(movie, track, _boxes(table))
    return None


def _count_shown(movie: bytes, track: bytes, table: dict[bytes, list[bytes]]) -> int | None:
    steps = _pairs(table.get(b"stts"))
    if steps is None or int(steps[:, 0].sum()) > _MOST_FRAMES:
        return None
    times = np.cumsum(np.repeat(steps[:, 1], steps[:, 0])) - np.repeat(steps[:, 1], steps[:, 0])
    offsets = _pairs(table.get(b"ctts"))
    if offsets is not None and int(offsets[:, 0].sum()) == len(times):
        signed = offsets[:, 1].astype(np.uint32).astype(np.int32).astype(np.int64)
        times = times + np.repeat(signed, offsets[:, 0])
    if len(times) == 0:
        return None
    # Frames that are shown before the first sample lean on what was cut off: they may be missing.
    times = times[times >= times[0]]
    edits = _inside(track, b"edts", b"elst")
    if edits is None:
        return len(times)
    movie_scale, media_scale = (
        _scale(box) for box in (_inside(movie, b"mvhd"), _inside(track, b"mdia", b"mdhd"))
    )
    lengths, starts = _edits(edits)
    ends = starts + np.where(lengths > 0, lengths * media_scale / movie_scale, np.inf)
    times.sort()
    # An edit's length is rounded to the movie's clock.
    before = np.searchsorted(times, [starts, ends - media_scale / movie_scale])
    shown = np.maximum(before[1] - before[0], 0)
    return int(shown[starts >= 0].sum())  # else nothing is shown for a while


def _pairs(boxes: list[bytes] | None) -> NDArray[np.int64] | None:
    if not boxes:
        return None
    count = _big(boxes[0], 4)
    return np.frombuffer(boxes[0][8 : 8 + 8 * count], ">u4").reshape(-1, 2).astype(np.int64)


def _scale(header: bytes | None) -> int:
    if header is None:
        raise ValueError("no header")
    return _big(header, 20 if header[0] else 12) or 1


def _edits(box: bytes) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lengths on the movie's clock and starts on the media's clock, of those that are there."""
    wide = 8 if box[0] else 4
    entry = np.dtype([("length", f">u{wide}"), ("start", f">i{wide}"), ("rate", ">u4")])
    count = min(_big(box, 4), len(box[8:]) // entry.itemsize)
    edits = np.frombuffer(box, entry, count, offset=8)
    return edits["length"].astype(np.float64), edits["start"].astype(np.float64)
