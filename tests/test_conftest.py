import socket

import pytest


def test_no_test_reaches_the_network() -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_STREAM) as one,
        pytest.raises(RuntimeError, match=r"tried to reach 192\.0\.2\.1"),  # TEST-NET, RFC 5737
    ):
        one.connect(("192.0.2.1", 80))


def test_sockets_of_this_machine_work() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
        with socket.create_connection(address, timeout=5) as one:
            assert one.getpeername() == address
