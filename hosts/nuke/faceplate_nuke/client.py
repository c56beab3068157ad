"""What the plug-in asks of the helper: each question is one process."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from faceplate_nuke.errors import Cancelled, PluginError
from faceplate_nuke.helper import SILENCE_S, Helper

__all__ = ["Client", "Listener", "Watched"]

Listener = Callable[[dict[str, Any]], bool]
"""Is given every event, and an empty one now and then; returns whether to go on."""

_ENDS = ("done", "cancelled", "error")


@dataclass
class Watched:
    """Who must be able to end what runs: a script that is closed, an artist who cancels."""

    helper: Helper | None = None
    stopped: bool = False

    def take(self, helper: Helper | None) -> None:
        """Remember the helper that runs now."""
        self.helper = helper
        if helper is not None and self.stopped:
            helper.ask_to_stop()

    def stop(self) -> None:
        """End it with its job, and whatever would follow it; never waits."""
        self.stopped = True
        if self.helper is not None:
            self.helper.ask_to_stop()


@dataclass(frozen=True)
class Client:
    """How to reach the helper and through it the server."""

    program: str
    """Path of `faceplate-client`."""
    server: str = ""
    """Address; empty leaves it to the helper: ``$FACEPLATE_SERVER``, else the home folder's."""
    environment: Mapping[str, str] = field(default_factory=dict)
    silence_s: float = SILENCE_S

    def ask(
        self,
        words: Sequence[str],
        listener: Listener = lambda event: True,
        watched: Watched | None = None,
    ) -> dict[str, Any]:
        """Ask something that has one answer, and return it.

        Raises:
            Cancelled: The listener asked to stop.
            PluginError: It failed.
        """
        return self._run(words, listener, watched or Watched())

    def submit(
        self,
        verb: str,
        settings: Mapping[str, Any],
        listener: Listener,
        watched: Watched | None = None,
    ) -> dict[str, Any]:
        """Run a job to its end and return its result.

        Raises:
            Cancelled: The listener asked to stop, or somebody else cancelled the job.
            PluginError: It failed.
        """
        # with the helper, however that ends, the job ends too: it may be killed
        words = ["submit", verb, "--cancel-on-disconnect", "--json", json.dumps(dict(settings))]
        event = self._run(words, listener, watched or Watched())
        result = event.get("result")
        return result if isinstance(result, dict) else {}

    def _run(self, words: Sequence[str], listener: Listener, watched: Watched) -> dict[str, Any]:
        server = ["--server", self.server] if self.server else []
        words = [self.program, *server, "--with-parent", *words]
        helper = Helper(words, self.environment, self.silence_s)
        watched.take(helper)
        try:
            return _checked(_listen(helper, listener), helper)
        except PluginError as error:
            if watched.stopped:
                raise Cancelled("the script was closed") from error
            raise
        finally:
            watched.take(None)
            helper.close()


def _listen(helper: Helper, listener: Listener) -> dict[str, Any]:
    last: dict[str, Any] = {}
    for event in helper.events():
        if event and event["event"] not in ("heartbeat", "progress", "submitted"):
            last = event
        if not listener(event):
            helper.ask_to_stop()
    return last


def _checked(last: dict[str, Any], helper: Helper) -> dict[str, Any]:
    kind = last.get("event")
    if kind == "cancelled":
        raise Cancelled("the job was cancelled")
    if kind == "error":
        raise PluginError.of_event(last)
    if kind is None and helper.stopping:
        raise Cancelled("it was stopped")
    if kind is None:
        raise PluginError(
            "HelperFailed", "the helper ended before the end of the job",
            " ".join(list(helper.complaints)[-3:]),
        )  # fmt: skip
    return last
