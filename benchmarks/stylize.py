"""What surrounds a style network: its output to pixels, tiles put together, and the whole run."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import numpy as np
import torch

from edgecv.models import registry
from edgecv_export.bundle.draft import new_bundle
from edgecv_export.exporting import write_cut
from edgecv_export.graphs.families import cut_model
from edgecv_runtime import Bundle, Stylizer, _core, load
from helpers.fake_engine import FakeEngine
from helpers.manifests import graph, write_manifest
from timing import THREADS, alternate, header, row

FRAME = (1080, 1920)  # height, width
TILE, STEP = 512, 384  # as in bundles


IMAGES, STATISTICS = {"images": (-1, 3, -1, -1)}, {"statistics": (1, 2, 4)}
STYLIZED = {"picture": (-1, 3, -1, -1)}
ROLES = {
    "main": (IMAGES, STYLIZED),
    "statistics": (IMAGES, STATISTICS),
    "tile": (IMAGES | STATISTICS, STYLIZED),
}


def ready(role: str, outputs: np.ndarray) -> FakeEngine:
    """A network that takes no time: its outputs are made in advance."""
    return FakeEngine(lambda *_: outputs, *ROLES[role], keep=False)


def manifest(folder: Path) -> None:
    """A bundle whose graphs nobody opens."""
    cut = cut_model(registry.create("style_transform", width=1, blocks=5))
    write_manifest(
        folder,
        "stylize",
        {role: graph(*shapes) for role, shapes in ROLES.items()},
        {
            "method": "stylize",
            "picture": {"output": "picture", "color": "rgb", "scale": 1.0, "offset": 0.0},
            "smallest_side": 8,
            "tiles": {"size": [TILE, TILE], "overlap": 0.25, "thumbnail": 1024, "align": 4,
                      "above": 4000000},
        },
        input=cut.input,
    )  # fmt: skip


def starts(length: int) -> list[int]:
    rounded = (length + 3) // 4 * 4
    return [*range(0, rounded - TILE, STEP), rounded - TILE]


def numpy_tiles(planes: np.ndarray) -> np.ndarray:
    """The usual way: a sum of weighted tiles over a sum of weights, then 8 bits."""
    ramp = np.minimum(np.arange(TILE) + 1, TILE - np.arange(TILE)).clip(max=TILE - STEP)
    weight = np.outer(ramp, ramp).astype(np.float32)
    total = np.zeros((3, *FRAME), np.float32)
    weights = np.zeros(FRAME, np.float32)
    for top in starts(FRAME[0]):
        for left in starts(FRAME[1]):
            height, width = min(TILE, FRAME[0] - top), min(TILE, FRAME[1] - left)
            place = (slice(top, top + height), slice(left, left + width))
            total[:, place[0], place[1]] += planes[0, :, :height, :width] * weight[:height, :width]
            weights[place] += weight[:height, :width]
    return numpy_pixels(total / weights)


def numpy_pixels(planes: np.ndarray) -> np.ndarray:
    levels = np.rint(planes.clip(0, 255)).astype(np.uint8)
    return np.ascontiguousarray(levels[::-1].transpose(1, 2, 0))


def torch_pixels(planes: torch.Tensor) -> torch.Tensor:
    return planes.clamp(0, 255).round().to(torch.uint8).flip(0).permute(1, 2, 0).contiguous()


def around_the_network() -> None:
    torch.set_num_threads(THREADS)
    rng = np.random.default_rng(0)
    planes = rng.uniform(-30, 285, (3, *FRAME)).astype(np.float32)
    tensor = torch.from_numpy(planes)
    expected = numpy_pixels(planes)
    found = _core.write_image(planes, "rgb", 1.0, 0.0, FRAME)
    assert (found == expected).all() and (torch_pixels(tensor).numpy() == expected).all()

    with tempfile.TemporaryDirectory() as folder:
        manifest(Path(folder))
        bundle = Bundle.open(folder)
    tile = np.ascontiguousarray(planes[None, :, :TILE, :TILE])
    engines = {
        "main": ready("main", planes[None]),
        "statistics": ready("statistics", np.zeros((1, 2, 4), np.float32)),
        "tile": ready("tile", tile),
    }
    model = Stylizer(bundle, engines, "ready", "fp32", threads=THREADS)
    model.tiling = "always"
    frame = rng.integers(0, 256, (*FRAME, 3), np.uint8)

    def assemble() -> float:
        model(frame)
        return float(model.timing.postprocess_ms)

    times = alternate(
        {
            "torch": lambda: torch_pixels(tensor),
            "numpy": lambda: numpy_pixels(planes),
            "ours": lambda: _core.write_image(planes, "rgb", 1.0, 0.0, FRAME),
            "numpy tiles": lambda: numpy_tiles(tile),
            "our tiles": assemble,
        },
        rounds=15,
        warmup=2,
    )
    print(header("work, 1080p", "edgecv ms", "peer", "peer ms", "ratio"))
    for name, mine, peer in (
        ("network output to 8-bit pixels", "ours", "numpy"),
        ("network output to 8-bit pixels", "ours", "torch"),
        ("15 tiles blended into an image", "our tiles", "numpy tiles"),
    ):
        ours, theirs = times[mine].median, times[peer].median
        print(row(name, ours, peer, theirs, f"{theirs / ours:.1f}×"))


def whole_run() -> None:
    torch.manual_seed(0)
    cut = cut_model(registry.create("style_transform"))
    frame = np.random.default_rng(0).integers(0, 256, (*FRAME, 3), np.uint8)
    with tempfile.TemporaryDirectory() as temporary:
        target = Path(temporary) / "style"
        with new_bundle(target, False) as draft:
            write_cut(draft, cut, [], name="style", architecture="style_transform", batch=1)
        model = load(target, engine="onnxruntime", device="cpu", threads=THREADS)
    assert isinstance(model, Stylizer)
    steps: dict[str, list[float]] = {"whole": [], **{step: [] for step in model.steps}}
    for index in range(4):
        started = time.perf_counter()
        model(frame)
        elapsed = (time.perf_counter() - started) * 1000
        if index:
            steps["whole"].append(elapsed)
            for step in model.steps:
                steps[step].append(getattr(model.timing, f"{step}_ms"))
    middle = {step: float(np.median(values)) for step, values in steps.items()}
    print("\n" + header("style_transform, one 1080p frame", "ms", "share"))
    for step, value in middle.items():
        print(row(step, value, f"{100 * value / middle['whole']:.2f} %"))


def main() -> None:
    around_the_network()
    whole_run()


if __name__ == "__main__":
    main()
