"""JSON lines of a child process, seen from inside it."""

import json
import os
import signal
import threading
from collections.abc import Callable
from typing import Any, TextIO

__all__ = ["Writer", "claim_output", "read_line", "watch_parent"]


class Writer:
    """Writes JSON lines, from any thread."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def __call__(self, event: str, **values: Any) -> None:
        """Write one line. A reader that is gone is no error: standard input closes as well."""
        with self._lock:
            try:
                self._stream.write(json.dumps({"event": event, **values}) + "\n")
                self._stream.flush()
            except BrokenPipeError:
                pass


def claim_output() -> Writer:
    """Return a writer to standard output; what libraries print there goes to the log instead."""
    stream = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return Writer(stream)


def read_line() -> dict[str, Any] | None:
    """Return the next line of standard input; None where the server is gone.

    Unbuffered, as nothing may be left for a later reader of the descriptor to miss.
    """
    line = bytearray()
    while not line.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            return None
        line += byte
    return dict(json.loads(line))


def watch_parent(
    gone: Callable[[], None], grace_s: float, heard: Callable[[dict[str, Any]], object]
) -> None:
    """Pass every line of standard input to `heard`, and call `gone` when it closes.

    The process group is killed `grace_s` later.
    """

    def wait() -> None:
        while (line := read_line()) is not None:
            heard(line)
        gone()
        threading.Event().wait(grace_s)
        os.killpg(0, signal.SIGKILL)  # its children too: nobody else would

    threading.Thread(target=wait, daemon=True, name="watch-parent").start()
