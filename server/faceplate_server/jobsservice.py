"""The service Jobs: convert in, ask, convert out."""

from collections.abc import AsyncIterator

from faceplate.errors import BadSettings
from faceplate_protos.v1 import jobs_pb2, jobs_pb2_grpc
from faceplate_server.convert import command_name, job_message, state_names
from faceplate_server.peers import CLIENT
from faceplate_server.runner import JobRunner
from faceplate_server.shapes import Context
from faceplate_server.verbs import parse_object

__all__ = ["JobsService"]

MOST = 1000
"""Jobs in one list."""


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
            request.verb,
            values,
            key=request.key,
            tied=request.cancel_on_disconnect,
            client=CLIENT.get(),
            priority=request.priority,
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
        limit = request.limit or 100
        if not 0 < limit <= MOST:
            raise BadSettings(f"limit: from 1 to {MOST}, got {limit}")
        jobs = self._runner.list(state_names(request.states), limit)
        return jobs_pb2.ListJobsResponse(jobs=[job_message(job) for job in jobs])

    async def GetJob(  # noqa: N802
        self, request: jobs_pb2.GetJobRequest, context: Context
    ) -> jobs_pb2.GetJobResponse:
        """Tell where a job is."""
        return jobs_pb2.GetJobResponse(job=job_message(self._runner.get(request.id)))
