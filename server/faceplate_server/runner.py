"""Takes jobs from the store and runs each in a process of its own, one at a time per device."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from faceplate.errors import (
    BadSettings,
    Cancelled,
    Exhausted,
    FaceplateError,
    NotReady,
    OutOfMemory,
)
from faceplate_server.process import Child
from faceplate_server.room import EngineRoom
from faceplate_server.roots import Roots
from faceplate_server.status import Fault, fault_of
from faceplate_server.store import JobRecord, JobStore
from faceplate_server.verbs import find_verb
from faceplate_server.worker import Order

__all__ = ["JobRunner", "RunnerSettings"]

logger = logging.getLogger(__name__)

LONGEST_KEY = 200
"""Characters."""
HIGHEST = 100
"""Priority."""


@dataclass(frozen=True)
class RunnerSettings:
    """How jobs are run."""

    home: Path
    verbs: str
    """Where the table of verbs is, ``package.module:attribute``."""
    devices: tuple[str, ...] = ("auto",)
    """Each runs one job at a time."""
    consent_policy: Literal["refuse", "warn"] = "refuse"
    threads: int = 0
    ocio: str = ""
    max_queued: int = 1000
    attempts: int = 3
    heartbeat_s: float = 1.5
    cancel_grace_s: float = 1.5
    """From the polite request to stop to SIGKILL."""
    save_grace_s: float = 60.0
    """The same for verbs that can save."""
    niceness: int = 10
    """Of workers, 0 to 19."""
    watch_grace_s: float = 5.0
    """How long a tied job lives without anybody watching it."""


@dataclass
class _Live:
    """What is known of a job beyond the store, while the server runs."""

    changed: asyncio.Event = field(default_factory=asyncio.Event)
    progress: dict[str, Any] = field(default_factory=dict)
    noted: float = 0.0
    watchers: int = 0
    child: Child | None = None
    stop_reason: str = ""
    grace_s: float = 0.0
    """From the polite request to stop to SIGKILL."""
    killer: asyncio.Task[None] | None = None


class JobRunner:
    """Owns the queue. All its methods run on the server's event loop."""

    def __init__(
        self, store: JobStore, roots: Roots, room: EngineRoom, settings: RunnerSettings
    ) -> None:
        self._store, self._roots, self._room, self._settings = store, roots, room, settings
        self._live: dict[str, _Live] = {}
        self._work = asyncio.Event()
        self._lanes: list[asyncio.Task[None]] = []
        self._stopping = False
        self.deaths = 0
        """Workers that ended without an answer."""
        self.devices = [(device, "") for device in settings.devices]
        """Each with the id of the job that runs on it; empty where none does."""

    async def start(self) -> None:
        """Take up what an earlier server left, and begin."""
        (self._settings.home / "jobs").mkdir(parents=True, exist_ok=True)
        queued, given_up = self._store.recover(self._settings.attempts)
        if queued or given_up:
            logger.warning("found %d interrupted jobs, gave up %d others", queued, given_up)
        for place, device in enumerate(self._settings.devices):
            lane = self._lane(place, device)
            self._lanes.append(asyncio.create_task(lane, name=f"lane {place} {device}"))

    async def stop(self) -> None:
        """Stop; running jobs are asked to stop and go back to the queue for the next server."""
        self._stopping = True
        self._work.set()
        lives = [live for live in self._live.values() if live.child is not None]
        await asyncio.gather(*(live.child.stop(live.grace_s) for live in lives if live.child))
        for lane in self._lanes:
            lane.cancel()
        await asyncio.gather(*self._lanes, return_exceptions=True)

    async def submit(
        self,
        verb: str,
        values: Mapping[str, Any],
        *,
        key: str = "",
        tied: bool = False,
        client: str = "",
        priority: int = 0,
    ) -> JobRecord:
        """Validate a job and queue it; a key that was seen before returns the job that it made.

        Raises:
            UnknownComponent: No such verb.
            BadSettings: A setting is unknown, missing or wrong.
            OutsideRoots: A setting leads outside the allowed roots.
            Exhausted: The queue is full.
        """
        if len(key) > LONGEST_KEY or abs(priority) > HIGHEST:
            raise BadSettings(
                f"key: at most {LONGEST_KEY} characters; priority: from -{HIGHEST} to {HIGHEST}; "
                f"got {len(key)} characters and {priority}"
            )
        known = self._store.key_job(key) if key else None
        if known is not None:
            return self._newest(known)
        settings = await self._room.ask_twice("check_job", verb=verb, values=dict(values))
        await asyncio.to_thread(self._roots.check_settings, settings)
        if self._store.count("queued") >= self._settings.max_queued:
            raise Exhausted(f"{self._settings.max_queued} jobs are waiting already; cancel some")
        job = self._store.add(verb, settings, key=key, tied=tied, client=client, priority=priority)
        logger.info("job %s %s is queued", job.id, verb, extra={"job": job.id})
        self._work.set()
        if job.tied:
            self._drop_if_unwatched(job.id)
        return job

    def get(self, job_id: str) -> JobRecord:
        """Return a job with its newest progress. Raises NotFound."""
        return self._newest(self._store.get(job_id))

    def list(self, states: Any = (), limit: int = 100) -> list[JobRecord]:
        """Return jobs with their newest progress, newest job first."""
        return [self._newest(job) for job in self._store.list(states, limit)]

    def ahead(self, limit: int) -> Sequence[JobRecord]:
        """Return running jobs, then those that wait; the first of them is the next to start."""
        running = self._store.list(["running"], limit)
        waiting = self._store.queued(limit)
        return [self._newest(job) for job in (*running, *waiting)][:limit]

    def counts(self) -> dict[str, int]:
        """Return how many jobs are in each state that has any."""
        return self._store.counts()

    def pids(self) -> dict[str, int]:
        """Return the processes that work, by job."""
        live = {job: each.child for job, each in self._live.items()}
        return {job: child.pid for job, child in live.items() if child is not None and child.alive}

    def cancel(self, job_id: str, reason: str = "cancelled on request") -> JobRecord:
        """Cancel a waiting job at once, ask a running one to stop. Raises NotFound."""
        job = self.get(job_id)
        if job.state == "queued":
            self._end(job_id, "cancelled", error=fault_of(Cancelled(reason)))
        elif job.state == "running":
            self._stop_child(self._of(job_id), reason)
        return self.get(job_id)

    async def control(self, job_id: str, command: str) -> JobRecord:
        """Tell a running job something; it is done at the job's next report.

        Raises:
            NotFound: No such job.
            BadSettings: Its verb cannot do that.
            NotReady: It is not running.
        """
        job = self.get(job_id)
        able = find_verb(self._settings.verbs, job.verb).commands
        if command not in able:
            raise BadSettings(f"{job.verb} cannot {command}; it can {', '.join(able)}")
        live = self._live.get(job_id)
        if job.state != "running" or live is None or live.child is None:
            raise NotReady(f"job {job_id} is {job.state}: only a running job can {command}")
        await live.child.send({"command": command})
        return self.get(job_id)

    async def watch(self, job_id: str) -> AsyncIterator[tuple[JobRecord, bool]]:
        """Yield the job now, at every change, and at least every `heartbeat_s` until it has ended.

        The second value is True where nothing has changed. Reports that come faster than they are
        sent are left out, all but the newest. Raises NotFound.
        """
        job = self.get(job_id)
        if job.ended:
            yield job, False
            return
        live = self._of(job_id)
        live.watchers += 1
        try:
            changed = live.changed
            yield job, False
            while not job.ended:
                beat = not await _happens(changed, self._settings.heartbeat_s)
                changed = live.changed
                job = self.get(job_id)
                yield job, beat
        finally:
            live.watchers -= 1
            if job.tied and not job.ended:
                self._drop_if_unwatched(job_id)

    def _newest(self, job: JobRecord) -> JobRecord:
        live = self._live.get(job.id)
        return replace(job, progress=live.progress) if live and live.progress else job

    def _of(self, job_id: str) -> _Live:
        return self._live.setdefault(job_id, _Live())

    def _publish(self, job_id: str) -> None:
        live = self._of(job_id)
        live.changed.set()
        live.changed = asyncio.Event()

    def _end(self, job_id: str, state: Any, **outcome: Any) -> None:
        live = self._of(job_id)
        if live.progress:
            self._store.note(job_id, live.progress)
        self._store.end(job_id, state, **outcome)
        self._publish(job_id)
        self._live.pop(job_id)  # watchers hold what they need
        logger.info("job %s %s", job_id, state, extra={"job": job_id})

    def _drop_if_unwatched(self, job_id: str) -> None:
        def look() -> None:
            live = self._live.get(job_id)
            if not self._stopping and not (live and live.watchers):
                self.cancel(job_id, "cancelled, as the client that asked for it went away")

        asyncio.get_running_loop().call_later(self._settings.watch_grace_s, look)

    def _stop_child(self, live: _Live, reason: str) -> None:
        live.stop_reason = live.stop_reason or reason
        if live.child is not None and live.killer is None:
            live.killer = asyncio.create_task(live.child.stop(live.grace_s))

    async def _lane(self, place: int, device: str) -> None:
        while not self._stopping:
            job = self._store.begin_next()
            if job is None:
                self._work.clear()
                await self._work.wait()
                continue
            self._publish(job.id)
            self.devices[place] = (device, job.id)
            try:
                await self._run(job, device)
            except Exception as error:
                if not isinstance(error, FaceplateError | OSError):
                    logger.exception("job %s could not be run", job.id)
                self._end(job.id, "failed", error=_fault(error))
            finally:
                self.devices[place] = (device, "")

    async def _run(self, job: JobRecord, device: str) -> None:
        # again, as a link may have changed while the job waited
        await asyncio.to_thread(self._roots.check_settings, job.settings)
        ending = await self._attempt(job, device)
        if ending.out_of_memory and not self._of(job.id).stop_reason and not self._stopping:
            ending = await self._smaller(job, device, ending)
        self._settle(job, self._of(job.id), ending)

    async def _smaller(self, job: JobRecord, device: str, ending: "_Ending") -> "_Ending":
        """Try once more with less of what needs memory, if there is such a thing."""
        smaller = await self._room.ask_twice("smaller_job", verb=job.verb, values=job.settings)
        if not smaller:
            return ending
        note = smaller["note"]
        logger.warning("job %s is tried again: %s", job.id, note, extra={"job": job.id})
        self._store.annotate(job.id, f"tried again with {note}")
        changed = replace(job, settings={**job.settings, **smaller["changes"]})
        return await self._attempt(changed, device)

    async def _attempt(self, job: JobRecord, device: str) -> "_Ending":
        """Start a worker, and follow it to its end."""
        home, live = self._settings.home, self._of(job.id)
        log = home / "jobs" / f"{job.id}.log"
        can_save = "save" in find_verb(self._settings.verbs, job.verb).commands
        live.grace_s = self._settings.save_grace_s if can_save else self._settings.cancel_grace_s
        live.child = await Child.start("faceplate_server.worker", self._roots.first, log)
        logger.info(
            "job %s %s runs as process %d", job.id, job.verb, live.child.pid, extra={"job": job.id}
        )
        try:
            if live.stop_reason:  # cancelled while it was started
                self._stop_child(live, live.stop_reason)
            await live.child.send(asdict(self._order(job, device)))
            last = await self._follow(job.id, live.child)
            return _Ending(last, await live.child.death())
        except FaceplateError as error:
            return _Ending({}, error)
        finally:
            if live.child.alive:
                await live.child.kill()

    def _order(self, job: JobRecord, device: str) -> Order:
        settings = self._settings
        return Order(
            job_id=job.id,
            verbs=settings.verbs,
            verb=job.verb,
            settings=job.settings,
            home=str(settings.home),
            device=device,
            consent_policy=settings.consent_policy,
            threads=settings.threads,
            ocio=settings.ocio,
            niceness=settings.niceness,
            roots=tuple(str(folder) for folder in self._roots.folders),
        )

    async def _follow(self, job_id: str, child: Child) -> dict[str, Any]:
        last: dict[str, Any] = {}
        async for line in child.lines():
            if line["event"] == "report":
                self._report(job_id, line)
            else:
                last = line
        return last

    def _report(self, job_id: str, report: dict[str, Any]) -> None:
        live = self._of(job_id)
        report["preview"] = report["preview"] or live.progress.get("preview")
        live.progress = {name: value for name, value in report.items() if name != "event"}
        now = time.monotonic()
        if now - live.noted > 1.0:  # the store is for after a restart; watchers get every report
            live.noted = now
            self._store.note(job_id, live.progress)
        self._publish(job_id)

    def _settle(self, job: JobRecord, live: _Live, ending: "_Ending") -> None:
        last, event = ending.last, ending.last.get("event")
        if event == "done":
            self._end(job.id, "done", result=last["result"])
        elif live.stop_reason:
            self._end(job.id, "cancelled", error=fault_of(Cancelled(live.stop_reason)))
        elif self._stopping:
            self._store.requeue(job.id)
        elif event == "cancelled":  # somebody else sent SIGTERM to the worker
            self._end(job.id, "cancelled", error=fault_of(Cancelled(last["message"])))
        elif event == "failed":
            self._end(job.id, "failed", error=Fault(**last["error"]))
        else:
            self.deaths += 1
            self._end(job.id, "failed", error=fault_of(ending.death))


@dataclass(frozen=True)
class _Ending:
    """How a worker ended."""

    last: Mapping[str, Any]
    """Its last word; empty where it said none."""
    death: FaceplateError
    """What its end looks like from outside."""

    @property
    def out_of_memory(self) -> bool:
        """Whether it, or the system for it, says that memory ran out."""
        if self.last.get("event") == "failed":
            return bool(self.last["error"]["code"] == OutOfMemory.__name__)
        return not self.last and isinstance(self.death, OutOfMemory)


def _fault(error: Exception) -> Fault:
    if isinstance(error, OSError):
        return Fault("Internal", f"no worker could be started: {error}", "Look at the log.", 1)
    return fault_of(error)


async def _happens(event: asyncio.Event, within_s: float) -> bool:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), within_s)
        return True
    return False
