"""The service Frames: convert in, ask in turn, convert out."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from faceplate.provenance.hashing import sha256_file
from faceplate_protos.v1 import frames_pb2, frames_pb2_grpc
from faceplate_server.buffers import Buffers
from faceplate_server.metrics import Metrics
from faceplate_server.peers import CLIENT
from faceplate_server.receiving import receive
from faceplate_server.room import EngineRoom
from faceplate_server.shapes import Context
from faceplate_server.spool import Spool, chunks_of
from faceplate_server.verbs import parse_object

__all__ = ["FramesService"]

_TWEAKED = ("plate", "track", "model", "view", "out")


class FramesService(frames_pb2_grpc.FramesServicer):
    """Single frames."""

    def __init__(self, room: EngineRoom, buffers: Buffers, spool: Spool, metrics: Metrics) -> None:
        self._room, self._buffers, self._spool = room, buffers, spool
        self._metrics = metrics

    async def _ask(self, question: str, **values: Any) -> dict[str, Any]:
        answer: dict[str, Any] = await self._room.ask_in_turn(CLIENT.get(), question, **values)
        self._metrics.frame(answer)
        return answer

    async def SwapFrame(  # noqa: N802
        self, request: frames_pb2.SwapFrameRequest, context: Context
    ) -> frames_pb2.SwapFrameResponse:
        """Swap a frame by path."""
        began = time.perf_counter()
        answer = await self._ask(
            "swap_frame",
            frame=request.frame,
            recipe=parse_object(request.recipe_json, "recipe_json"),
            settings={
                **parse_object(request.settings_json, "settings_json"),
                "plate": request.plate,
                "track": request.track,
                **({"model": request.model} if request.model else {}),
                "out": request.out,
            },
        )
        return frames_pb2.SwapFrameResponse(
            path=answer["path"],
            faces=answer["faces"],
            network_runs=answer["network_runs"],
            milliseconds=_since(began),
        )

    async def TweakFrame(  # noqa: N802
        self, request: frames_pb2.TweakFrameRequest, context: Context
    ) -> frames_pb2.TweakFrameResponse:
        """Look at a frame with changed recipe values."""
        began = time.perf_counter()
        named = {name: getattr(request, name) for name in _TWEAKED if getattr(request, name)}
        answer = await self._ask(
            "tweak_frame",
            changes=parse_object(request.changes_json, "changes_json"),
            settings={
                **parse_object(request.settings_json, "settings_json"),
                **named,
                "frame": request.frame,
            },
        )
        return frames_pb2.TweakFrameResponse(
            view=answer["view"] or "",
            out=answer["out"] or "",
            faces=answer["faces"],
            network_runs=answer["network_runs"],
            milliseconds=_since(began),
        )

    async def OpenBuffer(  # noqa: N802
        self, request: frames_pb2.OpenBufferRequest, context: Context
    ) -> frames_pb2.OpenBufferResponse:
        """Make a shared buffer."""
        buffer = self._buffers.open(request.width, request.height)
        return frames_pb2.OpenBufferResponse(buffer=str(buffer.path))

    async def SwapBuffer(  # noqa: N802
        self, request: frames_pb2.SwapBufferRequest, context: Context
    ) -> frames_pb2.SwapBufferResponse:
        """Swap the frame in a shared buffer."""
        began = time.perf_counter()
        buffer = self._buffers.get(request.buffer)
        answer = await self._ask(
            "swap_buffer",
            frame=request.frame,
            recipe=parse_object(request.recipe_json, "recipe_json"),
            settings={
                **parse_object(request.settings_json, "settings_json"),
                "track": request.track,
                "model": request.model,
            },
            buffer={
                "path": str(buffer.path),
                "width": buffer.width,
                "height": buffer.height,
                "x0": request.x0,
                "y0": request.y0,
                "pixel_aspect": request.pixel_aspect or 1.0,
            },
        )
        return frames_pb2.SwapBufferResponse(faces=answer["faces"], milliseconds=_since(began))

    async def CloseBuffer(  # noqa: N802
        self, request: frames_pb2.CloseBufferRequest, context: Context
    ) -> frames_pb2.CloseBufferResponse:
        """Remove a shared buffer."""
        self._buffers.close(request.buffer)
        return frames_pb2.CloseBufferResponse()

    async def SwapStream(  # noqa: N802
        self, request_iterator: AsyncIterator[frames_pb2.SwapStreamRequest], context: Context
    ) -> AsyncIterator[frames_pb2.SwapStreamResponse]:
        """Swap a frame that is sent, and send it back."""
        async with self._spool.stream() as folder:
            settings = await receive(request_iterator, folder, self._spool)
            began = time.perf_counter()
            answer = await self._ask(
                "swap_stream",
                number=settings.number,
                recipe=parse_object(settings.recipe_json, "recipe_json"),
                settings=_given(settings),
                folder=str(folder),
            )
            path = Path(answer["path"])
            result = frames_pb2.SwapStreamResult(
                frame_bytes=path.stat().st_size,
                sha256=await asyncio.to_thread(sha256_file, path),
                milliseconds=_since(began),
                faces=answer["faces"],
                network_runs=answer["network_runs"],
            )
            yield frames_pb2.SwapStreamResponse(result=result)
            async for piece in chunks_of(path):
                yield frames_pb2.SwapStreamResponse(frame=piece)


def _given(settings: frames_pb2.SwapStreamSettings) -> dict[str, Any]:
    named = {name: getattr(settings, name) for name in ("model", "track")}
    return {
        **parse_object(settings.settings_json, "settings_json"),
        **{name: text for name, text in named.items() if text},
    }


def _since(began: float) -> float:
    return (time.perf_counter() - began) * 1e3
