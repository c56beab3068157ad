"""Calls and answers of the server's API in short."""

import json
from pathlib import Path
from typing import Any

import grpc
import pytest
from tests.support.servers import Client

from faceplate_protos.v1 import errors_pb2, jobs_pb2

__all__ = ["detail", "fails", "submit", "wait"]


def submit(client: Client, verb: str = "count", **settings: Any) -> Any:
    """Submit a job of a fake verb; paths may be Path."""
    request = dict(verb=verb)
    for name in ("key", "cancel_on_disconnect"):
        if name in settings:
            request[name] = settings.pop(name)
    plain = {name: str(v) if isinstance(v, Path) else v for name, v in settings.items()}
    request["settings_json"] = json.dumps(plain)
    return client(client.jobs.SubmitJob, jobs_pb2.SubmitJobRequest(**request)).job


def wait(client: Client, job_id: str) -> Any:
    """Watch a job to its end; returns its last state."""
    job = None
    for message in client(client.jobs.WatchJob, jobs_pb2.WatchJobRequest(id=job_id)):
        job = message.job
    return job


def fails(status: str, client: Client, method: Any, request: Any) -> errors_pb2.ErrorDetail:
    """Make a call that must fail with a status; returns what the server says of the error."""

    def call() -> None:
        answer = client(method, request)
        if hasattr(answer, "__next__"):
            next(answer)

    with pytest.raises(grpc.RpcError) as caught:
        call()
    assert caught.value.code().name == status, caught.value
    return detail(caught.value)


def detail(error: Any) -> errors_pb2.ErrorDetail:
    """Return the details that every error of the server carries."""
    trailer = dict(error.trailing_metadata())
    return errors_pb2.ErrorDetail.FromString(trailer["faceplate-error-bin"])
