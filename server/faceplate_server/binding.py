"""The server's address: bound, encrypted where it must be, and published for local clients."""

import contextlib
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc

from faceplate.errors import BadSettings
from faceplate_server.settings import ServerSettings, check_address

__all__ = ["TLS_PREFIX", "bind", "published"]

TLS_PREFIX = "tls:"
"""Begins an address that is encrypted, where it is published."""

_ANYWHERE = ("0.0.0.0", "[::]")


def bind(server: grpc.aio.Server, settings: ServerSettings) -> str:
    """Bind the server and return where it can be reached, with the port that it was given.

    Raises:
        BadSettings: The address is not for this server, or in use; a certificate cannot be read.
    """
    address, encrypted = settings.address, bool(settings.tls_cert)
    check_address(address, encrypted=encrypted)
    try:
        if encrypted:
            port = server.add_secure_port(address, _credentials(settings))
        else:
            port = server.add_insecure_port(address)
    except RuntimeError as error:
        raise BadSettings(
            f"address: {address} cannot be bound: it is in use, or its folder does not exist; with "
            "TLS, certificate and key may not belong together"
        ) from error
    if address.startswith("unix:"):
        with contextlib.suppress(FileNotFoundError):
            os.chmod(address.removeprefix("unix:"), 0o600)
        return address
    host = address.rpartition(":")[0]
    if encrypted:
        host = TLS_PREFIX + (socket.getfqdn() if host in _ANYWHERE else host)
    return f"{host}:{port}"


@contextmanager
def published(path: Path, address: str) -> Iterator[None]:
    """Let clients of this home folder find the address while the server runs."""
    part = path.with_suffix(".part")
    part.write_text(address + "\n", encoding="utf-8")
    part.replace(path)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def _credentials(settings: ServerSettings) -> grpc.ServerCredentials:
    key = _read("tls_key", settings.tls_key)
    if Path(settings.tls_key).stat().st_mode & 0o007:
        raise BadSettings(
            f"tls_key: {settings.tls_key} may be read by everybody: run `chmod 600` on it"
        )
    clients = _read("tls_client_ca", settings.tls_client_ca) if settings.tls_client_ca else None
    return grpc.ssl_server_credentials(
        [(key, _read("tls_cert", settings.tls_cert))],
        root_certificates=clients,
        require_client_auth=clients is not None,
    )


def _read(name: str, path: str) -> bytes:
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise BadSettings(f"{name}: {path} cannot be read: {error}") from error
    if b"-----BEGIN " not in content:
        raise BadSettings(f"{name}: {path} is no PEM file")
    return content
