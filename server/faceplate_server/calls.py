"""What happens around every call: a request id, one line in the log, errors in gRPC's words."""

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc

from faceplate.errors import FaceplateError
from faceplate_protos.v1 import errors_pb2
from faceplate_server.shapes import Context, Continuation, MaybeHandler, wrap
from faceplate_server.status import fault_of, status_of

__all__ = ["ERROR_KEY", "REQUEST_ID_KEY", "CallInterceptor"]

logger = logging.getLogger(__name__)

ERROR_KEY = "faceplate-error-bin"
REQUEST_ID_KEY = "faceplate-request-id"


class CallInterceptor(grpc.aio.ServerInterceptor):
    """The outermost interceptor: whatever is raised inside leaves as a status with details."""

    async def intercept_service(
        self, continuation: Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> MaybeHandler:
        """Return the call's own handler with all that around it."""
        handler = await continuation(handler_call_details)
        if handler is None:
            return handler  # gRPC itself answers UNIMPLEMENTED
        method = handler_call_details.method
        request_id = _request_id(handler_call_details)
        return wrap(handler, lambda context: _guarded(context, method, request_id))


def _request_id(details: grpc.HandlerCallDetails) -> str:
    given = dict(details.invocation_metadata or ()).get(REQUEST_ID_KEY)
    if isinstance(given, str) and given.isprintable() and 0 < len(given) <= 64:
        return given
    return secrets.token_hex(6)


@asynccontextmanager
async def _guarded(context: Context, method: str, request_id: str) -> AsyncIterator[None]:
    began = time.perf_counter()

    def log(status: grpc.StatusCode) -> None:
        took_ms = (time.perf_counter() - began) * 1e3
        logger.info("%s %s %.1f ms %s", method, request_id, took_ms, status.name)

    try:
        yield
    except grpc.aio.AbortError:
        log(grpc.StatusCode.UNKNOWN)  # a handler of gRPC's own, such as health, has answered
        raise
    except (asyncio.CancelledError, GeneratorExit):
        log(grpc.StatusCode.CANCELLED)
        raise
    except Exception as error:
        status = grpc.StatusCode[status_of(type(error))[0]]
        if not isinstance(error, FaceplateError):
            logger.exception("%s %s failed", method, request_id)
        log(status)
        await _abort(context, status, error, request_id)
    else:
        log(grpc.StatusCode.OK)


async def _abort(
    context: Context, status: grpc.StatusCode, error: Exception, request_id: str
) -> None:
    fault = fault_of(error)
    detail = errors_pb2.ErrorDetail(
        code=fault.code,
        message=fault.message,
        hint=fault.hint,
        exit_code=fault.exit_code,
        request_id=request_id,
    )
    trailer = ((ERROR_KEY, detail.SerializeToString()), (REQUEST_ID_KEY, request_id))
    await context.abort(status, fault.message, trailer)
