"""What holds for every test: no network, one thread per library, logging as it was."""

import logging
import os
import socket
from collections.abc import Iterator
from typing import Any

import pytest

# Before any test imports torch or numpy: two workers on two cores must not start four threads each.
os.environ.setdefault("OMP_NUM_THREADS", "1")

_LOCAL = ("127.0.0.1", "::1", "localhost")


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let sockets reach this machine only."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX and address[0] not in _LOCAL:
            raise RuntimeError(f"a test tried to reach {address[0]}: tests use no network")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(autouse=True)
def logging_put_back() -> Iterator[None]:
    """Take away what a command line has set up: it writes to a stream that closes with its test."""
    root, ours = logging.getLogger(), logging.getLogger("faceplate")
    before = root.handlers[:], root.level, ours.level
    yield
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    ours.setLevel(before[2])
