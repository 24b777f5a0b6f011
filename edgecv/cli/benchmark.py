"""edgecv benchmark: how long one image takes, and which part of it takes how long."""

from __future__ import annotations

import argparse
import json
import time
from typing import TYPE_CHECKING, Any

from edgecv.cli.options.argument_types import positive
from edgecv.cli.options.model import add_model_arguments, load_model
from edgecv_runtime.one_line import printable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "benchmark",
        help="measure the latency of a bundle",
        description="Measures the latency of single calls: from an image in memory to the result.",
    )
    add_model_arguments(parser)
    parser.add_argument(
        "--image", help="the image to run on (default: a generated one, 1080 x 1920)"
    )
    parser.add_argument("--runs", type=positive, default=100, help="calls measured (default: 100)")
    parser.add_argument(
        "--warmup", type=positive, default=10, help="calls before these (default: 10)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    from edgecv.cli.output.progress import Progress
    from edgecv_runtime import read_image

    image = generated_image() if args.image is None else read_image(args.image)
    model = load_model(args)
    times: dict[str, list[float]] = {part: [] for part in (*model.steps, "whole")}
    result = None
    with Progress(args.warmup + args.runs, "run") as progress:
        for index in range(args.warmup + args.runs):
            started = time.perf_counter()
            result = model(image)
            whole = (time.perf_counter() - started) * 1000
            progress.update()
            if index < args.warmup:
                continue
            timing = model.timing
            for part in model.steps:
                times[part].append(getattr(timing, f"{part}_ms"))
            times["whole"].append(whole)
    report = {
        "bundle": args.bundle,
        "architecture": model.manifest.architecture,
        "engine": model.engine_name,
        "device": model.device,
        "precision": model.precision,
        "threads": args.threads,
        "image": args.image or "generated",
        "height": image.shape[0],
        "width": image.shape[1],
        "result": "" if result is None else result.summary(),
        "runs": args.runs,
        "warmup": args.warmup,
        **{f"{part}_ms": _statistics(values) for part, values in times.items()},
        "frames_per_second": 1000 * args.runs / sum(times["whole"]),
    }
    lines = map(printable, _lines(report, list(times)))
    print(json.dumps(report, indent=1) if args.json else "\n".join(lines))
    return 0


def generated_image() -> NDArray[np.uint8]:
    """uint8 [1080, 1920, 3]: blocks of random colours with noise, the same in every run."""
    import numpy as np

    random = np.random.default_rng(0)
    blocks = random.integers(0, 256, (27, 48, 3)).repeat(40, axis=0).repeat(40, axis=1)
    noise = random.integers(-20, 21, blocks.shape)
    return (blocks + noise).clip(0, 255).astype(np.uint8)


def _statistics(values: list[float]) -> dict[str, float]:
    import numpy as np

    p50, p99 = np.percentile(values, (50, 99))
    return {"p50": float(p50), "p99": float(p99), "mean": float(np.mean(values))}


def _lines(report: dict[str, Any], parts: list[str]) -> list[str]:
    threads = report["threads"] or "default"
    lines = [
        f"{report['architecture']}, {report['engine']} on {report['device']}, "
        f"{report['precision']}, threads: {threads}",
        f"{report['image']} image {report['height']} x {report['width']} (height x width), "
        f"{report['runs']} runs after {report['warmup']}; {report['result']}",
        "",
        f"{'':12}{'p50 ms':>10}{'p99 ms':>10}{'mean ms':>10}",
    ]
    for part in parts:
        times = report[f"{part}_ms"]
        lines.append(f"{part:12}{times['p50']:10.2f}{times['p99']:10.2f}{times['mean']:10.2f}")
    lines += ["", f"{report['frames_per_second']:.1f} frames per second"]
    return lines
