"""The guard of conftest.py: no test depends on the network."""

import socket
import subprocess
import sys
import urllib.request

import pytest


def test_loopback_is_reached():
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()
        socket.create_connection(("localhost", server.getsockname()[1])).close()


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1", "example.org"])
def test_nothing_else_is_reached(host):
    with pytest.raises(AssertionError, match="reaches for the network"):
        socket.create_connection((host, 80), timeout=1)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as plain, pytest.raises(AssertionError, match="the network"):
        plain.connect((host, 80))
    with socket.socket(family) as plain, pytest.raises(AssertionError, match="the network"):
        plain.connect_ex((host, 80))


def test_nor_by_a_child_process():
    code = "import urllib.request; urllib.request.urlopen('https://example.org/', timeout=5)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1 and "Connection refused" in done.stderr
    assert urllib.request.getproxies()["https"] == "http://127.0.0.1:9"
