"""The Jobs service: a real server, real stubs, real worker processes, fake verbs."""

import json
import os
import signal
from pathlib import Path
from threading import Thread

import pytest
from tests.support.calls import fails, submit, wait
from tests.support.servers import Client, fake_settings, running_server

from faceplate_protos.v1 import jobs_pb2

DONE, FAILED = jobs_pb2.JOB_STATE_DONE, jobs_pb2.JOB_STATE_FAILED
QUEUED, RUNNING = jobs_pb2.JOB_STATE_QUEUED, jobs_pb2.JOB_STATE_RUNNING
CANCELLED = jobs_pb2.JOB_STATE_CANCELLED


def until(client: Client, job_id: str, frame: int = 1) -> jobs_pb2.Job:
    """Follow a job until it has finished a frame."""
    stream = client(client.jobs.WatchJob, jobs_pb2.WatchJobRequest(id=job_id))
    for message in stream:
        if message.job.progress.done >= frame:
            stream.cancel()
            return message.job
    raise AssertionError(f"the job ended before that frame: {message.job.error}")


def get(client: Client, job_id: str) -> jobs_pb2.Job:
    return client(client.jobs.GetJob, jobs_pb2.GetJobRequest(id=job_id)).job


def cancel(client: Client, job_id: str) -> jobs_pb2.Job:
    return client(client.jobs.CancelJob, jobs_pb2.CancelJobRequest(id=job_id)).job


def test_a_job_runs_to_its_end_and_says_what_it_did(server: Client, root: Path) -> None:
    job = wait(server, submit(server, out=root / "plain", noise=True).id)

    assert job.state == DONE
    assert {"out": str(root / "plain"), "written": 3, "mean": None} == json.loads(job.result_json)
    assert len(list((root / "plain").iterdir())) == 3
    assert job.attempt == 1
    assert job.created.ToSeconds() <= job.started.ToSeconds() <= job.finished.ToSeconds()


def test_settings_come_back_with_their_defaults(server: Client, root: Path) -> None:
    job = submit(server, out=root / "defaults")

    assert json.loads(job.settings_json)["frames"] == 3
    assert job.verb == "count"


def test_watching_shows_progress_figures_and_the_last_preview(server: Client, root: Path) -> None:
    gate = root / "gate-watch"
    job = submit(server, out=root / "watch", gate=gate)
    seen = until(server, job.id)
    gate.touch()
    end = wait(server, job.id)

    assert (seen.progress.title, seen.progress.done, seen.progress.total) == ("count", 1, 3)
    assert dict(end.progress.figures) == {"loss": 0.5}
    assert str(root / "watch" / "0001.txt") == end.progress.preview
    assert end.progress.frame == 3


def test_watching_a_silent_job_brings_heartbeats(server: Client, root: Path) -> None:
    gate = root / "gate-beat"
    job = submit(server, out=root / "beat", gate=gate, deaf=True)
    stream = server(server.jobs.WatchJob, jobs_pb2.WatchJobRequest(id=job.id))
    beats = 0
    for message in stream:
        beats += message.heartbeat and message.job.progress.done == 1
        if beats == 2:
            gate.touch()

    assert beats >= 2
    assert message.job.state == DONE


def test_an_ended_job_can_be_watched_too(server: Client, root: Path) -> None:
    job = wait(server, submit(server, out=root / "ended").id)

    assert wait(server, job.id).state == DONE


def test_a_cancelled_job_stops_at_its_next_report(server: Client, root: Path) -> None:
    job = submit(server, out=root / "cancel", gate=root / "never")
    until(server, job.id)
    cancel(server, job.id)
    end = wait(server, job.id)

    assert end.state == CANCELLED
    assert (end.error.code, end.error.exit_code) == ("Cancelled", 130)
    assert [path.name for path in (root / "cancel").iterdir()] == ["0001.txt"]


def test_a_job_that_does_not_listen_is_killed(server: Client, root: Path) -> None:
    job = submit(server, out=root / "deaf", gate=root / "never", deaf=True)
    until(server, job.id)
    cancel(server, job.id)

    assert wait(server, job.id).state == CANCELLED


def test_a_waiting_job_is_cancelled_at_once_and_jobs_take_turns(server: Client, root: Path) -> None:
    gate = root / "gate-turns"
    first = submit(server, out=root / "turn1", gate=gate)
    second, third = (submit(server, out=root / name) for name in ("turn2", "turn3"))
    until(server, first.id)

    assert (get(server, first.id).state, get(server, second.id).state) == (RUNNING, QUEUED)
    assert cancel(server, second.id).state == CANCELLED
    gate.touch()
    assert [wait(server, job.id).state for job in (first, third)] == [DONE, DONE]
    assert not (root / "turn2").exists()


def test_cancelling_an_ended_job_leaves_it_as_it_is(server: Client, root: Path) -> None:
    job = wait(server, submit(server, out=root / "late").id)

    assert cancel(server, job.id).state == DONE


def test_jobs_are_listed_newest_first_and_by_state(server: Client, root: Path) -> None:
    ids = [wait(server, submit(server, out=root / f"list{n}").id).id for n in range(2)]
    failed = wait(server, submit(server, out=root / "listf", fail="BadImage").id).id

    def listed(**wanted: object) -> list[str]:
        request = jobs_pb2.ListJobsRequest(**wanted)
        return [job.id for job in server(server.jobs.ListJobs, request).jobs]

    assert [failed, ids[1], ids[0]] == listed(limit=3)
    assert failed in listed(states=[FAILED])
    assert ids[0] not in listed(states=[FAILED])


def test_a_state_without_a_meaning_is_invalid(server: Client) -> None:
    request = jobs_pb2.ListJobsRequest(states=[77])

    assert "77" in fails("INVALID_ARGUMENT", server, server.jobs.ListJobs, request).message


def test_the_same_key_gives_the_same_job(server: Client, root: Path) -> None:
    jobs = [submit(server, out=root / "key", key="k1") for _ in range(2)]

    assert jobs[0].id == jobs[1].id


@pytest.mark.parametrize("name", ["GetJob", "WatchJob", "CancelJob"])
def test_a_job_that_is_not_there_is_not_found(server: Client, name: str) -> None:
    request = getattr(jobs_pb2, f"{name}Request")(id="nothing")
    error = fails("NOT_FOUND", server, getattr(server.jobs, name), request)

    assert (error.code, error.exit_code) == ("NotFound", 6)
    assert "nothing" in error.message


def refused(server: Client, verb: str, settings: object) -> tuple[str, str]:
    text = settings if isinstance(settings, str) else json.dumps(settings)
    request = jobs_pb2.SubmitJobRequest(verb=verb, settings_json=text)
    error = fails("INVALID_ARGUMENT", server, server.jobs.SubmitJob, request)
    assert error.hint
    assert error.request_id
    return error.code, error.message


def test_an_unknown_verb_is_invalid_and_the_known_ones_are_named(server: Client) -> None:
    code, message = refused(server, "swapp", {})

    assert code == "UnknownComponent"
    assert "blank, count, hungry, swap" in message


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"out": "o", "framez": 3}, "did you mean 'frames'"),
        ({}, "out"),
        ({"out": "o", "frames": "many"}, "frames"),
        ({"out": "o", "mode": "odd"}, "mode"),
        ("{", "not JSON"),
        ("[1]", "expected a JSON object"),
    ],
)
def test_bad_settings_are_invalid_and_named(server: Client, settings: object, said: str) -> None:
    code, message = refused(server, "count", settings)

    assert code == "BadSettings"
    assert said in message


@pytest.mark.parametrize("kind", ["absolute", "dots", "link", "nested", "linked frame"])
def test_paths_outside_the_roots_are_refused(
    server: Client, root: Path, tmp_path: Path, kind: str
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    link = root / f"link-{tmp_path.name}"
    link.symlink_to(outside)
    plate = root / f"plate-{tmp_path.name}"
    plate.mkdir()
    (plate / "a.1001.exr").symlink_to(outside / "a.exr")
    settings = {
        "absolute": {"out": str(outside)},
        "dots": {"out": f"{root}/../{outside.relative_to(root.parent)}"},
        "link": {"out": f"{link}/deeper/o"},
        "nested": {"out": "o", "nested": {"extra": str(outside)}},
        "linked frame": {"out": f"{plate}/a.%04d.exr"},
    }[kind]
    request = jobs_pb2.SubmitJobRequest(verb="count", settings_json=json.dumps(settings))
    error = fails("PERMISSION_DENIED", server, server.jobs.SubmitJob, request)

    assert error.code == "OutsideRoots"
    assert str(root) in error.message


@pytest.mark.parametrize(
    ("fail", "exit_code"), [("BadImage", 3), ("Refused", 6), ("DiskFull", 7), ("Damaged", 3)]
)
def test_a_failed_job_says_why(server: Client, root: Path, fail: str, exit_code: int) -> None:
    job = wait(server, submit(server, out=root / "fails", fail=fail).id)

    assert job.state == FAILED
    assert (fail, exit_code) == (job.error.code, job.error.exit_code)
    assert job.error.message == "as the test wished"


def test_a_mistake_in_the_code_fails_its_job_only(server: Client, root: Path) -> None:
    job = wait(server, submit(server, out=root / "bug", fail="RuntimeError").id)
    log = root / "home" / "jobs" / f"{job.id}.log"

    assert (job.error.code, job.state) == ("Internal", FAILED)
    assert "a mistake in the code" in job.error.message
    assert "Traceback" in log.read_text()
    assert wait(server, submit(server, out=root / "after bug").id).state == DONE


def test_a_killed_worker_fails_its_job_and_the_server_goes_on(server: Client, root: Path) -> None:
    job = wait(server, submit(server, out=root / "died", die=True).id)

    assert (job.error.code, job.state) == ("WorkerDied", FAILED)
    assert "SIGKILL" in job.error.message
    assert wait(server, submit(server, out=root / "after death").id).state == DONE


def test_a_worker_killed_from_outside_fails_its_job(server: Client, root: Path) -> None:
    job = submit(server, out=root / "shot", gate=root / "never")
    until(server, job.id)
    os.kill(int((root / "shot" / "0001.txt").read_text()), signal.SIGKILL)

    assert wait(server, job.id).error.code == "WorkerDied"


def test_children_of_a_dead_worker_do_not_hold_its_job(server: Client, root: Path) -> None:
    job = wait(server, submit(server, out=root / "fork", fork=True, die=True).id)

    assert job.error.code == "WorkerDied"


def test_two_clients_at_once_get_their_own_jobs(server: Client, root: Path) -> None:
    ends = {}

    def work(name: str) -> None:
        client = Client(server.address, server.token)
        ends[name] = [wait(client, submit(client, out=root / f"{name}{n}").id) for n in range(3)]
        client.channel.close()

    threads = [Thread(target=work, args=(name,)) for name in ("nuke", "resolve")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    for name in ("nuke", "resolve"):
        outs = [json.loads(job.result_json)["out"] for job in ends[name]]
        assert [str(root / f"{name}{n}") for n in range(3)] == outs


def test_a_client_that_goes_away_leaves_its_job_running(server: Client, root: Path) -> None:
    gate = root / "gate-away"
    client = Client(server.address, server.token)
    job = submit(client, out=root / "away", gate=gate)
    until(client, job.id)
    client.channel.close()
    gate.touch()

    assert wait(server, job.id).state == DONE


def test_a_tied_job_ends_with_its_client(server: Client, root: Path) -> None:
    client = Client(server.address, server.token)
    job = submit(client, out=root / "tied", gate=root / "never", cancel_on_disconnect=True)
    until(client, job.id)
    client.channel.close()

    assert _state_after(server, job.id) == CANCELLED


def _state_after(server: Client, job_id: str) -> int:
    # asked for, not watched: a watcher would keep it alive
    for _ in range(100_000):
        job = get(server, job_id)
        if job.state != RUNNING:
            return int(job.state)
    raise AssertionError("it still runs")


def test_a_tied_job_lives_while_it_is_watched(server: Client, root: Path) -> None:
    gate = root / "gate-tied"
    job = submit(server, out=root / "tied2", gate=gate, deaf=True, cancel_on_disconnect=True)
    stream = server(server.jobs.WatchJob, jobs_pb2.WatchJobRequest(id=job.id))
    states = []
    for message in stream:
        states.append(message.job.state)
        if len(states) == 5:  # five heartbeats are longer than the grace for a lost client
            gate.touch()

    assert states[-1] == DONE


def control(client: Client, job_id: str, command: int) -> jobs_pb2.Job:
    request = jobs_pb2.ControlJobRequest(id=job_id, command=command)
    return client(client.jobs.ControlJob, request).job


def paused(client: Client, job_id: str, wanted: bool) -> None:
    """Follow a job until it is paused, or no longer so."""
    stream = client(client.jobs.WatchJob, jobs_pb2.WatchJobRequest(id=job_id))
    for message in stream:
        if message.job.progress.paused == wanted and message.job.progress.done:
            stream.cancel()
            return
    raise AssertionError("the job ended before that")


def test_a_running_job_is_paused_told_to_save_and_goes_on(server: Client, root: Path) -> None:
    gate = root / "gate-control"
    job = submit(server, out=root / "control", gate=gate)
    until(server, job.id)
    control(server, job.id, jobs_pb2.JOB_COMMAND_PAUSE)
    paused(server, job.id, True)
    gate.touch()
    assert get(server, job.id).state == RUNNING
    control(server, job.id, jobs_pb2.JOB_COMMAND_SAVE)
    control(server, job.id, jobs_pb2.JOB_COMMAND_RESUME)
    end = wait(server, job.id)

    assert end.state == DONE
    assert not end.progress.paused
    assert (root / "control" / "saved").exists()


def test_a_paused_job_can_be_cancelled(server: Client, root: Path) -> None:
    job = submit(server, out=root / "paused", gate=root / "no-gate")
    until(server, job.id)
    control(server, job.id, jobs_pb2.JOB_COMMAND_PAUSE)
    paused(server, job.id, True)
    cancel(server, job.id)

    assert wait(server, job.id).state == CANCELLED


def test_commands_that_make_no_sense_are_refused(server: Client, root: Path) -> None:
    job = wait(server, submit(server, out=root / "over").id)

    def refused(status: str, job_id: str, command: int) -> str:
        request = jobs_pb2.ControlJobRequest(id=job_id, command=command)
        return str(fails(status, server, server.jobs.ControlJob, request).message)

    assert "count cannot preview; it can pause, resume, save" in refused(
        "INVALID_ARGUMENT", job.id, jobs_pb2.JOB_COMMAND_PREVIEW
    )
    assert "only a running job can save" in refused(
        "FAILED_PRECONDITION", job.id, jobs_pb2.JOB_COMMAND_SAVE
    )
    assert "command 0: expected one of pause" in refused("INVALID_ARGUMENT", job.id, 0)
    refused("NOT_FOUND", "nobody", jobs_pb2.JOB_COMMAND_SAVE)


def test_a_full_queue_refuses_more(tmp_path: Path) -> None:
    with running_server(fake_settings(tmp_path, max_queued=1)) as client:
        first = submit(client, out=tmp_path / "1", gate=tmp_path / "never")
        until(client, first.id)
        submit(client, out=tmp_path / "2")
        request = jobs_pb2.SubmitJobRequest(verb="count", settings_json='{"out": "3"}')
        error = fails("RESOURCE_EXHAUSTED", client, client.jobs.SubmitJob, request)

    assert error.exit_code == 7


def test_two_devices_run_two_jobs_at_once(tmp_path: Path) -> None:
    with running_server(fake_settings(tmp_path, devices=("cpu", "cuda:0"))) as client:
        jobs = [submit(client, out=tmp_path / n, gate=tmp_path / "g") for n in ("1", "2")]
        for job in jobs:
            until(client, job.id)
        (tmp_path / "g").touch()

        assert [wait(client, job.id).state for job in jobs] == [DONE, DONE]
