"""How much memory this process has taken at its most."""

from pathlib import Path

__all__ = ["peak_bytes"]


def peak_bytes() -> int:
    """Return the most resident memory since the program began.

    Not getrusage's `ru_maxrss`: Linux lets a new program inherit the peak of the process that
    started it, here of pytest itself.
    """
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("the system does not tell the peak of a process")
