"""How long work tells where it is, and how it is asked to stop."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from faceplate.control import Control
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
    paused: bool = False
    """Whether the work waits from here on until it is told to go on."""


class Progress:
    """Passes reports to a sink, and raises Cancelled where somebody asked to stop.

    Args:
        sink: Called with every report; None drops them.
        cancelled: Asked at every report; True stops the work at that point.
        control: What the work is told besides; carried out at every report.

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
        control: Control | None = None,
    ) -> None:
        self._sink = sink
        self._cancelled = cancelled
        self.control = control or Control()
        """What the work is told besides to stop."""
        self._began: dict[str, tuple[float, int, int]] = {}
        self._last: Report | None = None

    def check(self) -> None:
        """Do what was asked for, wait while paused; raise Cancelled if somebody asked to stop."""
        self.control.attend(self._is_cancelled, self._say_pause)
        if self._is_cancelled():
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
            self._last = Report(title, done, total, left, frame, preview, figures)
            self._sink(self._last)
        self.check()

    def _is_cancelled(self) -> bool:
        return self._cancelled is not None and self._cancelled()

    def _say_pause(self) -> None:
        if self._sink is not None and self._last is not None:
            self._sink(replace(self._last, preview=None, paused=self.control.paused))

    def _seconds_left(self, title: str, done: int, total: int | None) -> float | None:
        now = time.monotonic() - self.control.paused_s
        began, first, last = self._began.get(title, (now, done, done))
        if done < last:  # the same kind of work begins again
            began, first = now, done
        self._began[title] = began, first, done
        if total is None or done <= first:
            return None
        return (now - began) / (done - first) * (total - done)
