"""`faceplate-client`, a process of its own: it writes JSON lines into a file, which is read here.

The process and its job go on where the script ends first; the next run looks at the job again.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faceplate_resolve.errors import HostError, StillRunning
from faceplate_resolve.settings import Settings

__all__ = ["Client", "Following", "find_client"]

POLL_S = 0.1
SILENCE_S = 20.0
"""The helper says something at least every two seconds; silent for so long, it hangs."""

Event = dict[str, Any]


def find_client(settings: Settings, installed: str, environ: dict[str, str]) -> str:
    """Return the helper's program: setting, environment, what was installed, PATH.

    Raises:
        HostError: There is none.
    """
    for named in (settings.client, environ.get("FACEPLATE_CLIENT"), installed):
        if named:
            return settings.full(named) if os.path.basename(named) != named else str(named)
    found = shutil.which("faceplate-client", path=environ.get("PATH"))
    if found:
        return found
    raise HostError(
        f'faceplate-client is not on the PATH: set "client" in {settings.path} to where it is.'
    )


@dataclass
class Following:
    """How a job is followed: until when, and who is told."""

    until: float
    """As time.monotonic() counts."""
    cancel: Path
    """Where this file comes up, the job is cancelled."""
    say: Callable[[str], None]
    submitted: Callable[[str], None]
    """Takes the job's id as soon as there is one."""


class Client:
    """Runs the helper.

    Args:
        program: Of the helper.
        settings: Where the server is.
        folder: For what the helper says.
    """

    def __init__(self, program: str, settings: Settings, folder: Path) -> None:
        self._command = [program, "--home", str(settings.home)]
        if settings.server:
            self._command += ["--server", settings.server]
        if settings.token_file:
            self._command += ["--token-file", settings.full(settings.token_file)]
        self._folder = folder

    def submit(self, verb: str, values: dict[str, Any], following: Following) -> dict[str, Any]:
        """Run a job to its end and return its result. Raises HostError or StillRunning."""
        path = self._folder / f"{verb}.json"
        path.write_text(json.dumps(values, indent=2), encoding="utf-8")
        return self._follow(verb, ["submit", verb, "--json", str(path)], following)

    def watch(self, verb: str, job: str, following: Following) -> dict[str, Any]:
        """Follow a job that an earlier run submitted. Raises as `submit`."""
        return self._follow(verb, ["watch", job], following)

    def _follow(self, verb: str, words: list[str], following: Following) -> dict[str, Any]:
        # a helper of an earlier run may still write into its own
        runs = itertools.count(1)
        events = next(path for path in map(self._events(verb), runs) if not path.exists())
        with events.open("wb") as out, events.with_suffix(".stderr").open("wb") as err:
            process = self._spawn(words, out, err)
        try:
            return self._to_the_end(_Follower(self, verb, events, process, following))
        except StillRunning:
            if process.poll() is None:
                process.returncode = 0  # it goes on; Popen would complain of a child left alone
            raise
        except HostError:
            _let_end(process)
            raise

    def _to_the_end(self, follower: _Follower) -> dict[str, Any]:
        while True:
            result = follower.step()
            if result is not None:
                _let_end(follower.process)
                return result
            time.sleep(POLL_S)

    def _events(self, verb: str) -> Callable[[int], Path]:
        return lambda run: self._folder / f"{verb}.{run}.jsonl"

    def cancel(self, job: str) -> None:
        """Ask the server to cancel a job."""
        done = subprocess.run(
            [*self._command, "cancel", job], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise HostError(f"The job {job} could not be cancelled: {done.stdout.strip()}")

    def _spawn(self, words: list[str], out: Any, err: Any) -> subprocess.Popen[bytes]:
        apart: dict[str, Any] = {"start_new_session": True}
        if os.name == "nt":
            apart = {"creationflags": 0x00000200 | 0x08000000}  # new process group, no window
        try:
            return subprocess.Popen(
                [*self._command, *words], stdin=subprocess.DEVNULL, stdout=out, stderr=err, **apart
            )
        except OSError as error:
            raise HostError(
                f"The helper {self._command[0]} does not start ({error.strerror}): correct "
                '"client" in the settings.'
            ) from error


class _Follower:
    """Reads what a helper says, line by line, until there is a result."""

    def __init__(
        self,
        client: Client,
        verb: str,
        events: Path,
        process: subprocess.Popen[bytes],
        following: Following,
    ) -> None:
        self._client, self._verb, self._events = client, verb, events
        self.process, self._following = process, following
        self._read, self._heard, self._tenth = 0, time.monotonic(), -1
        self._job = ""
        self._cancelled = False

    def step(self) -> dict[str, Any] | None:
        """Read what is new; returns the result where there is one. Raises HostError."""
        ended = self.process.poll() is not None  # asked first: what it said before is then there
        for event in self._new_events():
            result = self._take(event)
            if result is not None:
                return result
        if ended:
            raise StillRunning(self._died()) if self._job else HostError(self._died())
        self._check_cancel()
        if time.monotonic() - self._heard > SILENCE_S:
            raise StillRunning(
                f"The helper has said nothing for {SILENCE_S:.0f} s. Run the script again to look "
                f"at the job {self._job or 'again'}."
            )
        if self._job and time.monotonic() > self._following.until:
            raise StillRunning(
                f"The {self._verb} goes on without the script (job {self._job}). Run the script "
                "again to bring its result in."
            )
        return None

    def _new_events(self) -> list[Event]:
        with self._events.open("rb") as file:
            file.seek(self._read)
            text = file.read()
        lines = text[: text.rfind(b"\n") + 1]
        self._read += len(lines)
        if lines:
            self._heard = time.monotonic()
        return [json.loads(line) for line in lines.splitlines() if line.startswith(b"{")]

    def _take(self, event: Event) -> dict[str, Any] | None:
        kind = event.get("event")
        if event.get("job") and not self._job:
            self._job = event["job"]
            self._following.submitted(self._job)
        if kind == "progress":
            self._say_progress(event)
        elif kind == "done":
            return dict(event.get("result") or {})
        elif kind == "cancelled":
            raise HostError(f"The {self._verb} was cancelled; nothing was brought in.")
        elif kind == "error":
            # a job outlives its server, so one that was submitted is looked at again
            away = event.get("code") == "Unreachable"
            raise StillRunning(_sentence(event)) if away else HostError(_sentence(event))
        return None

    def _say_progress(self, event: Event) -> None:
        total = event.get("total") or 0
        tenth = int(10 * event.get("done", 0) / total) if total else -1
        if tenth != self._tenth:
            self._tenth = tenth
            self._following.say(f"{event.get('title') or self._verb}: {event.get('done')}/{total}")

    def _check_cancel(self) -> None:
        if self._job and not self._cancelled and self._following.cancel.exists():
            self._cancelled = True
            self._following.say("cancelling ...")
            self._client.cancel(self._job)
            self._following.cancel.unlink()

    def _died(self) -> str:
        error = self._events.with_suffix(".stderr").read_text("utf-8", "replace").strip()
        said = f": {error.splitlines()[-1]}" if error else ""
        return (
            f"The helper ended with code {self.process.returncode} and without a result{said}. "
            + (f"Run the script again to look at job {self._job}." if self._job else "")
        ).strip()


def _let_end(process: subprocess.Popen[bytes]) -> None:
    """Give a helper that has said its last word the time to end."""
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _sentence(event: Event) -> str:
    words = [str(event.get("message") or event.get("code") or "the job failed").rstrip(".") + "."]
    if event.get("hint"):
        words.append(str(event["hint"]))
    if event.get("request_id"):
        words.append(f"(request {event['request_id']})")
    elif event.get("job"):
        words.append(f"(job {event['job']})")
    return " ".join(words)
