"""A model cut into graphs: what is asked of a cut, and what every family's cut says of itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

from torch import nn

from edgecv.models.architecture.input_record import InputRecord
from edgecv.models.architecture.windows import WindowOptions
from edgecv_export.bundle.graph_record import DIALECTS, Dialect
from edgecv_export.outputs.score_function import ScoreFunction


@dataclass(frozen=True)
class CutRequest:
    """What the caller wants of a cut, beyond what the module says itself."""

    # Height and width of every tensor; None: as the module's own transform resizes.
    size: tuple[int, int] | None = None
    # Number of class names, without a detector's background; None: not known yet.
    labels: int | None = None
    # Two-stage detectors: where the boxes of the second stage come from.
    proposals: Literal["network", "caller"] = "network"
    # Two-stage detectors: the forms in which the second stage is written.
    dialects: tuple[Dialect, ...] = DIALECTS
    # Segmentation: windows that cover the image, or the image whole.
    windows: WindowOptions = field(default_factory=WindowOptions)


class Cut(Protocol):
    """A model cut into its networks, and the description of all the rest.

    Each family has a record of its own. `families.write_graphs` writes its graphs, and
    `parity.verify.verify` compares them with the model; both go by the record's type.
    """

    @property
    def task(self) -> Literal["classify", "detect", "instance", "segment", "stylize"]: ...
    @property
    def classes(self) -> int:
        """How many labels the bundle has; the background of a detector does not count."""
        ...

    @property
    def input(self) -> InputRecord:
        """The manifest's input record."""
        ...


@runtime_checkable
class ScoredCut(Cut, Protocol):
    """A model whose outputs are scores of classes: of an image, or of each pixel."""

    columns: int  # scores: 1, which decides between two labels, or one for each label
    function: ScoreFunction  # what turns the outputs into scores in 0..1


@dataclass(frozen=True)
class Kind:
    """Modules that are cut in one way.

    ``cut`` gets a private copy of the module, float32 on the CPU in evaluation mode.
    """

    matches: Callable[[nn.Module], bool]
    description: str  # what an error message says is expected
    cut: Callable[[Any, CutRequest], Cut]
    two_stage: bool = False  # takes the request's proposals
    windows: bool = False  # takes the request's windows


# The manifest's `graphs` and `postprocess`.
Written = tuple[dict[str, Any], dict[str, Any]]
