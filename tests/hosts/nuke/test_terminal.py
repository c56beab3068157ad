"""`nuke -t batch.py` as a process: what a farm sees is its exit code and its lines."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from tests.support.nuke.session import FOLDER, Session
from tests.support.paths import MINI, REPO
from tests.support.patience import within

from faceplate_protos.v1 import jobs_pb2

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name != "posix", reason="unix sockets and signals"),
]

NUKE_T = """
import runpy, sys
from tests.support.nuke.session import session
with session(gui=False):
    sys.argv = sys.argv[1:]
    runpy.run_path(sys.argv[0], run_name="__main__")
"""


def nuke_t(*words: str, **environment: str) -> Any:
    """Start what `nuke -t batch.py WORDS` starts."""
    return subprocess.Popen(
        [sys.executable, "-c", NUKE_T, str(FOLDER / "faceplate_nuke/batch.py"), *words],
        cwd=REPO, env={**os.environ, **environment}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


@pytest.fixture
def script(terminal: Session, reached: Path) -> str:
    """A script with a node behind four frames, saved."""
    terminal.host.script = str(reached / "comp.nk")
    terminal.plate(last=1004)
    node = terminal.actions.create()
    assert "1 models" in node["fp_status"].value()
    node["fp_consent"].setValue(f"{MINI}/consent.json")
    terminal.nuke.scriptSave(terminal.host.script)
    return str(reached / "comp.nk")


def test_what_ends_well_ends_with_0_and_says_how_far_it_is(script: str) -> None:
    out, err = (run := nuke_t(script, "--frames=1002-1003")).communicate(timeout=60)

    assert (run.returncode, err) == (0, "")
    assert "Progress: 100% Faceplate swap: FP_FaceSwap1" in out
    assert "FP_FaceSwap1: fp_v001: 1002-1003, a face in 2 frames" in out


def test_frames_without_a_face_are_written_and_end_with_4(script: str, terminal: Session) -> None:
    (node,) = terminal.nuke.allNodes("Group")
    node["fp_person"].setValue("nobody")
    terminal.nuke.scriptSave(script)
    out, _ = (run := nuke_t(script, "--frames=1002")).communicate(timeout=60)

    assert run.returncode == 4
    assert "no face in any frame" in out


@pytest.mark.parametrize(
    ("words", "environment", "code", "said"),
    [
        (["--frames=x"], {}, 2, "expected FIRST-LAST"),
        (["--node=FP_FaceSwap7"], {}, 6, "has no node FP_FaceSwap7"),
        ([], {"FACEPLATE_SERVER": "unix:/nowhere/s"}, 8, "faceplate serve"),
        ([], {"FACEPLATE_CLIENT": "/nowhere/c"}, 6, "is no program"),
        ([], {"OCIO": "/nowhere/c.ocio"}, 5, "cannot be read"),
    ],
)
def test_what_fails_ends_with_the_code_of_its_reason(
    script: str, words: list[str], environment: dict[str, str], code: int, said: str
) -> None:
    _, err = (run := nuke_t(script, *words, **environment)).communicate(timeout=60)

    assert said in err
    assert run.returncode == code


def test_a_farm_that_stops_it_ends_it_and_its_job_within_five_seconds(
    script: str, reached: Path, server: Any
) -> None:
    gate = reached / "faceplate/FP_FaceSwap1/gate"
    gate.parent.mkdir(parents=True)
    gate.touch()
    run = nuke_t(script)
    for line in run.stdout:
        if "1 of 4" in line:
            break
    began = time.monotonic()
    run.send_signal(signal.SIGTERM)
    run.communicate(timeout=60)

    assert time.monotonic() - began < within(5)
    assert run.returncode == 143
    newest = server(server.jobs.ListJobs, jobs_pb2.ListJobsRequest(limit=1)).jobs[0]
    assert newest.state == jobs_pb2.JOB_STATE_CANCELLED
