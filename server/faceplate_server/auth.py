"""The token: a secret in a file that only its owner may read, sent with every call."""

import hmac
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc

from faceplate.errors import BadSettings
from faceplate_server.faults import Unauthenticated
from faceplate_server.shapes import Continuation, MaybeHandler, wrap

__all__ = ["AuthInterceptor", "load_token"]

OPEN = ("/grpc.health.v1.Health/",)  # an orchestrator's probe has no token, and learns nothing


def load_token(path: Path) -> str:
    """Read the token; write a new one, readable by its owner only, where there is none.

    Raises:
        BadSettings: Others may read the file, it holds less than 16 characters, or it cannot be
            written.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _read_token(path)
    except OSError as error:
        raise BadSettings(f"the token file {path} cannot be written: {error}") from error
    token = secrets.token_urlsafe(32)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(token + "\n")
    return token


def _read_token(path: Path) -> str:
    if path.stat().st_mode & 0o077:
        raise BadSettings(f"the token file {path} may be read by others: run `chmod 600 {path}`")
    token = path.read_text(encoding="utf-8").strip()
    if len(token) < 16:
        raise BadSettings(
            f"the token in {path} has {len(token)} characters, at least 16 are wanted: "
            "delete the file and the server writes a new one"
        )
    return token


class AuthInterceptor(grpc.aio.ServerInterceptor):
    """Lets calls in that carry ``authorization: Bearer TOKEN``; health checks need none."""

    def __init__(self, token: str) -> None:
        self._expected = f"Bearer {token}".encode()

    async def intercept_service(
        self, continuation: Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> MaybeHandler:
        """Return the call's own handler, or one that refuses."""
        handler = await continuation(handler_call_details)
        if handler is None or handler_call_details.method.startswith(OPEN):
            return handler
        given = dict(handler_call_details.invocation_metadata or ()).get("authorization")
        if given is not None and hmac.compare_digest(_bytes(given), self._expected):
            return handler
        what = "carries no token" if given is None else "carries a token that is not this server's"
        return wrap(handler, lambda _: _refuse(f"the call {what}"))


def _bytes(value: str | bytes) -> bytes:
    return value.encode() if isinstance(value, str) else value


@asynccontextmanager
async def _refuse(message: str) -> AsyncIterator[None]:
    raise Unauthenticated(message)
    yield
