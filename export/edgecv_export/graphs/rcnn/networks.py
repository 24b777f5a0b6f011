"""The networks of a two-stage detector, each a module that becomes a graph."""

from __future__ import annotations

from torch import Tensor, nn

from edgecv_export.graphs.rcnn.roi_align import AtlasRoIAlign, LevelPooler


def feature_maps(backbone: nn.Module, images: Tensor) -> dict[str, Tensor]:
    """The backbone's feature maps by name, finest first."""
    return named_maps(backbone(images))


def named_maps(features: Tensor | dict[str, Tensor]) -> dict[str, Tensor]:
    """What a backbone gives, by name; a lone map is named "0", as torchvision names it."""
    return {"0": features} if isinstance(features, Tensor) else dict(features)


class BackboneStage(nn.Module):
    """Backbone and pyramid and, with ``rpn_head``, the proposal network's convolutions."""

    def __init__(
        self, backbone: nn.Module, feature_names: list[str], rpn_head: nn.Module | None
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.feature_names = feature_names
        self.rpn_head = rpn_head

    def forward(self, images: Tensor) -> list[Tensor]:
        """Images float32 [1, 3, h, w], normalised. Returns the named feature maps [1, C, h_i, w_i]
        and, of all feature maps, objectness [1, A, h_i, w_i], then deltas [1, 4 * A, h_i, w_i]."""
        features = feature_maps(self.backbone, images)
        outputs = [features[name] for name in self.feature_names]
        if self.rpn_head is not None:
            objectness, deltas = self.rpn_head(list(features.values()))
            outputs += [*objectness, *deltas]
        return outputs


class BoxStage(nn.Module):
    """Pooling of boxes and the box head."""

    def __init__(
        self, pooler: LevelPooler | AtlasRoIAlign, head: nn.Module, predictor: nn.Module
    ) -> None:
        super().__init__()
        self.pooler = pooler
        self.head = head
        self.predictor = predictor

    def forward(self, features: list[Tensor], regions: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Features and regions as the pooler takes them. Returns logits float32 [R, classes + 1],
        background first, and deltas float32 [R, 4 * (classes + 1)]."""
        pooled = self.pooler(features, regions)
        logits, deltas = self.predictor(self.head(pooled))
        return logits, deltas


class MaskStage(nn.Module):
    """Pooling of boxes and the mask head; of its masks, the one of the box's own class."""

    def __init__(
        self, pooler: LevelPooler | AtlasRoIAlign, head: nn.Module, predictor: nn.Module
    ) -> None:
        super().__init__()
        self.pooler = pooler
        self.head = head
        self.predictor = predictor

    def forward(self, features: list[Tensor], regions: list[Tensor], labels: Tensor) -> Tensor:
        """Features and regions as the pooler takes them; labels int64 [R], the background counted.
        Returns probabilities float32 [R, 1, M, M]."""
        pooled = self.pooler(features, regions)
        logits = self.predictor(self.head(pooled))  # [R, classes + 1, M, M]
        own = labels[:, None, None, None].expand(-1, 1, *logits.shape[2:])
        return logits.gather(1, own).sigmoid()
