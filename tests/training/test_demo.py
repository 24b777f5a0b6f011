"""The demo on generated shapes and on given images; an interrupted one goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgecv.cli import demo
from edgecv.cli.main import main
from edgecv.data.synthetic import SHAPES, write_shapes


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Those that the demo runs; each does nothing."""
    found: list[list[str]] = []
    monkeypatch.setattr(demo, "run_command", lambda words: found.append(words) or 0)
    monkeypatch.setattr(demo, "TRAIN_IMAGES", 3)
    monkeypatch.setattr(demo, "VAL_IMAGES", 3)
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
    (out / "val_00000.json").write_text("{}")  # the image that belongs to it was not written
    commands.clear()
    assert main(["demo", "--out", str(out)]) == 0
    assert commands[0][-1] == "--resume" and commands[1][-1] == "--overwrite"
    assert (out / "shapes" / "JPEGImages").is_dir()


def test_what_is_no_demo_or_a_finished_one_is_left_alone(
    commands: list[list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("mine.txt", "mine.json", "val_00000.jpg"):
        out = tmp_path / name
        out.mkdir()
        (out / name).write_text("")
        assert main(["demo", "--out", str(out)]) == 2
        assert "is not empty: remove it" in capsys.readouterr().err
        assert [path.name for path in out.iterdir()] == [name]
    assert commands == []


def test_given_images_are_those_of_every_command(
    commands: list[list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_shapes(tmp_path / "data", train=2, val=4, size=(96, 128), seed=3)
    out = tmp_path / "demo"
    assert main(["demo", "--data", str(data), "--out", str(out)]) == 0
    assert not (out / "shapes").exists()
    train, export, of_checkpoint, of_bundle, info, predict = commands
    assert train[:4] == ["train", "ssd_tiny", "--data", str(data)]
    assert "--size" not in train  # by the images' shape
    assert export[0] == "export" and info == ["info", str(out / "bundle")]
    assert of_checkpoint == ["eval", str(out / "run" / "best.pt"), "--data", str(data)]
    assert of_bundle == ["eval", str(out / "bundle"), "--data", str(data), "--set-thresholds"]
    shown = Path(predict[2])
    assert predict == ["predict", str(out / "bundle"), str(shown), "--save", str(out)]
    assert capsys.readouterr().out.endswith(f"Look at {out / shown.stem}.jpg\n")


def test_the_image_with_the_most_classes_is_shown(tmp_path: Path) -> None:
    data = write_shapes(tmp_path / "data", train=1, val=12, size=(96, 128), seed=3)
    counts = {}
    for annotation in sorted((data / "Annotations").glob("val_*.xml")):
        text = annotation.read_text()
        counts[annotation.stem] = sum(f"<name>{name}<" in text for name in SHAPES)
    assert len(set(counts.values())) > 1
    assert demo.most_classes(data).stem == max(counts, key=lambda stem: counts[stem])


def test_a_folder_that_is_not_there_or_shows_nothing(
    commands: list[list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = tmp_path / "nowhere"
    assert main(["demo", "--data", str(missing), "--out", str(tmp_path / "out")]) == 2
    assert f"{missing}: no such folder" in capsys.readouterr().err
    data = write_shapes(tmp_path / "data", train=2, val=1, size=(96, 128))
    (data / "ImageSets" / "Main" / "val.txt").write_text("")
    assert main(["demo", "--data", str(data), "--out", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert commands == [] and not (tmp_path / "out").exists()
