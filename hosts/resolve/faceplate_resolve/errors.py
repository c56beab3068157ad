"""What goes wrong, in one sentence for the artist."""

from __future__ import annotations

__all__ = ["HostError", "StillRunning"]


class HostError(Exception):
    """Something that the artist can read and act upon; nothing in the project was replaced."""


class StillRunning(HostError):
    """The job goes on without the script; the next run of the script picks it up."""
