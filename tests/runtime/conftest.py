"""Fixtures of the runtime's tests."""

import pytest

from helpers.fake_gpu import FakeMachine
from helpers.http_camera import serve  # noqa: F401  (a fixture)


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A fake GPU and a fake TensorRT for it."""
    monkeypatch.setenv("EDGECV_CACHE", str(tmp_path / "cache"))
    return FakeMachine(monkeypatch)
