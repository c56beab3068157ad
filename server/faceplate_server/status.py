"""The one table between the engine's errors and gRPC's status codes."""

import logging
from dataclasses import dataclass
from typing import Any

import grpc
from faceplate.errors import (
    Cancelled,
    Damaged,
    Exhausted,
    FaceplateError,
    InvalidInput,
    NotFound,
    NotReady,
    Refused,
)

from faceplate_server.faults import ServerBusy, Unauthenticated, WorkerDied

__all__ = ["STATUS", "Fault", "fault_of", "rebuild", "status_of"]

logger = logging.getLogger(__name__)

Code = grpc.StatusCode

# Looked up along the class's own line of descent, nearest first; the sentence is for the artist.
STATUS: dict[type[FaceplateError], tuple[grpc.StatusCode, str]] = {
    InvalidInput: (Code.INVALID_ARGUMENT, "Correct the named setting and send it again."),
    NotFound: (Code.NOT_FOUND, "Check the name, and that the server's machine sees this path."),
    NotReady: (Code.FAILED_PRECONDITION, "Do the step that the message names first."),
    Refused: (Code.PERMISSION_DENIED, "Ask whoever runs the server or holds the consent record."),
    Unauthenticated: (Code.UNAUTHENTICATED, "Give the server's token file with --token-file."),
    Exhausted: (Code.RESOURCE_EXHAUSTED, "Free some room, or wait for other jobs, and try again."),
    Damaged: (Code.DATA_LOSS, "Restore the named file from its source or an earlier save."),
    Cancelled: (Code.CANCELLED, "It was stopped on request; what was finished is kept."),
    WorkerDied: (
        Code.INTERNAL,
        "Try again; if it dies again, send the log to who runs the server.",
    ),
    ServerBusy: (Code.FAILED_PRECONDITION, "Stop the other server, or choose another home folder."),
}

UNFORESEEN = "the server failed in a way that nobody foresaw"
UNFORESEEN_HINT = "Send the request id to who runs the server: the traceback is in its log."


@dataclass(frozen=True)
class Fault:
    """An error in the words of the wire."""

    code: str
    """Class of the error, or ``Internal``."""
    message: str
    hint: str
    exit_code: int


def status_of(kind: type[BaseException]) -> tuple[grpc.StatusCode, str]:
    """Return status and hint of an error class; INTERNAL for one that is not ours."""
    for parent in kind.__mro__:
        if parent in STATUS:
            return STATUS[parent]
    return Code.INTERNAL, UNFORESEEN_HINT


def fault_of(error: BaseException) -> Fault:
    """Describe an error; one that is not ours gets a fixed text, its own stays in the log."""
    _, hint = status_of(type(error))
    if isinstance(error, FaceplateError):
        return Fault(type(error).__name__, str(error), hint, error.exit_code)
    return Fault("Internal", UNFORESEEN, hint, FaceplateError.exit_code)


def rebuild(code: str, message: str) -> Exception:
    """Return the error that a worker process reported by class name and message."""
    kind = _classes().get(code)
    if kind is None:
        return RuntimeError(f"{code}: {message}")
    error: FaceplateError = kind.__new__(kind)
    Exception.__init__(error, message)  # past the subclass's own __init__, whose data is gone
    return error


def _classes() -> dict[str, type[FaceplateError]]:
    found: dict[str, Any] = {}
    waiting: list[type[FaceplateError]] = [FaceplateError]
    while waiting:
        kind = waiting.pop()
        found[kind.__name__] = kind
        waiting.extend(kind.__subclasses__())
    return found
