"""Boxes of an MP4 file with one film track (ISO/IEC 14496-12), in fragments or with an index."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

_MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_KEY, _NO_KEY = 0x02000000, 0x01010000  # flags of a sample that needs no other, or does
_OFFSET, _SIZE, _FLAGS, _SHIFT = 0x1, 0x200, 0x400, 0x800  # what a fragment says of its samples

FILE_TYPE = struct.pack(">I4s4sI12s", 28, b"ftyp", b"isom", 0x200, b"isomiso5mp41")


@dataclass(frozen=True)
class Track:
    """How the frames are coded, and how they follow each other."""

    codec: str  # "avc1" or "mp4v"
    private: bytes  # of H.264: the contents of `avcC`; of MPEG-4: what comes before the first frame
    width: int
    height: int
    rate: Fraction  # frames per second
    delay: int = 0  # frames that are decoded before the first is shown

    @property
    def clock(self) -> int:
        """Ticks per second, at least 1000."""
        return self.rate.numerator * self._factor

    @property
    def step(self) -> int:
        """Ticks from frame to frame."""
        return self.rate.denominator * self._factor

    @property
    def _factor(self) -> int:
        return -(-1000 // self.rate.numerator)


@dataclass(frozen=True)
class Samples:
    """Coded frames, in the order in which they are decoded."""

    sizes: Sequence[int]  # bytes
    keys: Sequence[int]  # whether a frame needs no other
    shifts: Sequence[int]  # by how many frames each is shown later than it is decoded


def movie(
    track: Track, samples: Samples | None = None, chunks: Sequence[tuple[int, int]] = ()
) -> bytes:
    """The box that says what the file holds: all `samples`, or, without, that fragments follow.

    Args:
        track: of the film.
        samples: all of them.
        chunks: of samples that stand together: how many, and the place of the first in the file.
    """
    count = len(samples.sizes) if samples else 0
    ticks = count * track.step
    media = _box(
        b"mdia",
        _full(b"mdhd", 1, 0, struct.pack(">QQIQI", 0, 0, track.clock, ticks, 0x55C40000)),
        _full(b"hdlr", 0, 0, struct.pack(">I4s12x", 0, b"vide"), b"video\0"),
        _box(
            b"minf",
            _full(b"vmhd", 0, 1, bytes(8)),
            _box(b"dinf", _full(b"dref", 0, 0, struct.pack(">I", 1), _full(b"url ", 0, 1))),
            _table(track, samples or Samples((), (), ()), chunks),
        ),
    )
    head = struct.pack(">QQIIQ8xhhh2x", 0, 0, 1, 0, ticks, 0, 0, 0)
    size = struct.pack(">II", track.width << 16, track.height << 16)
    parts = [
        _full(
            b"mvhd",
            1,
            0,
            struct.pack(">QQIQIH10x", 0, 0, track.clock, ticks, 0x10000, 0x100),
            _MATRIX,
            struct.pack(">24xI", 2),
        ),
        _box(b"trak", _full(b"tkhd", 1, 3, head, _MATRIX, size), _edits(track, ticks), media),
    ]
    if samples is None:
        defaults = struct.pack(">5I", 1, 1, track.step, 0, 0)
        parts.append(_box(b"mvex", _full(b"trex", 0, 0, defaults)))
    return _box(b"moov", *parts)


def fragment(track: Track, number: int, before: int, samples: Samples) -> bytes:
    """The head of a fragment, up to where its samples begin.

    Args:
        track: of the film.
        number: of the fragment, from 1 on.
        before: how many samples stand in the fragments before.
        samples: of this one.
    """

    def head(offset: int) -> bytes:
        rows = np.empty((len(samples.sizes), 3), ">i4")
        rows[:, 0] = samples.sizes
        rows[:, 1] = np.where(np.asarray(samples.keys, bool), _KEY, _NO_KEY)
        rows[:, 2] = (np.asarray(samples.shifts) + track.delay) * track.step
        run = struct.pack(">Ii", len(samples.sizes), offset)
        return _box(
            b"moof",
            _full(b"mfhd", 0, 0, struct.pack(">I", number)),
            _box(
                b"traf",
                _full(b"tfhd", 0, 0x20000, struct.pack(">I", 1)),  # places count from this box on
                _full(b"tfdt", 1, 0, struct.pack(">Q", before * track.step)),
                _full(b"trun", 1, _OFFSET | _SIZE | _FLAGS | _SHIFT, run, rows.tobytes()),
            ),
        )

    return head(len(head(0)) + 8) + struct.pack(">I4s", 8 + sum(samples.sizes), b"mdat")


def wide_data(length: int) -> bytes:
    """The head, of 16 bytes, of a box of data that has `length` bytes together with its head."""
    return struct.pack(">I4sQ", 1, b"mdat", length)


def _edits(track: Track, ticks: int) -> bytes:
    """That the film begins with the first frame that is shown."""
    if track.delay == 0:
        return b""
    edit = struct.pack(">IQqI", 1, ticks, track.delay * track.step, 0x10000)
    return _box(b"edts", _full(b"elst", 1, 0, edit))


def _table(track: Track, samples: Samples, chunks: Sequence[tuple[int, int]]) -> bytes:
    count = len(samples.sizes)
    steps = [[count, track.step]] if count else []
    boxes = [
        _full(b"stsd", 0, 0, struct.pack(">I", 1), _sample_entry(track)),
        _full(b"stts", 0, 0, _rows(steps, ">u4")),
    ]
    if any(samples.shifts):
        shifts = [[1, (shift + track.delay) * track.step] for shift in samples.shifts]
        boxes.append(_full(b"ctts", 1, 0, _rows(shifts, ">i4")))
    keys = [at + 1 for at, key in enumerate(samples.keys) if key]
    runs = [
        [at + 1, number, 1]
        for at, (number, _) in enumerate(chunks)
        if at == 0 or number != chunks[at - 1][0]
    ]
    boxes += [
        _full(b"stss", 0, 0, _rows(keys, ">u4")),
        _full(b"stsc", 0, 0, _rows(runs, ">u4")),
        _full(b"stsz", 0, 0, struct.pack(">I", 0), _rows(samples.sizes, ">u4")),
        _full(b"co64", 0, 0, _rows([place for _, place in chunks], ">u8")),
    ]
    return _box(b"stbl", *boxes)


def _rows(rows: Sequence[object], kind: str) -> bytes:
    return struct.pack(">I", len(rows)) + np.asarray(rows, kind).tobytes()


def _sample_entry(track: Track) -> bytes:
    entry = struct.pack(
        ">6xH16xHHIIIH32xHh", 1, track.width, track.height, 72 << 16, 72 << 16, 0, 1, 24, -1
    )
    if track.codec == "avc1":
        return _box(b"avc1", entry, _box(b"avcC", track.private))
    # Object type 32 is MPEG-4 part 2, stream type 4 is a film.
    config = struct.pack(">BB3xII", 0x20, 0x11, 0, 0) + _descriptor(5, track.private)
    stream = struct.pack(">HB", 1, 0) + _descriptor(4, config) + _descriptor(6, b"\2")
    return _box(b"mp4v", entry, _full(b"esds", 0, 0, _descriptor(3, stream)))


def _descriptor(tag: int, body: bytes) -> bytes:
    digits = [len(body) >> shift & 0x7F for shift in (21, 14, 7, 0)]
    return bytes([tag, *(digit | 0x80 for digit in digits[:3]), digits[3]]) + body


def _box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def _full(kind: bytes, version: int, flags: int, *parts: bytes) -> bytes:
    return _box(kind, struct.pack(">I", version << 24 | flags), *parts)
