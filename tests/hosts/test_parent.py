"""A host that dies takes its job with it, where it asked for that."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.support.calls import wait
from tests.support.patience import within
from tests.support.servers import Client

from faceplate_client.main import main
from faceplate_protos.v1 import jobs_pb2

pytestmark = pytest.mark.skipif(os.name != "posix", reason="kills processes by signals")

HOST = """
import subprocess, sys
helper = subprocess.Popen(
    sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
)
print(helper.pid, flush=True)
for line in helper.stdout:
    sys.stdout.write(line.decode())
    sys.stdout.flush()
"""
"""A host as Nuke is one: it spawns the helper in a session of its own, and hears it."""


class Host:
    """A process that has a helper."""

    def __init__(self, root: Path, *words: object) -> None:
        client = [sys.executable, "-m", "faceplate_client.main", "--home", str(root / "home")]
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOST, *client, *map(str, words)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.said = self.process.stdout
        self.helper = int(self.said.readline())

    def until(self, event: str, done: int = 0) -> dict[str, Any]:
        for line in self.said:
            found = json.loads(line)
            if found["event"] == event and found.get("done", 0) >= done:
                return dict(found)
        raise AssertionError(f"no event {event}")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    @property
    def helper_runs(self) -> bool:
        return Path(f"/proc/{self.helper}").exists() and not _is_zombie(self.helper)


def _is_zombie(pid: int) -> bool:
    return "State:\tZ" in Path(f"/proc/{pid}/status").read_text()


@contextmanager
def host(root: Path, *words: object) -> Iterator[Host]:
    found = Host(root, *words)
    try:
        yield found
    finally:
        found.kill()
        found.said.close()
        if found.helper_runs:
            os.kill(found.helper, signal.SIGKILL)


def until(what: Any, seconds: float) -> float:
    began = time.monotonic()
    while not what():
        assert time.monotonic() < began + seconds, "waited too long"
        time.sleep(0.01)
    return time.monotonic() - began


def state(server: Client, job: str) -> int:
    return int(server(server.jobs.GetJob, jobs_pb2.GetJobRequest(id=job)).job.state)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="looks for processes in /proc")
def test_a_host_that_is_killed_takes_its_helper_and_its_job_with_it(
    server: Client, root: Path
) -> None:
    words = ("submit", "count", f"out={root}/a", f"gate={root}/never")
    with host(root, "--with-parent", *words) as found:
        job = found.until("progress", done=1)["job"]
        found.kill()
        took = until(lambda: state(server, job) == jobs_pb2.JOB_STATE_CANCELLED, 10)
        until(lambda: not found.helper_runs, 10)

    assert took < within(2)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="looks for processes in /proc")
def test_a_host_that_did_not_ask_for_it_may_go(server: Client, root: Path) -> None:
    gate = root / "gate-gone"
    with host(root, "submit", "count", f"out={root}/b", f"gate={gate}") as found:
        job = found.until("progress", done=1)["job"]
        found.kill()
        assert state(server, job) == jobs_pb2.JOB_STATE_RUNNING
        gate.touch()
        assert wait(server, job).state == jobs_pb2.JOB_STATE_DONE


def test_a_host_stops_its_helper_by_closing_the_pipe(server: Client, root: Path) -> None:
    client = [sys.executable, "-m", "faceplate_client.main", "--home", str(root / "home")]
    words = ["--with-parent", "submit", "count", f"out={root}/c", f"gate={root}/never"]
    helper = subprocess.Popen([*client, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert helper.stdout is not None
    assert helper.stdin is not None
    events = (json.loads(line) for line in helper.stdout)
    next(event for event in events if event["event"] == "progress" and event["done"] >= 1)
    helper.stdin.close()

    assert "cancelled" in [event["event"] for event in events]
    assert helper.wait(20) == 143
    helper.stdout.close()


def test_settings_from_standard_input_leave_no_pipe_to_watch(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code = main(["--with-parent", "submit", "count", "--json", "-"])

    assert code == 2
    assert "--json -" in json.loads(capsys.readouterr().out)["message"]
