"""Sockets other than loopback are closed.

A connection or a name look-up that would leave the machine is refused, as if there were no network, and
fails the test that tried it. The hook sees every socket of this process, also those of libraries.
"""

from __future__ import annotations

import ipaddress
import socket
import sys
from collections.abc import Iterator
from typing import Any

import pytest

_attempts: list[str] = []
_EVENTS = {"socket.connect": 1, "socket.sendto": 1, "socket.getaddrinfo": 0}


class NetworkClosed(socket.gaierror):
    """A test tried to reach a host other than this machine."""


def pytest_configure() -> None:
    sys.addaudithook(_refuse_the_world)


@pytest.fixture(autouse=True)
def outside_attempts() -> Iterator[list[str]]:
    """The addresses outside this machine that the test tried; a test that means to try clears the list."""
    _attempts.clear()
    yield _attempts
    if _attempts:
        pytest.fail(f"the test tried to leave this machine: {', '.join(_attempts)}")


def _refuse_the_world(event: str, arguments: tuple[Any, ...]) -> None:
    place = _EVENTS.get(event)
    if place is None:
        return
    address = arguments[place]
    host = address[0] if isinstance(address, tuple) else address
    names_a_host = isinstance(address, tuple) or event == "socket.getaddrinfo"
    if names_a_host and not _is_here(host):
        _attempts.append(str(host))
        raise NetworkClosed(socket.EAI_NONAME, f"tests have no network, and {host} is not this machine")


def _is_here(host: Any) -> bool:
    if isinstance(host, bytes):
        host = host.decode("ascii", "replace")
    if host in (None, "", "localhost") or not isinstance(host, str):
        return True
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host.endswith(".localhost")
    return address.is_loopback or address.is_unspecified
