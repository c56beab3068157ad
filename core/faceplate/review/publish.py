"""The verb `review publish`: a finished version is recorded, and whoever wants to know is told.

No job and no call of the server: a command that a person names must run as that person.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from faceplate.context import Context
from faceplate.errors import BadSettings, Cancelled, Exhausted, HookFailed
from faceplate.models.lock import lock_file
from faceplate.review.hooks import Hook, Published, load_settings, open_hooks
from faceplate.review.record import (
    SUFFIX,
    HookState,
    PublishRecord,
    differences,
    read_record,
    write_record,
)
from faceplate.review.version import Naming, find_version

__all__ = ["PublishJob", "PublishResult", "publish"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class PublishJob:
    """Publish a finished version of a shot: write its record, then tell a command and trackers.

    Without settings (`HOME/publish.json`) the record is all. A version is published once: again,
    only hooks that have failed are run.
    """

    result: str
    """The swapped frames: a pattern such as `swap/sh010_v003.%04d.exr`, or a folder."""
    frames: str | None = None
    """Such as ``1001-1100``; None takes all that are there."""
    shot: str = ""
    """Name of the shot; by default as the frames were swapped for, else that of the files."""
    as_version: int | None = None
    """Number of the version, 0 to 999999; by default what files or folder say (`_v003`), else 1."""
    status: str = "rev"
    """In short: ``wtg``, ``ip``, ``rev``, ``apr``, or a word that the studio's tracker knows."""
    notes: tuple[str, ...] = ()
    """What is to be said about it; notes on frames come from the timeline."""
    movie: str | None = None
    """A movie to look at; by default one beside the frames."""
    timeline: str | None = None
    """An OTIO timeline; by default one beside the frames."""
    project: str = ""
    """Name of the production, for trackers; empty: as their settings say."""
    sequence: str = ""
    """Name of the sequence, for trackers; empty: as their settings say."""
    task: str = ""
    """Name of the task, for trackers; empty: as their settings say."""
    config: str | None = None
    """Settings (JSON) in place of `HOME/publish.json`."""
    command: str | None = None
    """A program and its arguments in place of that of the settings. No shell reads them; words like
    {record}, {movie}, {frames}, {version} and {shot} in braces are filled in."""
    hooks: bool = True
    """Run hooks; --no-hooks writes the record alone."""
    again: bool = False
    """Publish a version that is published already anew, and run all hooks again."""
    check: bool = True
    """Hash the frames against their sidecar; --no-check compares their sizes only."""

    def __post_init__(self) -> None:
        if self.as_version is not None and not 0 <= self.as_version <= 999_999:
            raise BadSettings(f"as_version must be from 0 to 999999, got {self.as_version}")


@dataclass(frozen=True)
class HookLine:
    """How a hook fared."""

    hook: str
    state: str
    """``done``, or ``done before``."""
    seconds: float
    detail: str


@dataclass(frozen=True)
class PublishResult:
    """What was published."""

    record: str
    """Path of the record."""
    shot: str
    version: int
    status: str
    frames: str
    movie: str | None
    timeline: str | None
    signed_by: str | None
    """Who signed the sidecar; None where it is not signed, or there is none."""
    hooks: tuple[HookLine, ...]
    """In the order in which they ran; none where none is configured."""


def publish(job: PublishJob, context: Context) -> PublishResult:
    """Publish a version.

    Raises:
        NotFound, MissingFrames, Damaged: The version is not whole.
        BadSettings: Settings are wrong, or the version is published already and was another one.
        NotReady, ExtraMissing: A tracker lacks its secret or its package; nothing is written.
        HookFailed: The record is written, and hooks have failed: all of them have been tried.
        Exhausted: Somebody else publishes this version now.
    """
    settings = load_settings(job.config, context.home)
    hooks = open_hooks(settings, job.command, context) if job.hooks else []
    naming = Naming(
        job.shot, job.as_version, job.status, job.notes, job.project, job.sequence, job.task,
        job.movie, job.timeline,
    )  # fmt: skip
    found, base = find_version(job.result, job.frames, naming, job.check, context)
    path, log = Path(base + SUFFIX), Path(base + SUFFIX).with_suffix(".log")
    with _alone(path, found):
        record = _settled(path, found, job.again)
        write_record(record, path)
        before = {state.name for state in record.hooks if state.done}
        record = _told(hooks, record, path, log, context)
    _complain(hooks, record, path)
    lines = [
        HookLine(state.name, "done before" if hook.name in before else "done", state.seconds,
                 state.detail)
        for hook in hooks if (state := record.hook(hook.name))
    ]  # fmt: skip
    return _result(record, path, tuple(lines))


def _settled(path: Path, found: PublishRecord, again: bool) -> PublishRecord:
    """Return the record of a version, with what an earlier publishing of it has reached."""
    if again or not path.is_file():
        return found
    there = read_record(path)
    other = differences(there, found)
    if other:
        raise BadSettings(
            f"version {found.version} of {found.shot} is published already, with other "
            f"{', '.join(other)} ({path}): make it another version, or publish this one anew with "
            "--again"
        )
    return replace(found, published=there.published, hooks=there.hooks)


def _told(
    hooks: list[Hook], record: PublishRecord, path: Path, log: Path, context: Context
) -> PublishRecord:
    """Run the hooks that are not done yet; the record keeps how each fared."""
    for done, hook in enumerate(hooks, start=1):
        earlier = record.hook(hook.name)
        if earlier is None or not earlier.done:
            reached = dict(earlier.reached) if earlier else {}
            published = Published(record, path, log, reached, context)
            record = _run(hook, published)
        context.progress.report("publish: hooks", done, len(hooks))
    return record


def _run(hook: Hook, published: Published) -> PublishRecord:
    began = time.monotonic()
    _log(published.log, hook.name, "begins")
    stopped: Cancelled | None = None
    try:
        detail, done = hook.run(published), True
    except HookFailed as error:
        detail, done = str(error), False
    except Cancelled as error:
        detail, done, stopped = str(error), False, error
    now = datetime.now(UTC).isoformat(timespec="seconds")
    seconds = round(time.monotonic() - began, 2)
    state = HookState(hook.name, done, now, seconds, detail, published.reached)
    record = published.record.with_hook(state)
    write_record(record, published.path)
    _log(published.log, hook.name, f"{'done' if done else 'failed'}: {detail}")
    logger.info("%s: %s", hook.name, detail)
    if stopped:
        raise stopped
    return record


def _complain(hooks: list[Hook], record: PublishRecord, path: Path) -> None:
    states = [record.hook(hook.name) for hook in hooks]
    failed = [f"{state.name}: {state.detail}" for state in states if state and not state.done]
    if failed:
        raise HookFailed(
            f"{path} is written, and {len(failed)} of {len(hooks)} hooks failed. "
            f"{'. '.join(failed)}. Mend it and publish again: what is done is not repeated"
        )


def _result(record: PublishRecord, path: Path, lines: tuple[HookLine, ...]) -> PublishResult:
    return PublishResult(
        record=str(path),
        shot=record.shot,
        version=record.version,
        status=record.status,
        frames=record.frames.frames,
        movie=record.movie.path if record.movie else None,
        timeline=record.timeline.path if record.timeline else None,
        signed_by=record.signer or None,
        hooks=lines,
    )


def _log(log: Path, name: str, text: str) -> None:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    with log.open("a", encoding="utf-8") as file:
        file.write(f"--- {now} {name} {text}\n")


@contextmanager
def _alone(path: Path, record: PublishRecord) -> Iterator[None]:
    """Let one process at a time publish a version."""
    with path.with_name(f".{path.name}.lock").open("a+b") as file:
        if not lock_file(file):
            raise Exhausted(
                f"version {record.version} of {record.shot} is being published by somebody else: "
                "wait until they are done"
            )
        yield
