from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from edgecv_export.bundle.draft import check_target, new_bundle
from edgecv_runtime import BundleError, InputError


def content(folder: Path) -> dict[str, str]:
    return {p.name: p.read_text() for p in folder.iterdir()}


def test_appears_whole_when_the_block_ends(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "bundle"
    with new_bundle(target, overwrite=False) as draft:
        # sha256 of b"abc" is FIPS 180-2's example.
        assert draft.add_file("a", b"abc") == (
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        )
        assert not target.exists()
    assert content(target) == {"a": "abc"}
    assert list(target.parent.iterdir()) == [target]


def test_vanishes_when_the_block_raises(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), new_bundle(tmp_path / "b", overwrite=False) as draft:
        draft.add_file("a", b"abc")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_has_the_rights_of_any_new_folder(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with new_bundle(tmp_path / "b", overwrite=False):
        pass
    assert os.stat(tmp_path / "b").st_mode == os.stat(tmp_path / "other").st_mode


def test_a_bundle_is_replaced_only_when_asked(tmp_path: Path) -> None:
    target = tmp_path / "b"
    target.mkdir()
    (target / "bundle.json").write_text("old")
    (target / "old.onnx").write_text("old")
    with pytest.raises(InputError, match="holds a bundle already: give `overwrite=True`"):
        check_target(target, overwrite=False)
    with new_bundle(target, overwrite=True) as draft:
        draft.add_file("bundle.json", b"new")
        assert content(target) == {"bundle.json": "old", "old.onnx": "old"}
    assert content(target) == {"bundle.json": "new"}
    assert list(tmp_path.iterdir()) == [target]


def test_a_failed_replacement_leaves_the_old_bundle(tmp_path: Path) -> None:
    target = tmp_path / "b"
    target.mkdir()
    (target / "bundle.json").write_text("old")
    with pytest.raises(RuntimeError), new_bundle(target, overwrite=True) as draft:
        draft.add_file("bundle.json", b"new")
        raise RuntimeError
    assert content(target) == {"bundle.json": "old"}
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("overwrite", [False, True])
def test_other_folders_and_files_are_left_alone(tmp_path: Path, overwrite: bool) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    (folder / "image.jpg").write_text("mine")
    with pytest.raises(InputError, match="is not empty and not a bundle"):
        check_target(folder, overwrite)
    with pytest.raises(InputError, match="is a file; expected a folder"):
        check_target(folder / "image.jpg", overwrite)
    assert content(folder) == {"image.jpg": "mine"}


def test_a_folder_filled_in_the_meantime_is_left_alone(tmp_path: Path) -> None:
    target = tmp_path / "b"
    with (
        pytest.raises(InputError, match="is not empty and not a bundle"),
        new_bundle(target, overwrite=False),
    ):
        target.mkdir()
        (target / "mine").write_text("mine")
    assert content(target) == {"mine": "mine"}
    assert list(tmp_path.iterdir()) == [target]


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    with new_bundle(tmp_path / "b", overwrite=False) as draft:
        draft.add_file("a", b"abc")
    assert content(tmp_path / "b") == {"a": "abc"}


def test_arrays_are_row_major_without_pickle(tmp_path: Path) -> None:
    array = np.arange(8, dtype=np.float32).reshape(2, 4)
    with new_bundle(tmp_path / "b", overwrite=False) as draft:
        draft.add_array("a.npy", np.asfortranarray(array))
    loaded = np.load(tmp_path / "b" / "a.npy", allow_pickle=False)
    np.testing.assert_array_equal(loaded, array)
    assert loaded.flags.c_contiguous


def test_a_wrong_manifest_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(BundleError), new_bundle(tmp_path / "b", overwrite=False) as draft:
        draft.manifest = {"schema": 1, "colour": "rgb"}
        draft.write_manifest()
    assert list(tmp_path.iterdir()) == []
