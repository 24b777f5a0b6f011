"""Export and its engines tell whoever listens how far they are."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from edgecv_export import export
from edgecv_export.precision.variant import add_variant
from edgecv_export.tensorrt.build_monitor import watching


class Recorder:
    """Makes bars that remember what they showed."""

    def __init__(self) -> None:
        self.bars: list[Any] = []

    def __call__(self, total: int | None, unit: str, title: str) -> Any:
        bar = SimpleNamespace(total=total, unit=unit, title=title, done=0, notes=[], closed=False)

        def update(steps: int = 1, note: str | None = None) -> None:
            assert not bar.closed
            bar.done += steps
            if note is not None:
                bar.notes.append(note)

        bar.update = update
        bar.close = lambda: setattr(bar, "closed", True)
        self.bars.append(bar)
        return bar


def test_export_and_variants(small_detector: Any, tmp_path: Path, images: list[np.ndarray]) -> None:
    seen = Recorder()
    labels = ["ant", "bee", "cow", "dog"]
    export(small_detector, tmp_path / "out", labels=labels, images=images, progress=seen)
    (bar,) = seen.bars
    assert (bar.total, bar.done, bar.unit, bar.title) == (11, 11, "step", "export") and bar.closed
    assert bar.notes == ["reading the model", "exporting to ONNX", "checking parity"]
    add_variant(tmp_path / "out", "fp16", images=images[:2], progress=seen)
    bar = seen.bars[1]
    assert bar.title == "fp16" and bar.done == len(bar.notes) > 0 and bar.closed


def test_the_phases_of_a_build() -> None:
    seen = Recorder()
    trt = SimpleNamespace(
        IProgressMonitor=type("IProgressMonitor", (), {"__init__": lambda _: None})
    )
    config = SimpleNamespace(progress_monitor=None)
    with watching(trt, config, "main.onnx, fp16", seen):
        monitor: Any = config.progress_monitor
        monitor.phase_start("Building Engine", None, 3)
        assert monitor.step_complete("Building Engine", 0)
        monitor.phase_start("Tactics", "Building Engine", 9)
        assert monitor.step_complete("Tactics", 4)
        monitor.phase_finish("Tactics")
        assert [bar.done for bar in seen.bars] == [1]
        monitor.phase_finish("Building Engine")
        monitor.phase_start("Serializing", "", 2)
    first, second = seen.bars
    assert (first.title, first.total, first.done) == ("main.onnx, fp16: Building Engine", 3, 3)
    assert first.notes == ["Tactics"] and first.closed
    assert (second.title, second.done, second.closed) == ("main.onnx, fp16: Serializing", 0, True)
