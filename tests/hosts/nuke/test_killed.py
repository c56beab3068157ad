"""Nukes as processes of their own, the plug-in in them, real helpers and a server: one is killed
outright, two work at once.
"""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from tests.support.nuke.session import client_program
from tests.support.paths import MINI, REPO
from tests.support.patience import within

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
    node["fp_output"].setValue(sys.argv[1] + "/out é")
    run = nuke.actions.swap(node)
    nuke.host.pump(lambda: run.watched.helper is not None)
    print("at work", flush=True)
    nuke.wait(run)
    print(run.error or node["fp_version"].value(), flush=True)
"""


def nuke_in(folder: Path) -> Any:
    """Start a Nuke that swaps four frames into a folder."""
    environment = {**os.environ, "FACEPLATE_CLIENT": str(client_program())}
    return subprocess.Popen(
        [sys.executable, "-c", NUKE, str(folder), f"{MINI}/consent.json"],
        cwd=REPO, env=environment, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_a_nuke_that_is_killed_takes_its_job_with_it_within_two_seconds(
    reached: Path, server: Any
) -> None:
    gate = reached / "out é/gate"
    gate.parent.mkdir(parents=True)
    gate.touch()
    nuke = nuke_in(reached)
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

    assert took < within(2)
    assert not [pid for pid in helpers() if str(server.address) in pid]


def test_two_nukes_at_once_never_share_a_version(reached: Path, server: Any) -> None:
    nukes = [nuke_in(reached) for _ in range(2)]
    said = [nuke.communicate(timeout=120)[0].splitlines() for nuke in nukes]

    folder = reached / "out é"
    assert sorted(lines[-1] for lines in said) == [f"{folder}/fp_v001", f"{folder}/fp_v002"]
    for version in ("fp_v001", "fp_v002"):
        names = sorted(path.name for path in (folder / version).glob("*.exr"))
        assert names == [f"comp.{number}.exr" for number in range(1001, 1005)]
        assert (folder / version / "comp.track.json").is_file()


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
