"""JSON lines on standard output, never silent for longer than two seconds."""

from __future__ import annotations

import json
import math
import threading
import time
from typing import Any, TextIO

__all__ = ["BEAT_S", "Output"]

BEAT_S = 1.5
"""Longest silence; a host gives up on a helper that says nothing for longer than some of these."""


class Output:
    """Writes events, from any thread; use it as a context manager.

    A reader that went away ends the writing and no more: a job does not die with a pipe.
    """

    def __init__(self, stream: TextIO, beat_s: float = BEAT_S) -> None:
        self._stream, self._beat_s = stream, beat_s
        self._lock = threading.Lock()
        self._last = time.monotonic()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def __enter__(self) -> Output:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def __call__(self, event: str, **values: Any) -> None:
        """Write one event. Figures that are not finite become null, as JSON has none."""
        line = json.dumps({"event": event, **_finite(values)}, allow_nan=False)
        with self._lock:
            self._last = time.monotonic()
            try:
                self._stream.write(line + "\n")
                self._stream.flush()
            except (BrokenPipeError, ValueError):
                self._over.set()

    def _beat(self) -> None:
        wait = self._beat_s
        while not self._over.wait(wait):
            silent = time.monotonic() - self._last
            if silent >= self._beat_s:
                self("heartbeat")
                silent = 0.0
            wait = self._beat_s - silent


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return value
