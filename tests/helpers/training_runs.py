"""Short training runs: through the command line, on a few images of shapes."""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

from edgecv.cli import eval as eval_command
from edgecv.cli import train as train_command
from edgecv.data.synthetic import write_shapes


def train_or_eval(*words: object) -> int:
    """Runs one of the two commands; the others need not be importable here. Errors are raised."""
    parser = argparse.ArgumentParser()
    subparsers = parser.add_subparsers(dest="verb")
    commands = {"train": train_command, "eval": eval_command}
    for command in commands.values():
        command.add_parser(subparsers)
    args = parser.parse_args([str(word) for word in words])
    return commands[args.verb].run(args)


def few_shapes(folder: Path, architecture: str, layout: str) -> tuple[Path, tuple[object, ...]]:
    """A data set of six training and two validation images, and the options that the
    architecture needs with it."""
    data = write_shapes(folder, train=6, val=2, size=(80, 112), layout=layout)
    if architecture != "style_transform":
        return data, ()
    image = sorted((data / "JPEGImages").iterdir())[0]
    layers = ("--style-layers", "relu1_1", "--content-layers", "relu1_1")
    return data, ("--style", image, "--loss-weights", "none", *layers)


def metrics_rows(out: Path) -> list[dict[str, str]]:
    """The rows of metrics.csv, without their times."""
    with (out / "metrics.csv").open() as file:
        return [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(file)]
