"""The newest frame of a camera, again and again, with its result."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from edgecv_runtime._core import InputError
from edgecv_runtime.sources.frames import Frame
from edgecv_runtime.sources.live.bell import Bell
from edgecv_runtime.sources.live.readers.choice import opener
from edgecv_runtime.sources.live.source import LiveSource
from edgecv_runtime.sources.resolve import SourceLike, resolve_source
from edgecv_runtime.sources.video import Video

if TYPE_CHECKING:
    from edgecv_runtime.models.model import Model

_LOOK_S = 0.25  # Python answers signals between two waits
_PATIENCE_S = 0.5  # for a reader to end; one that hangs ends by its own deadline


def newest_frames(model: Model[Any], source: SourceLike) -> Iterator[tuple[Frame, Any]]:
    """What `Model.stream` gives with ``latest=True``; it says what that is."""
    parts = resolve_source(source)
    if len(parts) != 1 or not isinstance(parts[0], Video) or not parts[0].live:
        raise InputError(
            "latest=True: expected one camera or stream: leave it out for files, whose frames are "
            "all run, and use edgecv.Live for several cameras"
        )
    return _newest(model, parts[0])


def _newest(model: Model[Any], video: Video) -> Iterator[tuple[Frame, Any]]:
    bell = Bell()
    source = LiveSource(video.name, opener(video), ring=bell.ring)
    source.start()
    try:
        while True:
            seen = bell.count
            source.check()
            frame = source.take()
            if frame is None:
                if source.over and source.first_failure is not None:
                    raise source.first_failure
                bell.wait(seen, _LOOK_S)
                continue
            (result,) = model.predict_frames([frame])
            assert frame.captured is not None
            result.age_ms = (time.monotonic() - frame.captured) * 1000
            yield frame, result
    finally:
        source.stop()
        source.join(_PATIENCE_S)
