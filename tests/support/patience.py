"""Limits of time that hold where other programs are at work, too."""

import os

__all__ = ["within"]


def within(seconds: float) -> float:
    """Return a limit, longer by as much as there is more at work than there are processors."""
    busy = os.getloadavg()[0] / (os.cpu_count() or 1) if hasattr(os, "getloadavg") else 1.0
    return seconds * max(1.0, busy)
