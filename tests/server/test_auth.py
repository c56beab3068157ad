from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from tests.support.calls import fails
from tests.support.servers import Client

from faceplate.errors import BadSettings
from faceplate_protos.v1 import frames_pb2, jobs_pb2, models_pb2
from faceplate_server.auth import load_token


def test_a_token_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "token"
    token = load_token(path)

    assert len(token) >= 32
    assert path.stat().st_mode & 0o777 == 0o600
    assert token == load_token(path)


def test_a_token_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "token"
    load_token(path)
    path.chmod(0o644)

    with pytest.raises(BadSettings, match="chmod 600"):
        load_token(path)


def test_a_short_token_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.touch(0o600)
    path.write_text("secret\n")

    with pytest.raises(BadSettings, match="6 characters"):
        load_token(path)


CALLS = {
    "submit": ("jobs", "SubmitJob", jobs_pb2.SubmitJobRequest(verb="count")),
    "watch": ("jobs", "WatchJob", jobs_pb2.WatchJobRequest(id="x")),
    "list": ("jobs", "ListJobs", jobs_pb2.ListJobsRequest()),
    "models": ("models", "ListModels", models_pb2.ListModelsRequest()),
    "frame": ("frames", "SwapFrame", frames_pb2.SwapFrameRequest()),
}


@pytest.mark.parametrize("token", [None, "", "wrong-token-wrong-token"])
@pytest.mark.parametrize("name", CALLS)
def test_no_call_is_answered_without_the_token(server: Client, name: str, token: str) -> None:
    stubs, method, request = CALLS[name]
    stranger = Client(server.address, token)
    error = fails("UNAUTHENTICATED", stranger, getattr(getattr(stranger, stubs), method), request)
    stranger.channel.close()

    assert (error.code, error.exit_code) == ("Unauthenticated", 6)
    assert server.token not in str(error)


def test_health_answers_anybody_and_knows_the_services(server: Client) -> None:
    stub = health_pb2_grpc.HealthStub(server.channel)
    names = ["", "faceplate.v1.Jobs", "faceplate.v1.Models", "faceplate.v1.Frames"]
    serving = health_pb2.HealthCheckResponse.SERVING

    for name in names:
        assert serving == stub.Check(health_pb2.HealthCheckRequest(service=name), timeout=10).status
    with pytest.raises(grpc.RpcError) as caught:
        stub.Check(health_pb2.HealthCheckRequest(service="faceplate.v1.Nothing"), timeout=10)
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND


def test_health_can_be_watched(server: Client) -> None:
    stub = health_pb2_grpc.HealthStub(server.channel)
    stream = stub.Watch(health_pb2.HealthCheckRequest(), timeout=10)

    assert next(stream).status == health_pb2.HealthCheckResponse.SERVING
    stream.cancel()


def test_reflection_lists_the_services_for_those_with_a_token(server: Client) -> None:
    stub = reflection_pb2_grpc.ServerReflectionStub(server.channel)
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    answers = list(stub.ServerReflectionInfo(iter([request]), metadata=server.metadata, timeout=10))
    names = [service.name for service in answers[0].list_services_response.service]

    assert {"faceplate.v1.Jobs", "faceplate.v1.Models", "faceplate.v1.Frames"} <= set(names)
    with pytest.raises(grpc.RpcError) as caught:
        next(stub.ServerReflectionInfo(iter([request]), timeout=10))
    assert caught.value.code() == grpc.StatusCode.UNAUTHENTICATED
