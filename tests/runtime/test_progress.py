"""Progress of long commands: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import io
import os
import select
import subprocess
import sys
from types import SimpleNamespace

import pytest

from edgecv.cli.output import progress as module
from edgecv.cli.output.progress import Progress, duration


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Its one entry is the time in seconds."""
    now = [100.0]
    # The module's own name of it: others, such as data loaders that end meanwhile, need real time.
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now[0]))
    return now


def test_a_line_now_and_then_where_no_terminal_is(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    with Progress(1000, "step", "epoch 2/5") as progress:
        for step in range(1, 101):  # one step a second
            clock[0] = 100.0 + step
            progress.update(note=f"loss {step}")
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.splitlines() == [
        "epoch 2/5: 10/1000 steps, 1.0 steps/s, 16 min 30 s left, loss 10",
        "epoch 2/5: 40/1000 steps, 1.0 steps/s, 16 min 0 s left, loss 40",
        "epoch 2/5: 70/1000 steps, 1.0 steps/s, 15 min 30 s left, loss 70",
        "epoch 2/5: 100/1000 steps, 1.0 steps/s, 15 min 0 s left, loss 100",
    ]


def test_what_is_soon_done_says_nothing(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    with Progress(3, "image") as progress:
        for _ in range(3):
            clock[0] += 3
            progress.update()
    assert capsys.readouterr().err == ""


def test_without_an_end_and_slow(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(None, "frame") as progress:
        clock[0] += 12.5
        progress.update(5)
        clock[0] += 10  # not yet
        progress.update()
    assert capsys.readouterr().err == "5 frames, 2.5 s/frame\n"


def test_a_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    with Progress(4, "step", "epoch 1/3") as progress:
        progress.update(2, note="loss 0.5")
        progress.print("a line", screen)
    shown = screen.getvalue()
    assert "epoch 1/3:  50%" in shown
    assert "2/4" in shown
    assert "step/s" in shown
    assert "loss 0.5" in shown
    assert "a line\n" in shown


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pty")
def test_a_bar_on_a_terminal_that_does_not_say_its_width() -> None:
    """Such as that of `script` or of a container, which has 0 columns."""
    import pty

    reader, writer = pty.openpty()
    assert os.get_terminal_size(writer).columns == 0
    code = """if True:
        from edgecv.cli.output.progress import Progress
        with Progress(4, "step", "epoch 1/3") as progress:
            progress.update(2)
    """
    subprocess.run([sys.executable, "-c", code], stderr=writer, check=True)
    shown = os.read(reader, 10000) if select.select([reader], [], [], 5)[0] else b""
    os.close(writer)
    os.close(reader)
    assert b"epoch 1/3:   0%" in shown


def test_lines_where_tqdm_is_not_installed(
    clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setitem(sys.modules, "tqdm", None)
    with Progress(1, "image") as progress:
        clock[0] += 20
        progress.update()
    assert screen.getvalue() == "1/1 image, 20.0 s/image, 0 s left\n"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min 0 s"),
        (3599.6, "1 h 0 min"),
        (12000, "3 h 20 min"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text
