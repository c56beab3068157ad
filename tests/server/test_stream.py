"""SwapStream: a frame as bytes, both ways, over a real socket."""

import hashlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from tests.support.calls import detail
from tests.support.servers import Client, fake_settings, running_server

from faceplate_protos.v1 import frames_pb2

Request, Settings = frames_pb2.SwapStreamRequest, frames_pb2.SwapStreamSettings
MIB = 1 << 20


@pytest.fixture(scope="module")
def server(root: Path) -> Iterator[Client]:
    settings = fake_settings(root, stream_limit_mib=8, max_streams=1, stream_silence_s=1.0)
    with running_server(settings) as client:
        yield client


def messages(content: bytes, size: int = MIB, **settings: Any) -> Iterator[Request]:
    given = {"number": 1, "model": "m", "track": "t.json", "frame_bytes": len(content), **settings}
    yield Request(settings=Settings(**given))
    for at in range(0, len(content), size):
        yield Request(frame=content[at : at + size])


def test_a_frame_goes_there_and_back_in_pieces(server: Client, root: Path) -> None:
    content = bytes(range(256)) * (5 * MIB // 256) + b"end"
    answers = list(server(server.frames.SwapStream, messages(content)))
    result, pieces = answers[0].result, [answer.frame for answer in answers[1:]]

    assert b"".join(pieces) == content[::-1]
    assert max(map(len, pieces)) <= MIB
    assert result.frame_bytes == len(content)
    assert result.sha256 == hashlib.sha256(content[::-1]).hexdigest()
    assert (result.faces, result.milliseconds > 0) == (1, True)
    assert list((root / "home" / "streams").iterdir()) == []


def test_a_track_is_sent_before_the_frame(server: Client) -> None:
    settings = Settings(number=1, model="m", frame_bytes=3, track_bytes=2)
    sent = [Request(settings=settings), Request(track=b"{}"), Request(frame=b"exr")]

    answers = list(server(server.frames.SwapStream, iter(sent)))
    assert answers[1].frame == b"rxe"


def wrong(kind: str) -> list[Request]:
    whole = list(messages(b"abc"))
    return {
        "nothing": [],
        "no settings": whole[1:],
        "settings twice": [whole[0], *whole],
        "too few": [whole[0], Request(frame=b"ab")],
        "too many": [*whole, Request(frame=b"d")],
        "empty": [whole[0], Request()],
        "no size": [Request(settings=Settings(number=1, track="t"))],
        "below zero": [Request(settings=Settings(number=1, track="t", frame_bytes=-5))],
        "no track": [Request(settings=Settings(number=1, frame_bytes=3))],
        "track after frame": [
            Request(settings=Settings(frame_bytes=3, track_bytes=1)), whole[1], Request(track=b"x"),
        ],
        "large pieces": list(messages(bytes(3 * MIB), 3 * MIB)),
    }[kind]  # fmt: skip


def refused(server: Client, requests: Iterator[Request]) -> grpc.RpcError:
    with pytest.raises(grpc.RpcError) as caught:
        list(server(server.frames.SwapStream, requests))
    return caught.value


@pytest.mark.parametrize(
    "kind",
    ["nothing", "no settings", "settings twice", "too few", "too many", "empty", "no size",
     "below zero", "no track", "track after frame", "large pieces"],
)  # fmt: skip
def test_wrong_messages_are_named_and_leave_nothing(server: Client, root: Path, kind: str) -> None:
    error = refused(server, iter(wrong(kind)))

    assert error.code().name == "INVALID_ARGUMENT"
    assert detail(error).hint
    assert list((root / "home" / "streams").iterdir()) == []


def test_more_than_the_limit_is_exhausted_before_anything_is_sent(server: Client) -> None:
    error = refused(server, messages(b"", frame_bytes=9 * MIB))

    assert error.code().name == "RESOURCE_EXHAUSTED"
    assert "--stream-limit-mib" in detail(error).message


def test_a_client_that_falls_silent_is_given_up_and_a_second_stream_waits(
    server: Client,
) -> None:
    silent = server.frames.SwapStream(_then_silence(), metadata=server.metadata)
    error = None
    while error is None:  # until the server has seen the first
        try:
            list(server(server.frames.SwapStream, messages(b"abc")))
        except grpc.RpcError as refusal:
            error = refusal
    assert error.code().name == "RESOURCE_EXHAUSTED"
    assert "already" in detail(error).message
    with pytest.raises(grpc.RpcError) as caught:
        list(silent)
    assert caught.value.code().name == "DEADLINE_EXCEEDED"


def _then_silence() -> Iterator[Request]:
    yield next(messages(b"abc"))
    threading.Event().wait(4)


def test_a_crash_of_the_engine_is_an_answer(server: Client) -> None:
    error = refused(server, messages(b"abc", model="dies"))

    assert detail(error).code == "WorkerDied"
    assert list(server(server.frames.SwapStream, messages(b"abc")))[1].frame == b"cba"
