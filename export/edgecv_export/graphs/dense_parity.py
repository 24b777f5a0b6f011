"""Parity of a dense detector: torchvision's forward pass against the whole runtime."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

import edgecv_runtime
from edgecv_export.comparison import Tolerance
from edgecv_export.detected import Detected, RawOutputs
from edgecv_export.replay import compare_with_replay
from edgecv_export.verify import BATCH, ParityReport
from edgecv_runtime import ops

if TYPE_CHECKING:
    from edgecv_export.graphs.dense_cut import DenseCut


def verify_dense(
    cut: DenseCut,
    bundle: Path,
    pictures: Sequence[np.ndarray],
    tolerance: Tolerance,
    done: Callable[[], None],
) -> ParityReport:
    """Runs both on each picture (uint8 [H, W, 3] BGR) and compares what they find.

    The module's class 0 is no class (see graphs.dense): its logits are held at minus infinity.
    """
    runtime = edgecv_runtime.load(bundle, engine="onnxruntime", device="cpu", precision="fp32")
    assert isinstance(runtime, edgecv_runtime.Detector)
    network = _BundleNetwork(bundle, runtime.manifest, cut.outputs)
    report = ParityReport(pictures=len(pictures), tolerance=tolerance)
    scores: list[np.ndarray] = []
    for start in range(0, len(pictures), BATCH):
        some = list(pictures[start : start + BATCH])
        # Several at once, so that the runtime's batches are checked too.
        for picture, result in zip(some, runtime(some), strict=True):
            tensor = ops.preprocess(picture, runtime.manifest.input)
            raw = network(tensor)
            expected, own_tensor, own_raw = _detect(cut, picture)
            report.add_raw(_raw_outputs(own_tensor, own_raw), _raw_outputs(tensor, raw))
            found = Detected(result.boxes, result.scores, result.labels)

            def replayed(picture: np.ndarray = picture, raw: list[np.ndarray] = raw) -> Detected:
                return _detect(cut, picture, raw)[0]

            report.add(compare_with_replay(picture.shape[:2], expected, found, replayed, tolerance))
            scores.append(expected.scores)
            done()
    report.conclude(np.concatenate(scores))
    return report


class _BundleNetwork:
    """The bundle's graph alone."""

    def __init__(self, bundle: Path, manifest: edgecv_runtime.Manifest, outputs: list[str]) -> None:
        import onnxruntime

        graph = manifest.graphs["main"][0]
        self._session = onnxruntime.InferenceSession(
            str(bundle / graph.file), providers=["CPUExecutionProvider"]
        )
        self._outputs = outputs
        self._batch = graph.inputs[0].shape[0]

    def __call__(self, tensor: np.ndarray) -> list[np.ndarray]:
        """Outputs [A, columns] for a tensor [3, h, w]."""
        batch = np.repeat(tensor[None], max(self._batch, 1), axis=0)
        outputs = self._session.run(self._outputs, {"images": batch})
        return [np.asarray(output[0]) for output in outputs]


def _detect(
    cut: DenseCut, picture: np.ndarray, raw: list[np.ndarray] | None = None
) -> tuple[Detected, np.ndarray, list[np.ndarray]]:
    """The detector's own forward pass, with ``raw`` in place of its network's outputs if given.

    Returns the results, the tensor [3, h, w] on the way to the network, and its outputs.
    """
    seen: dict[str, Any] = {}
    with _head_outputs(cut, seen, raw), torch.inference_mode():
        found = cut.module([_to_tensor(picture)])[0]
    detected = Detected(
        boxes=found["boxes"].numpy(),
        scores=found["scores"].numpy(),
        labels=found["labels"].numpy() - cut.first_class,
    )
    return detected, seen["tensor"], seen["outputs"]


@contextlib.contextmanager
def _head_outputs(
    cut: DenseCut, seen: dict[str, Any], raw: list[np.ndarray] | None
) -> Iterator[None]:
    keys = ("cls_logits", "bbox_regression", "bbox_ctrness")

    def watch_tensor(_: Any, inputs: tuple[Tensor]) -> None:
        seen["tensor"] = inputs[0][0].clone().numpy()

    def watch_head(_: Any, __: Any, outputs: dict[str, Tensor]) -> dict[str, Tensor]:
        first = cut.first_class
        values = [outputs[key] for key in keys if key in outputs]
        seen["outputs"] = [values[0][0, :, first:].numpy(), *(v[0].numpy() for v in values[1:])]
        if raw is not None:
            values = [torch.from_numpy(array)[None] for array in raw]
            values[0] = torch.nn.functional.pad(values[0], (first, 0))  # [1, A, classes + first]
        values[0] = values[0].clone()
        values[0][..., :first] = -torch.inf
        return dict(zip(keys, values, strict=False))

    hooks = [
        cut.module.backbone.register_forward_pre_hook(watch_tensor),
        cut.module.head.register_forward_hook(watch_head),
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _raw_outputs(tensor: np.ndarray, outputs: list[np.ndarray]) -> RawOutputs:
    """Centerness counts among the logits."""
    logits, deltas, *centerness = outputs
    return RawOutputs(
        tensor, np.concatenate([part.ravel() for part in (logits, *centerness)]), deltas
    )


def _to_tensor(picture: np.ndarray) -> Tensor:
    """float32 [3, H, W] RGB in 0..1, as torchvision's detectors take pictures."""
    return torch.from_numpy(picture[:, :, ::-1].transpose(2, 0, 1).copy()).float() / 255
