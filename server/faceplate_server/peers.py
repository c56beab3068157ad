"""Who calls: by certificate, by what the client calls itself, or by where it comes from."""

import contextvars
import re
from collections.abc import Mapping
from typing import Any

from faceplate_server.shapes import Context

__all__ = ["CLIENT", "CLIENT_KEY", "client_of", "peer_of"]

CLIENT: contextvars.ContextVar[str] = contextvars.ContextVar("client", default="unknown")
"""Who makes the call that is being answered."""

CLIENT_KEY = "faceplate-client"
"""Metadata in which a client calls itself something, such as ``anna@ws12``."""

_NAME = re.compile(r"[\w.@:+-]{1,80}", re.ASCII)


def client_of(context: Context) -> str:
    """Return who calls, for taking turns. A certificate counts for more than what is said."""
    proven: Mapping[str, Any] = context.auth_context() or {}
    for name in proven.get("x509_common_name", ()):
        return _plain(name)
    said = dict(context.invocation_metadata() or ()).get(CLIENT_KEY)
    return _plain(said) if said else peer_of(context)


def peer_of(context: Context) -> str:
    """Return where a call comes from, without the port, which is another for each connection."""
    peer = context.peer()
    return peer.rpartition(":")[0] if peer.startswith("ip") else peer or "unknown"


def _plain(name: "str | bytes") -> str:
    text = name.decode("utf-8", "replace") if isinstance(name, bytes) else name
    return text if _NAME.fullmatch(text) else "unnamed"
