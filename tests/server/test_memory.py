"""Workers that run out of memory, for real: a limit on their address space."""

import os
from pathlib import Path

import pytest
from tests.support.calls import submit, wait
from tests.support.servers import Client

from faceplate_protos.v1 import jobs_pb2
from faceplate_server.memory import memory_of, oom_kills


@pytest.mark.parametrize("kind", ["real", "torch"])
def test_a_job_without_memory_is_tried_once_more_with_half_the_batch(
    server: Client, root: Path, kind: str
) -> None:
    out = root / f"half-{kind}"
    job = wait(server, submit(server, "hungry", out=out, kind=kind).id)

    assert job.state == jobs_pb2.JOB_STATE_DONE, job.error
    assert out.read_text().split() == ["8", "4"]
    assert job.result_json == '{"batch": 4}'
    assert "batch 4 in place of 8" in job.note


@pytest.mark.parametrize("kind", ["real", "torch"])
def test_a_job_that_half_does_not_help_fails_with_the_reason(
    server: Client, root: Path, kind: str
) -> None:
    out = root / f"never-{kind}"
    job = wait(server, submit(server, "hungry", out=out, kind=kind, allowed_mib=100).id)

    assert (job.state, job.error.code) == (jobs_pb2.JOB_STATE_FAILED, "OutOfMemory")
    assert out.read_text().split() == ["8", "4"]
    assert (job.error.exit_code, "memory ran out" in job.error.message) == (7, True)
    assert "batch 4" in job.note


def test_a_job_that_cannot_be_made_smaller_fails_at_once(server: Client, root: Path) -> None:
    out = root / "one"
    job = wait(server, submit(server, "hungry", out=out, batch=1, kind="torch", allowed_mib=1).id)

    assert job.error.code == "OutOfMemory"
    assert out.read_text().split() == ["1"]
    assert job.note == ""
    done = wait(server, submit(server, out=root / "after").id)
    assert done.state == jobs_pb2.JOB_STATE_DONE


def test_memory_is_told_of_this_process_and_of_a_session() -> None:
    assert memory_of(None) > 1 << 20
    assert memory_of(os.getsid(0)) >= memory_of(None)
    assert memory_of(2**22 + 1) == 0
    assert oom_kills() >= 0
