"""The programs of docs/serving.md run as they stand."""

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest

import edgecv
from helpers.tiny_bundle import write_tiny_bundle

PAGE = Path(__file__).parents[1] / "docs" / "serving.md"
SERVER, THREADS, PROCESSES = re.findall(
    r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    write_tiny_bundle(tmp_path / "bundle")
    for name, level in (("a", 255), ("b", 0), ("c", 255)):
        cv2.imwrite(str(tmp_path / f"{name}.jpg"), np.full((64, 96, 3), level, np.uint8))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("endpoint", ["/detect", "/detect-async"])
def test_fastapi(folder, endpoint):
    pytest.importorskip("fastapi")
    from fastapi.testclient import TestClient

    program = {"__name__": "serve"}
    exec(compile(SERVER, "serve.py", "exec"), program)
    rng = np.random.default_rng(5)
    files, expected = [], []
    model = edgecv.load("bundle")
    for _ in range(6):
        size = (*rng.integers(30, 90, 2), 3)
        files.append(cv2.imencode(".png", rng.integers(0, 256, size, np.uint8))[1].tobytes())
        pixels = cv2.imdecode(np.frombuffer(files[-1], np.uint8), cv2.IMREAD_COLOR)
        expected.append(model(pixels).to_dict())
    with TestClient(program["app"]) as client, ThreadPoolExecutor(6) as pool:

        def ask(index):
            return client.post(endpoint, files={"image": files[index]})

        answers = list(pool.map(ask, list(range(6)) * 8))
        assert {answer.status_code for answer in answers} == {200}
        assert [answer.json() for answer in answers] == expected * 8
        assert client.post(endpoint, files={"image": b"no image"}).status_code == 400


def test_a_pool_of_threads(folder, capsys):
    exec(compile(THREADS, "threads.py", "exec"), {})
    assert capsys.readouterr().out.splitlines() == [
        "a.jpg 1 left, 1 right",
        "b.jpg nothing",
        "c.jpg 1 left, 1 right",
    ]


def test_a_pool_of_processes(folder):
    (folder / "processes.py").write_text(PROCESSES, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "processes.py"], capture_output=True, text=True, cwd=folder, timeout=120
    )
    assert (done.stdout, done.returncode) == ("[2, 0]\n", 0), done.stderr
