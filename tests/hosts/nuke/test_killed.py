"""A Nuke that is killed outright: the plug-in in a process of its own, a real helper and server."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from tests.support.nuke.session import client_program
from tests.support.paths import MINI, REPO

from faceplate_protos.v1 import jobs_pb2

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name != "posix", reason="kills a process by a signal"),
]

NUKE = """
import sys
from tests.support.nuke.session import session
with session() as nuke:
    nuke.host.script = sys.argv[1] + "/comp.nk"
    nuke.plate(last=1004)
    node = nuke.actions.create()
    nuke.wait(nuke.jobs.running(node))
    node["fp_consent"].setValue(sys.argv[2])
    run = nuke.actions.swap(node)
    nuke.host.pump(lambda: run.watched.helper is not None)
    print("at work", flush=True)
    nuke.wait(run)
"""


def test_a_nuke_that_is_killed_takes_its_job_with_it_within_two_seconds(
    reached: Path, server: Any
) -> None:
    gate = reached / "faceplate/FP_FaceSwap1/gate"
    gate.parent.mkdir(parents=True)
    gate.touch()
    environment = {**os.environ, "FACEPLATE_CLIENT": str(client_program())}
    nuke = subprocess.Popen(
        [sys.executable, "-c", NUKE, str(reached), f"{MINI}/consent.json"],
        cwd=REPO, env=environment, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert nuke.stdout is not None
        assert nuke.stdout.readline() == "at work\n"
        wait_for(lambda: newest(server)[:1] == ["swap"] and newest(server)[2], 30)
        nuke.kill()
        nuke.wait()
        took = wait_for(lambda: newest(server)[1] == jobs_pb2.JOB_STATE_CANCELLED, 10)
    finally:
        nuke.kill()
        nuke.communicate()

    assert took < 2
    assert not [pid for pid in helpers() if str(server.address) in pid]


def newest(server: Any) -> list[Any]:
    """Return verb, state and frames of the newest job, or nothing."""
    jobs = server(server.jobs.ListJobs, jobs_pb2.ListJobsRequest(limit=1)).jobs
    return [value for job in jobs for value in (job.verb, job.state, job.progress.done)]


def wait_for(what: Any, seconds: float) -> float:
    began = time.monotonic()
    while not what():
        assert time.monotonic() < began + seconds, "waited too long"
        time.sleep(0.02)
    return time.monotonic() - began


def helpers() -> list[str]:
    """Return the command lines of what runs under this user."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(path.read_text())
        except OSError:  # it ended in between
            continue
    return [words for words in found if "faceplate-client" in words and "submit" in words]
