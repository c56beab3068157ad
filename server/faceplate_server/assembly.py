"""Puts a server together: store, runner, engine room, services, address."""

import asyncio
import fcntl
import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from faceplate_protos.v1 import (
    frames_pb2,
    frames_pb2_grpc,
    jobs_pb2,
    jobs_pb2_grpc,
    likenesses_pb2,
    likenesses_pb2_grpc,
    models_pb2,
    models_pb2_grpc,
    status_pb2,
    status_pb2_grpc,
)
from faceplate_server.attempts import WorkerSettings
from faceplate_server.auth import AuthInterceptor, load_token
from faceplate_server.binding import bind, published
from faceplate_server.buffers import Buffers, default_folder
from faceplate_server.calls import CallInterceptor, Limits
from faceplate_server.faults import ServerBusy
from faceplate_server.framesservice import FramesService
from faceplate_server.jobsservice import JobsService
from faceplate_server.metrics import Metrics, Snapshot, served
from faceplate_server.modelsservice import LikenessesService, ModelsService
from faceplate_server.room import EngineRoom, RoomSettings
from faceplate_server.roots import Roots
from faceplate_server.runner import JobRunner, RunnerSettings
from faceplate_server.settings import ServerSettings
from faceplate_server.spool import Spool
from faceplate_server.statusservice import ServerService
from faceplate_server.store import JobStore
from faceplate_server.verbs import ENGINE_VERBS

__all__ = ["ENGINE", "SERVICES", "FaceplateServer", "create_server"]

logger = logging.getLogger(__name__)

ENGINE = "faceplate_server.engine:Engine"
"""The class that the engine room holds; a test names its own."""

SERVICES = tuple(
    file.DESCRIPTOR.services_by_name[name].full_name
    for file, name in (
        (jobs_pb2, "Jobs"),
        (models_pb2, "Models"),
        (frames_pb2, "Frames"),
        (likenesses_pb2, "Likenesses"),
        (status_pb2, "Server"),
    )
)
"""Full names of the services of ours."""

_OPTIONS = [
    ("grpc.so_reuseport", 0),  # else two servers could share a port
    ("grpc.max_receive_message_length", 4 << 20),
    ("grpc.max_metadata_size", 16 << 10),
    ("grpc.max_concurrent_streams", 100),  # of one connection
]


class FaceplateServer:
    """A server that is put together and bound; made by `create_server`.

    Attributes:
        address: Where it can be reached, with the port that it was given.
    """

    def __init__(
        self,
        server: grpc.aio.Server,
        address: str,
        runner: JobRunner,
        room: EngineRoom,
        health_service: health.aio.HealthServicer,
        held: ExitStack,
    ) -> None:
        self.address = address
        self._server, self._runner, self._room = server, runner, room
        self._health, self._held = health_service, held

    async def start(self) -> None:
        """Take up interrupted jobs and answer calls."""
        await self._runner.start()
        await self._server.start()
        for name in SERVICES:
            await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)
        logger.info("listening on %s", self.address)

    async def stop(self, grace_s: float = 2.0) -> None:
        """Refuse new calls, put running jobs back into the queue, end."""
        await self._health.enter_graceful_shutdown()
        stopped = asyncio.create_task(self._server.stop(grace_s))
        await self._runner.stop()
        await self._room.stop()
        await stopped
        self._held.close()
        logger.info("stopped")


def create_server(
    settings: ServerSettings, *, verbs: str = ENGINE_VERBS, engine: str = ENGINE
) -> FaceplateServer:
    """Put a server together and bind its address; call it inside a running event loop.

    Args:
        settings: With nothing left empty, as `load_settings` returns them.
        verbs: Where the table of verbs is.
        engine: Class for the engine room.

    Raises:
        ServerBusy: Another server holds the home folder.
        BadSettings: Roots, token, certificates or address cannot be used.
    """
    with ExitStack() as held:
        home = Path(settings.home)
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        held.enter_context(_lock(home / "server.lock"))
        roots = Roots([Path(root).expanduser() for root in settings.roots])
        store = JobStore(home / "jobs.sqlite")
        held.callback(store.close)
        token = load_token(Path(settings.token_file))
        look = _Look(asyncio.get_running_loop())
        metrics = Metrics(look)
        room = EngineRoom(
            _room_settings(settings, roots, verbs, engine),
            settings.max_frames_waiting,
            metrics.busy,
        )
        runner = JobRunner(store, roots, room, _runner_settings(settings, verbs))
        own = ServerService(runner, room, tuple(map(str, roots.folders)))
        look.at = own
        limits = Limits(settings.call_timeout_s, settings.frame_timeout_s, settings.max_watched)
        server = grpc.aio.server(
            interceptors=(CallInterceptor(limits, metrics), AuthInterceptor(token)),
            options=_OPTIONS,
            maximum_concurrent_rpcs=settings.max_calls,
        )
        frames = FramesService(room, _buffers(settings, held), _spool(settings, held), metrics)
        health_service = _add_services(server, runner, room, own, frames)
        address = own.address = bind(server, settings)
        held.enter_context(served(metrics, settings.metrics_port))
        held.enter_context(published(home / "address", address))
        return FaceplateServer(server, address, runner, room, health_service, held.pop_all())


class _Look:
    """Asks the event loop how the server stands, from the thread of a scrape."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.at: ServerService | None = None

    def __call__(self) -> Snapshot:
        """Return how it stands. Raises TimeoutError where the loop does not answer."""
        return asyncio.run_coroutine_threadsafe(self._look(), self._loop).result(5)

    async def _look(self) -> Snapshot:
        assert self.at is not None
        return self.at.snapshot()


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ServerBusy(
                f"a server already runs with the home folder {path.parent}; stop it, or give "
                "another with --home"
            ) from None
        yield


def _buffers(settings: ServerSettings, held: ExitStack) -> Buffers:
    buffers = Buffers(default_folder(Path(settings.home)), settings.buffer_limit_mib << 20)
    buffers.clear()  # what a server that died has left
    held.callback(buffers.clear)
    return buffers


def _spool(settings: ServerSettings, held: ExitStack) -> Spool:
    spool = Spool(
        Path(settings.home) / "streams",
        settings.stream_limit_mib << 20,
        settings.max_streams,
        settings.stream_silence_s,
    )
    spool.clear()
    held.callback(spool.clear)
    return spool


def _add_services(
    server: grpc.aio.Server,
    runner: JobRunner,
    room: EngineRoom,
    own: ServerService,
    frames: FramesService,
) -> health.aio.HealthServicer:
    jobs_pb2_grpc.add_JobsServicer_to_server(JobsService(runner), server)
    models_pb2_grpc.add_ModelsServicer_to_server(ModelsService(room), server)
    frames_pb2_grpc.add_FramesServicer_to_server(frames, server)
    likenesses_pb2_grpc.add_LikenessesServicer_to_server(LikenessesService(room), server)
    status_pb2_grpc.add_ServerServicer_to_server(own, server)
    health_service = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(health_service, server)
    names = (*SERVICES, health.SERVICE_NAME, reflection.SERVICE_NAME)
    reflection.enable_server_reflection(names, server)
    return health_service


def _runner_settings(settings: ServerSettings, verbs: str) -> RunnerSettings:
    worker = WorkerSettings(
        home=Path(settings.home),
        verbs=verbs,
        consent_policy=settings.consent_policy,
        threads=settings.threads,
        ocio=settings.ocio,
        niceness=settings.job_niceness,
        cancel_grace_s=settings.cancel_grace_s,
        save_grace_s=settings.save_grace_s,
    )
    return RunnerSettings(
        worker=worker,
        devices=settings.devices,
        max_queued=settings.max_queued,
        attempts=settings.attempts,
        heartbeat_s=settings.heartbeat_s,
        watch_grace_s=settings.watch_grace_s,
    )


def _room_settings(settings: ServerSettings, roots: Roots, verbs: str, engine: str) -> RoomSettings:
    return RoomSettings(
        home=settings.home,
        roots=tuple(str(folder) for folder in roots.folders),
        engine=engine,
        verbs=verbs,
        device=settings.devices[0],
        consent_policy=settings.consent_policy,
        threads=settings.threads,
        ocio=settings.ocio,
        kept_models=settings.kept_models,
    )
