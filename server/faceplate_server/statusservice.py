"""The service Server: what is going on."""

import time

from faceplate import __version__
from faceplate_protos.v1 import status_pb2, status_pb2_grpc
from faceplate_server.convert import job_message, loaded_message, timestamp
from faceplate_server.memory import memory_of
from faceplate_server.metrics import Snapshot
from faceplate_server.room import EngineRoom
from faceplate_server.runner import JobRunner
from faceplate_server.shapes import Context

__all__ = ["ServerService"]

SHOWN = 100
"""Jobs."""


class ServerService(status_pb2_grpc.ServerServicer):
    """The server itself.

    Attributes:
        address: Where it can be reached; set when it is bound.
    """

    def __init__(self, runner: JobRunner, room: EngineRoom, roots: tuple[str, ...]) -> None:
        self._runner, self._room = runner, room
        self._roots, self._started = roots, time.time()
        self.address = ""

    async def GetStatus(  # noqa: N802 - gRPC's own spelling
        self, request: status_pb2.GetStatusRequest, context: Context
    ) -> status_pb2.GetStatusResponse:
        """Tell what the server is doing now."""
        models = await self._room.ask_twice("loaded_models") if self._room.pid else []
        return status_pb2.GetStatusResponse(
            version=__version__,
            started=timestamp(self._started),
            address=self.address,
            roots=self._roots,
            devices=[status_pb2.Device(name=name, job=job) for name, job in self._runner.devices],
            jobs=[job_message(job) for job in self._runner.ahead(SHOWN)],
            job_counts=self._runner.counts(),
            models=[loaded_message(model) for model in models],
            bytes=memory_of(None),
            workers=self._workers(),
            frames_waiting=self._room.turns.waiting,
            worker_deaths=self._runner.deaths + self._room.deaths,
        )

    def snapshot(self) -> Snapshot:
        """Return how the server stands, in figures."""
        workers = {"server": memory_of(None)}
        if self._room.pid is not None:
            workers["engine room"] = memory_of(self._room.pid)
        workers["jobs"] = sum(memory_of(pid) for pid in self._runner.pids().values())
        deaths = {"engine room": self._room.deaths, "jobs": self._runner.deaths}
        return Snapshot(self._runner.counts(), self._room.turns.waiting, deaths, workers)

    def _workers(self) -> list[status_pb2.Worker]:
        pids = self._runner.pids()
        if self._room.pid is not None:
            pids = {"engine room": self._room.pid, **pids}
        return [
            status_pb2.Worker(role=role, pid=pid, bytes=memory_of(pid))
            for role, pid in pids.items()
        ]
