"""Processes that read images: how they start, and that what they are given can be sent to them."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import Dataset

from edgecv.data.synthetic import write_shapes
from edgecv.training.classification import recipe as classification
from edgecv.training.detection import recipe as detection
from edgecv.training.run.loaders import training_loader, validation_loader
from edgecv.training.segmentation import recipe as segmentation
from edgecv_runtime import read_image


class Process(Dataset[int]):
    """The process that reads, its parent, and how many threads it has."""

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> Any:
        return torch.tensor([os.getpid(), os.getppid(), threading.active_count()])


def test_workers_are_no_forks_of_this_process() -> None:
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    try:
        rows = torch.cat(list(training_loader(Process(), 2, None, workers=2)))
    finally:
        stop.set()
        thread.join()
    assert len({int(row[0]) for row in rows}) == 2
    parents = {int(row[1]) for row in rows}
    assert len(parents) == 1 and os.getpid() not in parents


def test_no_workers_no_processes() -> None:
    rows = torch.cat(list(training_loader(Process(), 2, None, workers=0)))
    assert {int(row[0]) for row in rows} == {os.getpid()}


def test_workers_give_what_the_main_process_gives(tmp_path: Path) -> None:
    folder = write_shapes(tmp_path, train=1, val=3, size=(40, 50))
    images = sorted((folder / "JPEGImages").glob("val_*"))
    read = list(validation_loader(images, workers=1))
    assert len(read) == 3
    for image, path in zip(read, images, strict=True):
        assert np.array_equal(image, read_image(path))


@pytest.mark.parametrize(
    ("recipe", "settings", "architecture", "layout", "changes"),
    [
        (detection, "DetectionSettings", "ssd_tiny", "voc", {"size": (64, 96)}),
        (classification, "ClassificationSettings", "resnet18", "classes", {"size": (64, 64)}),
        (segmentation, "SegmentationSettings", "fcn_resnet18", "segments", {"crop": (64, 64)}),
    ],
)
def test_data_sets_and_collate_functions_can_be_sent(
    recipe: Any, settings: str, architecture: str, layout: str, changes: Any, tmp_path: Path
) -> None:
    folder = write_shapes(tmp_path, train=12, val=6, size=(80, 110), layout=layout)
    made = getattr(recipe, settings)(architecture, str(folder), batch_size=2, **changes)
    run = recipe.prepare(made, 0)
    for loader in (run.train, run.validation):
        sent = pickle.loads(pickle.dumps((loader.dataset, loader.collate_fn)))
        assert len(sent[0]) == len(loader.dataset)


def test_the_server_has_imported_torch() -> None:
    """Once for all workers. In a process of its own: a server that runs keeps what it has."""
    code = (
        "import sys\n"
        "from torch.utils.data import Dataset\n"
        "from edgecv.training.run.loaders import start_method\n"
        "if __name__ == '__main__':\n"
        "    context = start_method(1)\n"
        "    queue = context.Queue()\n"
        "    process = context.Process(target=queue.put, args=('started',))\n"
        "    process.start(); assert queue.get(timeout=120) == 'started'; process.join()\n"
        "    from multiprocessing import forkserver\n"
        "    assert forkserver._forkserver._preload_modules == ['edgecv.training.run.loaders']\n"
    )
    if "forkserver" not in multiprocessing.get_all_start_methods():
        code = "from edgecv.training.run.loaders import start_method as s; s(1).get_start_method()"
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, timeout=200)
