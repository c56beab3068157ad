"""What is known of jobs beyond the store, while the server runs: progress, processes, watchers."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from faceplate_server.process import Child
from faceplate_server.store import JobRecord, JobStore, State

__all__ = ["Life", "Lives"]

logger = logging.getLogger(__name__)

NOTED_EVERY_S = 1.0
"""Watchers get every report; the store is for after a restart."""


@dataclass
class Life:
    """Of one job that has not ended."""

    changed: asyncio.Event = field(default_factory=asyncio.Event)
    progress: dict[str, Any] = field(default_factory=dict)
    noted: float = 0.0
    watchers: int = 0
    child: Child | None = None
    """Its worker, where one was started."""
    stop_reason: str = ""
    """Why it is to stop; empty where it is not."""
    grace_s: float = 0.0
    """From the polite request to stop to SIGKILL."""
    killer: asyncio.Task[None] | None = None

    def stop(self, reason: str) -> None:
        """Ask its worker to stop, and see to it that it does; the first reason counts."""
        self.stop_reason = self.stop_reason or reason
        if self.child is not None and self.killer is None:
            self.killer = asyncio.create_task(self.child.stop(self.grace_s))


class Lives:
    """The lives of all jobs. All methods run on the server's event loop.

    Args:
        store: Where reports and ends are written down.
        heartbeat_s: Whoever watches a job hears of it at least that often.
        unwatched: Told of a tied job that nobody watches any more.
    """

    def __init__(
        self, store: JobStore, heartbeat_s: float, unwatched: Callable[[JobRecord], None]
    ) -> None:
        self._store, self._heartbeat_s, self._unwatched = store, heartbeat_s, unwatched
        self._lives: dict[str, Life] = {}

    def of(self, job_id: str) -> Life:
        """Return the life of a job that has not ended."""
        return self._lives.setdefault(job_id, Life())

    def find(self, job_id: str) -> Life | None:
        """Return the life of a job; None where it has ended, or nothing is known of it yet."""
        return self._lives.get(job_id)

    def working(self) -> dict[str, Child]:
        """Return the workers that are alive, by job."""
        children = {job: life.child for job, life in self._lives.items()}
        return {job: child for job, child in children.items() if child is not None and child.alive}

    def newest(self, job: JobRecord) -> JobRecord:
        """Return a job with its newest progress."""
        life = self._lives.get(job.id)
        return replace(job, progress=life.progress) if life and life.progress else job

    def publish(self, job_id: str) -> None:
        """Wake whoever watches a job."""
        life = self.of(job_id)
        life.changed.set()
        life.changed = asyncio.Event()

    def report(self, job_id: str, report: Mapping[str, Any]) -> None:
        """Take a report of a worker."""
        life = self.of(job_id)
        progress = {name: value for name, value in report.items() if name != "event"}
        progress["preview"] = report["preview"] or life.progress.get("preview")
        life.progress = progress
        now = time.monotonic()
        if now - life.noted > NOTED_EVERY_S:
            life.noted = now
            self._store.note(job_id, progress)
        self.publish(job_id)

    def end(self, job_id: str, state: State, **outcome: Any) -> None:
        """Write down how a job ended, and tell."""
        life = self.of(job_id)
        if life.progress:
            self._store.note(job_id, life.progress)
        self._store.end(job_id, state, **outcome)
        self.publish(job_id)
        self._lives.pop(job_id)  # watchers hold what they need
        logger.info("job %s %s", job_id, state, extra={"job": job_id})

    async def watch(self, job_id: str) -> AsyncIterator[tuple[JobRecord, bool]]:
        """Yield a job now, at every change, and at every heartbeat, until it has ended.

        The second value is True where nothing has changed. Reports that come faster than they are
        sent are left out, all but the newest. Raises NotFound.
        """
        job = self.newest(self._store.get(job_id))
        if job.ended:
            yield job, False
            return
        life = self.of(job_id)
        life.watchers += 1
        try:
            changed = life.changed
            yield job, False
            while not job.ended:
                beat = not await _happens(changed, self._heartbeat_s)
                changed = life.changed
                job = self.newest(self._store.get(job_id))
                yield job, beat
        finally:
            life.watchers -= 1
            if job.tied and not job.ended:
                self._unwatched(job)


async def _happens(event: asyncio.Event, within_s: float) -> bool:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), within_s)
        return True
    return False
