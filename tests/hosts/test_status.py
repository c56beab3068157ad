"""`faceplate status` against a real server."""

import json
from pathlib import Path

import pytest
from tests.support.calls import submit, wait
from tests.support.servers import Client

from faceplate_client.status import main, text_of
from faceplate_protos.v1 import models_pb2


def test_status_shows_jobs_models_devices_and_memory(
    server: Client, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gate = root / "gate-table"
    running = submit(server, out=root / "t1", gate=gate)
    waiting = submit(server, out=root / "t2")
    while not (root / "t1" / "0001.txt").exists():
        pass
    server(server.models.LoadModel, models_pb2.LoadModelRequest(model="m1"))
    assert main(["--home", str(root / "home")]) == 0
    text = capsys.readouterr().out
    assert main(["--home", str(root / "home"), "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    gate.touch()
    for job in (running, waiting):
        wait(server, job.id)

    lines = text.splitlines()
    assert lines[0].startswith("server")
    assert "up 0 min" in lines[0]
    assert any(line.split() == ["auto", running.id] for line in lines)
    assert any(line.startswith(running.id) and "running" in line for line in lines)
    assert any(line.startswith(waiting.id) and "queued" in line for line in lines)
    assert "engine room" in text
    assert "m1" in text
    assert [job["job"] for job in values["jobs"]] == [running.id, waiting.id]


def test_status_without_a_server_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--home", str(tmp_path)]) == 8
    err = capsys.readouterr().err
    assert "no server runs" in err
    assert "faceplate serve" in err
    (tmp_path / "address").write_text(f"unix:{tmp_path}/gone")
    assert main(["--home", str(tmp_path), "--patience", "0.1"]) == 8
    assert main(["--home", str(tmp_path), "--patience", "-1"]) == 2


def test_the_table_says_how_long_and_how_far() -> None:
    job = {
        "job": "j1", "verb": "train", "state": "running", "client": "anna@ws1", "priority": 3,
        "progress": {"done": 50, "total": 200, "seconds_left": 4000.0, "paused": False},
    }  # fmt: skip
    paused = {**job, "job": "j2", "progress": {"done": 7, "total": None, "paused": True}}
    status = {
        "version": "1", "started": 0.0, "address": "unix:/s", "roots": ["/a", "/b"],
        "bytes": 3 << 20,
        "devices": [{"name": "cuda:0", "job": "j1"}], "jobs": [job, paused], "models": [],
        "job_counts": {"running": 2}, "workers": [{"role": "j1", "pid": 1, "bytes": 5 << 20}],
        "frames_waiting": 4, "worker_deaths": 1,
    }  # fmt: skip
    lines = text_of(status, 7265.0).splitlines()

    assert lines[0] == "server    1 at unix:/s, up 2 h 01 min"
    assert lines[2] == "memory    server 3 MiB, j1 5 MiB"
    assert "4 waiting; 1 workers have died" in lines[4]
    assert lines[-2].split() == ["j1", "train", "running", "50/200", "1", "h", "06", "min",
                                 "anna@ws1", "3"]  # fmt: skip
    assert lines[-1].split() == ["j2", "train", "paused", "7", "anna@ws1", "3"]
