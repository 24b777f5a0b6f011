"""A live source from its opening to its loss, each frame when it is asked for."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator

from edgecv_runtime._core import InputError
from edgecv_runtime.sources.clocks import LiveClock
from edgecv_runtime.sources.frames import Failure, Frame
from edgecv_runtime.sources.live.readers.reader import Reader


def read_live(name: str, opens: Callable[[], Reader]) -> Generator[Frame | Failure, None, None]:
    """Every frame as it comes, until the source has gone: then a Failure.

    One also stands where frames were broken.
    """
    index = 0
    reader = None
    try:
        reader = opens()
        clock = LiveClock(made_up=reader.without_times)
        while True:
            shot = reader.read()
            if shot.damaged:
                yield Failure(name, broken(name, index), index)
            time_ms = clock.arrival_ms()
            play_ms = clock.play_ms(index, time_ms, shot.position_ms, shot.waited_ms)
            captured, captured_at = time.monotonic(), time.time()
            yield Frame(
                name, shot.pixels, index, time_ms, play_ms, shot.format, captured, captured_at
            )
            index += 1
    except InputError as error:
        yield Failure(name, error, index)
    finally:
        if reader is not None:
            reader.close()


def broken(name: str, index: int) -> InputError:
    return InputError(
        f"{name}: something between frames {index - 1} and {index} cannot be decoded: it was "
        "damaged on its way"
    )
