"""The folder of the command line lists the commands."""

from pathlib import Path

import edgecv.cli.main

FOLDER = Path(edgecv.cli.main.__file__).parent
# Where the process begins, and what finds the command.
ENTRY = {"start", "main"}


def test_each_file_is_a_command():
    files = {path.stem for path in FOLDER.glob("*.py")} - {"__init__"}
    assert files == {*edgecv.cli.main.VERBS} | ENTRY


def test_each_folder_says_what_is_in_it():
    folders = [path for path in FOLDER.iterdir() if path.is_dir() and path.name != "__pycache__"]
    assert folders
    for folder in folders:
        assert (folder / "__init__.py").read_text().startswith('"""'), folder
