"""What is done with a published version: a command of the studio's, and trackers.

All of it is off until a person configures it, in a file of their own or on their own command line.
No job has a setting that names a command (docs/decisions/092): a server never comes here.
"""

import os
import re
import shlex
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from faceplate.config import from_json
from faceplate.context import Context
from faceplate.errors import BadSettings, HookFailed, NotFound, Refused
from faceplate.registry import Registry
from faceplate.review.record import HookState, PublishRecord, write_record

__all__ = [
    "PLACEHOLDERS",
    "TRACKERS",
    "Command",
    "Hook",
    "PublishSettings",
    "Published",
    "TrackerType",
    "load_settings",
    "open_hooks",
]

_GRACE_S = 2.0
"""Seconds between a request to end and the end, for a command that takes too long."""

_LOOK_S = 0.1
"""Seconds between two looks at a command that runs."""

_TAIL = 300
"""Letters of a command's last line that its error quotes."""

_PLACEHOLDER = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class PublishSettings:
    """What happens after publishing: `HOME/publish.json`."""

    command: tuple[str, ...] = ()
    """Program and its arguments, one by one; no shell reads them. See `PLACEHOLDERS`."""
    timeout_s: float = 600.0
    """Seconds that the command may take, 0.1 to 86400."""
    trackers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Name of a tracker (`TRACKERS`) to its settings."""

    def __post_init__(self) -> None:
        if not 0.1 <= self.timeout_s <= 86_400:
            raise BadSettings(f"timeout_s must be from 0.1 to 86400 seconds, got {self.timeout_s}")


@dataclass(frozen=True)
class Published:
    """What a hook is told."""

    record: PublishRecord
    path: Path
    """Of the record."""
    log: Path
    """Where output goes."""
    reached: dict[str, str]
    """What an earlier try has made already, by its ids."""
    context: Context

    def reach(self, hook: str, name: str, made: str) -> None:
        """Keep the id of what a hook has just made: whatever happens next, it is not made again."""
        self.reached[name] = made
        state = HookState(hook, False, "", 0.0, "begun", dict(self.reached))
        write_record(self.record.with_hook(state), self.path)


class Hook(Protocol):
    """Something that is told of a published version."""

    name: str

    def run(self, published: Published) -> str:
        """Tell it; returns what came of it, in one sentence. Raises HookFailed or Cancelled."""
        ...


class TrackerType(Protocol):
    """What `TRACKERS` holds: makes a tracker from its settings, without asking anybody yet."""

    def __call__(self, settings: Mapping[str, Any], context: Context) -> Hook:
        """Raises BadSettings, NotReady (no secret) or ExtraMissing (no package)."""
        ...


TRACKERS: Registry[TrackerType] = Registry(
    "tracker", {"kitsu": "faceplate.review.kitsu:Kitsu"}, group="faceplate.trackers"
)
"""Names of trackers. Another one is a file and a line here."""

PLACEHOLDERS: Mapping[str, str] = {
    "record": "path of the record (it is also the command's standard input)",
    "name": "name of the version's files, such as sh010_v003",
    "shot": "name of the shot",
    "version": "its number, such as 3",
    "status": "its status",
    "frames": "pattern of the frames",
    "range": "such as 1001-1100",
    "movie": "path of the movie; empty where there is none",
    "timeline": "path of the timeline; empty where there is none",
    "sidecar": "path of the sidecar; empty where there is none",
    "project": "as --project says, else empty",
    "sequence": "as --sequence says, else empty",
    "task": "as --task says, else empty",
}
"""What may stand in braces in the words of a command."""


def load_settings(path: str | None, home: Path) -> PublishSettings:
    """Read the settings of a person: a file, or `publish.json` of the home folder if it is there.

    Raises:
        NotFound: A file that is named is not there.
        BadSettings: It is wrong.
        Refused: Anybody may change it, and with it what runs here.
    """
    file = Path(path) if path else home / "publish.json"
    if not file.is_file():
        if path:
            raise NotFound(f"{path} does not exist")
        return PublishSettings()
    if os.name == "posix" and file.stat().st_mode & 0o002:
        raise Refused(f"{file} may be changed by anybody, and names a command: `chmod o-w {file}`")
    return from_json(PublishSettings, file)


def open_hooks(settings: PublishSettings, command: str | None, context: Context) -> list[Hook]:
    """Return the hooks of a person, checked but not run: trackers, then the command.

    Args:
        settings: Theirs.
        command: A command in one text, in place of that of the settings.
        context: For the secrets in its environment.

    Raises:
        BadSettings, UnknownComponent, NotReady, ExtraMissing: Something cannot work.
    """
    words = _split(command) if command else settings.command
    opened: list[Hook] = [
        TRACKERS.load(name)(values, context) for name, values in settings.trackers.items()
    ]
    return [*opened, *([Command(words, settings.timeout_s)] if words else [])]


def _split(command: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(command))
    except ValueError as error:
        raise BadSettings(f"command {command!r}: {error}") from error


class Command:
    """A program of the studio's.

    Args:
        words: Program and arguments, with placeholders.
        timeout_s: Seconds that it may take.

    Raises:
        BadSettings: A placeholder that means nothing.
    """

    name = "command"

    def __init__(self, words: tuple[str, ...], timeout_s: float) -> None:
        wrong = {name for word in words for name in _PLACEHOLDER.findall(word)} - set(PLACEHOLDERS)
        if wrong:
            known = ", ".join(PLACEHOLDERS)
            raise BadSettings(f"command: {{{min(wrong)}}} means nothing; there are {known}")
        self._words, self._timeout_s = words, timeout_s

    def run(self, published: Published) -> str:
        """Run it, its output going to the log.

        Raises:
            HookFailed: It cannot be started, takes too long, or ends with another code than 0.
            Cancelled: Somebody asked to stop; it was ended.
        """
        words = _filled(self._words, published)
        with published.path.open("rb") as record, published.log.open("ab") as log:
            began = log.tell()
            process = _started(words, record, log)
            try:
                code = self._ended(process, published.context)
            finally:
                _end(process)
        if code is None:
            raise HookFailed(f"{words[0]} took longer than {self._timeout_s:g} s and was ended; "
                             f"its output is in {published.log}")  # fmt: skip
        if code:
            said = _tail(published.log, began)
            raise HookFailed(
                f"{words[0]} ended with {code}{said}; its output is in {published.log}"
            )
        return f"{Path(words[0]).name} ended with 0"

    def _ended(self, process: subprocess.Popen[bytes], context: Context) -> int | None:
        until = time.monotonic() + self._timeout_s
        while time.monotonic() < until:
            context.progress.check()
            try:
                return process.wait(_LOOK_S)
            except subprocess.TimeoutExpired:
                continue
        return None


def _filled(words: tuple[str, ...], published: Published) -> list[str]:
    """Return words with their placeholders filled; a value that looks like one stays as it is."""
    record = published.record
    values = {
        "record": published.path.resolve(),
        "frames": record.frames.pattern,
        "range": record.frames.frames,
        **{name: getattr(record, name) for name in
           ("name", "shot", "version", "status", "project", "sequence", "task")},
        **{name: file.path if (file := getattr(record, name)) else ""
           for name in ("movie", "timeline", "sidecar")},
    }  # fmt: skip
    return [_PLACEHOLDER.sub(lambda found: str(values[found[1]]), word) for word in words]


def _started(words: list[str], record: Any, log: Any) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            words,
            stdin=record,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=os.name == "posix",  # so that all it has started can be ended
        )
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise HookFailed(f"the command {words[0]} cannot be started: {reason}") from error


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a command that still runs, and all that it has started."""
    if process.poll() is not None:
        return
    for number in (signal.SIGTERM, getattr(signal, "SIGKILL", signal.SIGTERM)):
        if os.name == "posix":
            os.killpg(process.pid, number)
        else:
            process.kill()
        try:
            process.wait(_GRACE_S)
            return
        except subprocess.TimeoutExpired:
            continue


def _tail(log: Path, began: int) -> str:
    with log.open("rb") as file:
        file.seek(began)
        lines = file.read().decode("utf-8", "replace").split("\n")
    said = [line.strip() for line in lines if line.strip()]
    return f", saying {said[-1][:_TAIL]!r}" if said else ""
