"""A Faster R-CNN, Mask R-CNN or Fast R-CNN, cut."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor
from torchvision.models.detection import _utils as detection_utils
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.generalized_rcnn import GeneralizedRCNN
from torchvision.models.detection.roi_heads import RoIHeads
from torchvision.models.detection.rpn import RegionProposalNetwork
from torchvision.models.detection.transform import GeneralizedRCNNTransform
from torchvision.ops import MultiScaleRoIAlign

from edgecv.models.architecture.input_record import InputRecord, height_width, input_record
from edgecv.models.parts.roi_pool import SingleScaleRoIPool
from edgecv_export.bundle.graph_record import Dialect
from edgecv_export.graphs.cut import CutRequest, Kind
from edgecv_export.graphs.input_records import letterboxed
from edgecv_export.graphs.letterbox import LetterboxTransform
from edgecv_export.graphs.rcnn.networks import BackboneStage, BoxStage, MaskStage, feature_maps
from edgecv_export.graphs.rcnn.roi_align import Pooling, make_pooler
from edgecv_export.graphs.torchvision_parts import anchor_values, check_cells, expect_part
from edgecv_runtime import InputError

MASK_THRESHOLD = 0.5  # masks are probabilities; half is what torchvision's examples take
BOX_MIN_SIZE = 1e-2  # written into torchvision's RoIHeads.postprocess_detections
PROBE = 256  # height of the image on which scales are inferred, in pixels


@dataclass
class RcnnCut:
    """See `graphs.cut.Cut`."""

    module: GeneralizedRCNN  # the whole detector, evaluation mode
    classes: int  # without the background
    input: InputRecord  # the manifest's input record
    postprocess: dict[str, Any]  # the manifest's postprocess record
    size: tuple[int, int] | None  # (h, w) of the network's input; None: any multiple of `multiple`
    multiple: int  # of pixels, to which images are padded
    backbone_stage: BackboneStage
    feature_names: list[str]  # of the feature maps that boxes are pooled from
    feature_shapes: list[tuple[int, ...]]  # [1, C, h, w] of each for one image
    box_pooling: Pooling
    mask_pooling: Pooling | None
    dialects: tuple[Dialect, ...]  # in which the second stage is written

    @property
    def task(self) -> Literal["detect", "instance"]:
        return "detect" if self.mask_pooling is None else "instance"

    def box_stage(self, dialect: Dialect) -> BoxStage:
        """Raises InputError where the dialect cannot express the pooling."""
        heads = self.module.roi_heads
        pooler = make_pooler(self.box_pooling, dialect)
        return BoxStage(pooler, heads.box_head, heads.box_predictor).eval()

    def mask_stage(self, dialect: Dialect) -> MaskStage:
        """Of a detector with masks. Raises InputError as box_stage."""
        heads = self.module.roi_heads
        assert self.mask_pooling is not None
        pooler = make_pooler(self.mask_pooling, dialect)
        return MaskStage(pooler, heads.mask_head, heads.mask_predictor).eval()


def cut_rcnn(detector: Any, request: CutRequest) -> RcnnCut:
    """Cuts a torchvision-style FasterRCNN or MaskRCNN.

    Raises InputError if the object has a part whose meaning cannot be recorded, or pools boxes in a
    way that one of the dialects cannot express.
    """
    size = request.size
    heads = detector.roi_heads
    if any(
        part is not None
        for part in (heads.keypoint_roi_pool, heads.keypoint_head, heads.keypoint_predictor)
    ):
        raise InputError("cannot export keypoints: expected a FasterRCNN or MaskRCNN")
    expect_part(detector.transform, GeneralizedRCNNTransform, "transform")
    expect_part(heads.box_coder, detection_utils.BoxCoder, "roi_heads.box_coder")
    record = input_record(detector.transform)
    multiple = record["pad_multiple"]
    if size is not None:
        record = letterboxed(record, size)
        detector.transform = LetterboxTransform(detector.transform, size)
    elif record["resize"] == "stretch":
        height, width = height_width(record["size"])
        size = _round_up(height, multiple), _round_up(width, multiple)

    if size is None:
        probe = _round_up(PROBE, multiple), _round_up(PROBE * 3 // 2, multiple)
    else:
        probe = size
    with torch.inference_mode():
        maps = feature_maps(detector.backbone, torch.zeros(1, 3, *probe))
        names = _feature_names(heads.box_roi_pool, maps, "box_roi_pool")
        box_pooling = _pooling(heads.box_roi_pool, maps, probe)
        masks = heads.has_mask()
        mask_pooling = _mask_pooling(heads, maps, probe, box_pooling) if masks else None
        rpn = _rpn_record(detector.rpn, maps) if request.proposals == "network" else None
        for pooling in filter(None, (box_pooling, mask_pooling)):
            for dialect in request.dialects:
                make_pooler(pooling, dialect)  # raises where the dialect cannot express it
        classes = _classes(heads, maps[names[0]].shape[1], box_pooling)
    features = [f"features_{index}" for index in range(len(names))]
    return RcnnCut(
        module=detector,
        classes=classes,
        input=record,
        postprocess={
            "method": "rcnn",
            "rpn": rpn,
            "roi": _roi_record(heads, features, box_pooling),
            "mask": {"output": "masks", "threshold": MASK_THRESHOLD} if masks else None,
        },
        size=size,
        multiple=multiple,
        backbone_stage=BackboneStage(
            detector.backbone, names, None if rpn is None else detector.rpn.head
        ).eval(),
        feature_names=names,
        feature_shapes=[tuple(maps[name].shape) for name in names],
        box_pooling=box_pooling,
        mask_pooling=mask_pooling,
        dialects=tuple(request.dialects),
    )


def _round_up(length: int, multiple: int) -> int:
    return math.ceil(length / multiple) * multiple


def _feature_names(pooler: Any, maps: dict[str, Tensor], name: str) -> list[str]:
    """The feature maps that the pooler takes, in the backbone's order."""
    if type(pooler) not in (MultiScaleRoIAlign, SingleScaleRoIPool):
        raise InputError(
            f"cannot record roi_heads.{name} {type(pooler).__name__}: expected torchvision's "
            "MultiScaleRoIAlign or edgecv.models.roi_pool.SingleScaleRoIPool"
        )
    wanted = list(pooler.featmap_names)
    names = [each for each in maps if each in wanted]
    if not names:
        raise InputError(
            f"roi_heads.{name} takes the feature maps {', '.join(wanted)}; the backbone gives "
            f"{', '.join(maps)}: set featmap_names to some of these"
        )
    return names


def _pooling(pooler: Any, maps: dict[str, Tensor], probe: tuple[int, int]) -> Pooling:
    """How the pooler pools. Its scales are settled here, as its first image would settle them."""
    height, width = pooler.output_size
    if type(pooler) is SingleScaleRoIPool:
        return Pooling("max", (height, width), 1, (float(pooler.spatial_scale),))
    if pooler.scales is None:
        pooler(maps, [torch.zeros(1, 4)], [probe])
    scales = tuple(float(scale) for scale in pooler.scales)
    return Pooling("align", (height, width), int(pooler.sampling_ratio), scales)


def _mask_pooling(
    heads: Any, maps: dict[str, Tensor], probe: tuple[int, int], box_pooling: Pooling
) -> Pooling:
    pooler = heads.mask_roi_pool
    names = _feature_names(pooler, maps, "mask_roi_pool")
    pooling = _pooling(pooler, maps, probe)
    box_names = _feature_names(heads.box_roi_pool, maps, "box_roi_pool")
    if (names, pooling.scales, _canonical(pooler)) != (
        box_names,
        box_pooling.scales,
        _canonical(heads.box_roi_pool),
    ):
        raise InputError(
            "roi_heads.mask_roi_pool takes other feature maps, or other levels of them, than "
            "box_roi_pool: give both the same featmap_names, canonical_scale and canonical_level"
        )
    return pooling


def _canonical(pooler: Any) -> tuple[float, int]:
    """Size of a box, and the level it belongs to; not used where there is one level."""
    if isinstance(pooler, MultiScaleRoIAlign):
        return float(pooler.canonical_scale), int(pooler.canonical_level)
    return 224.0, 4


def _rpn_record(rpn: Any, maps: dict[str, Tensor]) -> dict[str, Any]:
    expect_part(rpn, RegionProposalNetwork, "rpn")
    expect_part(rpn.anchor_generator, AnchorGenerator, "rpn.anchor_generator")
    expect_part(rpn.box_coder, detection_utils.BoxCoder, "rpn.box_coder")
    sizes, ratios = anchor_values(rpn.anchor_generator)
    if not len(sizes) == len(ratios) == len(maps):
        raise InputError(
            f"rpn.anchor_generator has sizes for {len(sizes)} feature maps and aspect_ratios for "
            f"{len(ratios)}; the backbone gives {len(maps)} ({', '.join(maps)}): give each its own"
        )
    check_cells(rpn.anchor_generator, "rpn.anchor_generator")
    objectness, deltas = rpn.head(list(maps.values()))
    for level, feature in enumerate(maps.values()):
        anchors = len(sizes[level]) * len(ratios[level])
        for name, output, channels in (
            ("objectness", objectness[level], anchors),
            ("deltas", deltas[level], 4 * anchors),
        ):
            expected = [1, channels, *feature.shape[2:]]
            if list(output.shape) != expected:
                raise InputError(
                    f"rpn.head gives {name} of shape {list(output.shape)} for feature map {level}; "
                    f"expected {expected} for its {anchors} anchors in each cell"
                )
    return {
        "objectness": [f"objectness_{level}" for level in range(len(maps))],
        "deltas": [f"deltas_{level}" for level in range(len(maps))],
        "anchors": {"sizes": sizes, "aspect_ratios": ratios},
        "weights": [float(weight) for weight in rpn.box_coder.weights],
        "max_log_scale": float(rpn.box_coder.bbox_xform_clip),
        "pre_nms_top_n": int(rpn.pre_nms_top_n()),
        "post_nms_top_n": int(rpn.post_nms_top_n()),
        "iou_threshold": float(rpn.nms_thresh),
        "score_threshold": float(rpn.score_thresh),
        "min_size": float(rpn.min_size),
    }


def _roi_record(heads: Any, features: list[str], pooling: Pooling) -> dict[str, Any]:
    scale, level = _canonical(heads.box_roi_pool)
    return {
        "features": features,
        "levels": {
            "scales": list(pooling.scales),
            "canonical_scale": scale,
            "canonical_level": level,
        },
        "logits": "logits",
        "deltas": "deltas",
        "weights": [float(weight) for weight in heads.box_coder.weights],
        "max_log_scale": float(heads.box_coder.bbox_xform_clip),
        "score_threshold": float(heads.score_thresh),
        "iou_threshold": float(heads.nms_thresh),
        "max_detections": int(heads.detections_per_img),
        "min_size": BOX_MIN_SIZE,
    }


def _classes(heads: Any, channels: int, pooling: Pooling) -> int:
    """Classes without the background, from what the box head gives."""
    pooled = torch.zeros(2, channels, *pooling.output_size)
    logits, deltas = heads.box_predictor(heads.box_head(pooled))
    if logits.ndim != 2 or logits.shape[0] != 2 or logits.shape[1] < 2:
        raise InputError(
            f"roi_heads.box_predictor gives logits of shape {list(logits.shape)} for 2 boxes; "
            "expected [2, classes with background]"
        )
    if list(deltas.shape) != [2, 4 * logits.shape[1]]:
        raise InputError(
            f"roi_heads.box_predictor gives deltas of shape {list(deltas.shape)} for 2 boxes and "
            f"{logits.shape[1]} classes; expected {[2, 4 * logits.shape[1]]}"
        )
    return int(logits.shape[1]) - 1


RCNN = Kind(
    lambda module: isinstance(module, GeneralizedRCNN) and isinstance(module.roi_heads, RoIHeads),
    "a torchvision FasterRCNN or MaskRCNN (torchvision.models.detection) or a subclass",
    cut_rcnn,
    two_stage=True,
)
