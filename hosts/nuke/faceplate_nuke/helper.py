"""`faceplate-client` as a process: spawned, listened to line by line, stopped, killed.

Whatever becomes of Nuke, the helper ends with it: it waits for the end of a pipe that Nuke holds.
"""

from __future__ import annotations

import collections
import json
import logging
import os
import queue
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from faceplate_nuke.errors import PluginError

__all__ = ["SILENCE_S", "STOP_S", "Helper"]

logger = logging.getLogger(__name__)

SILENCE_S = 20.0
"""The helper says something at least every two seconds; starting on a busy machine takes longer."""
STOP_S = 20.0
"""How long a helper that was asked to stop may take to cancel its job."""
CLOSE_S = 3.0
"""How long it may take where nobody listens any more."""


class Helper:
    """One run of the helper.

    Args:
        command: Program and words; it must end when its standard input does.
        environment: Its variables.
        silence_s: It is killed when nothing is heard for so many seconds.

    Raises:
        PluginError: The program cannot be started.
    """

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str] | None = None,
        silence_s: float = SILENCE_S,
    ) -> None:
        self._silence_s = silence_s
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._stop_by: float | None = None
        self.complaints: collections.deque[str] = collections.deque(maxlen=50)
        """The last lines of its standard error."""
        try:
            self._process = subprocess.Popen(
                list(command),
                stdin=subprocess.PIPE,  # its end tells the helper that Nuke is gone
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=dict(environment) if environment is not None else None,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
                start_new_session=os.name == "posix",  # Ctrl-C in Nuke's terminal is Nuke's
            )
        except OSError as error:
            raise PluginError(
                "HelperMissing", f"{command[0]} cannot be started: {error}", "", 6
            ) from error
        self._readers = [
            self._reader(self._process.stdout, self._hear),
            self._reader(self._process.stderr, self._complain),
        ]

    @property
    def pid(self) -> int:
        """Number of the process."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it is there."""
        return self._process.poll() is None

    @property
    def stopping(self) -> bool:
        """Whether it was asked to stop."""
        return self._stop_by is not None

    def events(self, beat_s: float = 0.25) -> Iterator[dict[str, Any]]:
        """Yield what the helper says to its end, and an empty event at least every `beat_s`.

        Raises:
            PluginError: It was silent for too long, was killed, or ended without a word.
        """
        heard, count = time.monotonic(), 0
        while True:
            try:
                line = self._lines.get(timeout=beat_s)
            except queue.Empty:
                self._check_patience(heard)
                yield {}
                continue
            heard = time.monotonic()
            if line is None:
                break
            event = _event(line)
            if event:
                count += 1
                yield event
        code = self._process.wait()
        if not count and not self.stopping:
            self._readers[1].join(timeout=2.0)  # its complaints may still be on their way
            raise PluginError(
                "HelperFailed",
                f"the helper ended with code {code} and said nothing",
                " ".join(list(self.complaints)[-3:]),
            )

    def ask_to_stop(self) -> None:
        """Ask it to cancel its job and end; `events` goes on to its end, or kills it by then.

        It is told by the end of its standard input, which every system has; never waits.
        """
        if self._stop_by is None:
            self._stop_by = time.monotonic() + STOP_S
            if self._process.stdin is not None:
                self._process.stdin.close()

    def kill(self) -> None:
        """End it now. A job that was submitted to be watched is cancelled by the server."""
        if self.running:
            self._process.kill()

    def close(self) -> None:
        """Stop it if it still runs, kill it if it does not, and free its pipes."""
        self.ask_to_stop()
        try:
            self._process.wait(CLOSE_S)
        except subprocess.TimeoutExpired:
            self.kill()
            self._process.wait()
        for reader in self._readers:
            reader.join(timeout=2.0)
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()

    def _check_patience(self, heard: float) -> None:
        now = time.monotonic()
        if self._stop_by is not None and now > self._stop_by:
            self.kill()
            raise PluginError("HelperSilent", "the helper did not stop and was killed", "", 130)
        if now - heard > self._silence_s:
            self.kill()
            raise PluginError(
                "HelperSilent",
                f"the helper said nothing for {self._silence_s:.0f} s and was killed",
                "Look whether the server hangs: `faceplate-client health`.",
                8,
            )

    def _reader(self, stream: Any, take: Any) -> threading.Thread:
        def read() -> None:
            for line in stream:
                take(line.decode("utf-8", "replace"))
            take(None)

        thread = threading.Thread(target=read, name="faceplate-helper", daemon=True)
        thread.start()
        return thread

    def _hear(self, line: str | None) -> None:
        self._lines.put(line)

    def _complain(self, line: str | None) -> None:
        if line:
            self.complaints.append(line.rstrip())
            logger.info("helper: %s", line.rstrip())


def _event(line: str) -> dict[str, Any]:
    try:
        event = json.loads(line)
    except ValueError:
        event = None
    if isinstance(event, dict) and isinstance(event.get("event"), str):
        return event
    logger.warning("the helper said what is no event: %s", line.rstrip()[:200])
    return {}
