"""edgecv camera: runs a bundle on a live source, shows the frames, counts them per second."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import deque
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TextIO

from edgecv.cli.options.argument_types import positive
from edgecv.cli.options.drawing import add_drawing_arguments, drawing_of
from edgecv.cli.options.model import (
    add_classes_argument,
    add_model_arguments,
    add_threshold_argument,
    load_model,
    use_classes,
    use_threshold,
)
from edgecv.cli.output.first_line import say_what_runs
from edgecv.cli.output.flags import in_flags
from edgecv_runtime.one_line import printable

_TITLE = "edgecv (q to quit)"
_ESCAPE = 27


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "camera",
        help="run a bundle on a camera, a stream or a video, live",
        description="Runs frame by frame until the source ends or you press q or Ctrl-C.",
    )
    add_model_arguments(parser)
    parser.add_argument(
        "-i",
        "--source",
        default="0",
        help="a camera's number, a video, rtsp://…, http://…, v4l2:///dev/videoN, csi://N, "
        "gst://PIPELINE (default: 0)",
    )
    parser.add_argument(
        "--show",
        action=argparse.BooleanOptionalAction,
        help="show a window (default: where there is a display)",
    )
    parser.add_argument(
        "-s", "--save", type=Path, metavar="FILE.mp4", help="write the annotated video"
    )
    parser.add_argument(
        "--max-frames", type=positive, metavar="N", help="stop after N frames (default: no limit)"
    )
    add_threshold_argument(parser)
    add_classes_argument(parser)
    add_drawing_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object per frame")


def run(args: argparse.Namespace) -> int:
    from edgecv.cli.output.exit_status import INTERRUPTED
    from edgecv.cli.recording.video_writer import VIDEO_SUFFIXES, VideoWriter
    from edgecv_runtime import InputError
    from edgecv_runtime.sources import Failure, Video, resolve_source, shown_address

    parts = resolve_source(args.source)
    if len(parts) != 1 or not isinstance(parts[0], Video):
        raise InputError(
            f"{shown_address(args.source)}: no camera, stream or video: use edgecv predict"
        )
    video = parts[0]
    if args.save is not None and os.path.realpath(args.save) == os.path.realpath(video.name):
        raise InputError(f"--save {args.save} would overwrite the source: choose another name")
    if args.save is not None and args.save.suffix.lower() not in VIDEO_SUFFIXES:
        raise InputError(f"--save {args.save}: expected a video's name such as live.mp4")
    show = _decide_show(args.show)
    rate, _ = video.probe()
    model = load_model(args)
    use_threshold(model, args)
    use_classes(model, args)
    drawing = drawing_of(model, args, drawn=show or args.save is not None)
    model.warmup()

    frames, failed, interrupted = 0, False, False
    meter = _RateMeter()
    started = time.perf_counter()
    with ExitStack() as stack:
        writer = (
            stack.enter_context(VideoWriter(args.save, rate, video.live, open_ended=True))
            if args.save is not None
            else None
        )
        if show:
            stack.callback(_close_window)
        try:
            for frame in video:
                if isinstance(frame, Failure):
                    if frames == 0:
                        raise frame.error
                    print("edgecv: error:", printable(in_flags(frame.error)), file=sys.stderr)
                    failed = True
                    continue  # what can be read behind a broken frame follows
                if frames == 0:
                    say_what_runs(model, args, 1, _print)
                result = model(frame.image)
                result.source = frame.name
                frames += 1
                meter.tick()
                if args.json:
                    record = {"frame": frame.index, "time_ms": frame.time_ms, **result.to_dict()}
                    print(json.dumps(record), flush=True)
                if writer is not None or show:
                    canvas = result.plot(**drawing)
                    _draw_rate(canvas, meter.rate())
                    if writer is not None:
                        writer.write(canvas, frame.play_ms)
                    if show and not _show(canvas):
                        break
                if frames == args.max_frames:
                    break
        except KeyboardInterrupt:  # the usual way to end a live run: what is saved stays whole
            interrupted = True
    seconds = time.perf_counter() - started
    text = f"{frames} frames, {frames / seconds:.1f} frames/s"
    if writer is not None and writer.saved:
        text += f"; saved {args.save}"
    print(text, file=sys.stderr if args.json else sys.stdout)
    return INTERRUPTED if interrupted else 2 if failed else 0


def _print(text: str, file: TextIO) -> None:
    print(text, file=file, flush=True)


class _RateMeter:
    """Frames per second over the last second or so."""

    def __init__(self) -> None:
        self._times: deque[float] = deque(maxlen=30)

    def tick(self) -> None:
        self._times.append(time.perf_counter())

    def rate(self) -> float | None:
        if len(self._times) < 2:
            return None
        return (len(self._times) - 1) / (self._times[-1] - self._times[0])


def _decide_show(wanted: bool | None) -> bool:
    """Whether to show a window; says so on stderr if there is none and nobody asked."""
    if wanted is False:
        return False
    obstacle = obstacle_to_windows()
    if obstacle is None:
        return True
    if wanted:
        from edgecv_runtime import EngineError

        raise EngineError(f"--show: {obstacle}; or use --no-show with --save FILE.mp4 or --json")
    print(f"edgecv: no window: {obstacle}", file=sys.stderr)
    return False


def obstacle_to_windows() -> str | None:
    from edgecv_runtime.opencv import import_cv2

    # Qt ends the whole process where it finds no display, so that is asked first.
    if sys.platform == "linux" and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    ):
        return "there is no display (DISPLAY is not set): run it in a desktop session"
    cv2 = import_cv2()
    try:
        cv2.namedWindow(_TITLE, cv2.WINDOW_NORMAL)
    except cv2.error:
        return "this OpenCV has no windows: install opencv-python instead of the headless one"
    return None


def _show(canvas: Any) -> bool:
    """Shows a frame; False when the user has closed the window or pressed q or Esc."""
    import cv2

    cv2.imshow(_TITLE, canvas)
    key = cv2.waitKey(1) & 0xFF
    return key not in (ord("q"), _ESCAPE) and cv2.getWindowProperty(_TITLE, 0) >= 0


def _close_window() -> None:
    import cv2

    cv2.destroyAllWindows()


def _draw_rate(canvas: Any, rate: float | None) -> None:
    from edgecv_runtime.drawing.boxes import draw_note

    if rate is not None:
        draw_note(canvas, f"{rate:.1f} frames/s")
