"""Files and folders that appear whole or not at all."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from edgecv_runtime.files import held, whole
from edgecv_runtime.files.whole import (
    clear_drafts,
    draft_folder,
    exchange,
    new_file,
    new_folder,
    recover_folder,
    write_file,
)


def tree(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_text() for path in files}


def killed_in(code: str, folder: Path) -> None:
    """Runs code in a process that kills itself."""
    lines = "import os, signal\nfrom pathlib import Path\nfrom edgecv_runtime.files import whole\n"
    done = subprocess.run([sys.executable, "-c", lines + code], cwd=folder)
    assert done.returncode == -signal.SIGKILL


def test_a_file_is_the_old_one_until_it_is_the_new_one(tmp_path: Path) -> None:
    write_file(tmp_path / "a" / "x.json", "old")
    with new_file(tmp_path / "a" / "x.json") as draft:
        draft.write_text("new")
        assert draft.suffix == ".json"
        assert (tmp_path / "a" / "x.json").read_text() == "old"
    assert tree(tmp_path) == {"a/x.json": "new"}


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_draft_vanishes_with_its_error(tmp_path: Path, error: type[BaseException]) -> None:
    write_file(tmp_path / "x", b"old")
    with pytest.raises(error), new_file(tmp_path / "x") as draft:
        draft.write_text("half")
        raise error
    with pytest.raises(error), new_folder(tmp_path / "f") as draft:
        (draft / "a").write_text("half")
        raise error
    assert tree(tmp_path) == {"x": "old"} and len(list(tmp_path.iterdir())) == 1


def test_an_error_names_the_file_and_not_its_draft(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left") as caught:
        write_file(tmp_path / "x", "new")
    assert caught.value.filename == str(tmp_path / "x")
    with (
        pytest.raises(OSError, match="No space left") as caught,
        new_folder(tmp_path / "f") as draft,
    ):
        (draft / "a").write_text("new")
    assert caught.value.filename == str(tmp_path / "f")
    assert list(tmp_path.iterdir()) == []


def test_names_may_be_as_long_as_the_file_system_has_them(tmp_path: Path) -> None:
    write_file(tmp_path / ("n" * 255), "new")
    with pytest.raises(OSError) as caught:
        write_file(tmp_path / ("n" * 256), "new")
    assert caught.value.errno == errno.ENAMETOOLONG
    assert [path.name for path in tmp_path.iterdir()] == ["n" * 255]


def test_links_are_followed_and_rights_kept(tmp_path: Path) -> None:
    write_file(tmp_path / "real", "old")
    (tmp_path / "real").chmod(0o640)
    (tmp_path / "link").symlink_to("real")
    write_file(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "real").read_text() == "new"
    assert (tmp_path / "real").stat().st_mode & 0o777 == 0o640
    (tmp_path / "plain").write_text("")
    write_file(tmp_path / "other", "")
    assert (tmp_path / "other").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_device_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "pipe").unlink(missing_ok=True)
    os.mkfifo(tmp_path / "pipe")
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append((tmp_path / "pipe").read_text()))
    reader.start()
    write_file(tmp_path / "pipe", "content", sync=False)
    reader.join()
    assert read == ["content"] and (tmp_path / "pipe").is_fifo()


def test_two_folders_change_places(tmp_path: Path) -> None:
    write_file(tmp_path / "a" / "x", "a")
    write_file(tmp_path / "b" / "x", "b")
    assert exchange(tmp_path / "a", tmp_path / "b") is (sys.platform == "linux")
    if sys.platform == "linux":
        assert tree(tmp_path) == {"a/x": "b", "b/x": "a"}
        with pytest.raises(FileNotFoundError):
            exchange(tmp_path / "a", tmp_path / "none")


@pytest.fixture(params=[True, False], ids=["exchange", "two renames"])
def exchanging(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if not request.param:
        monkeypatch.setattr(whole, "exchange", lambda *_: False)


@pytest.mark.usefixtures("exchanging")
def test_a_folder_is_replaced_where_that_is_asked_for(tmp_path: Path) -> None:
    write_file(tmp_path / "f" / "old", "old")
    with pytest.raises(FileExistsError), new_folder(tmp_path / "f") as draft:
        write_file(draft / "new", "new")
    assert tree(tmp_path) == {"f/old": "old"}
    with new_folder(tmp_path / "f", replace=True) as draft:
        write_file(draft / "new", "new")
    assert tree(tmp_path) == {"f/new": "new"}
    assert [path.name for path in tmp_path.iterdir()] == ["f"]


@pytest.mark.usefixtures("exchanging")
def test_a_folder_behind_a_link(tmp_path: Path) -> None:
    write_file(tmp_path / "v1" / "old", "old")
    (tmp_path / "current").symlink_to("v1")
    with new_folder(tmp_path / "current", replace=True) as draft:
        write_file(draft / "new", "new")
    assert (tmp_path / "current").is_symlink()
    assert tree(tmp_path / "v1") == {"new": "new"}


def test_an_interrupt_between_two_renames_brings_the_old_folder_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_file(tmp_path / "f" / "old", "old")
    monkeypatch.setattr(whole, "exchange", lambda *_: False)
    rename = os.rename

    def interrupted(source: Path, target: Path) -> None:
        rename(source, target)
        if Path(target).suffix == ".old":
            raise KeyboardInterrupt

    monkeypatch.setattr(os, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt), new_folder(tmp_path / "f", replace=True) as draft:
        write_file(draft / "new", "new")
    assert tree(tmp_path) == {"f/old": "old"}
    assert [path.name for path in tmp_path.iterdir()] == ["f"]


BETWEEN = """
whole.exchange = lambda *_: False
rename = os.rename
def die(source, target):
    rename(source, target)
    if str(target).endswith(".old"): os.kill(os.getpid(), 9)
os.rename = die
with whole.new_folder("f", replace=True) as draft:
    (draft / "new").write_text("new")
"""


def test_a_folder_whose_process_was_killed_between_two_renames_comes_back(tmp_path: Path) -> None:
    write_file(tmp_path / "f" / "old", "old")
    killed_in(BETWEEN, tmp_path)
    assert not (tmp_path / "f").exists()
    recover_folder(tmp_path / "other")
    assert not (tmp_path / "f").exists()
    recover_folder(tmp_path / "f")
    assert tree(tmp_path / "f") == {"old": "old"}
    clear_drafts(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["f"]


def test_the_next_writer_recovers_and_clears(tmp_path: Path) -> None:
    write_file(tmp_path / "f" / "old", "old")
    killed_in(BETWEEN, tmp_path)
    with pytest.raises(FileExistsError), new_folder(tmp_path / "f"):
        pass
    assert tree(tmp_path) == {"f/old": "old"}


def test_drafts_of_the_dead_are_cleared_and_those_of_the_living_are_not(tmp_path: Path) -> None:
    killed_in("with whole.new_folder('f') as draft:\n    os.kill(os.getpid(), 9)", tmp_path)
    killed_in("with whole.new_file('x') as draft:\n    os.kill(os.getpid(), 9)", tmp_path)
    assert len(list(tmp_path.iterdir())) == 1  # it has removed the first
    with new_file(tmp_path / "x") as file, draft_folder(tmp_path) as folder:
        clear_drafts(tmp_path)
        assert set(tmp_path.iterdir()) == {file, folder}
        file.write_text("new")
    assert tree(tmp_path) == {"x": "new"} and len(list(tmp_path.iterdir())) == 1


def test_a_temporary_folder_is_of_its_user_alone_and_goes_with_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    killed_in(
        "with whole.temporary_folder() as folder:\n"
        "    (folder / 'graph').write_text('half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)",
        tmp_path,
    )
    (left,) = tmp_path.iterdir()
    assert left.stat().st_mode & 0o777 == 0o700
    use = (
        "import os\n"
        "from edgecv_runtime.files.whole import temporary_folder\n"
        "with temporary_folder() as folder: print(os.listdir(folder.parent))"
    )
    with draft_folder(tmp_path) as held_now:
        done = subprocess.run(
            [sys.executable, "-c", use], capture_output=True, text=True, check=True
        )
        assert left.name not in done.stdout and held_now.name in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_draft_that_is_taken_for_dead_before_it_is_held_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    holding, calls = held.holding, []

    def late(path: Path) -> object:
        calls.append(path)
        if len(calls) == 1:
            clear_drafts(tmp_path)
        return holding(path)

    monkeypatch.setattr(held, "holding", late)
    write_file(tmp_path / "x", "new")
    assert tree(tmp_path) == {"x": "new"} and len(calls) == 2


def test_a_folder_goes_in_one_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "folder"
    target.mkdir()
    (target / "a").write_text("a")

    def dies(path: Path) -> None:
        assert not target.exists() and (path / "a").is_file()
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(whole, "remove_draft", dies)
        with pytest.raises(KeyboardInterrupt):
            whole.remove_folder(target)
    whole.clear_drafts(tmp_path)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(FileNotFoundError):
        whole.remove_folder(target)
