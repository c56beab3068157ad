"""What running work can be told besides to stop: to pause, go on, save or draw a preview."""

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

__all__ = ["COMMANDS", "Control"]

logger = logging.getLogger(__name__)

COMMANDS = ("pause", "resume", "save", "preview")
"""All that work may be told. Every verb pauses and resumes; the others are of those that say so."""

_POLL_S = 0.05


class Control:
    """Takes commands from anywhere and carries them out where the work can bear it.

    `send` may be called from threads and from signal handlers: it takes no lock.

    Example:
        >>> control, done = Control(), []
        >>> with control.handling({"save": lambda: done.append("saved")}):
        ...     control.send("save")
        ...     control.attend()
        >>> done
        ['saved']
    """

    def __init__(self) -> None:
        self._sent: deque[str] = deque()
        self._handlers: Mapping[str, Callable[[], object]] = {}
        self.paused = False
        """Whether the work waits, or will at its next report."""
        self.paused_s = 0.0
        """Seconds that the work has waited in all."""

    def send(self, command: str) -> None:
        """Ask for one of `COMMANDS`; it is done at the next report."""
        self._sent.append(command)

    @contextmanager
    def handling(self, handlers: Mapping[str, Callable[[], object]]) -> Iterator[None]:
        """Carry out these commands while the context lasts."""
        before, self._handlers = self._handlers, handlers
        try:
            yield
        finally:
            self._handlers = before

    def attend(
        self, stopped: Callable[[], bool] = bool, say: Callable[[], object] = lambda: None
    ) -> None:
        """Do what was asked for, and wait while paused.

        Args:
            stopped: True ends the wait.
            say: Called where a pause begins and where it ends.
        """
        self._work()
        if not self.paused:
            return
        began = time.monotonic()
        say()
        while self.paused and not stopped():
            time.sleep(_POLL_S)
            self._work()
        self.paused_s += time.monotonic() - began
        say()

    def _work(self) -> None:
        while self._sent:
            command = self._sent.popleft()
            if command in ("pause", "resume"):
                self.paused = command == "pause"
            elif command in self._handlers:
                self._handlers[command]()
            else:
                logger.warning("this work cannot %s; nothing is done", command)
