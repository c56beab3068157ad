"""Runs one job in a worker process, and once more where memory ran out."""

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from faceplate.errors import FaceplateError, OutOfMemory
from faceplate_server.lives import Life, Lives
from faceplate_server.process import Child
from faceplate_server.room import EngineRoom
from faceplate_server.roots import Roots
from faceplate_server.store import JobRecord, JobStore
from faceplate_server.verbs import find_verb
from faceplate_server.worker import Order

__all__ = ["Attempts", "Ending", "WorkerSettings"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class WorkerSettings:
    """What workers are told, and how long they are waited for."""

    home: Path
    verbs: str
    """Where the table of verbs is, ``package.module:attribute``."""
    consent_policy: Literal["refuse", "warn"] = "refuse"
    threads: int = 0
    ocio: str = ""
    niceness: int = 10
    """0 to 19."""
    cancel_grace_s: float = 1.0
    """From the polite request to stop to SIGKILL."""
    save_grace_s: float = 60.0
    """The same for verbs that can save."""


@dataclass(frozen=True)
class Ending:
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


class Attempts:
    """Starts workers and follows them to their end.

    Args:
        settings: What they are told.
        store: Where a second attempt is noted.
        roots: Folders that jobs may name.
        room: Knows what of a job can be made smaller.
        lives: Where reports go.
    """

    def __init__(
        self,
        settings: WorkerSettings,
        store: JobStore,
        roots: Roots,
        room: EngineRoom,
        lives: Lives,
    ) -> None:
        self._settings, self._store, self._roots = settings, store, roots
        self._room, self._lives = room, lives

    async def first(self, job: JobRecord, device: str) -> Ending:
        """Start a worker, and follow it to its end. Raises OSError where none can be started."""
        life = self._lives.of(job.id)
        await self._start(job, life)
        assert life.child is not None
        try:
            if life.stop_reason:  # cancelled while it was started
                life.stop(life.stop_reason)
            await life.child.send(asdict(self._order(job, device)))
            last = await self._follow(job, life.child)
            return Ending(last, await life.child.death())
        except FaceplateError as error:
            return Ending({}, error)
        finally:
            if life.child.alive:
                await life.child.kill()

    async def smaller(self, job: JobRecord, device: str, ending: Ending) -> Ending:
        """Try once more with less of what needs memory, if there is such a thing."""
        smaller = await self._room.ask_twice("smaller_job", verb=job.verb, values=job.settings)
        if not smaller:
            return ending
        note = smaller["note"]
        logger.warning("job %s is tried again: %s", job.id, note, extra={"job": job.id})
        self._store.annotate(job.id, f"tried again with {note}")
        changed = replace(job, settings={**job.settings, **smaller["changes"]})
        return await self.first(changed, device)

    async def _start(self, job: JobRecord, life: Life) -> None:
        life.grace_s = self._settings.cancel_grace_s
        log = self._settings.home / "jobs" / f"{job.id}.log"
        life.child = await Child.start("faceplate_server.worker", self._roots.first, log)
        pid = life.child.pid
        logger.info("job %s %s runs as process %d", job.id, job.verb, pid, extra={"job": job.id})

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

    async def _follow(self, job: JobRecord, child: Child) -> dict[str, Any]:
        """Take a worker's reports; returns its last word."""
        can_save = "save" in find_verb(self._settings.verbs, job.verb).commands
        last: dict[str, Any] = {}
        async for line in child.lines():
            if line["event"] == "report":
                if can_save:  # before its first report there is nothing to save
                    self._lives.of(job.id).grace_s = self._settings.save_grace_s
                self._lives.report(job.id, line)
            else:
                last = line
        return last
