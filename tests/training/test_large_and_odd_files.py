"""Data sets of strangers: readers neither wait for ever nor take a minute for a hundred thousand
names. A reader that compares each name with each takes minutes here; the deadline is far from both.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edgecv.data.detection_folder import read_folder
from edgecv.data.reading.names_file import require_distinct
from edgecv.data.reading.text import MAX_JSON, read_json
from edgecv.data.yolo.data_file import read_data_file
from edgecv_runtime import InputError

MANY = 200_000
SECONDS = 60


@pytest.fixture(autouse=True)
def deadline() -> Iterator[None]:
    def late(*_: object) -> None:
        raise TimeoutError(f"not done after {SECONDS} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(SECONDS)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def write_image(path: Path, image: Any = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.zeros((32, 32, 3), np.uint8) if image is None else image)


def write_coco(folder: Path, categories: list[dict[str, Any]], bbox: str = "[1, 1, 9, 9]") -> None:
    write_image(folder / "images" / "a.png")
    content = json.dumps(
        {
            "images": [{"id": 1, "file_name": "a.png"}],
            "annotations": [{"id": 7, "image_id": 1, "category_id": 1, "bbox": "BOX"}],
            "categories": categories,
        }
    )
    (folder / "instances_train.json").write_text(content.replace('"BOX"', bbox))


def test_many_names_are_compared_in_one_pass(tmp_path: Path) -> None:
    names = [f"n{i}" for i in range(MANY)]
    require_distinct(names, "here")
    with pytest.raises(InputError, match=f"classes 5 and {MANY} are both called 'n5'"):
        require_distinct([*names, "n5"], "here")


def test_many_keys_of_json(tmp_path: Path) -> None:
    keys = ", ".join(f'"k{i}": 1' for i in range(MANY))
    (tmp_path / "a.json").write_text(f'{{{keys}, "k{MANY - 1}": 2}}')
    with pytest.raises(InputError, match=f"the key 'k{MANY - 1}' is there twice"):
        read_json(tmp_path / "a.json")


def test_many_keys_of_yaml(tmp_path: Path) -> None:
    (tmp_path / "data.yaml").write_text(
        "train: a\nnames: [cat]\n" + "".join(f"k{i}: 1\n" for i in range(MANY // 2))
    )
    assert read_data_file(tmp_path / "data.yaml").names == ["cat"]


def test_many_categories_of_coco(tmp_path: Path) -> None:
    own = [{"id": i + 1, "name": f"n{i}", "supercategory": "root"} for i in range(MANY)]
    write_coco(tmp_path, [{"id": 0, "name": "root"}, *own])
    data = read_folder(tmp_path, "train")
    assert len(data.labels) == MANY
    assert data.labels[:2] == ["n0", "n1"]


def test_a_path_of_many_folders_is_refused_before_it_is_looked_for(tmp_path: Path) -> None:
    write_image(tmp_path / "images" / "train" / "a.png")
    (tmp_path / "data.yaml").write_text(f"train: {'a/' * MANY}\nnames: [cat]\n")
    with pytest.raises(InputError, match=r"data\.yaml: names 'a/a/.*; no path is as long"):
        read_folder(tmp_path, "train")


@pytest.mark.parametrize(
    "name", ["labels.json", "annotations/a.xml", "a.json", "instances_train.json"]
)
def test_a_pipe_in_a_data_set_is_refused(tmp_path: Path, name: str) -> None:
    if name != "a.json":  # alone in the folder it could be LabelMe's
        write_image(tmp_path / "images" / "a.png")
    (tmp_path / name).parent.mkdir(exist_ok=True)
    os.mkfifo(tmp_path / name)
    expected = f"{tmp_path / name}: is a pipe, a file was expected: write it to a file first"
    with pytest.raises(InputError) as refusal:
        read_folder(tmp_path, "train")
    assert str(refusal.value) == expected


def test_a_json_file_larger_than_memory_is_not_read(tmp_path: Path) -> None:
    write_image(tmp_path / "images" / "a.png")
    with (tmp_path / "labels.json").open("wb") as file:
        file.truncate(1 << 40)  # takes no place on the disk
    with pytest.raises(InputError, match=rf"labels\.json: more than {MAX_JSON >> 20} MB"):
        read_folder(tmp_path, "train")


def test_a_number_that_no_float_holds_names_its_annotation(tmp_path: Path) -> None:
    write_coco(tmp_path, [{"id": 1, "name": "cat"}], f"[1, 1, 9, {'9' * 400}]")
    with pytest.raises(InputError, match=r"instances_train\.json: annotation 7: bbox is \[1, 1, 9"):
        read_folder(tmp_path, "train")


def test_a_mask_of_thousands_of_numbers_is_no_mask(tmp_path: Path) -> None:
    """One array for all its objects would have 10 GB."""
    depths = np.arange(1 << 20, dtype=np.uint32).reshape(1024, 1024) % 10_002
    write_image(tmp_path / "images" / "train" / "a.png", np.zeros((1024, 1024, 3), np.uint8))
    write_image(tmp_path / "masks" / "train" / "a.png", depths.astype(np.uint16))
    with pytest.raises(InputError, match=r"a\.png: holds 10001 numbers.*is it an image of depths"):
        read_folder(tmp_path, "train")
