"""Options that have a new name are still known by the old one; help shows the new one alone."""

import pytest

from edgecv.cli.main import build_parser

STYLE = ["style", "a.png", "b.png", "--out", "c.png"]
TRAIN = ["train", "style_transform", "--data", "d", "--out", "o"]


@pytest.mark.parametrize(
    ("words", "old", "new"),
    [(STYLE, "--trunk", "--backbone"), (TRAIN, "--loss-trunk", "--loss-backbone")],
    ids=["style", "train"],
)
def test_old_and_new_name_give_the_same(words, old, new, capsys):
    parser = build_parser()
    by_old, by_new = (parser.parse_args([*words, name, "vgg16"]) for name in (old, new))
    assert by_old == by_new != parser.parse_args(words)
    with pytest.raises(SystemExit):
        parser.parse_args([words[0], "--help"])
    text = capsys.readouterr().out
    assert f"{new} " in text and f"{old} " not in text
