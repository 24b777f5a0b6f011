"""What the library says of its parameters is said of options on the command line."""

import sys
import warnings

import pytest

from edgecv.cli.main import build_parser, main
from edgecv.cli.output.flags import in_flags, running
from edgecv_runtime import InputError


@pytest.fixture(scope="module")
def commands():
    parser = build_parser()
    return dict(parser.commands.choices)


@pytest.mark.parametrize(
    ("verb", "message", "expected"),
    [
        ("train", "use a larger `batch_size`", "use a larger --batch-size"),
        ("train", "a lower `learning_rate`, e.g. `epochs=40`", "a lower --lr, e.g. --epochs 40"),
        ("train", 'give `weights="none"` or a file', "give --weights none or a file"),
        ("train", "start without `resume=True`", "start without --resume"),
        ("export", "give `overwrite=True` to replace it", "give --overwrite to replace it"),
        ("export", "`source` is a checkpoint", "SOURCE is a checkpoint"),
        ("export", "`batch`, not `ShapeWishes.batch`", "--batch, not --engine-batch"),
        ("build", "`ShapeWishes.batch=(1, 4, 8)`", "--batch (1, 4, 8)"),
        ("build", "name them in `BuildOptions.compute_capabilities`", None),
        ("build", "give `Quantization.images`", "give --calibrate"),
        ("train", "name them with `split`", "name them with --train-split and --val-split"),
        ("eval", "name them with `split`", "name them with --split"),
        # What the command has no option for stays as Python has it.
        ("predict", "give `overwrite=True`", "give `overwrite=True`"),
        ("train", "the layer `head.weights` and `a b`", "the layer `head.weights` and `a b`"),
    ],
)
def test_parameters_become_options(commands, verb, message, expected):
    with running(commands, verb):
        assert in_flags(message) == (expected or "name them in --compute-capability")
    assert in_flags(message) == message  # outside a command


def test_another_command_that_is_to_be_run_next(commands):
    with running(commands, "predict"):
        message = in_flags("give `activation='softmax'`", "export")
    assert message == "give --activation softmax"


def test_errors_and_warnings_of_a_command(monkeypatch, capsys):
    def fail(args):
        warning = warnings.formatwarning("`filter` is odd", UserWarning, "file.py", 1)
        print(warning, end="", file=sys.stderr)
        raise InputError("`filter`: expected a name")

    monkeypatch.setattr(warnings, "formatwarning", warnings.formatwarning)
    monkeypatch.setattr("edgecv.cli.models.run", fail)
    assert main(["models"]) == 2
    assert capsys.readouterr().err.splitlines() == [
        "edgecv: warning: --filter is odd",
        "edgecv: error: --filter: expected a name",
    ]
