"""Wraps something around a handler, whichever of gRPC's four shapes it has."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeAlias

import grpc
from google.protobuf.message import DecodeError

from faceplate.errors import InvalidInput

__all__ = ["Around", "Context", "Continuation", "Handler", "MaybeHandler", "wrap"]

# As text, as these classes take no parameters at run time.
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
MaybeHandler: TypeAlias = "Handler | None"
Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
Continuation: TypeAlias = "Callable[[grpc.HandlerCallDetails], Awaitable[MaybeHandler]]"
Around: TypeAlias = "Callable[[Context], AbstractAsyncContextManager[None]]"


def wrap(handler: Handler, around: Around) -> Handler:
    """Return a handler of the same shape that enters `around` for the whole of each call."""
    inward, outward = handler.request_deserializer, handler.response_serializer
    if not handler.request_streaming:
        inward = _never_failing(inward)
    if handler.request_streaming and handler.response_streaming:
        many = _many(handler.stream_stream, around)
        return grpc.stream_stream_rpc_method_handler(many, inward, outward)
    if handler.request_streaming:
        one = _one(handler.stream_unary, around)
        return grpc.stream_unary_rpc_method_handler(one, inward, outward)
    if handler.response_streaming:
        many = _many(handler.unary_stream, around)
        return grpc.unary_stream_rpc_method_handler(many, inward, outward)
    one = _one(handler.unary_unary, around)
    return grpc.unary_unary_rpc_method_handler(one, inward, outward)


class _Garbled:
    """What came in place of a message."""


def _never_failing(inward: Any) -> Any:
    """Return a deserialiser that lets a garbled message reach the handler, which refuses it.

    gRPC itself would call it an internal error of the server.
    """

    def read(content: bytes) -> Any:
        try:
            return inward(content)
        except DecodeError:
            return _Garbled()

    return inward and read


def _require_message(request: Any) -> None:
    if isinstance(request, _Garbled):
        raise InvalidInput("the request is not the message that this call takes")


def _one(behaviour: Any, around: Around) -> Any:
    async def call(request: Any, context: Context) -> Any:
        async with around(context):
            _require_message(request)
            return await behaviour(request, context)

    return call


def _many(behaviour: Any, around: Around) -> Any:
    async def call(request: Any, context: Context) -> AsyncIterator[Any]:
        async with around(context):
            _require_message(request)
            messages = behaviour(request, context)
            if hasattr(messages, "__aiter__"):
                async for message in messages:
                    yield message
            else:
                await messages  # such as health's Watch, which writes to the context itself

    return call
