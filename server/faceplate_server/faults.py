"""The errors that only a server has."""

from faceplate.errors import FaceplateError, Refused

__all__ = ["ServerBusy", "SystemRefused", "TimedOut", "Unauthenticated", "WorkerDied"]


class Unauthenticated(Refused):
    """The call carries no token, or a wrong one."""


class WorkerDied(FaceplateError):
    """The process that did the work ended without an answer: killed, crashed, or out of memory."""


class SystemRefused(Refused):
    """The system does not let the server do what was asked for: rights, links, a name too long."""


class TimedOut(FaceplateError):
    """A call, or the silence of who made it, took longer than the server allows."""


class ServerBusy(FaceplateError):
    """Another server already holds this home folder."""
