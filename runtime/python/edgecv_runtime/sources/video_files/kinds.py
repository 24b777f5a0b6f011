"""Which files are videos: by suffix, else by their first bytes."""

from __future__ import annotations

from pathlib import Path

from edgecv_runtime.sources.images import IMAGE_SUFFIXES

VIDEO_SUFFIXES = frozenset(
    {".264", ".265", ".3g2", ".3gp", ".asf", ".avi", ".divx", ".dv", ".f4v", ".flv", ".h264"}
    | {".h265", ".hevc", ".ivf", ".m2t", ".m2ts", ".m2v", ".m4v", ".mjpeg", ".mjpg", ".mkv"}
    | {".mov", ".mp4", ".mpe", ".mpeg", ".mpg", ".mts", ".mxf", ".ogv", ".qt", ".ts", ".vob"}
    | {".webm", ".wmv", ".y4m"}
)
REMOTE_SUFFIXES = VIDEO_SUFFIXES - {".mjpeg", ".mjpg"}  # what a camera calls its stream

_STILL_BRANDS = (b"avif", b"heic", b"heix", b"mif1")  # images in the container of MP4


def is_video(path: Path) -> bool:
    """Whether the file is read as a video. Opens it only where the suffix does not say."""
    suffix = path.suffix.lower()
    if suffix in VIDEO_SUFFIXES or suffix in IMAGE_SUFFIXES:
        return suffix in VIDEO_SUFFIXES
    try:
        with path.open("rb") as file:
            return _starts_a_video(file.read(800))
    except OSError:  # reported when the file is read
        return False


def _starts_a_video(head: bytes) -> bool:
    if head[4:8] == b"ftyp":
        return head[8:12] not in _STILL_BRANDS
    if head[4:8] in (b"moov", b"mdat", b"wide") or (head[:4], head[8:12]) == (b"RIFF", b"AVI "):
        return True
    starts = (
        b"\x1a\x45\xdf\xa3",  # Matroska, WebM
        b"FLV",
        b"OggS",
        b"\x30\x26\xb2\x75\x8e\x66\xcf\x11",  # ASF: WMV
        b"\x00\x00\x01\xba",  # MPEG program stream
        b"\x00\x00\x01\xb3",  # MPEG-1 and -2
        b"\x06\x0e\x2b\x34",  # MXF
        b"YUV4MPEG2",
        b"DKIF",  # IVF
        b"\x00\x00\x00\x01\x09",  # H.264 without a container: by its first unit
        b"\x00\x00\x00\x01\x67",
        b"\x00\x00\x00\x01\x40",  # H.265
    )
    if head.startswith(starts):
        return True
    # MPEG transport streams: a mark at every 188 or, with time codes (Blu-ray, AVCHD), 192 bytes.
    return any(head[first::step][:4] == b"GGGG" for first, step in ((0, 188), (4, 192)))
