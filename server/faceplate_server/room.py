"""The engine room, seen from the server: one long-lived process that holds the engine.

It validates jobs, lists models and swaps single frames, with the models that were used last kept
loaded. The server itself stays light, and a crash of the engine is an answer, not the server's end.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from typing import Any, Literal

from faceplate_server.faults import WorkerDied
from faceplate_server.logs import REQUEST
from faceplate_server.process import Child
from faceplate_server.status import rebuild
from faceplate_server.turns import Turns

__all__ = ["EngineRoom", "RoomSettings"]

logger = logging.getLogger(__name__)

FRAME_GRACE_S = 1.0
"""How long a frame that nobody wants any more may go on before the engine is killed for it."""

# glibc gives the arrays of a frame back to the system and takes fresh pages for the next one, which
# is a sixth of a frame's time. So it holds on to as much as a frame at 4K takes.
_MEMORY = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20),
    "MALLOC_TOP_PAD_": str(64 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(256 << 20),
}


@dataclass(frozen=True)
class RoomSettings:
    """What the process is told at its start."""

    home: str
    roots: tuple[str, ...]
    engine: str
    """Class that answers, ``package.module:Class``; see `faceplate_server.engine`."""
    verbs: str
    """Where the table of verbs is."""
    device: str = "auto"
    consent_policy: Literal["refuse", "warn"] = "refuse"
    threads: int = 0
    ocio: str = ""
    kept_models: int = 2
    """In memory at most."""


class EngineRoom:
    """Starts the process at the first question, and again after it died.

    Args:
        settings: What the process is told.
        waiting: Frames that may wait for their turn.
        note_busy: Told how many seconds each question in turn took.

    Attributes:
        turns: Who is next.
        deaths: How often the process ended by itself.
    """

    def __init__(
        self,
        settings: RoomSettings,
        waiting: int = 64,
        note_busy: Callable[[float], None] = lambda seconds: None,
    ) -> None:
        self._note_busy = note_busy
        self.turns = Turns(waiting)
        self.deaths = 0
        self._settings = settings
        self._child: Child | None = None
        self._starting = asyncio.Lock()
        self._numbers = count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._reader: asyncio.Task[None] | None = None
        self._stopping = False

    async def ask(self, question: str, **values: Any) -> Any:
        """Call a method of the engine.

        Raises:
            WorkerDied: The process ended before it answered.
            FaceplateError: Whatever the engine raised.
        """
        child = await self._running()
        number = next(self._numbers)
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        try:
            await child.send(
                {
                    "number": number,
                    "question": question,
                    "values": values,
                    "request": REQUEST.get(),
                }
            )
            return await answer
        finally:
            self._waiting.pop(number, None)

    async def ask_twice(self, question: str, **values: Any) -> Any:
        """Call a method that changes nothing; once more where somebody else's frame killed it."""
        try:
            return await self.ask(question, **values)
        except WorkerDied as death:
            logger.warning("asking again, as %s", death)
            return await self.ask(question, **values)

    async def ask_in_turn(self, client: str, question: str, **values: Any) -> Any:
        """Call a method that computes, when it is the client's turn; raises as `ask`.

        Where the call is cancelled, so is the work: an engine that does not come to its end within
        `FRAME_GRACE_S` is killed, for nothing inside it can be.
        """
        async with self.turns.turn(client):
            began = time.perf_counter()
            work = asyncio.ensure_future(self.ask(question, **values))
            try:
                answer = await asyncio.shield(work)
            except asyncio.CancelledError:
                await self._drop(work)
                raise
            finally:
                self._note_busy(time.perf_counter() - began)
        return answer

    @property
    def pid(self) -> int | None:
        """Of the process; None where it does not run."""
        return self._child.pid if self._child is not None and self._child.alive else None

    async def stop(self) -> None:
        """End the process."""
        self._stopping = True
        if self._child is not None:
            await self._child.kill()
        if self._reader is not None:
            await self._reader

    async def _drop(self, work: "asyncio.Future[Any]") -> None:
        await asyncio.wait({work}, timeout=FRAME_GRACE_S)
        if not work.done() and self._child is not None:
            logger.warning("a frame that nobody waits for takes too long: the engine is killed")
            await self._child.kill()
        with contextlib.suppress(Exception):  # nobody is left to be told
            await work

    async def _running(self) -> Child:
        async with self._starting:
            if self._child is None or not self._child.alive:
                log = Path(self._settings.home) / "engine.log"
                folder = Path(self._settings.roots[0])
                self._child = await Child.start("faceplate_server.engine", folder, log, _MEMORY)
                await self._child.send(asdict(self._settings))
                self._reader = asyncio.create_task(self._read(self._child))
                logger.info("the engine runs as process %d", self._child.pid)
            return self._child

    async def _read(self, child: Child) -> None:
        try:
            async for line in child.lines():
                answer = self._waiting.get(line["number"])
                if answer is not None and not answer.done():
                    _settle(answer, line)
        finally:
            if child.alive:  # it writes what is no answer
                await child.kill()
            death = await child.death()
            if not self._stopping:
                self.deaths += 1
                logger.warning("%s", death)
            for answer in self._waiting.values():
                if not answer.done():
                    answer.set_exception(WorkerDied(str(death)))


def _settle(answer: "asyncio.Future[Any]", line: Mapping[str, Any]) -> None:
    if line["event"] == "answer":
        answer.set_result(line["value"])
    else:
        answer.set_exception(rebuild(line["code"], line["message"]))
