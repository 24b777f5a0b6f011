"""How addresses are shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgecv.cli.main import main
from edgecv.cli.predict import save_targets
from edgecv_runtime import InputError
from edgecv_runtime.sources import open_source, resolve_source
from edgecv_runtime.sources.addresses import last_part, shown_address


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("rtsp://viewer:word@10.0.0.2:554/live", "rtsp://viewer:***@10.0.0.2:554/live"),
        ("rtsp://:word@host/live", "rtsp://:***@host/live"),
        ("rtsp://viewer:w@rd@host/live", "rtsp://viewer:***@host/live"),
        ("rtsp://viewer:w/r?d@host/live", "rtsp://viewer:***@host/live"),
        ("rtsp://viewer:w@r/d@host/live", "rtsp://viewer:***@host/live"),
        ("rtsp://viewer:1@2/3?4#5@host:554/live", "rtsp://viewer:***@host:554/live"),
        ("http://host:8080/a@b.mjpg", "http://host:8080/a@b.mjpg"),
        (
            "http://host/video?user=a&password=word&fps=5",
            "http://host/video?user=a&password=***&fps=5",
        ),
        ("http://host/x?token=abc#top", "http://host/x?token=***#top"),
        ("http://host/x?API_KEY=abc", "http://host/x?API_KEY=***"),
        ("https://example.org/clip.mp4?n=1", "https://example.org/clip.mp4?n=1"),
        (
            "gst://rtspsrc location=rtsp://a:word@h/x user-pw=word ! decodebin ! appsink",
            "gst://rtspsrc location=rtsp://a:***@h/x user-pw=*** ! decodebin ! appsink",
        ),
        ("cannot open rtsp://a:word@h/x, really", "cannot open rtsp://a:***@h/x, really"),
        ("photos/a:b@c.png", "photos/a:b@c.png"),
        ("rtsp:/viewer:word@host/live: is not there", "rtsp:/viewer:***@host/live: is not there"),
    ],
)
def test_addresses_are_shown_without_their_secrets(address, shown):
    assert shown_address(address) == shown


@pytest.mark.parametrize(
    "address", ["rtsp://a:word@h/live", "https://a:word@h/clip.mp4?token=word"]
)
def test_a_source_carries_the_shown_address(address):
    (part,) = resolve_source(address)
    assert part.target == address and "word" not in part.name


def test_errors_do_not_show_secrets():
    with pytest.raises(InputError) as refused:
        open_source("ftp://viewer:word@host/clip.mp4")
    assert "word" not in str(refused.value) and "ftp://viewer:***@host" in str(refused.value)
    (failure,) = open_source("http://viewer:word@127.0.0.1:9/live")
    assert "word" not in str(failure.error) + failure.name


@pytest.mark.parametrize("text", ["viewer:word@host/live", "rtsp:viewer:wo/rd@host"])
def test_an_address_without_its_beginning_shows_no_secret(text):
    with pytest.raises(InputError, match=r":\*\*\*@host.*: no such file or folder"):
        resolve_source(text)


@pytest.mark.parametrize(
    "command",
    [
        "camera bundle ADDRESS",  # without --source
        "ADDRESS",
        "camera bundle --source 0 --save ADDRESS",
        "info ADDRESS",
        "eval bundle --data ADDRESS",
        "predict bundle a.jpg --device ADDRESS",
    ],
)
def test_no_command_shows_the_secret_of_an_address_in_the_wrong_place(command, capsys):
    try:
        status = main(command.replace("ADDRESS", "rtsp://viewer:open-sesame@host/live").split())
    except SystemExit as end:
        status = end.code
    said = "".join(capsys.readouterr())
    assert status == 2 and "edgecv: error: " in said
    assert "open-sesame" not in said


def test_suffixes_of_addresses_in_capitals():
    assert resolve_source("http://host/CLIP.MP4?x=.mjpg")[0].live is False
    assert resolve_source("http://host/stream.mjpg")[0].live is True


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("http://a:word@host/films/clip.mp4?key=1", "clip.mp4"),
        ("http://a:***@host", "host"),
        ("http://host/", "host"),
    ],
)
def test_the_name_of_what_an_address_leads_to(address, name):
    assert last_part(address) == name


def test_videos_whose_addresses_end_alike_are_saved_apart(tmp_path: Path) -> None:
    addresses = ["http://127.0.0.1:9/x/clip.mp4", "http://127.0.0.1:9/clip.mp4"]
    saved = save_targets(resolve_source(addresses), tmp_path, class_maps=False)
    assert [path.relative_to(tmp_path).as_posix() for path in saved.values()] == [
        "clip",
        "clip-2",
    ]
