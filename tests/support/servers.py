"""Real servers on a thread of the test's own process, with fake verbs and a fake engine."""

import asyncio
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
from tests.support.paths import REPO

from faceplate_protos.v1 import (
    frames_pb2_grpc,
    jobs_pb2_grpc,
    likenesses_pb2_grpc,
    models_pb2_grpc,
    status_pb2_grpc,
)
from faceplate_server.app import FaceplateServer, create_server
from faceplate_server.settings import ServerSettings

__all__ = ["ENGINE", "VERBS", "Client", "fake_settings", "free_port", "running_server"]

VERBS = "tests.support.fake_verbs:VERBS"
ENGINE = "tests.support.fake_engine:FakeEngine"


class Client:
    """Stubs of every service, with the server's token."""

    def __init__(self, address: str, token: str | None, name: str | None = None) -> None:
        self.address, self.token = address, token
        self.channel = grpc.insecure_channel(address)
        self.jobs: Any = jobs_pb2_grpc.JobsStub(self.channel)
        self.models: Any = models_pb2_grpc.ModelsStub(self.channel)
        self.frames: Any = frames_pb2_grpc.FramesStub(self.channel)
        self.likenesses: Any = likenesses_pb2_grpc.LikenessesStub(self.channel)
        self.server: Any = status_pb2_grpc.ServerStub(self.channel)
        self.metadata = (("authorization", f"Bearer {token}"),) if token is not None else ()
        if name is not None:
            self.metadata += (("faceplate-client", name),)

    def __call__(self, method: Any, request: Any, timeout: float = 20.0) -> Any:
        return method(request, metadata=self.metadata, timeout=timeout)


def fake_settings(root: Path, **changes: Any) -> ServerSettings:
    """Settings of a server whose home and only root is a test's folder."""
    home = root / "home"
    settings = ServerSettings(
        address=f"unix:{home}/s",
        home=str(home),
        token_file=str(home / "token"),
        roots=(str(root),),
        heartbeat_s=0.2,
        cancel_grace_s=0.5,
        save_grace_s=0.5,
        watch_grace_s=0.2,
    )
    return replace(settings, **changes)


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def running_server(
    settings: ServerSettings, verbs: str = VERBS, engine: str = ENGINE
) -> Iterator[Client]:
    """Run a server; yields a client that may enter."""
    os.environ["PYTHONPATH"] = str(REPO)  # workers import the fakes
    loop = asyncio.new_event_loop()
    started: list[FaceplateServer] = []

    async def start() -> None:
        server = create_server(settings, verbs=verbs, engine=engine)
        await server.start()
        started.append(server)

    thread = threading.Thread(target=loop.run_forever, name="server")
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(start(), loop).result(20)
        client = Client(started[0].address, Path(settings.token_file).read_text().strip())
        try:
            yield client
        finally:
            client.channel.close()
    finally:
        if started:
            asyncio.run_coroutine_threadsafe(started[0].stop(0.2), loop).result(20)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
        os.environ.pop("PYTHONPATH", None)
