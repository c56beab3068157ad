"""Units per second over the last reports."""

import time
from collections import deque
from collections.abc import Callable

__all__ = ["Rate"]


class Rate:
    """Remembers the last reports of a title; a new title starts anew.

    Args:
        window: How many reports count.
        clock: Seconds, monotonic.

    Example:
        >>> ticks = iter([0.0, 0.5, 1.0])
        >>> rate = Rate(clock=lambda: next(ticks))
        >>> [rate.of("train", done) for done in (0, 10, 20)]
        [0.0, 20.0, 20.0]
    """

    def __init__(self, window: int = 32, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._title = ""
        self._seen: deque[tuple[float, int]] = deque(maxlen=window)

    def of(self, title: str, done: int) -> float:
        """Return the rate after one more report; 0.0 where it cannot be known yet."""
        if title != self._title:
            self._title = title
            self._seen.clear()
        self._seen.append((self._clock(), done))
        (began, first), (now, last) = self._seen[0], self._seen[-1]
        return (last - first) / (now - began) if now > began and last > first else 0.0
