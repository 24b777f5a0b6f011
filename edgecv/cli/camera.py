"""edgecv camera: runs a bundle on cameras, streams and videos, live; shows, records, prints."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import deque
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from edgecv.cli.options.argument_types import above_zero, count, not_negative, positive, share
from edgecv.cli.options.drawing import add_drawing_arguments, drawing_of
from edgecv.cli.options.model import (
    add_classes_argument,
    add_model_arguments,
    add_threshold_argument,
    load_model,
    use_classes,
    use_threshold,
)
from edgecv.cli.options.tracking import Tracking, add_tracking_arguments
from edgecv.cli.output.first_line import say_what_runs
from edgecv.cli.output.flags import in_flags
from edgecv.cli.watching.events import CameraEvents, Lines, stats_in_words
from edgecv.cli.watching.window import Windows, obstacle_to_windows
from edgecv_runtime.one_line import joined

if TYPE_CHECKING:
    from edgecv.cli.recording.video_writer import VideoWriter
    from edgecv.live import Live
    from edgecv_runtime import Error, Result
    from edgecv_runtime.sources import Images, Video

_LOOK_S = 0.1  # between two looks at the windows
_STATS_S = 10.0


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "camera",
        help="run a bundle on cameras, streams and videos, live",
        description="Runs until the sources end or you press q or Ctrl-C. Of a camera the newest "
        "frame is run, of a video every frame. A camera that is lost is opened again.",
    )
    add_model_arguments(parser)
    parser.add_argument(
        "-i",
        "--source",
        action="append",
        metavar="SOURCE",
        help="a camera's number, a video, rtsp://…, http://…, v4l2:///dev/videoN, csi://N, "
        "gst://PIPELINE, a folder or glob of images; may be given several times (default: 0)",
    )
    parser.add_argument(
        "--show",
        action=argparse.BooleanOptionalAction,
        help="show a window (default: where there is a display)",
    )
    parser.add_argument(
        "-s",
        "--save",
        type=Path,
        metavar="FILE.mp4",
        help="write the annotated video; of several sources FILE-1.mp4, FILE-2.mp4, …",
    )
    parser.add_argument(
        "--max-frames", type=positive, metavar="N", help="stop after N frames (default: no limit)"
    )
    add_threshold_argument(parser)
    add_classes_argument(parser)
    _add_live_arguments(parser)
    add_tracking_arguments(parser)
    add_drawing_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object per frame")
    parser.add_argument(
        "--stats",
        action="store_true",
        help="say every 10 seconds, and at the end, how old results are and what takes how long: "
        "p50, p95 and p99",
    )


def _add_live_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("cameras")
    group.add_argument(
        "-b",
        "--batch",
        type=positive,
        default=1,
        help="frames of several sources that share a run of the network at most (default: 1)",
    )
    group.add_argument(
        "--max-wait",
        type=not_negative,
        default=10.0,
        metavar="MS",
        help="how long a frame waits for others to share a run (default: 10)",
    )
    group.add_argument(
        "--reader",
        choices=("opencv", "pyav", "gstreamer"),
        help="what reads cameras and streams (default: the best that is installed)",
    )
    group.add_argument(
        "--timeout",
        type=above_zero,
        default=10.0,
        metavar="SECONDS",
        help="a camera that sends nothing for so long is opened again (default: 10)",
    )
    group.add_argument(
        "--max-fps",
        type=above_zero,
        metavar="RATE",
        help="run so many frames of each source in a second at most (default: no limit)",
    )
    group.add_argument(
        "--skip",
        type=count,
        default=0,
        metavar="N",
        help="leave out N frames after each one that is run (default: 0)",
    )
    group.add_argument(
        "--motion",
        type=share,
        nargs="?",
        const=0.002,
        metavar="SHARE",
        help="run the network only while something moves: while at least SHARE of the image, 0 to "
        "1, changes (default of SHARE: 0.002)",
    )


def run(args: argparse.Namespace) -> int:
    from edgecv.cli.output.exit_status import INTERRUPTED
    from edgecv.live import Live
    from edgecv_runtime.sources import resolve_source

    sources = args.source or ["0"]
    parts = [resolve_source(source)[0] for source in sources]
    targets = _save_targets(args.save, parts)
    show = _decide_show(args.show)
    rates = [_rate(part) for part in parts]
    model = load_model(args)
    use_threshold(model, args)
    use_classes(model, args)
    tracking = Tracking(model, args)
    drawing = drawing_of(model, args, drawn=show or args.save is not None)
    lines = Lines(args.json)
    failures = _Failures(lines, alone=len(sources) == 1)
    live = Live(
        model,
        sources,
        batch=args.batch,
        max_wait_ms=args.max_wait,
        reader=args.reader,
        timeout=args.timeout,
        max_fps=args.max_fps,
        skip=args.skip,
        motion=False if args.motion is None else args.motion,
        steps=tracking.steps(),
        on_event=CameraEvents(lines, len(sources)),
        on_failure=failures,
    )
    model.warmup()
    with ExitStack() as stack:
        writers = [
            stack.enter_context(_writer(target, rate, part))
            for target, rate, part in zip(targets, rates, parts, strict=False)
        ]
        windows = Windows([status.source for status in live.sources]) if show else None
        if windows is not None:
            stack.callback(windows.close)
        stack.enter_context(live)
        watch = _Watch(live, args, lines, failures, writers, windows, drawing)
        try:
            watch.run()
            interrupted = False
        except KeyboardInterrupt:  # the usual way to end a live run: what is saved stays whole
            interrupted = True
    watch.say_summary()
    return INTERRUPTED if interrupted else 2 if failures.count else 0


class _Failures:
    """Tells of images and parts of videos that cannot be read.

    Where there is one source, which gave nothing yet, it waits: without any result the command ends
    with the reason.
    """

    def __init__(self, lines: Lines, alone: bool) -> None:
        self._lines = lines
        self._waits = alone
        self._held: list[Error] = []
        self.count = 0

    def __call__(self, name: str, error: Error) -> None:
        self.count += 1
        self._held.append(error)
        if not self._waits:
            self.release()

    def release(self) -> None:
        """Tells of those that waited, and of all others at once."""
        self._waits = False
        while self._held:
            self._lines.say(f"edgecv: error: {joined(in_flags(self._held.pop(0)))}")


class _Watch:
    """Takes each result: prints it, draws it, records it, shows it."""

    def __init__(
        self,
        live: Live,
        args: argparse.Namespace,
        lines: Lines,
        failures: _Failures,
        writers: Sequence[VideoWriter],
        windows: Windows | None,
        drawing: dict[str, Any],
    ) -> None:
        self._live, self._args, self._lines, self._failures = live, args, lines, failures
        self._writers, self._windows, self._drawing = writers, windows, drawing
        self._meters = [_RateMeter() for _ in live.sources]
        self._count = 0
        self._started = time.perf_counter()
        self._stats_due = self._started + _STATS_S

    def run(self) -> None:
        while not self._live.over:
            result = self._live.wait(_LOOK_S)
            if result is not None:
                self._take(result)
            if self._windows is not None and not self._windows.wanted():
                return
            if self._args.stats and time.perf_counter() > self._stats_due:
                self._stats_due += _STATS_S
                self._say_stats()
            if self._count == self._args.max_frames:
                return

    def _take(self, result: Result) -> None:
        if self._count == 0:
            say_what_runs(self._live.model, self._args, self._args.batch, _print)
            self._failures.release()
        self._count += 1
        source = result.source_index
        assert source is not None
        self._meters[source].tick()
        if self._args.json:
            self._lines.record(_record(result, len(self._meters)))
        if self._writers or self._windows is not None:
            canvas = result.plot(**self._drawing)
            _draw_rate(canvas, self._meters[source].rate())
            if self._writers:
                self._writers[source].write(canvas, result.play_ms)
            if self._windows is not None:
                self._windows.show(source, canvas)

    def _say_stats(self) -> None:
        stats = self._live.stats()
        if self._args.json:
            self._lines.record({"event": "stats", **stats})
        else:
            self._lines.say(f"edgecv: {stats_in_words(stats)}")

    def say_summary(self) -> None:
        """After the writers have finished."""
        if self._args.stats:
            self._say_stats()
        seconds = time.perf_counter() - self._started
        text = f"{self._count} frames, {self._count / seconds:.1f} frames/s"
        frames, left_out = (
            sum(getattr(status, name) for status in self._live.sources)
            for name in ("frames", "left_out")
        )
        if self._args.motion is not None and frames:
            text += f", the network saved {100 * left_out / frames:.0f} % of {frames}"
        saved = [writer.path for writer in self._writers if writer.saved]
        if saved:
            text += f"; saved {', '.join(map(str, saved))}"
        print(text, file=sys.stderr if self._args.json else sys.stdout)


def _print(text: str, file: TextIO) -> None:
    print(text, file=file, flush=True)


def _record(result: Result, sources: int) -> dict[str, Any]:
    """What ``--json`` prints of a frame."""
    record = {"frame": result.frame, "time_ms": result.time_ms}
    if sources > 1:
        record["source_index"] = result.source_index
    if result.captured_at is not None:
        record["captured_at"] = round(result.captured_at, 3)
    assert result.age_ms is not None
    return {**record, "age_ms": round(result.age_ms, 3), **result.to_dict()}


def _save_targets(save: Path | None, parts: Sequence[Images | Video]) -> list[Path]:
    """A file for each source. Raises InputError where one cannot be written there."""
    from edgecv.cli.recording.video_writer import VIDEO_SUFFIXES
    from edgecv_runtime import InputError
    from edgecv_runtime.sources import Video

    if save is None:
        return []
    targets = [save]
    if len(parts) > 1:
        targets = [save.with_stem(f"{save.stem}-{at + 1}") for at in range(len(parts))]
    written = {os.path.realpath(target) for target in targets}
    if any(os.path.realpath(part.name) in written for part in parts if isinstance(part, Video)):
        raise InputError(f"--save {save} would overwrite the source: choose another name")
    if save.suffix.lower() not in VIDEO_SUFFIXES:
        raise InputError(f"--save {save}: expected a video's name such as live.mp4")
    return targets


def _rate(part: Images | Video) -> float | None:
    """Frames per second that a video announces."""
    from edgecv_runtime.sources import Video

    return part.probe()[0] if isinstance(part, Video) else None


def _writer(target: Path, rate: float | None, part: Images | Video) -> VideoWriter:
    from edgecv.cli.recording.video_writer import VideoWriter
    from edgecv_runtime.sources import Video

    live = isinstance(part, Video) and part.live
    return VideoWriter(target, rate, live, open_ended=True)


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


def _draw_rate(canvas: Any, rate: float | None) -> None:
    from edgecv_runtime.drawing.boxes import draw_note

    if rate is not None:
        draw_note(canvas, f"{rate:.1f} frames/s")
