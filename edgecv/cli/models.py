"""edgecv models: the architectures that can be trained and exported by name."""

from __future__ import annotations

import argparse
import json
from typing import Any


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "models",
        help="list the architectures that can be trained and exported",
        description="Lists the architectures with their task, the default size of the network's "
        "input (height x width) and their number of parameters.",
    )
    parser.add_argument(
        "-f",
        "--filter",
        metavar="TEXT",
        help="only those with this in their name or task, such as mobilenet or segment",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object for each")


def run(args: argparse.Namespace) -> int:
    from edgecv.models.architecture.catalogue import CATALOGUE, known
    from edgecv_runtime import InputError

    chosen = {
        name: each
        for name, each in sorted(CATALOGUE.items())
        if args.filter is None or args.filter.lower() in (name + " " + each.task)
    }
    if not chosen:
        raise InputError(f"--filter {args.filter}: no architecture; {known(args.filter)}")
    if args.json:
        for name, each in chosen.items():
            print(json.dumps({"name": name, **each._asdict()}))
        return 0
    rows = [("architecture", "task", "input", "parameters")]
    rows += [(n, e.task, e.input, f"{e.parameters / 1e6:.1f} M") for n, e in chosen.items()]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for row in rows:
        words = [f"{word:{width}}" for word, width in zip(row, widths, strict=False)]
        print("  ".join([*words, f"{row[3]:>10}"]))
    return 0
