"""Nobody who speaks to a server can name a command: a real server with the engine's own verbs."""

import json
from collections.abc import Iterator

import pytest
from tests.support.calls import fails
from tests.support.servers import Client, fake_settings, running_server

from faceplate.jobs import JOBS
from faceplate_protos.v1 import jobs_pb2
from faceplate_server.verbs import ENGINE_VERBS


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    root = tmp_path_factory.mktemp("p")
    with running_server(fake_settings(root), verbs=ENGINE_VERBS) as client:
        yield client


def refused(client: Client, verb: str, settings: dict[str, object]) -> str:
    request = jobs_pb2.SubmitJobRequest(verb=verb, settings_json=json.dumps(settings))
    return fails("INVALID_ARGUMENT", client, client.jobs.SubmitJob, request).message


@pytest.mark.parametrize("verb", ["review publish", "publish", "batch", "farm openjd"])
def test_a_server_publishes_nothing(engine: Client, verb: str) -> None:
    settings = {"result": "s.%04d.exr", "command": "touch pwned"}
    assert f"no verb is called '{verb}'" in refused(engine, verb, settings)


@pytest.mark.parametrize("verb", sorted(JOBS))
@pytest.mark.parametrize("word", ["command", "config", "hooks"])
def test_no_job_takes_a_command(engine: Client, verb: str, word: str) -> None:
    assert f"unknown key '{word}'" in refused(engine, verb, {word: ["touch", "pwned"]})
