"""The Frames and Models services with a fake engine in a real engine room."""

import json
import logging
from pathlib import Path

import grpc
import numpy as np
import pytest
from tests.support.calls import fails, submit, wait
from tests.support.servers import Client, fake_settings, running_server

from faceplate_protos.v1 import frames_pb2, models_pb2


def request(root: Path, model: str = "m", **changes: object) -> frames_pb2.SwapFrameRequest:
    fields = {
        "plate": str(root / "a.%04d.exr"),
        "track": str(root / "a.json"),
        "model": str(root / model),
        "out": str(root / "out.%04d.txt"),
        "frame": 1001,
        **changes,
    }
    return frames_pb2.SwapFrameRequest(**fields)


def test_a_frame_is_swapped_by_path(server: Client, root: Path) -> None:
    answer = server(server.frames.SwapFrame, request(root, recipe_json='{"feather": 3}'))

    assert str(root / "out.1001.txt") == answer.path
    assert answer.faces == 1
    assert answer.milliseconds > 0
    assert (root / "out.1001.txt").read_text() == "1001 {'feather': 3}"


def test_a_frame_is_looked_at_with_changed_values(server: Client, root: Path) -> None:
    fields = {"plate": "a.%04d.exr", "track": "a.json", "model": "m", "view": "v.png"}
    paths = {name: str(root / path) for name, path in fields.items()}
    request = frames_pb2.TweakFrameRequest(**paths, frame=1001, changes_json='{"feather": 3}')
    answer = server(server.frames.TweakFrame, request)

    assert (answer.view, answer.out) == (str(root / "v.png"), "")
    assert (answer.faces, answer.network_runs) == (1, 0)
    assert (root / "v.png").read_text() == "1001 {'feather': 3}"

    request.changes_json = "[]"
    assert (
        "changes_json"
        in fails("INVALID_ARGUMENT", server, server.frames.TweakFrame, request).message
    )


STATUSES = {
    "BadImage": "INVALID_ARGUMENT",
    "UnknownColorSpace": "INVALID_ARGUMENT",
    "MissingFrames": "NOT_FOUND",
    "WeightsMissing": "FAILED_PRECONDITION",
    "ConsentRefused": "PERMISSION_DENIED",
    "OutOfMemory": "RESOURCE_EXHAUSTED",
    "HashMismatch": "DATA_LOSS",
    "Cancelled": "CANCELLED",
}


@pytest.mark.parametrize("name", STATUSES)
def test_errors_of_the_engine_have_their_status(server: Client, root: Path, name: str) -> None:
    error = fails(STATUSES[name], server, server.frames.SwapFrame, request(root, name))

    assert (name, f"{name} as the test wished") == (error.code, error.message)
    assert error.hint


def test_a_mistake_in_the_code_is_internal_and_stays_in_the_log(server: Client, root: Path) -> None:
    error = fails("INTERNAL", server, server.frames.SwapFrame, request(root, "bug"))

    assert error.code == "Internal"
    assert "secret" not in str(error)
    assert "a secret of the code" in (root / "home" / "engine.log").read_text()


def test_a_crash_of_the_engine_is_an_answer_and_the_next_frame_works(
    server: Client, root: Path
) -> None:
    error = fails("INTERNAL", server, server.frames.SwapFrame, request(root, "dies"))

    assert error.code == "WorkerDied"
    assert "SIGKILL" in error.message
    assert server(server.frames.SwapFrame, request(root)).faces == 1


@pytest.mark.parametrize("field", ["plate", "track", "model", "out"])
def test_frames_outside_the_roots_are_refused(server: Client, root: Path, field: str) -> None:
    path = f"{root}/../elsewhere"
    error = fails(
        "PERMISSION_DENIED", server, server.frames.SwapFrame, request(root, **{field: path})
    )

    assert error.code == "OutsideRoots"


@pytest.mark.parametrize("field", ["recipe_json", "settings_json"])
def test_json_that_is_none_is_invalid(server: Client, root: Path, field: str) -> None:
    error = fails(
        "INVALID_ARGUMENT", server, server.frames.SwapFrame, request(root, **{field: "{"})
    )

    assert field in error.message


def test_a_frame_does_not_wait_for_a_batch_job(server: Client, root: Path) -> None:
    job = submit(server, out=root / "busy", gate=root / "gate")

    assert server(server.frames.SwapFrame, request(root)).faces == 1
    (root / "gate").touch()
    wait(server, job.id)


def test_models_are_listed_with_their_schema(server: Client) -> None:
    answer = server(server.models.ListModels, models_pb2.ListModelsRequest())
    good, broken = answer.models

    assert (good.name, good.likeness, good.performer, good.step) == ("m1", "anna", "berta", 1200)
    assert json.loads(good.config_json)["net"]["resolution"] == 64
    assert broken.problem == "torn"
    assert json.loads(answer.recipe_schema_json) == {"title": "Recipe"}


def open_buffer(server: Client, width: int = 8, height: int = 4) -> str:
    request = frames_pb2.OpenBufferRequest(width=width, height=height)
    return str(server(server.frames.OpenBuffer, request).buffer)


def test_a_buffer_is_swapped_in_place(server: Client, root: Path) -> None:
    buffer = open_buffer(server)
    pixels = np.memmap(buffer, np.float32, "r+", shape=(4, 8, 4))
    pixels[:] = 0.25
    request = frames_pb2.SwapBufferRequest(
        buffer=buffer, frame=7, track=str(root / "t"), model=str(root / "m")
    )

    assert server(server.frames.SwapBuffer, request).faces == 1
    assert pixels[3, 7].tolist() == [7.25, 0.25, 0.25, 0.25]
    assert Path(buffer).stat().st_mode & 0o777 == 0o600
    assert Path(buffer).parent.stat().st_mode & 0o777 == 0o700

    server(server.frames.CloseBuffer, frames_pb2.CloseBufferRequest(buffer=buffer))
    assert not Path(buffer).exists()
    fails("NOT_FOUND", server, server.frames.SwapBuffer, request)


def test_only_buffers_of_the_server_are_swapped(server: Client, root: Path) -> None:
    (root / "foreign").write_bytes(bytes(8 * 4 * 16))
    request = frames_pb2.SwapBufferRequest(buffer=str(root / "foreign"), model="m", track="t")

    assert fails("NOT_FOUND", server, server.frames.SwapBuffer, request).code == "NotFound"


def test_a_buffer_needs_a_sensible_size(server: Client) -> None:
    for width, height in ((0, 4), (8, -1), (40_000, 4)):
        request = frames_pb2.OpenBufferRequest(width=width, height=height)
        fails("INVALID_ARGUMENT", server, server.frames.OpenBuffer, request)


def test_buffers_have_a_limit_and_go_with_the_server(tmp_path: Path) -> None:
    with running_server(fake_settings(tmp_path, buffer_limit_mib=1)) as client:
        buffer = open_buffer(client, 256, 128)
        request = frames_pb2.OpenBufferRequest(width=256, height=129)
        error = fails("RESOURCE_EXHAUSTED", client, client.frames.OpenBuffer, request)

    assert "of 1 MiB" in error.message
    assert not Path(buffer).parent.exists()


def test_every_call_leaves_one_line_in_the_log(
    server: Client, root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "faceplate_server.calls")
    server.frames.SwapFrame(
        request(root), metadata=(*server.metadata, ("faceplate-request-id", "abc-1")), timeout=20
    )
    with pytest.raises(grpc.RpcError):
        server(server.frames.SwapFrame, request(root, "BadImage"))

    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 2
    assert lines[0].startswith("/faceplate.v1.Frames/SwapFrame abc-1 ")
    assert lines[0].endswith(" ms OK")
    assert lines[1].endswith(" ms INVALID_ARGUMENT")
    assert server.token not in caplog.text
