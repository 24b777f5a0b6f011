"""A demo that was interrupted goes on; a folder of something else is left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgecv.cli import demo
from edgecv.cli.main import main


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Those that the demo runs; each does nothing."""
    found: list[list[str]] = []
    monkeypatch.setattr(demo, "_run", lambda words: found.append(words) or 0)
    monkeypatch.setattr(demo, "TRAIN_IMAGES", 3)
    monkeypatch.setattr(demo, "VAL_IMAGES", 1)
    return found


def test_a_demo_goes_on_where_it_was_interrupted(
    commands: list[list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "demo"
    with monkeypatch.context() as patch:

        def interrupt(folder: Path, **_: object) -> None:
            (folder / "part").write_text("")
            raise KeyboardInterrupt

        patch.setattr("edgecv.data.synthetic.write_shapes", interrupt)
        assert main(["demo", "--out", str(out)]) == 130
    assert list(out.iterdir()) == []
    assert main(["demo", "--out", str(out)]) == 0
    assert not {"--resume", "--overwrite"} & {word for words in commands for word in words}
    (out / "run").mkdir()
    (out / "run" / "run.json").write_text("{}")
    (out / "bundle").mkdir()
    commands.clear()
    assert main(["demo", "--out", str(out)]) == 0
    assert commands[0][-1] == "--resume" and commands[1][-1] == "--overwrite"
    assert (out / "shapes" / "JPEGImages").is_dir()


def test_what_is_no_demo_or_a_finished_one_is_left_alone(
    commands: list[list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("mine.txt", "val_00000.jpg"):
        out = tmp_path / name
        out.mkdir()
        (out / name).write_text("")
        assert main(["demo", "--out", str(out)]) == 2
        assert "is not empty: remove it" in capsys.readouterr().err
        assert [path.name for path in out.iterdir()] == [name]
    assert commands == []
