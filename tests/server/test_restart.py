"""A server that is killed, in a process of its own, and started again on the same home."""

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.calls import submit, wait
from tests.support.paths import REPO
from tests.support.servers import Client, fake_settings, running_server

from faceplate_protos.v1 import jobs_pb2


@contextmanager
def server_process(root: Path) -> Iterator[tuple["subprocess.Popen[str]", Client]]:
    command = [sys.executable, "-m", "tests.support.fake_server", str(root)]
    environment = {**os.environ, "PYTHONPATH": str(REPO)}
    process = subprocess.Popen(
        command, env=environment, cwd=REPO, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    try:
        for line in process.stderr:
            if "listening on" in line:
                break
        home = root / "home"
        client = Client(
            (home / "address").read_text().strip(), (home / "token").read_text().strip()
        )
        yield process, client
        client.channel.close()
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def started(client: Client, root: Path, name: str) -> str:
    """Submit a job that waits at a gate after its first frame; returns when it is there."""
    job = submit(client, out=root / name, gate=root / "gate")
    for message in client(client.jobs.WatchJob, jobs_pb2.WatchJobRequest(id=job.id)):
        if message.job.progress.done:
            break
    return str(job.id)


def test_jobs_of_a_killed_server_go_on_with_the_next(tmp_path: Path) -> None:
    with server_process(tmp_path) as (process, client):
        running = started(client, tmp_path, "first")
        waiting = submit(client, out=tmp_path / "second").id
        worker = int((tmp_path / "first" / "0001.txt").read_text())
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert ends(worker), "a worker notices that its server is gone"
    (tmp_path / "gate").touch()

    with running_server(fake_settings(tmp_path)) as client:
        first, second = wait(client, running), wait(client, waiting)

    assert [first.state, second.state] == [jobs_pb2.JOB_STATE_DONE] * 2
    assert (first.attempt, second.attempt) == (2, 1)
    # the frame that was finished before was kept
    assert json.loads(first.result_json)["written"] == 2
    assert str(worker) == (tmp_path / "first" / "0001.txt").read_text().strip()


def ends(pid: int) -> bool:
    """Wait until a process, which need not be a child, has ended; also one that nobody reaps."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], 20)[0])
    finally:
        os.close(handle)


def test_a_stopped_server_puts_its_running_jobs_back(tmp_path: Path) -> None:
    with server_process(tmp_path) as (process, client):
        job_id = started(client, tmp_path, "out")
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    (tmp_path / "gate").touch()

    with running_server(fake_settings(tmp_path)) as client:
        job = wait(client, job_id)

    assert (job.state, job.attempt) == (jobs_pb2.JOB_STATE_DONE, 2)


def test_a_job_under_which_servers_die_again_and_again_is_given_up(tmp_path: Path) -> None:
    with server_process(tmp_path) as (process, client):
        job_id = started(client, tmp_path, "out")
        process.send_signal(signal.SIGKILL)
        process.wait()

    with running_server(fake_settings(tmp_path, attempts=1)) as client:
        job = wait(client, job_id)

    assert job.state == jobs_pb2.JOB_STATE_INTERRUPTED
    assert job.error.code == "Interrupted"
    assert "died 1 times" in job.error.message
