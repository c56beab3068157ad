"""Where the server is, and what both sides are known by."""

from __future__ import annotations

import getpass
import ipaddress
import os
import socket
from dataclasses import dataclass
from pathlib import Path

import grpc

from faceplate_client.errors import usage

__all__ = ["Server", "TlsFiles", "find_server", "open_channel"]

TLS_PREFIX = "tls:"

# a server that was restarted is looked for again at once
_OPTIONS = [
    ("grpc.max_reconnect_backoff_ms", 500),
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.max_receive_message_length", 64 << 20),  # a long list of jobs
]


@dataclass(frozen=True)
class TlsFiles:
    """What an encrypted server is known by, and what this client is known by there."""

    ca: str = ""
    """Certificate of who signed the server's; empty for those that gRPC brings."""
    cert: str = ""
    """Certificate of this client, where the server asks for one."""
    key: str = ""


@dataclass(frozen=True)
class Server:
    """Where a server is and what it wants to see."""

    address: str
    """``unix:/path``, ``tls:host:port``, or ``host:port`` on this machine."""
    token: str
    client: str = "unnamed"
    """What this client calls itself; the server lets clients take turns."""
    tls: TlsFiles = TlsFiles()
    """Of no use without TLS."""


def find_server(
    address: str | None,
    token_file: str | None,
    home: Path,
    client: str | None = None,
    tls: TlsFiles | None = None,
) -> Server:
    """Return the server that was asked for, else the one that runs with this home folder.

    A client that is not given a name is called after its user and machine.

    Raises:
        ClientError: The token file cannot be read.
    """
    published = home / "address"
    if not address and published.is_file():
        address = published.read_text(encoding="utf-8").strip()
    path = Path(token_file) if token_file else home / "token"
    try:
        token = path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        if token_file:
            raise usage(f"the token file {path} does not exist") from None
        token = ""
    except OSError as error:
        raise usage(f"the token file {path} cannot be read: {error}") from error
    return Server(
        address or f"unix:{home / 'faceplate.sock'}", token, client or _who(), tls or TlsFiles()
    )


def _who() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a user without a name, as in a container
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"


def open_channel(server: Server) -> grpc.Channel:
    """Return a channel: encrypted, or to this machine only, as the token travels in it.

    Raises:
        ClientError: The address is of another machine and not encrypted, or a file cannot be read.
    """
    address, tls = server.address, server.tls
    if address.startswith("unix:"):
        return grpc.insecure_channel(address, options=_OPTIONS)
    if address.startswith(TLS_PREFIX) or tls.ca or tls.cert:
        credentials = grpc.ssl_channel_credentials(
            _read(tls.ca), private_key=_read(tls.key), certificate_chain=_read(tls.cert)
        )
        target = address[len(TLS_PREFIX) :] if address.startswith(TLS_PREFIX) else address
        return grpc.secure_channel(target, credentials, options=_OPTIONS)
    if not _is_here(address):
        raise usage(
            f"{address} is another machine, to which the token would travel for all to see: the "
            f"server needs TLS; then name it {TLS_PREFIX}{address}, with --tls-ca FILE"
        )
    return grpc.insecure_channel(address, options=_OPTIONS)


def _is_here(address: str) -> bool:
    host = address.rpartition(":")[0].strip("[]")
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _read(path: str) -> bytes | None:
    if not path:
        return None
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise usage(f"{path} cannot be read: {error}") from error
