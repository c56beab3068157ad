"""A command at work in a thread, while the main thread listens to signals.

A signal's handler interrupts whatever the main thread does. If it raised there, in the midst of
gRPC, a lock could stay taken for ever. So the main thread does nothing that it could spoil: it
waits for what it is told.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any

__all__ = ["Work"]

_LOOK_S = 0.2  # on Windows a handler runs between two looks, and not within one
_SUBMITTED, _OVER = "submitted", "over"


class Work:
    """A command that runs; signals are listened to from now on.

    Args:
        command: Returns the exit code.
        held: A signal is kept back until `submitted`: a job without an id cannot be cancelled.
    """

    def __init__(self, command: Callable[[Work], int], held: bool) -> None:
        self._command, self._held = command, held
        self._code: int | None = None
        self._error: BaseException | None = None
        # a SimpleQueue may be put to by a handler that interrupts its own reader
        self._told: SimpleQueue[int | str] = SimpleQueue()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._handle)
        self._thread = threading.Thread(target=self._run, name="command", daemon=True)
        self._thread.start()

    def submitted(self) -> None:
        """Tell that the job's id is known; to be called by the command."""
        self._told.put(_SUBMITTED)

    def wait(self) -> int | None:
        """Return the number of the signal that came, or None where the command came to its end.

        The next signal ends the process at once.
        """
        came = None
        while not came or self._held:
            told = self._next()
            if told == _OVER:
                return None
            if isinstance(told, int):
                came = told
            else:
                self._held = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        return came

    def result(self) -> int:
        """Return the exit code of a command that came to its end, or raise its error."""
        if self._error is not None:
            raise self._error
        return self._code or 0

    def end_within(self, seconds: float) -> None:
        """Wait for a command that comes to its end by itself."""
        self._thread.join(seconds)

    def _handle(self, number: int, _: Any) -> None:
        self._told.put(number)

    def _run(self) -> None:
        try:
            self._code = self._command(self)
        except BaseException as error:  # noqa: BLE001 - raised again where its result is asked for
            self._error = error
        self._told.put(_OVER)

    def _next(self) -> int | str:
        while True:
            try:
                return self._told.get(timeout=_LOOK_S)
            except Empty:
                continue
