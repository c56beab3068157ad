"""Clients take turns at the engine room, one frame at a time."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from faceplate.errors import Exhausted

__all__ = ["Turns"]


class Turns:
    """A queue in which no client waits for more than one frame of each other client.

    Args:
        limit: Frames that may wait, of all clients together.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._busy = False
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    @property
    def waiting(self) -> int:
        """Frames that wait."""
        return sum(len(each) for each in self._waiting.values())

    @asynccontextmanager
    async def turn(self, client: str) -> AsyncIterator[None]:
        """Wait for a turn. Raises Exhausted where too many wait."""
        if self._busy:
            if self.waiting >= self._limit:
                raise Exhausted(f"{self.waiting} frames are waiting already; try again later")
            await self._wait(client)
        self._busy = True
        try:
            yield
        finally:
            self._pass_on()

    async def _wait(self, client: str) -> None:
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(client, deque()).append(mine)
        try:
            await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled():  # the turn came in the same moment
                self._pass_on()
            else:
                self._forget(client, mine)
            raise

    def _forget(self, client: str, mine: "asyncio.Future[None]") -> None:
        queue = self._waiting.get(client)
        if queue is None or mine not in queue:
            return  # `_pass_on` has met it already
        queue.remove(mine)
        if not queue:
            del self._waiting[client]

    def _pass_on(self) -> None:
        """Wake the first of the client whose turn it is; that client goes to the end.

        A call that is cancelled leaves its place only when its task runs next: until then its
        cancelled future still stands in the queue, and is passed over here.
        """
        while self._waiting:
            client, queue = self._waiting.popitem(last=False)
            while queue and queue[0].cancelled():
                queue.popleft()
            if not queue:
                continue
            chosen = queue.popleft()
            if queue:
                self._waiting[client] = queue
            chosen.set_result(None)  # and `_busy` stays: nobody may slip in between
            return
        self._busy = False
