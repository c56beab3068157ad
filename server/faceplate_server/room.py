"""The engine room, seen from the server: one long-lived process that holds the engine.

It validates jobs, lists models and swaps single frames, with the models that were used last kept
loaded. The server itself stays light, and a crash of the engine is an answer, not the server's end.
"""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from typing import Any, Literal

from faceplate_server.faults import WorkerDied
from faceplate_server.process import Child
from faceplate_server.status import rebuild

__all__ = ["EngineRoom", "RoomSettings"]

logger = logging.getLogger(__name__)


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


class EngineRoom:
    """Starts the process at the first question, and again after it died."""

    def __init__(self, settings: RoomSettings) -> None:
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
            await child.send({"number": number, "question": question, "values": values})
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

    async def stop(self) -> None:
        """End the process."""
        self._stopping = True
        if self._child is not None:
            await self._child.kill()
        if self._reader is not None:
            await self._reader

    async def _running(self) -> Child:
        async with self._starting:
            if self._child is None or not self._child.alive:
                log = Path(self._settings.home) / "engine.log"
                folder = Path(self._settings.roots[0])
                self._child = await Child.start("faceplate_server.engine", folder, log)
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
                logger.warning("%s", death)
            for answer in self._waiting.values():
                if not answer.done():
                    answer.set_exception(WorkerDied(str(death)))


def _settle(answer: "asyncio.Future[Any]", line: Mapping[str, Any]) -> None:
    if line["event"] == "answer":
        answer.set_result(line["value"])
    else:
        answer.set_exception(rebuild(line["code"], line["message"]))
