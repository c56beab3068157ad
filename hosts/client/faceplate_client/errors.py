"""What can go wrong, in sentences that an artist understands, and the process's exit code for it.

0 done; 1 a failure without a better code; 2 wrong usage or settings; 3 a file that cannot be read,
or is damaged; 4 no face found; 5 unknown colour space; 6 not there, not ready or not allowed; 7 no
room (disk, memory, queue); 8 the server cannot be reached; 130 cancelled, or SIGINT; 143 SIGTERM.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

import grpc

from faceplate_protos.v1 import errors_pb2

__all__ = [
    "CANCELLED",
    "NO_FACE",
    "UNREACHABLE",
    "USAGE",
    "ClientError",
    "error_of_call",
    "unreachable",
    "usage",
]

ERROR_KEY = "faceplate-error-bin"

USAGE = 2
NO_FACE = 4
UNREACHABLE = 8
CANCELLED = 130


@dataclass
class ClientError(Exception):
    """An error with everything that a host may want to show."""

    code: str
    """Class of the error, such as ``OutsideRoots``."""
    message: str
    hint: str
    exit_code: int
    request_id: str = ""
    """Find the call in the server's log by it."""

    def __str__(self) -> str:
        return f"{self.message}. {self.hint}" if self.hint else self.message


# For calls that gRPC itself ended, or a server that sent no details.
_FALLBACK = {
    grpc.StatusCode.CANCELLED: ("Cancelled", "The call was cancelled.", CANCELLED),
    grpc.StatusCode.DEADLINE_EXCEEDED: ("TimedOut", "The server took too long to answer.", 1),
    grpc.StatusCode.INVALID_ARGUMENT: ("InvalidInput", "Correct the setting.", USAGE),
    grpc.StatusCode.NOT_FOUND: ("NotFound", "Check the name and the path.", 6),
    grpc.StatusCode.PERMISSION_DENIED: ("Refused", "Ask whoever runs the server.", 6),
    grpc.StatusCode.UNAUTHENTICATED: ("Unauthenticated", "Give the server's token file.", 6),
    grpc.StatusCode.FAILED_PRECONDITION: ("NotReady", "Do the step before first.", 6),
    grpc.StatusCode.RESOURCE_EXHAUSTED: ("Exhausted", "Free some room and try again.", 7),
    grpc.StatusCode.DATA_LOSS: ("Damaged", "Restore the file.", 3),
    grpc.StatusCode.UNIMPLEMENTED: ("TooOld", "Update the server: it does not know this call.", 1),
}


def error_of_call(call: grpc.RpcError) -> ClientError:
    """Return the error of a call that failed."""
    status = call.code()
    detail = _detail(call)
    if detail is not None:
        return ClientError(
            detail.code, detail.message, detail.hint, detail.exit_code, detail.request_id
        )
    if status == grpc.StatusCode.UNAVAILABLE:
        return unreachable("", call.details() or "")
    code, hint, exit_code = _FALLBACK.get(
        status, ("Internal", "Look at the server's log for the reason.", 1)
    )
    return ClientError(code, call.details() or status.name, hint, exit_code)


def unreachable(address: str, reason: str) -> ClientError:
    """Return the error for a server that does not answer."""
    where = f" at {address}" if address else ""
    return ClientError(
        "Unreachable",
        f"no Faceplate server answers{where}: {reason}",
        "Start one with `faceplate serve`, or name its address with --server.",
        UNREACHABLE,
    )


def usage(message: str) -> ClientError:
    """Return the error for a wrong command line."""
    return ClientError("Usage", message, "See `faceplate-client --help`.", USAGE)


def _detail(call: grpc.RpcError) -> errors_pb2.ErrorDetail | None:
    trailer = dict(cast("Iterable[tuple[str, Any]]", call.trailing_metadata() or ()))
    content = trailer.get(ERROR_KEY)
    return errors_pb2.ErrorDetail.FromString(content) if content else None
