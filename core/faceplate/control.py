"""What running work can be told besides to stop: to pause, go on, save or draw a preview."""

import logging
import signal
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

__all__ = ["COMMANDS", "Control", "drop_after"]

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


@contextmanager
def drop_after(grace_s: float, drop: Callable[[int], None]) -> Iterator[None]:
    """Drop the work within if it goes on for too long after SIGINT or SIGTERM.

    Python's own handlers wait for the main thread, which may be in a library for minutes: a network
    that runs, a large file that is compressed. So a thread hears of signals too.

    Args:
        grace_s: Seconds that the work has.
        drop: Called in that thread with the number of the signal; does not return, as a rule.
    """
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    ended = threading.Event()
    thread = threading.Thread(target=_drop, args=(reader, ended, grace_s, drop), daemon=True)
    thread.start()
    before = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        ended.set()
        writer.close()
        thread.join()
        reader.close()


def _drop(
    reader: socket.socket, ended: threading.Event, grace_s: float, drop: Callable[[int], None]
) -> None:
    while heard := reader.recv(16):  # a byte for each signal: its number
        asked = [number for number in heard if number in (signal.SIGINT, signal.SIGTERM)]
        if asked:
            if not ended.wait(grace_s):
                drop(asked[0])
            return
