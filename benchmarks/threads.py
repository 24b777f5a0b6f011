"""One model called from several threads: images a second, beside a lock and models of their own."""

from __future__ import annotations

import argparse
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import edgecv
from edgecv.cli.benchmark import generated_image
from timing import header, row

GOLDEN = Path(__file__).parents[1] / "tests" / "golden"


def rate(calls: list[Callable[[], object]], seconds: float) -> float:
    """Calls a second, each of `calls` again and again in a thread of its own."""
    counts = [0] * len(calls)
    stop = threading.Event()

    def work(index: int) -> None:
        while not stop.is_set():
            calls[index]()
            counts[index] += 1

    threads = [threading.Thread(target=work, args=(index,)) for index in range(len(calls))]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    stop.set()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - started)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundles", nargs="*", default=[str(GOLDEN / "bundle_v1")])
    parser.add_argument("--engine", default="onnxruntime")
    parser.add_argument("--seconds", type=float, default=1.0, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=5, help="of which the median counts")
    args = parser.parse_args()
    image = generated_image()
    print(header("bundle", "threads=", "callers", "shared", "one lock", "own models"))
    for bundle in args.bundles:
        for threads in (1, None):
            for callers in (1, 2, 4):
                models = [
                    edgecv.load(bundle, engine=args.engine, device="cpu", threads=threads)
                    for _ in range(callers)
                ]
                for model in models:
                    model(image)
                one = models[0]
                turn = threading.Lock()

                def locked(one=one, turn=turn) -> None:
                    with turn:
                        one(image)

                ways = {
                    "shared": [lambda one=one: one(image)] * callers,
                    "one lock": [locked] * callers,
                    "own models": [lambda own=own: own(image) for own in models],
                }
                found: dict[str, list[float]] = {name: [] for name in ways}
                for _ in range(args.rounds):
                    for name, calls in ways.items():
                        found[name].append(rate(calls, args.seconds))
                name = Path(bundle).name
                cells = [float(np.median(rates)) for rates in found.values()]
                print(row(name, threads or "default", callers, *(f"{c:.0f}" for c in cells)))


if __name__ == "__main__":
    main()
