"""The way to the server, and one place that retries."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from faceplate_client.address import Server, open_channel
from faceplate_client.errors import error_of_call, unreachable
from faceplate_protos.v1 import (
    frames_pb2_grpc,
    jobs_pb2,
    jobs_pb2_grpc,
    likenesses_pb2_grpc,
    models_pb2_grpc,
    status_pb2_grpc,
)

__all__ = ["Transport"]

T = TypeVar("T")

SILENCE_S = 15.0
"""A watched job that says nothing for so long has lost its server."""


class Transport:
    """Calls to one server. Only UNAVAILABLE is tried again, for `patience_s` in all.

    Args:
        server: Where to.
        patience_s: How long a server that cannot be reached is waited for.
    """

    def __init__(self, server: Server, patience_s: float = 5.0) -> None:
        self._server, self._patience_s = server, patience_s
        self._channel = open_channel(server)
        self.jobs = jobs_pb2_grpc.JobsStub(self._channel)
        self.models = models_pb2_grpc.ModelsStub(self._channel)
        self.frames = frames_pb2_grpc.FramesStub(self._channel)
        self.likenesses = likenesses_pb2_grpc.LikenessesStub(self._channel)
        self.server = status_pb2_grpc.ServerStub(self._channel)
        self._health = health_pb2_grpc.HealthStub(self._channel)

    def close(self) -> None:
        """Close the channel."""
        self._channel.close()

    def call(self, method: Callable[..., T], request: Any, timeout_s: float | None = 120.0) -> T:
        """Call a method that answers once. Raises ClientError."""
        return self._patiently(
            lambda: method(request, metadata=self._metadata(), timeout=timeout_s)
        )

    def exchange(self, method: Callable[..., Iterator[T]], requests: Iterator[Any]) -> Iterator[T]:
        """Call a method that streams both ways; nothing is tried again. Raises ClientError."""
        try:
            yield from method(requests, metadata=self._metadata())
        except grpc.RpcError as error:
            if error.code() == grpc.StatusCode.UNAVAILABLE:
                raise unreachable(self._server.address, error.details() or "") from error
            raise error_of_call(error) from error

    def health(self) -> str:
        """Return ``SERVING`` or the like. Raises ClientError."""
        answer = self.call(self._health.Check, health_pb2.HealthCheckRequest(), 10.0)
        return str(health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status))

    def watch(self, job_id: str) -> Iterator[jobs_pb2.WatchJobResponse]:
        """Yield a job's reports to its end, through restarts of the server. Raises ClientError."""
        began = time.monotonic()
        while True:
            try:
                for message in self._watch_once(job_id):
                    began = time.monotonic()
                    yield message
                return
            except grpc.RpcError as error:
                self._give_up_or_wait(error, began)

    def _watch_once(self, job_id: str) -> Iterator[jobs_pb2.WatchJobResponse]:
        stream = self.jobs.WatchJob(jobs_pb2.WatchJobRequest(id=job_id), metadata=self._metadata())
        with _Silence(stream.cancel) as silence:
            try:
                for message in stream:
                    silence.over()
                    yield message
            except grpc.RpcError:
                if silence.fell:
                    raise unreachable(
                        self._server.address, f"it said nothing for {SILENCE_S:.0f} s"
                    ) from None
                raise
            finally:
                stream.cancel()

    def _metadata(self) -> tuple[tuple[str, str], ...]:
        token, request_id = self._server.token, uuid.uuid4().hex[:12]
        identity = (("authorization", f"Bearer {token}"),) if token else ()
        called = ("faceplate-client", self._server.client)
        return (*identity, called, ("faceplate-request-id", request_id))

    def _patiently(self, call: Callable[[], T]) -> T:
        began = time.monotonic()
        while True:
            try:
                return call()
            except grpc.RpcError as error:
                self._give_up_or_wait(error, began)

    def _give_up_or_wait(self, error: grpc.RpcError, began: float) -> None:
        if error.code() != grpc.StatusCode.UNAVAILABLE:
            raise error_of_call(error) from error
        if time.monotonic() - began > self._patience_s:
            raise unreachable(self._server.address, error.details() or "no answer") from error
        time.sleep(0.1)


class _Silence:
    """Calls `ring` where `over` is not called for `SILENCE_S`."""

    def __init__(self, ring: Callable[[], Any]) -> None:
        self._ring = ring
        self._last = time.monotonic()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="silence", daemon=True)
        self.fell = False

    def __enter__(self) -> _Silence:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()

    def over(self) -> None:
        """Something was heard."""
        self._last = time.monotonic()

    def _listen(self) -> None:
        while not self._done.wait(1.0):
            if time.monotonic() - self._last > SILENCE_S:
                self.fell = True
                self._ring()
                return
