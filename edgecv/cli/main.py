"""The command `edgecv`: finds the verb, runs it, turns errors into one line and an exit status."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Iterator, Sequence

from edgecv import __version__
from edgecv.cli.options.parser import Parser
from edgecv.cli.output.exit_status import INTERRUPTED, OUR_FAULT, SUCCESS, USERS_MISTAKE
from edgecv.cli.output.flags import in_flags, running
from edgecv.cli.output.refusal import say_failure
from edgecv.cli.output.terminal import harmless_stdout, write_any_text
from edgecv_runtime.cpp_package import cmake_dir
from edgecv_runtime.one_line import joined, printable

VERBS = (
    "demo",
    "models",
    "train",
    "eval",
    "export",
    "build",
    "wrap",
    "style",
    "predict",
    "camera",
    "benchmark",
    "info",
    "doctor",
)

# The extra of the wheel that brings a package.
_EXTRAS = {
    "torch": "train",
    "torchvision": "train",
    "lightning": "train",
    "pycocotools": "eval",
    "yaml": "eval",
    "matplotlib": "train",
    "safetensors": "train",
    "onnx": "export",
    "onnxscript": "export",
    "onnxruntime": "cpu",
    "cv2": "cpu",
    "av": "av",
    "tqdm": "cpu",
    "openvino": "openvino",
    "filelock": "eval",
    "tensorrt": "tensorrt",
    "tensorrt_rtx": "rtx",
}


class _CmakeDir(argparse.Action):
    """Prints it and exits."""

    def __init__(self, option_strings: Sequence[str], dest: str, help: str) -> None:
        super().__init__(option_strings, argparse.SUPPRESS, nargs=0, help=help)

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        print(cmake_dir())
        parser.exit()


def build_parser() -> Parser:
    parser = Parser(
        prog="edgecv",
        description="Takes a vision model trained in PyTorch and runs it at the edge.",
    )
    parser.add_argument("--version", action="version", version=f"edgecv {__version__}")
    parser.add_argument(
        "--cmake-dir",
        action=_CmakeDir,
        help="print the folder of the C++ package, for CMake's -Dedgecv_DIR",
    )
    subparsers = parser.add_subparsers(dest="verb", metavar="COMMAND [OPTIONS]", title="commands")
    for verb in VERBS:
        importlib.import_module(f"edgecv.cli.{verb}").add_parser(subparsers)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit status.

    0: done. 1: a fault of edgecv. 2: a mistake in the command, the files or the machine's set-up,
    or a run in which some inputs failed. 3: a result was checked and refused. 130: interrupted.
    """
    # Decoders report each broken file themselves on stderr; ours is the one line about it.
    os.environ.setdefault("OPENCV_LOG_LEVEL", "OFF")
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    warnings.formatwarning = lambda message, *_: (
        f"edgecv: warning: {printable(in_flags(message))}\n"
    )
    harmless_stdout()
    write_any_text()
    args = argparse.Namespace()
    stack = contextlib.ExitStack()
    try:
        parser = build_parser()
        try:
            args = parser.parse_args(sys.argv[1:] if argv is None else argv)
        finally:
            sys.stdout.flush()  # --help and --version exit there
        if args.verb is None:
            parser.print_help(sys.stderr)
            return USERS_MISTAKE
        assert parser.commands is not None and parser.commands.choices is not None
        stack.enter_context(running(dict(parser.commands.choices), args.verb))
        with _interruptible():
            status = importlib.import_module(f"edgecv.cli.{args.verb}").run(args)
            sys.stdout.flush()
        return int(status)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # the reader of a pipe, such as head, has gone
        _give_up_stdout()
        return SUCCESS
    except Exception as error:
        return _report(error, args)
    finally:
        stack.close()


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Ctrl-C raises KeyboardInterrupt, and so does SIGTERM, as systemd, Docker and kill send it: so
    the video of a camera is finished, and nothing is left half written."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # A command that was started to ignore Ctrl-C, as shells do in the background, ignores it.
    ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    ours = [signal.SIGTERM] if ignored else [signal.SIGTERM, signal.SIGINT]
    before = {number: signal.signal(number, signal.default_int_handler) for number in ours}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)


def _give_up_stdout() -> None:
    """What is still in its buffer would be an error once more when the interpreter ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _report(error: Exception, args: argparse.Namespace) -> int:
    import edgecv_runtime
    from edgecv.cli.options.files import near_file

    try:
        sys.stdout.flush()
    except OSError as lost:  # a full disk behind a redirection
        _give_up_stdout()
        if isinstance(error, OSError) and (error.errno, error.filename) == (lost.errno, None):
            return _say(f"standard output: {lost.strerror}", USERS_MISTAKE)
    if isinstance(error, edgecv_runtime.Error) and type(error) is not edgecv_runtime.Error:
        return _say(str(error) + near_file(str(error), args), USERS_MISTAKE)
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename is not None else ""
        return _say(f"{where}{error.strerror}", USERS_MISTAKE)
    if isinstance(error, ModuleNotFoundError) and error.name:
        package = error.name.split(".")[0]
        if package in _EXTRAS:
            advice = f"pip install 'edgecv[{_EXTRAS[package]}]'"
            return _say(f"this command needs {package}, which is not installed: {advice}", 2)
    if isinstance(error, ImportError) and error.name:
        package = error.name.split(".")[0]
        if package in _EXTRAS:
            reason = f"is installed, but cannot be imported ({error})"
            return _say(f"this command needs {package}, which {reason}", USERS_MISTAKE)
    exports = sys.modules.get("edgecv_export.errors")
    if exports is not None and isinstance(error, exports.RefusedError):
        return say_failure(error)
    traceback.print_exc()
    return _say(
        f"internal: {type(error).__name__}: {error}; please report it with the lines above",
        OUR_FAULT,
    )


def _say(message: str, status: int) -> int:
    from edgecv_runtime.sources.addresses import shown_address

    # Any argument may be an address: a password in one is in no message.
    print("edgecv: error:", shown_address(joined(in_flags(message))), file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
