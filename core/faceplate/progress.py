"""How long work tells where it is, and how it is asked to stop."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from faceplate.errors import Cancelled

__all__ = ["Progress", "Report"]


@dataclass(frozen=True)
class Report:
    """One message of progress."""

    title: str
    """What is being done, such as ``analyse``."""
    done: int
    """Units finished: frames, faces or steps."""
    total: int | None
    """Units in all; None where it is not known."""
    seconds_left: float | None = None
    """Estimate from the mean speed of this run."""
    frame: int | None = None
    """The frame that was just finished, where units are frames."""
    preview: Path | None = None
    """A picture that was just written."""
    figures: Mapping[str, float] = field(default_factory=dict)
    """Losses, it/s and the like, by name."""


class Progress:
    """Passes reports to a sink, and raises Cancelled where somebody asked to stop.

    Args:
        sink: Called with every report; None drops them.
        cancelled: Asked at every report; True stops the work at that point.

    Example:
        >>> seen = []
        >>> Progress(seen.append).report("analyse", 1, 2, frame=1001)
        >>> seen[0].done, seen[0].total
        (1, 2)
    """

    def __init__(
        self,
        sink: Callable[[Report], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> None:
        self._sink = sink
        self._cancelled = cancelled
        self._began: dict[str, tuple[float, int]] = {}

    def check(self) -> None:
        """Raise Cancelled if somebody asked to stop."""
        if self._cancelled is not None and self._cancelled():
            raise Cancelled("stopped on request; what was finished is kept")

    def report(
        self,
        title: str,
        done: int,
        total: int | None,
        *,
        frame: int | None = None,
        preview: Path | None = None,
        **figures: float,
    ) -> None:
        """Send one report. Raises Cancelled if somebody asked to stop."""
        if self._sink is not None:
            left = self._seconds_left(title, done, total)
            self._sink(Report(title, done, total, left, frame, preview, figures))
        self.check()

    def _seconds_left(self, title: str, done: int, total: int | None) -> float | None:
        now = time.monotonic()
        began, first = self._began.setdefault(title, (now, done))
        if total is None or done <= first:
            return None
        return (now - began) / (done - first) * (total - done)
