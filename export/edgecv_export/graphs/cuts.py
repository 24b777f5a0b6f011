"""How models are cut into graphs: one entry for each kind of module, added by its own file."""

from __future__ import annotations

import copy
import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from torch import Tensor, nn
from torchvision.models.detection import FCOS, FasterRCNN, RetinaNet
from torchvision.models.detection.ssd import SSD

from edgecv.models.windows import WindowRequest
from edgecv_export.bundle.draft import BundleDraft
from edgecv_export.graphs.onnx_graph import Batch
from edgecv_export.graphs.probe import SIZE, require_three_channels, try_out
from edgecv_export.graphs.roi_align import DIALECTS, Dialect
from edgecv_export.outputs.score_function import ScoreFunction
from edgecv_export.parity.comparison import Tolerance
from edgecv_export.parity.report import Report
from edgecv_runtime import InputError

# The last two take any module whose outputs look right.
_FAMILIES = ("dense", "rcnn", "ssd", "style", "segmentation", "classifier")


@dataclass(frozen=True)
class CutRequest:
    """What the caller wants of a cut, beyond what the module says itself."""

    # Height and width of every tensor; None: as the module's own transform has it.
    size: tuple[int, int] | None = None
    # Number of class names; None: not known yet.
    labels: int | None = None
    # Two-stage detectors: where the boxes come from that the second stage looks at.
    proposals: Literal["network", "caller"] = "network"
    # Two-stage detectors: the forms in which the second stage is written.
    dialects: tuple[Dialect, ...] = DIALECTS
    # Segmentation: crops that cover the picture, or the picture whole.
    windows: WindowRequest = field(default_factory=WindowRequest)


class Cut(Protocol):
    """A model cut into graphs, and the description of all the rest."""

    @property
    def task(self) -> Literal["classify", "detect", "instance", "segment", "stylize"]: ...
    @property
    def classes(self) -> int:
        """How many labels the bundle has; the background of a detector is none."""
        ...

    @property
    def input(self) -> dict[str, Any]:
        """The manifest's input record."""
        ...

    def write(
        self, draft: BundleDraft, *, batch: Batch, opset: int
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Adds the graphs and what else belongs to them to the draft.

        Returns the manifest's ``graphs`` and ``postprocess``. Raises ExportError if torch cannot
        export a graph, InputError if the cut cannot take this ``batch``.
        """
        ...

    def verify(
        self,
        bundle: Path,
        pictures: Sequence[np.ndarray],
        tolerance: Tolerance,
        done: Callable[[], None],
    ) -> Report:
        """Runs the module and the whole runtime on each picture (uint8 [H, W, 3] BGR); ``done`` is
        called after each."""
        ...


@runtime_checkable
class ScoredCut(Cut, Protocol):
    """A model whose outputs are scores of classes: of an image, or of each pixel."""

    columns: int  # scores: 1, which decides between two labels, or one for each label
    function: ScoreFunction  # what turns the outputs into scores in 0..1


Cutter = Callable[[Any, CutRequest], Cut]


@dataclass(frozen=True)
class _Entry:
    matches: Callable[[nn.Module], bool]
    description: str
    cutter: Cutter
    two_stage: bool
    windows: bool


_entries: list[_Entry] = []


def register_cut(
    matches: Callable[[nn.Module], bool],
    description: str,
    *,
    two_stage: bool = False,
    windows: bool = False,
) -> Callable[[Cutter], Cutter]:
    """Makes the decorated function the cutter of the modules that ``matches`` takes.

    It gets a private copy of the module, float32 on the CPU in evaluation mode. ``description``
    says in an error message what is expected. ``windows``: the cutter heeds the request's.
    """

    def add(cutter: Cutter) -> Cutter:
        _entries.append(_Entry(matches, description, cutter, two_stage, windows))
        return cutter

    return add


def cut_model(module: nn.Module, request: CutRequest | None = None) -> Cut:
    """Cuts a model. The caller's module is left as it is.

    Raises InputError if it is of no known kind, or has a part whose meaning cannot be recorded.
    """
    request = request or CutRequest()
    for family in _FAMILIES:
        importlib.import_module(f"{__package__}.{family}")
    if not isinstance(module, nn.Module):
        raise InputError(f"expected a torch.nn.Module, got {type(module).__name__}")
    for entry in _entries:
        if entry.matches(module):
            if request.proposals == "caller" and not entry.two_stage:
                raise InputError(
                    f"{type(module).__name__} takes no proposals, it has one stage: leave out "
                    "proposals"
                )
            if not (request.windows.empty or entry.windows):
                raise InputError(
                    f"{type(module).__name__} is no segmentation network: leave out crop, overlap, "
                    "window and whole"
                )
            if isinstance(backbone := getattr(module, "backbone", None), nn.Module):
                require_three_channels(backbone, type(module).__name__)
            private = copy.deepcopy(module).eval().cpu().float()
            return entry.cutter(private, request)
    inside = [
        (name, type(part).__name__)
        for name, part in module.named_modules()
        if isinstance(part, (SSD, RetinaNet, FCOS, FasterRCNN))
    ]
    if inside:
        name, kind = inside[0]
        raise InputError(
            f"cannot export {type(module).__name__}: it is no detector but holds one, the {kind} "
            f"in its .{name}: give that"
        )
    outputs = try_out(module)
    tried = f"its forward pass on an image, float32 [1, 3, {SIZE[0]}, {SIZE[1]}], " + (
        f"raised {type(outputs).__name__}: {' '.join(str(outputs).split())[:200]}"
        if isinstance(outputs, Exception)
        else f"gave {_described(outputs)}"
    )
    expected = "; ".join(entry.description for entry in _entries)
    raise InputError(f"cannot export {type(module).__name__}: {tried}; expected one of: {expected}")


def _described(outputs: object) -> str:
    if isinstance(outputs, Tensor):
        return f"a tensor {list(outputs.shape)}"
    if isinstance(outputs, dict):
        return f"a dict with {', '.join(map(str, outputs))}"
    return f"a {type(outputs).__name__}"
