"""What is true of every call: ids, limits, the log, and that no secret is in it."""

import asyncio
import json
import logging
import os
import select
import time
import urllib.request
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import grpc
import pytest
from tests.support.calls import detail, fails, submit, wait
from tests.support.servers import Client, fake_settings, free_port, running_server

from faceplate_protos.v1 import frames_pb2, jobs_pb2, models_pb2, status_pb2
from faceplate_server.calls import CallInterceptor, Limits
from faceplate_server.logs import JsonLines, logging_to
from faceplate_server.settings import ServerSettings


def frame(root: Path, model: str, number: int = 1) -> Any:
    return frames_pb2.SwapFrameRequest(
        plate="p", track="t", model=model, frame=number, out=str(root / "f.%04d.txt")
    )


def test_every_answer_carries_the_request_id_that_the_client_gave(server: Client) -> None:
    metadata = (*server.metadata, ("faceplate-request-id", "mine-1"))
    request = jobs_pb2.ListJobsRequest()
    _, call = server.jobs.ListJobs.with_call(request, metadata=metadata, timeout=10)
    with pytest.raises(grpc.RpcError) as caught:
        server.jobs.GetJob(jobs_pb2.GetJobRequest(id="x"), metadata=metadata, timeout=10)

    assert dict(call.trailing_metadata())["faceplate-request-id"] == "mine-1"
    assert detail(caught.value).request_id == "mine-1"


def test_a_caller_whom_grpc_cannot_answer_is_taken_for_gone() -> None:
    """As health does that refuses a client which goes away meanwhile: no fault of the server's."""
    peer = {"auth_context.return_value": {}, "invocation_metadata.return_value": ()}
    context = Mock(**peer, **{"peer.return_value": "unix:", "cancelled.return_value": False})

    async def check(request: bytes, context: Any) -> bytes:
        raise grpc.aio.InternalError("Failed 'execute_batch'")

    async def call() -> None:
        handler = grpc.unary_unary_rpc_method_handler(check)
        details = SimpleNamespace(method="/grpc.health.v1.Health/Check", invocation_metadata=())
        interceptor = CallInterceptor(Limits(10, 10, 1), Mock())

        async def continuation(details: Any) -> Any:
            return handler

        wrapped = await interceptor.intercept_service(continuation, details)
        await wrapped.unary_unary(b"", context)

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(call())
    context.abort.assert_not_called()


def test_a_call_that_takes_too_long_is_ended_by_the_server(tmp_path: Path) -> None:
    with running_server(fake_settings(tmp_path, frame_timeout_s=1)) as client:
        request = frame(tmp_path, str(tmp_path / "gate"))
        error = fails("DEADLINE_EXCEEDED", client, client.frames.SwapFrame, request)

    assert (error.code, "1 s" in error.message) == ("TimedOut", True)


def test_a_cancelled_frame_stops_within_two_seconds_and_the_next_is_answered(
    tmp_path: Path,
) -> None:
    with running_server(fake_settings(tmp_path)) as client:
        client(client.frames.SwapFrame, frame(tmp_path, "m"))
        status = client(client.server.GetStatus, status_pb2.GetStatusRequest())
        engine = os.pidfd_open(status.workers[0].pid)
        stuck = _later(client, frame(tmp_path, str(tmp_path / "gate")))
        with pytest.raises(grpc.FutureTimeoutError):
            stuck.result(timeout=0.3)
        stuck.cancel()
        began = time.monotonic()
        select.select([engine], [], [], 10)
        took = time.monotonic() - began
        os.close(engine)
        answer = client(client.frames.SwapFrame, frame(tmp_path, "m", 2))

    assert answer.faces == 1
    assert 1.0 < took < 2.0


def test_a_job_that_does_not_listen_stops_within_two_seconds_by_default(tmp_path: Path) -> None:
    grace = ServerSettings.cancel_grace_s
    settings = fake_settings(tmp_path, cancel_grace_s=grace, save_grace_s=grace)
    with running_server(settings) as client:
        job = submit(client, out=tmp_path / "o", gate=tmp_path / "never", deaf=True)
        while not (tmp_path / "o" / "deaf").exists():
            time.sleep(0.01)
        began = time.monotonic()
        client(client.jobs.CancelJob, jobs_pb2.CancelJobRequest(id=job.id))
        end = wait(client, job.id)

    assert end.state == jobs_pb2.JOB_STATE_CANCELLED
    assert time.monotonic() - began < 2.0


@pytest.mark.parametrize(("silent", "kept_alive"), [(True, False), (False, True)])
def test_what_can_save_is_given_time_for_it_once_it_has_reported(
    tmp_path: Path, silent: bool, kept_alive: bool
) -> None:
    settings = fake_settings(tmp_path, cancel_grace_s=0.2, save_grace_s=2.0)
    with running_server(settings) as client:
        job = submit(client, out=tmp_path / "o", gate=tmp_path / "never", deaf=True, silent=silent)
        while not (tmp_path / "o" / ("begun" if silent else "deaf")).exists():
            time.sleep(0.01)
        if not silent:
            reported(client, job.id)
        began = time.monotonic()
        client(client.jobs.CancelJob, jobs_pb2.CancelJobRequest(id=job.id))
        end = wait(client, job.id)

    assert end.state == jobs_pb2.JOB_STATE_CANCELLED
    assert (time.monotonic() - began >= 2.0) == kept_alive


def reported(client: Client, job_id: str) -> None:
    for message in client(client.jobs.WatchJob, jobs_pb2.WatchJobRequest(id=job_id)):
        if message.job.progress.done:
            return


def test_more_calls_than_may_be_at_once_are_exhausted(tmp_path: Path) -> None:
    settings = fake_settings(tmp_path, max_watched=1, max_frames_waiting=1)
    with running_server(settings) as client:
        job = submit(client, out=tmp_path / "o", gate=tmp_path / "gate")
        request = jobs_pb2.WatchJobRequest(id=job.id)
        first = client(client.jobs.WatchJob, request)
        next(first)
        error = fails("RESOURCE_EXHAUSTED", client, client.jobs.WatchJob, request)
        first.cancel()
        busy = [_later(client, frame(tmp_path, str(tmp_path / "gate"), n)) for n in (1, 2)]
        while (waiting := _refusal(client, frame(tmp_path, "m"))) is None:
            pass
        (tmp_path / "gate").touch()
        for call in busy:
            call.result(timeout=20)

    assert "1 calls follow" in error.message
    assert "frames are waiting" in waiting


def _later(client: Client, request: Any) -> Any:
    return client.frames.SwapFrame.future(request, metadata=client.metadata, timeout=30)


def _refusal(client: Client, request: Any) -> str | None:
    try:
        client.frames.SwapFrame(request, metadata=client.metadata, timeout=0.5)
    except grpc.RpcError as error:
        if error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED:
            return detail(error).message
    return None


def test_the_log_is_lines_of_json_and_holds_no_secret(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with logging_to(home, "debug"), running_server(fake_settings(tmp_path)) as client:
        token = str(client.token)
        wait(client, submit(client, out=tmp_path / "o").id)
        client(client.models.ListModels, models_pb2.ListModelsRequest())
        stranger = Client(client.address, token[:-1] + "!")
        fails("UNAUTHENTICATED", stranger, stranger.jobs.ListJobs, jobs_pb2.ListJobsRequest())
        fails("INTERNAL", client, client.frames.SwapFrame, frame(tmp_path, "bug"))
        stranger.channel.close()
    lines = [json.loads(line) for line in (home / "server.log").read_text().splitlines()]
    calls = [line for line in lines if "rpc" in line]

    assert {"time", "level", "message", "request_id", "rpc", "peer", "ms", "code"} <= set(calls[0])
    assert {call["code"] for call in calls} == {"OK", "UNAUTHENTICATED", "INTERNAL"}
    assert any("job" in line for line in lines)
    bug = next(call for call in calls if call["code"] == "INTERNAL")
    assert bug["request_id"] in (home / "engine.log").read_text()
    for path in (*home.rglob("*.log"), home / "jobs.sqlite"):
        assert token.encode() not in path.read_bytes(), path
        assert token[:-1].encode() not in path.read_bytes(), path


def test_a_record_without_a_call_has_no_request_id() -> None:
    record = logging.LogRecord("a", logging.INFO, "f", 1, "said %d", (3,), None)
    record.job = "j"
    line = json.loads(JsonLines().format(record))

    assert (line["message"], line["job"], line["level"]) == ("said 3", "j", "info")
    assert "request_id" not in line


def test_prometheus_finds_figures_on_this_machine(tmp_path: Path) -> None:
    port = free_port()
    with running_server(fake_settings(tmp_path, metrics_port=port)) as client:
        wait(client, submit(client, out=tmp_path / "o").id)
        client(client.frames.SwapFrame, frame(tmp_path, "m"))
        fails("NOT_FOUND", client, client.jobs.GetJob, jobs_pb2.GetJobRequest(id="x"))
        found: list[str] = []
        url = f"http://127.0.0.1:{port}/metrics"
        with urllib.request.urlopen(url, timeout=10) as answer:
            found = answer.read().decode().splitlines()
    values = {name: float(value) for name, value in (line.rsplit(" ", 1) for line in found[:])
              if not name.startswith("#")}  # fmt: skip

    rpc = 'faceplate_rpc_total{code="%s",rpc="/faceplate.v1.%s"}'
    assert values[rpc % ("OK", "Frames/SwapFrame")] == 1
    assert values[rpc % ("NOT_FOUND", "Jobs/GetJob")] == 1
    assert values['faceplate_rpc_seconds_count{rpc="/faceplate.v1.Frames/SwapFrame"}'] == 1
    assert values['faceplate_jobs{state="done"}'] == 1
    assert values['faceplate_queue_length{what="jobs"}'] == 0
    assert values['faceplate_worker_deaths{role="jobs"}'] == 0
    assert values["faceplate_engine_busy_seconds_total"] > 0
    assert values["faceplate_predictions_made_total"] == 1
    assert values['faceplate_memory_bytes{role="engine room"}'] > 1e6


def test_frames_of_two_clients_take_turns(tmp_path: Path) -> None:
    with running_server(fake_settings(tmp_path)) as first:
        anna, berta = (Client(first.address, first.token, name) for name in ("anna", "berta"))
        gate = _later(first, frame(tmp_path, str(tmp_path / "gate"), 0))
        done: list[str] = []

        def ask(client: Client, name: str) -> None:
            client(client.frames.SwapFrame, frame(tmp_path, "m", 5))
            done.append(name)

        threads = [Thread(target=ask, args=(anna, "anna")) for _ in range(6)]
        threads += [Thread(target=ask, args=(berta, "berta"))]
        for thread in threads:
            thread.start()
            time.sleep(0.05)
        (tmp_path / "gate").touch()
        for thread in threads:
            thread.join(20)
        gate.result(timeout=20)
        for client in (anna, berta):
            client.channel.close()

    assert done.index("berta") <= 2
