"""What the server answers: convert in, ask, convert out."""

import json
import time
from collections.abc import AsyncIterator

from faceplate_protos.v1 import (
    frames_pb2,
    frames_pb2_grpc,
    jobs_pb2,
    jobs_pb2_grpc,
    models_pb2,
    models_pb2_grpc,
)
from faceplate_server.buffers import Buffers
from faceplate_server.convert import command_name, job_message, model_message, state_names
from faceplate_server.room import EngineRoom
from faceplate_server.runner import JobRunner
from faceplate_server.shapes import Context
from faceplate_server.verbs import parse_object

__all__ = ["FramesService", "JobsService", "ModelsService"]

_TWEAKED = ("plate", "track", "model", "view", "out")


class JobsService(jobs_pb2_grpc.JobsServicer):
    """Long work."""

    def __init__(self, runner: JobRunner) -> None:
        self._runner = runner

    async def SubmitJob(  # noqa: N802 - gRPC's own spelling, here and below
        self, request: jobs_pb2.SubmitJobRequest, context: Context
    ) -> jobs_pb2.SubmitJobResponse:
        """Queue a job."""
        values = parse_object(request.settings_json, "settings_json")
        job = await self._runner.submit(
            request.verb, values, key=request.key, tied=request.cancel_on_disconnect
        )
        return jobs_pb2.SubmitJobResponse(job=job_message(job))

    async def WatchJob(  # noqa: N802
        self, request: jobs_pb2.WatchJobRequest, context: Context
    ) -> AsyncIterator[jobs_pb2.WatchJobResponse]:
        """Follow a job to its end."""
        async for job, heartbeat in self._runner.watch(request.id):
            yield jobs_pb2.WatchJobResponse(job=job_message(job), heartbeat=heartbeat)

    async def CancelJob(  # noqa: N802
        self, request: jobs_pb2.CancelJobRequest, context: Context
    ) -> jobs_pb2.CancelJobResponse:
        """Ask a job to stop."""
        return jobs_pb2.CancelJobResponse(job=job_message(self._runner.cancel(request.id)))

    async def ControlJob(  # noqa: N802
        self, request: jobs_pb2.ControlJobRequest, context: Context
    ) -> jobs_pb2.ControlJobResponse:
        """Tell a running job something."""
        job = await self._runner.control(request.id, command_name(request.command))
        return jobs_pb2.ControlJobResponse(job=job_message(job))

    async def ListJobs(  # noqa: N802
        self, request: jobs_pb2.ListJobsRequest, context: Context
    ) -> jobs_pb2.ListJobsResponse:
        """List jobs, newest first."""
        jobs = self._runner.list(state_names(request.states), request.limit or 100)
        return jobs_pb2.ListJobsResponse(jobs=[job_message(job) for job in jobs])

    async def GetJob(  # noqa: N802
        self, request: jobs_pb2.GetJobRequest, context: Context
    ) -> jobs_pb2.GetJobResponse:
        """Tell where a job is."""
        return jobs_pb2.GetJobResponse(job=job_message(self._runner.get(request.id)))


class ModelsService(models_pb2_grpc.ModelsServicer):
    """The swap models under the allowed roots."""

    def __init__(self, room: EngineRoom) -> None:
        self._room = room

    async def ListModels(  # noqa: N802
        self, request: models_pb2.ListModelsRequest, context: Context
    ) -> models_pb2.ListModelsResponse:
        """List the models under the allowed roots."""
        answer = await self._room.ask_twice("list_models")
        return models_pb2.ListModelsResponse(
            models=[model_message(model) for model in answer["models"]],
            recipe_schema_json=json.dumps(answer["recipe_schema"]),
        )


class FramesService(frames_pb2_grpc.FramesServicer):
    """Single frames."""

    def __init__(self, room: EngineRoom, buffers: Buffers) -> None:
        self._room, self._buffers = room, buffers

    async def SwapFrame(  # noqa: N802
        self, request: frames_pb2.SwapFrameRequest, context: Context
    ) -> frames_pb2.SwapFrameResponse:
        """Swap a frame by path."""
        began = time.perf_counter()
        answer = await self._room.ask(
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
        answer = await self._room.ask(
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
        answer = await self._room.ask(
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


def _since(began: float) -> float:
    return (time.perf_counter() - began) * 1e3
