"""Keeps tests on this machine: sockets reach loopback addresses only."""

from __future__ import annotations

import ipaddress
import os
import socket
from typing import Any

# Nothing listens there: what a child process wants to download is refused at once.
_CLOSED = "http://127.0.0.1:9"


def forbid_network() -> None:
    """From now on, connections and name look-ups beyond this machine fail with AssertionError,
    which nothing takes for a server that does not answer."""
    for name in ("http_proxy", "https_proxy"):
        os.environ[name] = os.environ[name.upper()] = _CLOSED
    os.environ["no_proxy"] = os.environ["NO_PROXY"] = "127.0.0.1,localhost,::1"

    connect, connect_ex, look_up = (
        socket.socket.connect,
        socket.socket.connect_ex,
        socket.getaddrinfo,
    )

    def guarded_connect(self: socket.socket, address: Any) -> None:
        _check(address)
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: Any) -> int:
        _check(address)
        return connect_ex(self, address)

    def guarded_look_up(host: Any, *arguments: Any, **options: Any) -> Any:
        _check((host,))
        return look_up(host, *arguments, **options)

    socket.socket.connect = guarded_connect  # type: ignore[assignment, method-assign]
    socket.socket.connect_ex = guarded_connect_ex  # type: ignore[assignment, method-assign]
    socket.getaddrinfo = guarded_look_up


def _check(address: Any) -> None:
    if not isinstance(address, tuple):  # a path: the socket is of this machine
        return
    host = address[0].decode() if isinstance(address[0], bytes) else address[0]
    if host in (None, "", "localhost"):
        return
    try:
        local = ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = False
    assert local, f"a test reaches for the network: {host}; tests make or hold their data"
