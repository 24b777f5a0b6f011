"""Coded frames out of a Matroska stream, as FFmpeg writes it, while it is written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from edgecv_runtime.sources.video_files.matroska import element

_SEGMENT, _TRACKS, _TRACK, _CLUSTER = 0x18538067, 0x1654AE6B, 0xAE, 0x1F43B675
_CODEC, _PRIVATE = 0x86, 0x63A2
_TIME, _SIMPLE_BLOCK, _GROUP, _BLOCK, _REFERENCE = 0xE7, 0xA3, 0xA0, 0xA1, 0xFB
_CODECS = {b"V_MPEG4/ISO/AVC": "avc1", b"V_MPEG4/ISO/ASP": "mp4v"}


@dataclass(frozen=True)
class Codec:
    name: str  # as MP4 calls it: "avc1" or "mp4v"
    private: bytes  # what a decoder is given before the first frame


@dataclass(frozen=True)
class Packet:
    data: bytes
    key: bool  # whether it can be decoded without another
    time_ms: int  # when it is shown


def read_stream(stream: BinaryIO) -> Iterator[Codec | list[Packet]]:
    """The codec, then the frames of each cluster, in the order in which they are decoded.

    Ends where the stream ends, also within a cluster. Raises ValueError where it is not a
    Matroska stream of a codec that MP4 takes.
    """
    while (head := _read_head(stream)) is not None:
        kind, length = head
        if kind == _SEGMENT:  # what is inside follows
            continue
        if length is None:
            raise ValueError("an element of unknown length")
        body = stream.read(length)
        if len(body) < length:
            return
        if kind == _TRACKS:
            yield _codec(body)
        elif kind == _CLUSTER:
            yield _packets(body)


def _read_head(stream: BinaryIO) -> tuple[int, int | None] | None:
    """Kind and length. None at the end."""
    data = b""
    for _ in range(2):  # each says in its first byte how many it has
        first = stream.read(1)
        if not first:
            return None
        if first == b"\0":
            raise ValueError("no element where one was expected")
        data += first + stream.read(8 - first[0].bit_length())
    kind, length, _ = element(data, 0)
    return kind, length


def _elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(data):
        kind, length, start = element(data, at)
        at = len(data) if length is None else start + length
        yield kind, data[start:at]


def _codec(tracks: bytes) -> Codec:
    track = dict(_elements(dict(_elements(tracks)).get(_TRACK, b"")))
    name = _CODECS.get(track.get(_CODEC, b""))
    if name is None or _PRIVATE not in track:
        raise ValueError(f"a codec that MP4 does not take: {track.get(_CODEC, b'none')!r}")
    return Codec(name, track[_PRIVATE])


def _packets(cluster: bytes) -> list[Packet]:
    found, start_ms = [], 0
    for kind, data in _elements(cluster):
        if kind == _TIME:
            start_ms = int.from_bytes(data, "big")
        elif kind == _SIMPLE_BLOCK:
            found.append(_packet(data, start_ms, bool(data[3] & 0x80)))
        elif kind == _GROUP:
            group = dict(_elements(data))
            found.append(_packet(group[_BLOCK], start_ms, _REFERENCE not in group))
    return found


def _packet(block: bytes, start_ms: int, key: bool) -> Packet:
    """Of a block: the track's number in one byte, the time, flags, the frame."""
    return Packet(block[4:], key, start_ms + int.from_bytes(block[1:3], "big", signed=True))
