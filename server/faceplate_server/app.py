"""The server's process: settings, start, stop.

`faceplate serve` reaches `main` through the entry-point group ``faceplate.commands``.
"""

import asyncio
import contextlib
import fcntl
import logging
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from faceplate.errors import BadSettings, FaceplateError
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
from faceplate_server.auth import AuthInterceptor, load_token
from faceplate_server.buffers import Buffers, default_folder
from faceplate_server.calls import CallInterceptor
from faceplate_server.faults import ServerBusy
from faceplate_server.framesservice import FramesService
from faceplate_server.jobsservice import JobsService
from faceplate_server.modelsservice import LikenessesService, ModelsService
from faceplate_server.room import EngineRoom, RoomSettings
from faceplate_server.roots import Roots
from faceplate_server.runner import JobRunner, RunnerSettings
from faceplate_server.settings import ServerSettings, check_address, load_settings
from faceplate_server.spool import Spool
from faceplate_server.statusservice import ServerService
from faceplate_server.store import JobStore
from faceplate_server.verbs import ENGINE_VERBS

__all__ = ["ENGINE", "FaceplateServer", "create_server", "main", "serve"]

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
        BadSettings: Roots, token or address cannot be used.
    """
    with ExitStack() as held:
        home = Path(settings.home)
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        held.enter_context(_lock(home / "server.lock"))
        roots = Roots([Path(root).expanduser() for root in settings.roots])
        store = JobStore(home / "jobs.sqlite")
        held.callback(store.close)
        room = EngineRoom(
            _room_settings(settings, roots, verbs, engine), settings.max_frames_waiting
        )
        runner = JobRunner(store, roots, room, _runner_settings(settings, verbs))
        token = load_token(Path(settings.token_file))
        server = grpc.aio.server(
            interceptors=(CallInterceptor(), AuthInterceptor(token)),
            options=[("grpc.so_reuseport", 0)],  # else two servers could share a port
        )
        buffers = Buffers(default_folder(home), settings.buffer_limit_mib << 20)
        buffers.clear()  # what a server that died has left
        held.callback(buffers.clear)
        spool = _spool(settings)
        spool.clear()
        held.callback(spool.clear)
        frames_pb2_grpc.add_FramesServicer_to_server(FramesService(room, buffers, spool), server)
        own = ServerService(runner, room, tuple(map(str, roots.folders)))
        health_service = _add_services(server, runner, room, own)
        address = own.address = _bind(server, settings.address)
        held.enter_context(_published(home / "address", address))
        return FaceplateServer(server, address, runner, room, health_service, held.pop_all())


async def serve(
    settings: ServerSettings, *, verbs: str = ENGINE_VERBS, engine: str = ENGINE
) -> None:
    """Run a server until SIGINT or SIGTERM; see `create_server`."""
    server = create_server(settings, verbs=verbs, engine=engine)
    enough = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, enough.set)
    try:
        await server.start()
        await enough.wait()
    finally:
        await server.stop()


def main(argv: Sequence[str] | None = None) -> int:
    """Run `faceplate serve`; returns the exit code (docs/exit-codes.md)."""
    try:
        settings = load_settings(argv)
        logging.basicConfig(
            level=settings.log_level.upper(),
            format="%(asctime)s %(levelname)s %(name)s: %(message)s",
            force=True,  # the command line that brought us here has set up its own
        )
        asyncio.run(serve(settings))
    except FaceplateError as error:
        sys.stderr.write(f"faceplate serve: {error}\n")
        return error.exit_code
    except OSError as error:  # such as a home folder that cannot be made; it names the file
        sys.stderr.write(f"faceplate serve: {error}\n")
        return FaceplateError.exit_code
    return 0


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


@contextmanager
def _published(path: Path, address: str) -> Iterator[None]:
    part = path.with_suffix(".part")
    part.write_text(address + "\n", encoding="utf-8")
    part.replace(path)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def _bind(server: grpc.aio.Server, address: str) -> str:
    check_address(address)
    try:
        port = server.add_insecure_port(address)
    except RuntimeError as error:
        raise BadSettings(
            f"address: {address} cannot be bound: it is in use, or its folder does not exist"
        ) from error
    if address.startswith("unix:"):
        with contextlib.suppress(FileNotFoundError):
            os.chmod(address.removeprefix("unix:"), 0o600)
        return address
    return f"{address.rpartition(':')[0]}:{port}"


def _spool(settings: ServerSettings) -> Spool:
    return Spool(
        Path(settings.home) / "streams",
        settings.stream_limit_mib << 20,
        settings.max_streams,
        settings.stream_silence_s,
    )


def _add_services(
    server: grpc.aio.Server, runner: JobRunner, room: EngineRoom, own: ServerService
) -> health.aio.HealthServicer:
    jobs_pb2_grpc.add_JobsServicer_to_server(JobsService(runner), server)
    models_pb2_grpc.add_ModelsServicer_to_server(ModelsService(room), server)
    likenesses_pb2_grpc.add_LikenessesServicer_to_server(LikenessesService(room), server)
    status_pb2_grpc.add_ServerServicer_to_server(own, server)
    health_service = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(health_service, server)
    names = (*SERVICES, health.SERVICE_NAME, reflection.SERVICE_NAME)
    reflection.enable_server_reflection(names, server)
    return health_service


def _runner_settings(settings: ServerSettings, verbs: str) -> RunnerSettings:
    return RunnerSettings(
        home=Path(settings.home),
        verbs=verbs,
        devices=settings.devices,
        consent_policy=settings.consent_policy,
        threads=settings.threads,
        ocio=settings.ocio,
        max_queued=settings.max_queued,
        attempts=settings.attempts,
        heartbeat_s=settings.heartbeat_s,
        cancel_grace_s=settings.cancel_grace_s,
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
