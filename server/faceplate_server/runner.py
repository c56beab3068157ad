"""The queue: takes jobs from the store and has them run, one at a time per device."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from faceplate.errors import BadSettings, Cancelled, Exhausted, FaceplateError, NotReady
from faceplate_server.attempts import Attempts, Ending, WorkerSettings
from faceplate_server.lives import Lives
from faceplate_server.room import EngineRoom
from faceplate_server.roots import Roots
from faceplate_server.status import Fault, fault_of
from faceplate_server.store import JobRecord, JobStore
from faceplate_server.verbs import find_verb

__all__ = ["JobRunner", "RunnerSettings"]

logger = logging.getLogger(__name__)

LONGEST_KEY = 200
"""Characters."""
HIGHEST = 100
"""Priority."""


@dataclass(frozen=True)
class RunnerSettings:
    """How the queue is worked off."""

    worker: WorkerSettings
    devices: tuple[str, ...] = ("auto",)
    """Each runs one job at a time."""
    max_queued: int = 1000
    attempts: int = 3
    heartbeat_s: float = 1.5
    watch_grace_s: float = 5.0
    """How long a tied job lives without anybody watching it."""


class JobRunner:
    """Owns the queue. All its methods run on the server's event loop.

    Attributes:
        deaths: Workers that ended without an answer.
        devices: Each with the id of the job that runs on it; empty where none does.
    """

    def __init__(
        self, store: JobStore, roots: Roots, room: EngineRoom, settings: RunnerSettings
    ) -> None:
        self._store, self._roots, self._room, self._settings = store, roots, room, settings
        self._lives = Lives(store, settings.heartbeat_s, self._drop_if_unwatched)
        self._attempts = Attempts(settings.worker, store, roots, room, self._lives)
        self._work = asyncio.Event()
        self._lanes: list[asyncio.Task[None]] = []
        self._stopping = False
        self.deaths = 0
        self.devices = [(device, "") for device in settings.devices]

    async def start(self) -> None:
        """Take up what an earlier server left, and begin."""
        (self._settings.worker.home / "jobs").mkdir(parents=True, exist_ok=True)
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
        working = self._lives.working()
        await asyncio.gather(
            *(child.stop(self._lives.of(job).grace_s) for job, child in working.items())
        )
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
            return self._lives.newest(known)
        settings = await self._room.ask_twice("check_job", verb=verb, values=dict(values))
        await asyncio.to_thread(self._roots.check_settings, settings)
        if self._store.count("queued") >= self._settings.max_queued:
            raise Exhausted(f"{self._settings.max_queued} jobs are waiting already; cancel some")
        job = self._store.add(verb, settings, key=key, tied=tied, client=client, priority=priority)
        logger.info("job %s %s is queued", job.id, verb, extra={"job": job.id})
        self._work.set()
        if job.tied:
            self._drop_if_unwatched(job)
        return job

    def get(self, job_id: str) -> JobRecord:
        """Return a job with its newest progress. Raises NotFound."""
        return self._lives.newest(self._store.get(job_id))

    def list(self, states: Any = (), limit: int = 100) -> list[JobRecord]:
        """Return jobs with their newest progress, newest job first."""
        return [self._lives.newest(job) for job in self._store.list(states, limit)]

    def ahead(self, limit: int) -> Sequence[JobRecord]:
        """Return running jobs, then those that wait; the first of them is the next to start."""
        running = self._store.list(["running"], limit)
        waiting = self._store.queued(limit)
        return [self._lives.newest(job) for job in (*running, *waiting)][:limit]

    def counts(self) -> dict[str, int]:
        """Return how many jobs are in each state that has any."""
        return self._store.counts()

    def pids(self) -> dict[str, int]:
        """Return the processes that work, by job."""
        return {job: child.pid for job, child in self._lives.working().items()}

    def watch(self, job_id: str) -> AsyncIterator[tuple[JobRecord, bool]]:
        """Follow a job to its end; see `Lives.watch`."""
        return self._lives.watch(job_id)

    def cancel(self, job_id: str, reason: str = "cancelled on request") -> JobRecord:
        """Cancel a waiting job at once, ask a running one to stop. Raises NotFound."""
        job = self.get(job_id)
        if job.state == "queued":
            self._lives.end(job_id, "cancelled", error=fault_of(Cancelled(reason)))
        elif job.state == "running":
            self._lives.of(job_id).stop(reason)
        return self.get(job_id)

    async def control(self, job_id: str, command: str) -> JobRecord:
        """Tell a running job something; it is done at the job's next report.

        Raises:
            NotFound: No such job.
            BadSettings: Its verb cannot do that.
            NotReady: It is not running.
        """
        job = self.get(job_id)
        able = find_verb(self._settings.worker.verbs, job.verb).commands
        if command not in able:
            raise BadSettings(f"{job.verb} cannot {command}; it can {', '.join(able)}")
        life = self._lives.find(job_id)
        if job.state != "running" or life is None or life.child is None:
            raise NotReady(f"job {job_id} is {job.state}: only a running job can {command}")
        await life.child.send({"command": command})
        return self.get(job_id)

    def _drop_if_unwatched(self, job: JobRecord) -> None:
        def look() -> None:
            life = self._lives.find(job.id)
            if not self._stopping and not (life and life.watchers):
                self.cancel(job.id, "cancelled, as the client that asked for it went away")

        asyncio.get_running_loop().call_later(self._settings.watch_grace_s, look)

    async def _lane(self, place: int, device: str) -> None:
        while not self._stopping:
            job = self._store.begin_next()
            if job is None:
                self._work.clear()
                await self._work.wait()
                continue
            self._lives.publish(job.id)
            self.devices[place] = (device, job.id)
            try:
                await self._run(job, device)
            except Exception as error:
                if not isinstance(error, FaceplateError | OSError):
                    logger.exception("job %s could not be run", job.id)
                self._lives.end(job.id, "failed", error=_fault(error))
            finally:
                self.devices[place] = (device, "")

    async def _run(self, job: JobRecord, device: str) -> None:
        # again, as a link may have changed while the job waited
        await asyncio.to_thread(self._roots.check_settings, job.settings)
        ending = await self._attempts.first(job, device)
        life = self._lives.of(job.id)
        if ending.out_of_memory and not life.stop_reason and not self._stopping:
            ending = await self._attempts.smaller(job, device, ending)
        self._settle(job, life.stop_reason, ending)

    def _settle(self, job: JobRecord, stop_reason: str, ending: Ending) -> None:
        """Write down what became of a job."""
        last, event = ending.last, ending.last.get("event")
        if event == "done":
            self._lives.end(job.id, "done", result=last["result"])
        elif stop_reason:
            self._lives.end(job.id, "cancelled", error=fault_of(Cancelled(stop_reason)))
        elif self._stopping:
            self._store.requeue(job.id)
        elif event == "cancelled":  # somebody else sent SIGTERM to the worker
            self._lives.end(job.id, "cancelled", error=fault_of(Cancelled(last["message"])))
        elif event == "failed":
            self._lives.end(job.id, "failed", error=Fault(**last["error"]))
        else:
            self.deaths += 1
            self._lives.end(job.id, "failed", error=fault_of(ending.death))


def _fault(error: Exception) -> Fault:
    if isinstance(error, OSError):
        return Fault("Internal", f"no worker could be started: {error}", "Look at the log.", 1)
    return fault_of(error)
