"""A bundle's own pipeline over chosen graph files, and what its networks are fed on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv_runtime import Bundle, Engine
from edgecv_runtime._core import DeviceTensor
from edgecv_runtime.engines import open_engine
from edgecv_runtime.engines.host_memory import require_host
from edgecv_runtime.models.detection_model import DetectionModel
from edgecv_runtime.models.load import make_model

TILE_ROLES = ("statistics", "tile")  # a stylizer's
Feed = dict[str, npt.NDArray[Any]]  # a network's inputs by name, for one run


class Listener(Engine):
    """Stands before an engine and shows what it is fed, before each run."""

    def __init__(self, inner: Engine, listen: Callable[[Feed], None]) -> None:
        super().__init__(inner.inputs, inner.outputs)
        self._inner = inner
        self._listen = listen
        self._given: dict[int, npt.NDArray[Any]] = {}

    def input(self, index: int, shape: tuple[int, ...]) -> npt.NDArray[Any]:
        self._given[index] = self._inner.input(index, shape)
        return self._given[index]

    def bind(self, index: int, array: npt.NDArray[Any] | DeviceTensor) -> None:
        self._given[index] = require_host(array, self.inputs[index].name, "a listener")
        self._inner.bind(index, array)

    def run(self) -> None:
        self._listen({self.inputs[i].name: array for i, array in self._given.items()})
        self._inner.run()

    def output(self, index: int) -> npt.NDArray[Any]:
        return self._inner.output(index)


class Pipeline:
    """A bundle's model over the graph files of one precision, run image by image.

    Args:
        bundle: what is run.
        files: an ONNX file for each role.
        listen: called with the role and the inputs of each run of a network; the arrays are valid
            during the call only.
        engine: as :func:`edgecv.load` names it.
    """

    def __init__(
        self,
        bundle: Bundle,
        files: Mapping[str, Path],
        listen: Callable[[str, Feed], None] | None = None,
        engine: str = "onnxruntime",
        precision: str = "fp32",
    ) -> None:
        engines = {}
        for role, path in files.items():
            engines[role] = open_engine(engine, str(path))
            if listen is not None:
                engines[role] = Listener(engines[role], _with_role(listen, role))
        self.model: Any = make_model(bundle, engines, engine, precision)
        if isinstance(self.model, DetectionModel):  # agreement counts lower scores, too
            self.model.thresholds = self.model.measuring_threshold
        post = bundle.manifest.postprocess
        # A Fast R-CNN takes boxes from the caller.
        self.takes_proposals = hasattr(post, "rpn") and post.rpn is None

    def __call__(self, image: npt.NDArray[np.uint8]) -> Any:
        """The result for an image, uint8 [H, W, 3] BGR."""
        if self.takes_proposals:
            return self.model(image, proposals=spread_boxes(*image.shape[:2]))
        return self.model(image)


def collect_feeds(
    bundle: Bundle,
    files: Mapping[str, Path],
    role: str,
    images: Sequence[npt.NDArray[np.uint8]],
    engine: str = "onnxruntime",
) -> Iterator[Feed]:
    """What the network of a role is fed for each image, through the whole pipeline before it. A
    second stage without a box is not run, and feeds nothing."""
    feeds: list[Feed] = []

    def listen(heard: str, feed: Feed) -> None:
        if heard == role:
            feeds.append({name: array.copy() for name, array in feed.items()})

    pipeline = Pipeline(bundle, files, listen, engine)
    if role in TILE_ROLES:
        pipeline.model.tiling = "always"  # else images that fit into one run would feed nothing
    for image in images:
        feeds.clear()
        pipeline(image)
        yield from feeds


def spread_boxes(height: int, width: int) -> npt.NDArray[np.float32]:
    """Boxes of several sizes all over an image, float32 [N, 4], xyxy in its pixels."""
    boxes = []
    for parts in (1, 2, 3, 5):
        h, w = height / parts, width / parts
        for y in np.linspace(0, height - h, 2 * parts - 1):
            for x in np.linspace(0, width - w, 2 * parts - 1):
                boxes.append((x, y, x + w, y + h))
    return np.array(boxes, np.float32)


def _with_role(listen: Callable[[str, Feed], None], role: str) -> Callable[[Feed], None]:
    return lambda feed: listen(role, feed)
