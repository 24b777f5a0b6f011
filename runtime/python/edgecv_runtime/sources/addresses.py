"""Addresses of cameras and streams: which kinds there are, and how they are shown."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

NETWORK_SCHEMES = ("rtsp", "rtsps", "rtmp", "http", "https", "tcp", "udp")

# user:password@ in an authority, also where a path with one slash was made of the address. A "port"
# that is not a number is a password, and it may hold "/", "?" and "@": the last "@" ends it, though
# a path with an "@" then hides the host.
_USERINFO = re.compile(r"(:/+[^\s:/?#@\"']*):(?!\d+[/?#])[^\s\"']*@")
_BARE = re.compile(r"^([^\s:/@]+):[^\s]+@")
_PARAMETER = re.compile(
    r"(?i)([?&;][^=&;#\s]*(?:pass|pwd|secret|token|auth|sig|key|credential)[^=&;#\s]*=)[^&;#\s]+"
)
_PROPERTY = re.compile(
    r"(?i)\b([\w-]*(?:-pw|passw\w*|token|secret)=)(?:\"[^\"]*\"|'[^']*'|[^\s!]+)"
)


def shown_address(text: str) -> str:
    """The address (or pipeline, or a message that holds one) without its passwords and keys.

    Example:
        >>> shown_address("rtsp://viewer:word@10.0.0.2/live?token=1")
        'rtsp://viewer:***@10.0.0.2/live?token=***'
    """
    if ":/" not in text:
        return text
    text = _USERINFO.sub(r"\1:***@", text)
    text = _PARAMETER.sub(r"\1***", text)
    return _PROPERTY.sub(r"\1***", text) if text.startswith("gst://") else text


def shown_mistyped(text: str) -> str:
    """What is neither a file nor an address, as it may be shown: the beginning may be missing.

    Example:
        >>> shown_mistyped("viewer:word@10.0.0.2/live")
        'viewer:***@10.0.0.2/live'
    """
    return _BARE.sub(r"\1:***@", shown_address(text))


def last_part(address: str) -> str:
    """The name of what an address leads to, for the name of a file: "clip" of "http://h/clip.mp4?x".

    The host where there is no path.
    """
    rest = address.split("://", 1)[-1].split("?")[0].split("#")[0]
    return PurePosixPath(rest.rsplit("@", 1)[-1]).name or "stream"


def csi_pipeline(sensor: int, nv12: bool = False) -> str:
    """GStreamer pipeline from a Jetson's camera sensor to BGR frames, or NV12 ones.

    nvarguscamerasrc gives NV12 in GPU memory; nvvidconv copies it out, for BGR as BGRx; old frames
    are dropped when the reader is slow.
    """
    form = "NV12" if nv12 else "BGRx ! videoconvert ! video/x-raw, format=(string)BGR"
    return (
        f"nvarguscamerasrc sensor-id={sensor} ! "
        "video/x-raw(memory:NVMM), width=(int)1280, height=(int)720, format=(string)NV12, "
        f"framerate=(fraction)30/1 ! nvvidconv ! video/x-raw, format=(string){form} ! "
        "appsink drop=true max-buffers=1"
    )
