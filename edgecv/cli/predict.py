"""edgecv predict: images and videos in; annotated copies and JSON out."""

from __future__ import annotations

import argparse
import errno
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
from edgecv.cli.options.tiles import add_tile_arguments, use_tiles
from edgecv.cli.options.tracking import Tracking, add_tracking_arguments
from edgecv.cli.output.first_line import say_what_runs
from edgecv.cli.output.flags import in_flags
from edgecv_runtime.one_line import joined, printable

if TYPE_CHECKING:
    from edgecv.cli.output.progress import Progress
    from edgecv_runtime import Result
    from edgecv_runtime.models.model import Model
    from edgecv_runtime.sources import Failure, Frame, Images, Video


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "predict",
        help="run a bundle on images and videos",
        description="Runs a bundle on images and videos. Exit status 2 if any of them failed.",
    )
    add_model_arguments(parser)
    parser.add_argument(
        "sources", nargs="+", metavar="SOURCE", help="an image, a video, a folder, a glob"
    )
    parser.add_argument(
        "-s",
        "--save",
        type=Path,
        metavar="DIR",
        help="write NAME.jpg and NAME.json for an image (class maps: NAME.png too), NAME.mp4 and "
        "NAME.jsonl for a video",
    )
    add_threshold_argument(parser)
    add_classes_argument(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object per image")
    parser.add_argument(
        "--masks",
        choices=("rle", "polygons"),
        help="how JSON holds instance masks: COCO's run-length code (the default) or polygons",
    )
    parser.add_argument(
        "-b",
        "--batch",
        type=positive,
        default=1,
        help="images, or tiles, per run of the network (default: 1)",
    )
    add_tile_arguments(parser)
    add_tracking_arguments(parser)
    add_drawing_arguments(parser)


@dataclass
class _Report:
    """What is counted over the whole run, and where its lines go."""

    args: argparse.Namespace
    progress: Progress
    drawing: dict[str, Any]  # what `plot` is given
    steps: list[Any] = field(default_factory=list)  # of the video, or of the images
    images: int = 0
    detections: int | None = None  # of results that have any
    failures: int = 0
    model_seconds: float = 0.0
    begun: bool = False

    def begin(self, model: Model[Any]) -> None:
        """Before the first image is run."""
        if not self.begun:
            say_what_runs(model, self.args, self.args.batch, self.progress.print)
            self.begun = True

    def result(self, frame: Frame, result: Result, quiet: bool) -> dict[str, Any]:
        self.images += 1
        self.detections = _sum(self.detections, _detections(result))
        record = _record(result, self.args.masks)
        if frame.time_ms is not None:
            record = {"frame": frame.index, "time_ms": round(frame.time_ms, 3), **record}
        if self.args.json:
            self.progress.print(json.dumps(record), sys.stdout)
        elif not quiet:
            text = printable(f"{frame.name}: {result.summary()}")
            self.progress.print(text, sys.stdout)
        self.progress.update()
        return record

    def failure(self, failure: Failure) -> None:
        self.failures += 1
        message = joined(in_flags(failure.error))
        self.progress.print(f"edgecv: error: {message}", sys.stderr)
        if self.args.json:
            record = {"source": failure.name, "error": message}
            self.progress.print(json.dumps(record), sys.stdout)
        self.progress.update()

    def summary(self, save: Path | None) -> str:
        text = _count_of(self.images, "image") + _found(self.detections)
        if self.images:
            text += f", {1000 * self.model_seconds / self.images:.1f} ms per image"
        if self.failures:
            text += f", {self.failures} failed"
        return text + (f"; saved in {printable(str(save))}" if save is not None else "")


def run(args: argparse.Namespace) -> int:
    from edgecv.cli.output.progress import Progress
    from edgecv.cli.recording.video_writer import VideoNotWritten
    from edgecv_runtime import InputError
    from edgecv_runtime.sources import Failure, Video, resolve_source

    for source in args.sources:
        if Path(source, "bundle.json").is_file():
            raise InputError(f"{source} is a bundle, not images: edgecv predict BUNDLE SOURCE")
    parts = resolve_source(args.sources)
    for part in parts:
        if isinstance(part, Video) and part.live:
            raise InputError(f"{part.name}: a live source does not end: use edgecv camera")
    model = load_model(args)
    use_threshold(model, args)
    use_classes(model, args)
    use_tiles(model, args)
    tracking = Tracking(model, args)
    drawing = drawing_of(model, args, drawn=args.save is not None)
    targets = {}
    if args.save is not None:
        targets = save_targets(parts, args.save, model.manifest.task == "segment")
    if args.masks is not None and model.manifest.task != "instance":
        raise InputError(f"--masks {args.masks}: {args.bundle} has no instance masks: leave it out")
    if args.save is not None:
        _make_folder(args.save)
    total, rates = _count(parts)
    unit = "frame" if all(isinstance(part, Video) for part in parts) else "image"
    with Progress(total, unit) as progress:
        report = _Report(args, progress, drawing)
        for part in parts:
            report.steps = [make() for make in tracking.steps()]
            if isinstance(part, Video):
                rate, target = rates[part.name], targets.get(part.name)
                try:
                    _predict_video(model, part, rate, target, args, report)
                except VideoNotWritten as error:  # the others may still be read
                    report.failure(Failure(part.name, error, 0))
            else:
                _predict_images(model, part, targets, args, report)
    print(report.summary(args.save), file=sys.stderr if args.json else sys.stdout)
    return 2 if report.failures else 0


def _make_folder(save: Path) -> None:
    """Before anything is run, so that a mistake does not cost the time of a run."""
    from edgecv_runtime import InputError

    try:
        save.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise InputError(f"--save {save}: expected a folder, this is a file") from error
    except OSError as error:
        raise InputError(f"--save {save}: cannot be made: {error.strerror}") from error
    if not os.access(save, os.W_OK):
        raise InputError(f"--save {save}: you may not write there: choose another folder")


def _record(result: Result, masks: str | None) -> dict[str, Any]:
    from edgecv_runtime import Instances

    if masks == "polygons" and isinstance(result, Instances):
        return result.to_dict(masks="polygons")
    return result.to_dict()


def _detections(result: Result) -> int | None:
    """How many objects were found, where that is what the model does."""
    from edgecv_runtime import Detections

    return len(result) if isinstance(result, Detections) else None


def _sum(total: int | None, number: int | None) -> int | None:
    return total if number is None else (total or 0) + number


def _found(detections: int | None) -> str:
    return "" if detections is None else f", {_count_of(detections, 'detection')}"


def _count_of(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _count(parts: list[Images | Video]) -> tuple[int | None, dict[str, float | None]]:
    """Images in all parts (None if a video does not say) and the videos' frames per second."""
    from edgecv_runtime import InputError
    from edgecv_runtime.sources import Images

    total: int | None = 0
    rates: dict[str, float | None] = {}
    for part in parts:
        if isinstance(part, Images):
            count: int | None = len(part.paths)
        else:
            try:
                rates[part.name], count = part.probe()
            except InputError:  # reported in its turn
                rates[part.name], count = None, 1
        total = None if total is None or count is None else total + count
    return total, rates


def save_targets(parts: list[Images | Video], save: Path, class_maps: bool) -> dict[str, Path]:
    """Where each input's results go, without suffix: the inputs' tree below the folder they share.

    Inputs that differ in their suffix only keep it, and addresses that end alike get a number, so
    that none overwrites another.
    """
    from edgecv_runtime import InputError
    from edgecv_runtime.sources import Images
    from edgecv_runtime.sources.addresses import last_part

    inputs: list[str] = []
    for part in parts:
        inputs += [str(path) for path in part.paths] if isinstance(part, Images) else [part.name]
    absolute = {name: Path(os.path.abspath(name)) for name in inputs if "://" not in name}
    shared = os.path.commonpath([path.parent for path in absolute.values()] or [Path(os.sep)])
    relative = {name: path.relative_to(shared) for name, path in absolute.items()}
    relative |= {name: Path(last_part(name)) for name in inputs if name not in absolute}
    stems = Counter(path.with_suffix("") for path in set(relative.values()))
    targets = {
        name: save / (path if stems[path.with_suffix("")] > 1 else path.with_suffix(""))
        for name, path in relative.items()
    }
    seen: Counter[Path] = Counter()
    for name, target in targets.items():
        seen[target] += 1
        if seen[target] > 1:
            targets[name] = target.with_name(f"{target.name}-{seen[target]}")
    written = {
        os.path.realpath(f"{target}{suffix}"): name
        for name, target in targets.items()
        for suffix in (".jpg", ".json", ".mp4", ".jsonl", *((".png",) if class_maps else ()))
    }
    for path in absolute.values():
        if os.path.realpath(path) in written:
            raise InputError(f"--save {save} would overwrite {path}: choose another folder")
    return targets


def _predict_images(
    model: Model[Any],
    images: Images,
    targets: dict[str, Path],
    args: argparse.Namespace,
    report: _Report,
) -> None:
    from edgecv_runtime import InputError
    from edgecv_runtime.sources import Failure

    for frame, result in _run_on(model, images, args, report):
        record = report.result(frame, result, quiet=False)
        if target := targets.get(frame.name):
            try:
                result.save_files(target, record, **report.drawing)
            except OSError as error:
                if error.errno in (errno.ENOSPC, errno.EDQUOT):  # of all the others, too
                    raise
                reason = InputError(f"{error.filename}: cannot be written: {error.strerror}")
                report.failure(Failure(frame.name, reason, frame.index))


def _predict_video(
    model: Model[Any],
    video: Video,
    rate: float | None,
    target: Path | None,
    args: argparse.Namespace,
    report: _Report,
) -> None:
    from edgecv.cli.recording.part_file import part_file
    from edgecv.cli.recording.video_writer import VideoWriter

    found: int | None = None
    frames = 0
    with ExitStack() as stack:
        if target is not None:
            writer = stack.enter_context(VideoWriter(Path(f"{target}.mp4"), rate))
        for frame, result in _run_on(model, video, args, report):
            record = report.result(frame, result, quiet=True)
            found = _sum(found, _detections(result))
            frames += 1
            if target is None:
                continue
            writer.write(result.plot(**report.drawing), frame.play_ms)
            if frames == 1:  # a video that cannot be read leaves no empty file
                part = stack.enter_context(part_file(f"{target}.jsonl", sync=False))
                # Line by line, so that a process that is killed leaves them, too.
                lines = stack.enter_context(part.open("w", encoding="utf-8", buffering=1))
            lines.write(json.dumps(record) + "\n")
    if frames and not args.json:
        text = _count_of(frames, "frame") + _found(found)
        report.progress.print(f"{video.name}: {text}", sys.stdout)


def _run_on(
    model: Model[Any],
    part: Images | Video,
    args: argparse.Namespace,
    report: _Report,
) -> Iterator[tuple[Frame, Result]]:
    from edgecv_runtime.sources import Failure

    waiting: list[Frame | Failure] = []  # in the order in which they are reported

    def flush() -> Iterator[tuple[Frame, Result]]:
        frames = [item for item in waiting if not isinstance(item, Failure)]
        if frames:
            report.begin(model)
        started = time.perf_counter()
        results = iter(model([frame.image for frame in frames]) if frames else [])
        report.model_seconds += time.perf_counter() - started
        for item in waiting:
            if isinstance(item, Failure):
                report.failure(item)
                continue
            result = next(results)
            result.source = item.name
            result.frame, result.time_ms = item.index, item.time_ms
            for step in report.steps:
                result = step.update(result)
            yield item, result
        waiting.clear()

    count = 0
    for item in part:
        waiting.append(item)
        count += not isinstance(item, Failure)
        if count == args.batch or count == 0:
            yield from flush()
            count = 0
    yield from flush()
