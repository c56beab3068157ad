"""What happens around every call: an id, limits, one line in the log, errors in gRPC's words."""

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import grpc
from google.protobuf.message import DecodeError

from faceplate.errors import Exhausted, FaceplateError, InvalidInput
from faceplate_protos.v1 import errors_pb2
from faceplate_server.faults import TimedOut
from faceplate_server.logs import REQUEST
from faceplate_server.metrics import Metrics
from faceplate_server.peers import CLIENT, client_of, peer_of
from faceplate_server.shapes import Context, Continuation, MaybeHandler, wrap
from faceplate_server.status import fault_of, status_of

__all__ = ["ERROR_KEY", "REQUEST_ID_KEY", "CallInterceptor", "Limits"]

logger = logging.getLogger(__name__)

ERROR_KEY = "faceplate-error-bin"
REQUEST_ID_KEY = "faceplate-request-id"

_COMPUTING = ("/faceplate.v1.Frames/",)
_COMPUTING_MODELS = tuple(
    f"/faceplate.v1.Models/{name}Model" for name in ("Describe", "Load", "Unload", "Import")
)
_WATCHING = ("/faceplate.v1.Jobs/WatchJob", "/grpc.health.v1.Health/Watch")
_REFLECTION = "/grpc.reflection."


@dataclass(frozen=True)
class Limits:
    """How long and how many."""

    call_s: float
    """Of calls that compute nothing."""
    frame_s: float
    """Of calls that compute, with the waiting for their turn."""
    watched: int
    """Calls that follow something for long, at once."""

    def seconds_of(self, method: str) -> float | None:
        """Return how long a call may take; None where it follows something."""
        if method in _WATCHING:
            return None
        is_computing = method.startswith(_COMPUTING) or method in _COMPUTING_MODELS
        return self.frame_s if is_computing else self.call_s


class CallInterceptor(grpc.aio.ServerInterceptor):
    """The outermost interceptor: whatever is raised inside leaves as a status with details."""

    def __init__(self, limits: Limits, metrics: Metrics) -> None:
        self._limits, self._metrics, self._watched = limits, metrics, 0

    async def intercept_service(
        self, continuation: Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> MaybeHandler:
        """Return the call's own handler with all that around it."""
        handler = await continuation(handler_call_details)
        if handler is None:
            return handler  # gRPC itself answers UNIMPLEMENTED
        method = handler_call_details.method
        request_id = _request_id(handler_call_details)
        return wrap(handler, lambda context: self._guarded(context, method, request_id))

    @asynccontextmanager
    async def _guarded(self, context: Context, method: str, request_id: str) -> AsyncIterator[None]:
        REQUEST.set(request_id)
        # now, as gRPC forgets the peer of a call that was cancelled, and dies of the question
        peer, client = peer_of(context), client_of(context)
        CLIENT.set(client)
        call = _Call(method, peer, client, time.perf_counter(), self._metrics)
        try:
            async with self._place(method), self._limited(method):
                context.set_trailing_metadata(((REQUEST_ID_KEY, request_id),))
                yield
        except grpc.aio.AbortError:
            call.ended(grpc.StatusCode.UNKNOWN)  # a handler of gRPC's own, such as health
            raise
        except (asyncio.CancelledError, GeneratorExit):
            call.ended(grpc.StatusCode.CANCELLED)
            raise
        except NotImplementedError:  # of gRPC's own services, which are newer than their servers
            call.ended(grpc.StatusCode.UNIMPLEMENTED)
            await context.abort(grpc.StatusCode.UNIMPLEMENTED, f"{method} is not offered here")
        except Exception as raised:
            if context.cancelled() or isinstance(raised, grpc.aio.InternalError):
                # nobody is left to be told, and gRPC cannot
                call.ended(grpc.StatusCode.CANCELLED)
                raise asyncio.CancelledError from raised
            error = _understood(raised)
            status = grpc.StatusCode[status_of(type(error))[0]]
            if not isinstance(error, FaceplateError):
                logger.exception("%s failed", method)
            call.ended(status)
            await _abort(context, status, error, request_id)
        else:
            call.ended(grpc.StatusCode.OK)

    @asynccontextmanager
    async def _place(self, method: str) -> AsyncIterator[None]:
        """Hold a place among those that follow something for long."""
        if method not in _WATCHING and not method.startswith(_REFLECTION):
            yield
            return
        if self._watched >= self._limits.watched:
            raise Exhausted(f"{self._watched} calls follow something already; end one of them")
        self._watched += 1
        try:
            yield
        finally:
            self._watched -= 1

    @asynccontextmanager
    async def _limited(self, method: str) -> AsyncIterator[None]:
        seconds = self._limits.seconds_of(method)
        try:
            async with asyncio.timeout(seconds) as limit:
                yield
        except TimeoutError:
            if not limit.expired():
                raise
            raise TimedOut(f"the call took longer than the {seconds:g} s that it may") from None


@dataclass(frozen=True)
class _Call:
    method: str
    peer: str
    client: str
    began: float
    metrics: Metrics

    def ended(self, status: grpc.StatusCode) -> None:
        """Write the line of the log, and count."""
        took = time.perf_counter() - self.began
        about = {
            "rpc": self.method,
            "peer": self.peer,
            "client": self.client,
            "ms": round(took * 1e3, 1),
            "code": status.name,
        }
        self.metrics.call(self.method, status.name, took)
        logger.info(
            "%s %s %.1f ms %s", self.method, REQUEST.get(), took * 1e3, status.name, extra=about
        )


def _understood(error: Exception) -> Exception:
    """Return a garbled message of a stream as the client's mistake that it is."""
    if isinstance(error, DecodeError):
        return InvalidInput("a message of the stream is not what this call takes")
    return error


def _request_id(details: grpc.HandlerCallDetails) -> str:
    given = dict(details.invocation_metadata or ()).get(REQUEST_ID_KEY)
    if isinstance(given, str) and given.isprintable() and 0 < len(given) <= 64:
        return given
    return secrets.token_hex(6)


async def _abort(
    context: Context, status: grpc.StatusCode, error: Exception, request_id: str
) -> None:
    fault = fault_of(error)
    detail = errors_pb2.ErrorDetail(
        code=fault.code,
        message=_short(fault.message),
        hint=fault.hint,
        exit_code=fault.exit_code,
        request_id=request_id,
    )
    trailer = ((ERROR_KEY, detail.SerializeToString()), (REQUEST_ID_KEY, request_id))
    await context.abort(status, _short(fault.message), trailer)


def _short(message: str) -> str:
    """Cut a message that quotes something endless: trailers have a limit of their own."""
    return message if len(message) <= 2000 else f"{message[:1500]} ... {message[-400:]}"
