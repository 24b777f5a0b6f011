"""The short suite that tells whether edgecv works with the versions that are installed: the
self-test, an epoch of training for every kind of network, and an export of every family."""

from __future__ import annotations

import importlib.metadata
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

PACKAGES = (
    "numpy", "onnxruntime", "openvino", "opencv-python", "torch", "torchvision", "lightning",
    "onnx", "onnxscript", "pycocotools", "safetensors", "matplotlib", "rich", "tqdm", "pyyaml",
    "supervision", "scikit-build-core", "nanobind", "nlohmann-json", "cmake",
)  # fmt: skip
LABELS = ["ant", "bee", "cow", "dog"]
EPOCH = "--epochs 1 --batch-size 4 --device cpu --workers 2"
# What is trained: architecture, layout of the data, options.
TRAINED = {
    "detector": ("ssd_tiny", "voc", "--size 64x96"),
    "classifier": ("mobilenet_v3_small", "classes", "--size 64x64"),
    "segmentation": ("fcn_resnet18", "segments", "--crop 64x64"),
    "two-stage": ("fasterrcnn_mobilenet_v3_large_320_fpn", "coco", ""),
}


def edgecv(*words: object) -> None:
    from edgecv.cli.main import main

    command = [str(word) for word in words]
    status = main(command)
    if status != 0:
        raise RuntimeError(f"edgecv {' '.join(command)} ended with {status}")


def train(kind: str, folder: Path) -> None:
    """And, of what has results after one epoch, an export with its comparison."""
    from edgecv.data.synthetic import write_shapes

    architecture, layout, options = TRAINED[kind]
    data, out = folder / layout, folder / kind
    write_shapes(data, train=12, val=6, size=(80, 110), layout=layout)
    edgecv("train", architecture, "--data", data, "--out", out, *options.split(), *EPOCH.split())
    edgecv("eval", out / "best.pt", "--data", data)
    if kind in ("classifier", "segmentation"):
        edgecv("export", out / "best.pt", "--out", folder / f"{kind}_bundle")


def export_varied(which: str, folder: Path) -> None:
    """With weights that find objects: the whole comparison, and what is made of the bundle."""
    import edgecv as package
    from edgecv_export import export
    from edgecv_export.generated_images import generate_images
    from edgecv_export.precision.variant import add_variant
    from helpers import small_rcnn
    from helpers import small_ssd as small_detector
    from helpers.varied_detections import varied_detector
    from helpers.varied_rcnn import varied_rcnn

    images = generate_images(8, seed=1)
    if which == "detector":
        module = varied_detector(small_detector.make_detector, images)
    else:
        module = varied_rcnn(small_rcnn.make_mask, images, size=96)
    bundle = export(module, folder / f"{which}_lively", labels=LABELS).folder
    add_variant(bundle, "fp16", images=images)
    for engine in ("onnxruntime", "openvino"):
        model = package.load(bundle, engine=engine)
        model.thresholds = 0.01
        detections = model(images[0])
        assert len(detections.boxes) > 0, engine
        assert len(detections.to_supervision()) == len(detections.boxes)


def export_reduced(family: str, folder: Path) -> None:
    import edgecv as package
    from helpers.reduced_models import write_reduced_bundle

    bundle = write_reduced_bundle(family, folder / f"{family}_thin")
    image = np.random.default_rng(0).integers(0, 256, (96, 128, 3), np.uint8)
    for engine in ("onnxruntime", "openvino"):
        package.load(bundle, engine=engine)(image)


def checks(folder: Path) -> Iterator[tuple[str, Callable[[], None]]]:
    from helpers.reduced_models import FAMILIES

    yield "self-test", partial(edgecv, "doctor", "--self-test")
    for kind in TRAINED:
        yield f"training, {kind}", partial(train, kind, folder)
    for which in ("detector", "instances"):
        yield f"parity, {which}", partial(export_varied, which, folder)
    for family in FAMILIES:
        yield f"export, {family}", partial(export_reduced, family, folder)


def main() -> int:
    print(f"Python {sys.version.split()[0]}")
    for package in PACKAGES:
        print(f"{package} {importlib.metadata.version(package)}")
    failed = []
    with tempfile.TemporaryDirectory(prefix="edgecv-versions-") as folder:
        for name, check in checks(Path(folder)):
            started = time.monotonic()
            try:
                check()
            except Exception:
                traceback.print_exc()
                failed.append(name)
            state = "FAILED" if name in failed else "passed"
            print(f"{state}: {name}, {time.monotonic() - started:.0f} s", flush=True)
    print(f"{len(failed)} failed: {', '.join(failed)}" if failed else "none failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
