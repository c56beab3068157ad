"""`faceplate-client` against a real server: as a call where that is enough, else as a process."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.support.calls import submit, wait
from tests.support.servers import Client
from tests.support.swaps import consent_file

from faceplate_client.main import main
from faceplate_protos.v1 import jobs_pb2

CANCELLED, DONE = jobs_pb2.JOB_STATE_CANCELLED, jobs_pb2.JOB_STATE_DONE


@pytest.fixture(autouse=True)
def _signals_of_the_test_runner() -> Any:
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str], root: Path, server: Client) -> Any:
    """Run the helper in this process; returns its exit code and its events."""

    def run(*words: object) -> tuple[int, list[dict[str, Any]]]:
        code = main(["--home", str(root / "home"), *map(str, words)])
        out, err = capsys.readouterr()
        assert err == ""
        return code, [json.loads(line) for line in out.splitlines()]

    return run


class Helper:
    """The helper as a process of its own."""

    def __init__(self, root: Path, *words: object) -> None:
        command = [sys.executable, "-m", "faceplate_client.main", "--home", str(root / "home")]
        self.process = subprocess.Popen(
            [*command, *map(str, words)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self.process.stdout is not None
        self.events = (json.loads(line) for line in self.process.stdout)

    def __enter__(self) -> "Helper":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    def until(self, event: str, done: int = 0) -> dict[str, Any]:
        """Read on to an event."""
        for found in self.events:
            if found["event"] == event and found.get("done", 0) >= done:
                return dict(found)
        raise AssertionError(f"no event {event}")


def names(events: list[dict[str, Any]]) -> list[str]:
    return [event["event"] for event in events]


def test_a_job_is_followed_to_its_end(said: Any, root: Path) -> None:
    code, events = said("submit", "count", f"out={root}/a", "frames=2")

    events = [event for event in events if event["event"] != "heartbeat"]
    assert code == 0
    assert names(events)[0] == "submitted"
    assert names(events)[-1] == "done"
    assert set(names(events)) <= {"submitted", "progress", "done"}
    assert events[-1]["result"] == {"out": f"{root}/a", "written": 2, "mean": None}
    assert events[-1]["progress"]["figures"] == {"loss": 0.5}
    assert {event["job"] for event in events} == {events[0]["job"]}


def test_settings_come_from_a_file_and_from_words(said: Any, root: Path, tmp_path: Path) -> None:
    (tmp_path / "job.json").write_text(json.dumps({"out": f"{root}/b", "frames": 5}))
    code, events = said(
        "submit",
        "count",
        "--detach",
        "--json",
        tmp_path / "job.json",
        "frames:=1",
        "nested.extra=x",
    )

    assert (code, names(events)) == (0, ["submitted"])
    settings = events[0]["settings"]
    assert (settings["frames"], settings["nested"]) == (1, {"extra": "x"})


def test_a_written_path_is_made_absolute(
    said: Any, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root)
    _, events = said("submit", "count", "--detach", "out=./relative")

    assert events[0]["settings"]["out"] == f"{root}/relative"


def test_a_detached_job_is_watched_later(said: Any, root: Path) -> None:
    _, events = said("submit", "count", "--detach", f"out={root}/c")
    code, events = said("watch", events[0]["job"])

    assert code == 0
    assert names(events)[-1] == "done"


def test_a_shot_without_a_face_has_its_own_exit_code(said: Any) -> None:
    code, events = said("submit", "blank")

    assert (code, names(events)[-1]) == (4, "done")
    assert said("submit", "blank", "kept=1")[0] == 0  # a kept frame may have had one


def test_a_failed_job_ends_with_its_exit_code_and_a_sentence(said: Any, root: Path) -> None:
    code, events = said("submit", "count", f"out={root}/d", "fail=DiskFull")

    assert code == 7
    assert names(events)[-1] == "error"
    assert events[-1]["code"] == "DiskFull"
    assert events[-1]["hint"].startswith("Free some room")
    assert events[-1]["exit_code"] == 7


@pytest.mark.parametrize(
    ("words", "code", "error"),
    [
        (["submit", "nothing"], 2, "UnknownComponent"),
        (["submit", "count", "framez=3"], 2, "BadSettings"),
        (["submit", "count", "out=/etc/x"], 6, "OutsideRoots"),
        (["submit", "count", "frames"], 2, "Usage"),
        (["submit", "count", "--frames=3"], 2, "Usage"),
        (["list", "frames=3"], 2, "Usage"),
        (["submit", "count", "frames:={"], 2, "Usage"),
        (["submit", "count", "--json", "/absent.json"], 2, "Usage"),
        (["submit", "count", "--json", "[1]"], 2, "Usage"),
        (["list", "--state", "odd"], 2, "Usage"),
        (["watch", "nothing"], 6, "NotFound"),
        (["cancel", "nothing"], 6, "NotFound"),
        (["paint"], 2, "Usage"),
        ([], 2, "Usage"),
    ],
)
def test_errors_are_events_with_exit_codes(
    said: Any, words: list[str], code: int, error: str
) -> None:
    got, events = said(*words)

    assert got == code
    assert [(event["event"], event["code"]) for event in events] == [("error", error)]
    assert events[0]["hint"]


def test_jobs_can_be_listed_shown_and_cancelled(said: Any, root: Path) -> None:
    _, events = said("submit", "count", "--detach", f"out={root}/e", f"gate={root}/never")
    job = events[0]["job"]

    assert said("show", job)[1][0]["verb"] == "count"
    assert said("cancel", job)[0] == 0
    code, events = said("watch", job)
    assert (code, events[-1]["event"]) == (130, "cancelled")
    _, (listed,) = said("list", "--state", "cancelled", "--limit", 5)
    assert job in [entry["job"] for entry in listed["jobs"]]


def test_a_running_job_is_told_to_pause_and_to_go_on(said: Any, root: Path) -> None:
    gate = root / "gate-control"
    _, events = said("submit", "count", f"out={root / 'told'}", f"gate={gate}", "--detach")
    job = events[0]["job"]
    while (said("show", job)[1][-1]["progress"] or {}).get("done") != 1:
        pass
    code, events = said("control", job, "pause")
    assert (code, names(events)) == (0, ["job"])
    while not said("show", job)[1][-1]["progress"]["paused"]:
        pass
    assert said("control", job, "resume")[0] == 0
    gate.touch()
    assert said("watch", job)[0] == 0
    code, events = said("control", job, "save")
    assert code != 0
    assert "only a running job can save" in events[-1]["message"]


def test_models_are_listed(said: Any) -> None:
    code, (event,) = said("models")

    assert code == 0
    assert event["models"][0]["likeness"] == "anna"
    assert event["models"][1]["problem"] == "torn"
    assert event["recipe_schema"] == {"title": "Recipe"}


def test_a_model_is_described_loaded_unloaded_and_imported(said: Any, root: Path) -> None:
    code, (model,) = said("describe-model", "m1")
    assert (code, model["event"], model["people"]) == (0, "model", ["anna", "berta"])
    assert model["saves"] == [{"step": 1200}]

    assert [said("load", "m1")[1][0]["was_read"] for _ in range(2)] == [True, False]
    assert said("unload", "m1")[1] == [{"event": "unloaded", "model": "m1", "was_loaded": True}]
    code, (imported,) = said("import", root / "given", root / "taken")
    assert (code, imported["event"], imported["path"]) == (0, "imported", str(root / "taken"))
    assert said("load", "NotFound")[0] == 6


def test_consents_are_imported_listed_and_shown(said: Any, root: Path) -> None:
    path = consent_file(root / "mine.json", consent_id="C-9")
    code, (taken,) = said("consents", "--import", path)
    path.unlink()
    _, (listed,) = said("consents", "--likeness", "p1A")
    _, (shown,) = said("consents", "C-9", "--use", "train")

    assert (code, taken["event"], taken["valid"]) == (0, "consent", True)
    assert [each["path"] for each in listed["consents"]] == [taken["path"]]
    assert (shown["valid"], shown["record"]["likeness"]) == (False, "p1A")
    assert "not train" in shown["reason"]
    assert said("consents", "--import", root / "absent.json")[1][0]["code"] == "Usage"


def test_the_status_tells_what_the_server_does(said: Any, root: Path) -> None:
    gate = root / "gate-status"
    _, events = said(
        "submit", "count", "--detach", "--priority", 5, f"out={root}/s", f"gate={gate}"
    )
    job = events[0]["job"]
    while (said("show", job)[1][0]["progress"] or {}).get("done") != 1:
        pass
    code, (status,) = said("status")
    gate.touch()
    said("watch", job)

    assert (code, status["event"]) == (0, "status")
    assert status["devices"] == [{"name": "auto", "job": job}]
    assert status["jobs"][0]["job"] == job
    assert status["jobs"][0]["priority"] == 5
    assert "@" in status["jobs"][0]["client"]
    assert status["bytes"] > 1e6
    assert {job, "engine room"} <= {worker["role"] for worker in status["workers"]}
    assert all(worker["bytes"] > 1e6 for worker in status["workers"])


def test_a_key_that_is_given_makes_one_job(said: Any, root: Path) -> None:
    jobs = [said("submit", "count", "--key", "k7", f"out={root}/key") for _ in range(2)]

    assert len({events[0]["job"] for _, events in jobs}) == 1
    assert [code for code, _ in jobs] == [0, 0]


def test_a_frame_goes_as_bytes_and_comes_back(said: Any, root: Path) -> None:
    content = bytes(range(256)) * 9000
    (root / "sent.exr").write_bytes(content)
    (root / "sent.json").write_text("{}")
    words = ("--frame", root / "sent.exr", "--number", 1001, "--model", "m1")
    code, (event,) = said(
        "swap-bytes", *words, "--track", root / "sent.json", "--out", root / "back.exr"
    )
    assert (code, event["event"], event["faces"]) == (0, "frame", 1)
    assert event["bytes"] == len(content)
    assert (root / "back.exr").read_bytes() == content[::-1]

    code, _ = said(
        "swap-bytes", *words, "--remote-track", "--track", "t.json", "--out", root / "back.exr"
    )
    assert code == 0
    assert said("swap-bytes", *words, "--track", root / "no.json", "--out", "x")[0] == 2


def test_a_frame_is_swapped(said: Any, root: Path) -> None:
    code, (event,) = said(
        *("swap-frame", "--plate", root / "a.%04d.exr", "--track", root / "t.json"),
        *("--model", root / "m", "--frame", 1001, "--out", root / "f.%04d.txt"),
        *("--recipe", '{"feather": 5}'),
    )

    assert (code, event["event"], event["faces"]) == (0, "frame", 1)
    assert Path(event["path"]).read_text() == "1001 {'feather': 5}"


def test_a_frame_is_looked_at_with_changed_values(said: Any, root: Path) -> None:
    code, (event,) = said(
        *("tweak-frame", "--plate", root / "a.%04d.exr", "--track", root / "t.json"),
        *("--model", root / "m", "--frame", 1001, "--view", root / "v.png"),
        *("--changes", '{"feather": 5}'),
    )

    assert (code, event["event"], event["network_runs"]) == (0, "tweak", 0)
    assert Path(event["view"]).read_text() == "1001 {'feather': 5}"
    assert event["milliseconds"] > 0


def test_health_is_asked(said: Any) -> None:
    assert said("health") == (0, [{"event": "health", "status": "SERVING"}])


def test_a_server_that_is_away_has_its_own_exit_code(said: Any, tmp_path: Path) -> None:
    code, events = said("--server", f"unix:{tmp_path}/none", "--patience", 0.1, "health")

    assert code == 8
    assert events[-1]["code"] == "Unreachable"
    assert "faceplate serve" in events[-1]["hint"]


def test_a_wrong_token_is_refused_and_an_absent_one_is_usage(said: Any, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("not the right one, surely")
    code, events = said("--token-file", tmp_path / "token", "list")

    assert (code, events[0]["code"]) == (6, "Unauthenticated")
    assert said("--token-file", tmp_path / "absent", "list")[0] == 2


def test_a_silent_job_brings_heartbeats_within_two_seconds(server: Client, root: Path) -> None:
    gate = root / "gate-beat"
    with Helper(root, "submit", "count", f"out={root}/g", f"gate={gate}", "deaf=true") as helper:
        helper.until("progress", done=1)
        beats = [helper.until("heartbeat") for _ in range(2)]
        gate.touch()
        helper.until("done")

    assert all(beat["state"] == "running" for beat in beats)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_helper_cancels_its_job(
    server: Client, root: Path, number: signal.Signals, code: int
) -> None:
    out, gate = f"out={root}/stop{code}", f"gate={root}/never"
    with Helper(root, "submit", "count", out, gate) as helper:
        job = helper.until("progress", done=1)["job"]
        helper.process.send_signal(number)
        helper.until("cancelled")

        assert helper.process.wait(20) == code
    assert wait(server, job).state == CANCELLED


def test_the_job_of_a_killed_helper_goes_on(server: Client, root: Path) -> None:
    gate = root / "gate-kill"
    with Helper(root, "submit", "count", f"out={root}/h", f"gate={gate}") as helper:
        job = helper.until("progress", done=1)["job"]
        helper.process.kill()
        helper.process.wait()
    gate.touch()

    assert wait(server, job).state == DONE


def test_the_tied_job_of_a_killed_helper_is_cancelled(server: Client, root: Path) -> None:
    words = ("submit", "count", "--cancel-on-disconnect", f"out={root}/i", f"gate={root}/never")
    with Helper(root, *words) as helper:
        job = helper.until("progress", done=1)["job"]
        helper.process.kill()
        helper.process.wait()
    states = iter(lambda: server(server.jobs.GetJob, jobs_pb2.GetJobRequest(id=job)).job.state, -1)

    assert next(state for state in states if state != jobs_pb2.JOB_STATE_RUNNING) == CANCELLED


def test_stopping_a_watcher_leaves_the_job_alone(server: Client, root: Path) -> None:
    gate = root / "gate-watcher"
    job = submit(server, out=root / "j", gate=gate).id
    with Helper(root, "watch", job) as helper:
        helper.until("progress", done=1)
        helper.process.send_signal(signal.SIGINT)
        assert helper.process.wait(20) == 130
    gate.touch()

    assert wait(server, job).state == DONE


def test_two_helpers_work_at_once(server: Client, root: Path) -> None:
    with (
        Helper(root, "submit", "count", f"out={root}/k1") as one,
        Helper(root, "submit", "count", f"out={root}/k2") as two,
    ):
        results = [helper.until("done")["result"]["out"] for helper in (one, two)]

    assert results == [f"{root}/k1", f"{root}/k2"]


def test_a_reader_that_goes_away_does_not_stop_the_job(server: Client, root: Path) -> None:
    gate = root / "gate-pipe"
    with Helper(root, "submit", "count", f"out={root}/l", f"gate={gate}") as helper:
        job = helper.until("progress", done=1)["job"]
        assert helper.process.stdout is not None
        os.close(os.dup(helper.process.stdout.fileno()))
        helper.process.stdout.close()
        gate.touch()
        helper.process.wait(20)

    assert wait(server, job).state == DONE
