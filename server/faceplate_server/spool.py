"""Frames that clients send and fetch as bytes, in a folder of the server's own."""

import asyncio
import secrets
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from faceplate.errors import DiskFull, Exhausted, InvalidInput
from faceplate.io.atomic import is_no_room
from faceplate_server.faults import TimedOut

__all__ = ["FRAME", "TRACK", "Spool", "Upload", "chunks_of"]

T = TypeVar("T")

FRAME, TRACK = "frame.exr", "track.json"
CHUNK = 1 << 20
"""Bytes of a piece that is sent; the quickest for gRPC."""
LARGEST_CHUNK = 2 << 20
"""Bytes of a piece that is taken."""


@dataclass
class Upload:
    """One file that is arriving."""

    path: Path
    expected: int
    """Bytes."""
    got: int = 0

    async def add(self, piece: bytes) -> None:
        """Write a piece. Raises InvalidInput or DiskFull."""
        if len(piece) > LARGEST_CHUNK:
            raise InvalidInput(f"a piece has {len(piece)} bytes; send {CHUNK} at a time")
        self.got += len(piece)
        if self.got > self.expected:
            raise InvalidInput(f"more than the {self.expected} bytes arrived that were announced")
        try:
            await asyncio.to_thread(_append, self.path, piece)
        except OSError as error:
            if is_no_room(error):
                raise DiskFull(f"no room for the frame that is sent: {error}") from error
            raise

    def require_whole(self) -> None:
        """Raise InvalidInput where bytes are missing."""
        if self.got != self.expected:
            raise InvalidInput(f"{self.got} bytes of {self.expected} arrived: send them all")


class Spool:
    """Gives each stream a folder, and takes it away with all that is in it.

    Args:
        folder: Its own; emptied at the start.
        limit: Bytes of one file.
        streams: At once.
        silence_s: A client that sends nothing for so long is given up.
    """

    def __init__(self, folder: Path, limit: int, streams: int, silence_s: float) -> None:
        self._folder, self._limit, self._streams = folder, limit, streams
        self._silence_s, self._open = silence_s, 0

    @asynccontextmanager
    async def stream(self) -> AsyncIterator[Path]:
        """Yield a folder. Raises Exhausted where too many are open."""
        if self._open >= self._streams:
            raise Exhausted(f"{self._open} frames are being sent already; wait for one to end")
        self._open += 1
        folder = self._folder / secrets.token_hex(8)
        try:
            folder.mkdir(mode=0o700, parents=True)
            yield folder
        finally:
            self._open -= 1
            shutil.rmtree(folder, ignore_errors=True)

    def upload(self, path: Path, size: int, what: str) -> Upload:
        """Begin a file. Raises InvalidInput or Exhausted for a size that cannot be."""
        if size < 0:
            raise InvalidInput(f"{what}: {size} bytes are announced")
        if size > self._limit:
            raise Exhausted(
                f"{what}: {size >> 20} MiB are more than the {self._limit >> 20} that a stream may "
                "send; share a disk, or raise --stream-limit-mib"
            )
        return Upload(path, size)

    async def next_of(self, requests: AsyncIterator[T]) -> T | None:
        """Return the next message, None at the end. Raises TimedOut."""
        try:
            async with asyncio.timeout(self._silence_s):
                return await anext(requests, None)
        except TimeoutError:
            raise TimedOut(f"nothing was sent for {self._silence_s:g} s") from None

    def clear(self) -> None:
        """Remove everything."""
        shutil.rmtree(self._folder, ignore_errors=True)


async def chunks_of(path: Path) -> AsyncIterator[bytes]:
    """Yield a file in pieces."""
    with path.open("rb") as file:
        while piece := await asyncio.to_thread(file.read, CHUNK):
            yield piece


def _append(path: Path, piece: bytes) -> None:
    with path.open("ab") as file:
        file.write(piece)
