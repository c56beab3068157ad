"""What the system says of memory."""

import os
from pathlib import Path

__all__ = ["memory_of", "oom_kills"]

_PROC = Path("/proc")


def memory_of(pid: int | None) -> int:
    """Return the bytes in memory of a session of processes, or of this process for None.

    0 where the system does not tell.
    """
    if pid is None:
        return _resident("self")
    try:
        members = [each.name for each in _PROC.iterdir() if each.name.isdecimal()]
    except OSError:
        return 0
    return sum(_resident(member) for member in members if _session(member) == pid)


def oom_kills() -> int:
    """Return how many processes the system has killed for want of memory since it started."""
    try:
        lines = (_PROC / "vmstat").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))


def _resident(pid: str) -> int:
    try:
        return int((_PROC / pid / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError, ValueError):  # it has ended meanwhile
        return 0


def _session(pid: str) -> int:
    try:
        return os.getsid(int(pid))
    except OSError:
        return 0
