"""The one table between the engine's errors and gRPC's status codes.

The codes stand here by name, so that worker processes can describe errors without loading gRPC.
"""

from dataclasses import dataclass
from typing import Any

from faceplate.errors import (
    Cancelled,
    Damaged,
    Exhausted,
    FaceplateError,
    HookFailed,
    InvalidInput,
    NoFace,
    NotFound,
    NotReady,
    Refused,
)
from faceplate_server.faults import ServerBusy, TimedOut, Unauthenticated, WorkerDied

__all__ = ["STATUS", "Fault", "fault_of", "rebuild", "status_of"]

# Looked up along the class's own line of descent, nearest first; the sentence is for the artist.
STATUS: dict[type[FaceplateError], tuple[str, str]] = {
    InvalidInput: ("INVALID_ARGUMENT", "Correct the named setting and send it again."),
    NotFound: ("NOT_FOUND", "Check the name, and that the server's machine sees this path."),
    NotReady: ("FAILED_PRECONDITION", "Do the step that the message names first."),
    Refused: ("PERMISSION_DENIED", "Ask whoever runs the server or holds the consent record."),
    Unauthenticated: ("UNAUTHENTICATED", "Give the server's token file with --token-file."),
    Exhausted: ("RESOURCE_EXHAUSTED", "Free some room, or wait for other jobs, and try again."),
    Damaged: ("DATA_LOSS", "Restore the named file from its source or an earlier save."),
    NoFace: ("FAILED_PRECONDITION", "Look at the track's overlay sheet; all frames are written."),
    HookFailed: ("FAILED_PRECONDITION", "Mend what it names, and publish the same version again."),
    Cancelled: ("CANCELLED", "It was stopped on request; what was finished is kept."),
    WorkerDied: (
        "INTERNAL",
        "Try again; if it dies again, send the log to who runs the server.",
    ),
    TimedOut: (
        "DEADLINE_EXCEEDED",
        "Submit long work as a job, or let more time be allowed.",
    ),
    ServerBusy: ("FAILED_PRECONDITION", "Stop the other server, or choose another home folder."),
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


def status_of(kind: type[BaseException]) -> tuple[str, str]:
    """Return the status's name and the hint for an error class; INTERNAL where it is not ours."""
    for parent in kind.__mro__:
        if parent in STATUS:
            return STATUS[parent]
    return "INTERNAL", UNFORESEEN_HINT


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
