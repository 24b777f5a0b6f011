"""All families: which one a module belongs to, and what writes the graphs of each.

A family is a folder: `cut.py` reads a module into a record, `networks.py` has the parts of it that
become graphs, `to_onnx.py` writes them. Its parity check is in `edgecv_export.parity`.
"""

from __future__ import annotations

import copy
from collections.abc import Callable

from torch import Tensor, nn
from torchvision.models.detection import FCOS, FasterRCNN, RetinaNet
from torchvision.models.detection.ssd import SSD

from edgecv_export.bundle.draft import BundleDraft
from edgecv_export.graphs.classifier.cut import CLASSIFIER, ClassifierCut
from edgecv_export.graphs.classifier.to_onnx import write_classifier
from edgecv_export.graphs.cut import Cut, CutRequest, Kind, Written
from edgecv_export.graphs.dense.cut import FCOS_DETECTOR, RETINANET, DenseCut
from edgecv_export.graphs.dense.to_onnx import write_dense
from edgecv_export.graphs.onnx_graph import Batch
from edgecv_export.graphs.probe import SIZE, require_three_channels, try_out
from edgecv_export.graphs.rcnn.cut import RCNN, RcnnCut
from edgecv_export.graphs.rcnn.to_onnx import write_rcnn
from edgecv_export.graphs.segmentation.cut import SEGMENTATION, SegmentationCut
from edgecv_export.graphs.segmentation.to_onnx import write_segmentation
from edgecv_export.graphs.ssd.cut import SSD_TINY, TORCHVISION_SSD, SsdCut
from edgecv_export.graphs.ssd.to_onnx import write_ssd
from edgecv_export.graphs.style.cut import STYLE, StyleCut
from edgecv_export.graphs.style.to_onnx import write_style
from edgecv_runtime import InputError

# The first that matches counts; the last two take any module whose outputs look right.
KINDS: tuple[Kind, ...] = (
    RETINANET,
    FCOS_DETECTOR,
    RCNN,
    TORCHVISION_SSD,
    SSD_TINY,
    STYLE,
    SEGMENTATION,
    CLASSIFIER,
)
WRITERS: dict[type, Callable[..., Written]] = {
    ClassifierCut: write_classifier,
    DenseCut: write_dense,
    RcnnCut: write_rcnn,
    SegmentationCut: write_segmentation,
    SsdCut: write_ssd,
    StyleCut: write_style,
}


def cut_model(module: nn.Module, request: CutRequest | None = None) -> Cut:
    """Cuts a model. The caller's module is left as it is.

    Raises InputError if its kind is not known, or it has a part whose meaning cannot be recorded.
    """
    request = request or CutRequest()
    if not isinstance(module, nn.Module):
        raise InputError(f"expected a torch.nn.Module, got {type(module).__name__}")
    for kind in KINDS:
        if kind.matches(module):
            if request.proposals == "caller" and not kind.two_stage:
                raise InputError(
                    f"{type(module).__name__} takes no proposals, it has one stage: leave out "
                    "proposals"
                )
            if not (request.windows.empty or kind.windows):
                raise InputError(
                    f"{type(module).__name__} is not a segmentation network: leave out crop, "
                    "overlap, window and whole"
                )
            if isinstance(backbone := getattr(module, "backbone", None), nn.Module):
                require_three_channels(backbone, type(module).__name__)
            private = copy.deepcopy(module).eval().cpu().float()
            return kind.cut(private, request)
    inside = [
        (name, type(part).__name__)
        for name, part in module.named_modules()
        if isinstance(part, (SSD, RetinaNet, FCOS, FasterRCNN))
    ]
    if inside:
        name, inner = inside[0]
        raise InputError(
            f"cannot export {type(module).__name__}: it is not a detector but holds one, the "
            f"{inner} in its .{name}: give that"
        )
    outputs = try_out(module)
    tried = f"its forward pass on an image, float32 [1, 3, {SIZE[0]}, {SIZE[1]}], " + (
        f"raised {type(outputs).__name__}: {' '.join(str(outputs).split())[:200]}"
        if isinstance(outputs, Exception)
        else f"gave {_described(outputs)}"
    )
    expected = "; ".join(kind.description for kind in KINDS)
    raise InputError(f"cannot export {type(module).__name__}: {tried}; expected one of: {expected}")


def write_graphs(cut: Cut, draft: BundleDraft, *, batch: Batch, opset: int) -> Written:
    """Adds the graphs of a cut, and what else belongs to them, to the draft.

    Returns the manifest's ``graphs`` and ``postprocess``. Raises ExportError if torch cannot export
    a graph, InputError if the cut cannot take this ``batch``.
    """
    return WRITERS[type(cut)](cut, draft, batch=batch, opset=opset)


def _described(outputs: object) -> str:
    if isinstance(outputs, Tensor):
        return f"a tensor {list(outputs.shape)}"
    if isinstance(outputs, dict):
        return f"a dict with {', '.join(map(str, outputs))}"
    return f"a {type(outputs).__name__}"
