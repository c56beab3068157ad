"""What a client sends of a frame, put into a folder."""

from collections.abc import AsyncIterator
from pathlib import Path

from faceplate.errors import InvalidInput
from faceplate_protos.v1 import frames_pb2
from faceplate_server.spool import FRAME, TRACK, Spool

__all__ = ["receive"]


async def receive(
    requests: AsyncIterator[frames_pb2.SwapStreamRequest], folder: Path, spool: Spool
) -> frames_pb2.SwapStreamSettings:
    """Return the settings when everything has arrived that they announce.

    Raises:
        InvalidInput: The messages come in another order, or bytes are missing or too many.
        Exhausted: More is announced than a stream may send.
        TimedOut: The client has fallen silent.
        DiskFull: No room for it.
    """
    first = await spool.next_of(requests)
    if first is None or first.WhichOneof("part") != "settings":
        raise InvalidInput("the first message must be the settings")
    settings = first.settings
    if bool(settings.track) == bool(settings.track_bytes):
        raise InvalidInput("name a track, or announce its bytes, and not both")
    if not settings.frame_bytes:
        raise InvalidInput("frame_bytes: announce the size of the EXR file")
    frame = spool.upload(folder / FRAME, settings.frame_bytes, "frame_bytes")
    track = spool.upload(folder / TRACK, settings.track_bytes, "track_bytes")
    while (message := await spool.next_of(requests)) is not None:
        part = message.WhichOneof("part")
        if part == "track" and not frame.got:
            await track.add(message.track)
        elif part == "frame":
            await frame.add(message.frame)
        else:
            raise InvalidInput("after the settings come the track's pieces, then the frame's")
    track.require_whole()
    frame.require_whole()
    return settings
