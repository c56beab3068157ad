"""The helper process: cancelled, killed, silent, away; and a later run that goes on."""

import json
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.hosts.resolve.conftest import Stage, python_plugin
from tests.hosts.resolve.fake_media import FakeItem


def later(condition: Callable[[], bool], action: Callable[[], None]) -> threading.Thread:
    """Do something as soon as a condition holds."""

    def wait() -> None:
        end = time.monotonic() + 20
        while not condition() and time.monotonic() < end:
            time.sleep(0.01)
        action()

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def submitted(stage: Stage) -> Callable[[], bool]:
    """Return whether a job's id is in the state, as a condition."""

    def is_there() -> bool:
        path = stage.shot / "job.json"
        return path.exists() and bool(json.loads(path.read_text())["jobs"])

    return is_there


def test_a_file_named_cancel_cancels_the_job(stage: Stage, clip: FakeItem) -> None:
    stage.behave(hold="analyse")
    thread = later(submitted(stage), (stage.shot / "cancel").touch)

    assert not stage()
    thread.join()
    assert "The analyse was cancelled; nothing was brought in." in stage.said
    assert stage.commands[-1] == ["cancel", "analyse-0"]
    assert not (stage.shot / "cancel").exists()
    assert stage.state["jobs"] == {}
    (stage.helper.parent / "cancelled").unlink()

    stage.behave()
    assert stage()  # and anew


def test_a_job_that_fails_is_said_with_hint_and_request(stage: Stage, clip: FakeItem) -> None:
    stage.behave(error="swap")

    assert not stage()
    assert stage.lines[-1] == (
        "Faceplate: the plate is outside of the roots. Ask whoever runs the server. "
        "(request abc123)"
    )
    assert clip.takes == [clip.media]

    stage.behave()
    assert stage()
    assert [words[:2] for words in stage.commands] == [
        ["submit", "analyse"], ["submit", "swap"], ["submit", "swap"],
    ]  # fmt: skip


def test_a_helper_that_dies_is_said_and_its_job_is_submitted_again(
    stage: Stage, clip: FakeItem
) -> None:
    stage.behave(die="swap")

    assert not stage()
    assert "The helper ended with code 139 and without a result" in stage.said
    assert "Segmentation fault" in stage.said

    stage.behave()
    assert stage()


def test_a_server_that_went_away_leaves_the_job_to_the_next_run(
    stage: Stage, clip: FakeItem
) -> None:
    stage.behave(away="swap")
    assert not stage()
    assert not stage()  # nor does it answer the one that looks again
    assert "no Faceplate server answers." in stage.said
    assert stage.state["jobs"]["swap"] == "swap-1"

    stage.behave()
    assert stage()
    assert [words[0] for words in stage.commands] == ["submit", "submit", "watch", "watch"]


def test_a_killed_helper_leaves_the_job_to_the_next_run(stage: Stage, clip: FakeItem) -> None:
    stage.behave(hold="swap")

    def kill() -> None:
        (pid,) = [
            int(path.parent.name)
            for path in Path("/proc").glob("[0-9]*/cmdline")
            for words in [_read(path).split(b"\0")]
            if b"python" in words[0] and os.fsencode(stage.helper) in words
        ]
        os.kill(pid, signal.SIGKILL)

    thread = later(lambda: submitted(stage)() and "swap" in stage.state["jobs"], kill)

    assert not stage()
    thread.join()
    assert "without a result" in stage.said
    assert "Run the script again to look at job swap-1." in stage.said
    assert stage.state["jobs"]["swap"] == "swap-1"

    stage.behave()
    assert stage()
    assert stage.commands[-1] == ["watch", "swap-1"]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # the process ended meanwhile
        return b""


def test_a_helper_that_is_not_there_is_said(stage: Stage, clip: FakeItem) -> None:
    stage.set(client=str(stage.folder / "nowhere" / "faceplate-client"))

    assert not stage()
    if stage.language == "python":
        assert "nowhere/faceplate-client does not start (No such file" in stage.said
    else:  # the shell says so
        assert "The helper ended with code 127" in stage.said
        assert "nowhere/faceplate-client" in stage.said


def test_the_helper_is_told_where_the_server_is(stage: Stage, clip: FakeItem) -> None:
    stage.set(server="127.0.0.1:7777", token_file="token")

    assert stage()
    line = json.loads((stage.helper.parent / "commands").read_text().splitlines()[0])
    assert line[:6] == [
        "--home", str(stage.home),
        "--server", "127.0.0.1:7777",
        "--token-file", str(stage.home / "resolve" / "token"),
    ]  # fmt: skip


def test_a_path_with_quotes_and_blanks_reaches_the_helper(stage: Stage, clip: FakeItem) -> None:
    name = 'it\'s a "model" $HOME `x` %PATH% ü'
    stage.set(model=str(stage.folder / name), shot="it's 7")

    assert stage()
    swap = json.loads((stage.shot.parent / "it_s_7" / "swap.json").read_text())
    assert swap["model"] == str(stage.folder / name)
    assert swap["shot"] == "it's 7"


def test_the_program_is_found_by_setting_environment_installation_and_path(
    tmp_path: Path, stage: Stage
) -> None:
    settings = python_plugin("settings").load_settings("p", stage.environ)
    find = python_plugin("client").find_client
    path = tmp_path / "on_path"
    path.mkdir()
    (path / "faceplate-client").write_text("#!/bin/sh\n")
    (path / "faceplate-client").chmod(0o755)
    environ = {"PATH": str(path), "FACEPLATE_CLIENT": "/env/client"}

    assert find(settings, "/installed", environ) == str(stage.helper)
    settings.values["client"] = ""
    assert find(settings, "/installed", environ) == "/env/client"
    del environ["FACEPLATE_CLIENT"]
    assert find(settings, "/installed", environ) == "/installed"
    assert find(settings, "", environ) == str(path / "faceplate-client")
    with pytest.raises(python_plugin("errors").HostError, match='set "client" in'):
        find(settings, "", {"PATH": str(tmp_path)})


def test_a_silent_helper_is_left_to_the_next_run(
    stage: Stage, clip: FakeItem, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.helper.write_text("#!/bin/sh\nexec sleep 3\n")
    monkeypatch.setattr(python_plugin("client"), "SILENCE_S", 0.2)
    stage.fast_clock = True

    assert not stage()
    assert "Run the script again to look at the job again." in stage.said
