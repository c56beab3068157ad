import dataclasses
import json
import socket
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.support.paths import MINI
from tests.support.versions import context_of, movie_of, publish_again, record_of, version_in

from faceplate import cli
from faceplate.errors import BadSettings, Cancelled, Exhausted, HookFailed
from faceplate.jobs import JOBS, parse_job
from faceplate.models.lock import lock_file
from faceplate.review import hooks
from faceplate.review.hooks import Published

PRINT = f'"{sys.executable}" -c "import sys; open(sys.argv[1], \'a\').write(sys.argv[2])"'


class Tracker:
    """A tracker that fails as often as it is told to, having made something each time."""

    name = "fake"
    failures = 0
    told: tuple[dict[str, str], ...] = ()

    def __init__(self, settings: Any, context: Any) -> None:
        assert settings == {"host": "h"}

    def run(self, published: Published) -> str:
        type(self).told += (dict(published.reached),)
        published.reached["made"] = str(len(self.told))
        if len(self.told) <= self.failures:
            raise HookFailed("the tracker is down")
        return "told"


@pytest.fixture
def tracker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> type[Tracker]:
    kind = type("Tracker", (Tracker,), {})
    monkeypatch.setitem(hooks.TRACKERS._table, "fake", "fake:Fake")
    monkeypatch.setattr(hooks.TRACKERS, "_import", lambda target: kind)
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "publish.json").write_text('{"trackers": {"fake": {"host": "h"}}}')
    return kind


def counted(folder: Path) -> str:
    """Return a command that adds a letter to a file."""
    return f"{PRINT} '{folder / 'count'}' x"


def test_without_settings_a_record_is_all_and_no_socket_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("somebody was called")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    pattern = version_in(tmp_path)
    there = {path.name for path in Path(pattern).parent.iterdir()}
    result = publish_again(pattern, context_of(tmp_path))
    assert result.hooks == ()
    assert Path(result.record).name == "s.publish.json"
    new = {path.name for path in Path(pattern).parent.iterdir()} - there
    assert new == {"s.publish.json", ".s.publish.json.lock"}
    assert record_of(pattern).hooks == ()


def test_a_command_runs_once_for_a_version(tmp_path: Path) -> None:
    pattern, context = version_in(tmp_path), context_of(tmp_path)
    first = publish_again(pattern, context, command=counted(tmp_path))
    assert [(line.hook, line.state) for line in first.hooks] == [("command", "done")]
    second = publish_again(pattern, context, command=counted(tmp_path))
    assert [(line.hook, line.state) for line in second.hooks] == [("command", "done before")]
    assert (tmp_path / "count").read_text() == "x"
    publish_again(pattern, context, command=counted(tmp_path), again=True)
    assert (tmp_path / "count").read_text() == "xx"


def test_no_hooks_writes_the_record_alone(tmp_path: Path) -> None:
    pattern = version_in(tmp_path)
    publish_again(pattern, context_of(tmp_path), command=counted(tmp_path), hooks=False)
    assert not (tmp_path / "count").exists()


def test_a_failing_hook_leaves_the_record_and_is_alone_repeated(
    tmp_path: Path, tracker: type[Tracker]
) -> None:
    tracker.failures = 1
    pattern, context = version_in(tmp_path), context_of(tmp_path)
    with pytest.raises(HookFailed, match=r"1 of 2 hooks failed. fake: the tracker is down") as got:
        publish_again(pattern, context, command=counted(tmp_path))
    assert got.value.exit_code == 11
    states = {state.name: state.done for state in record_of(pattern).hooks}
    assert states == {"fake": False, "command": True}
    result = publish_again(pattern, context, command=counted(tmp_path))
    assert [line.state for line in result.hooks] == ["done", "done before"]
    assert (tmp_path / "count").read_text() == "x"
    assert tracker.told == ({}, {"made": "1"})
    log = (Path(pattern).parent / "s.publish.log").read_text()
    assert "fake failed: the tracker is down" in log
    assert "fake done: told" in log


def test_a_request_to_stop_is_remembered_as_a_hook_that_is_not_done(
    tmp_path: Path, tracker: type[Tracker], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(self: Tracker, published: Published) -> str:
        published.reached["made"] = "1"
        raise Cancelled("stopped")

    monkeypatch.setattr(tracker, "run", stopped)
    pattern = version_in(tmp_path)
    with pytest.raises(Cancelled):
        publish_again(pattern, context_of(tmp_path))
    (state,) = record_of(pattern).hooks
    assert (state.done, state.reached) == (False, {"made": "1"})


def test_a_published_version_is_not_silently_another(tmp_path: Path) -> None:
    pattern, context = version_in(tmp_path), context_of(tmp_path)
    publish_again(pattern, context)
    with pytest.raises(BadSettings, match="version 3 of s is published already, with other status"):
        publish_again(pattern, context, status="apr")
    (Path(pattern).parent / "s.mov").write_bytes(movie_of(10))
    with pytest.raises(BadSettings, match="other movie"):
        publish_again(pattern, context)
    assert publish_again(pattern, context, status="apr", again=True).status == "apr"


def test_two_do_not_publish_one_version_at_once(tmp_path: Path) -> None:
    pattern = version_in(tmp_path)
    with (Path(pattern).parent / ".s.publish.json.lock").open("a+b") as file:
        assert lock_file(file)
        with pytest.raises(Exhausted, match="by somebody else"):
            publish_again(pattern, context_of(tmp_path))


@pytest.mark.parametrize("number", [-1, 1_000_000])
def test_a_version_is_a_number_that_makes_sense(tmp_path: Path, number: int) -> None:
    with pytest.raises(BadSettings, match="as_version"):
        publish_again("s.%04d.exr", context_of(tmp_path), as_version=number)


def test_the_command_line_ends_with_eleven_where_a_hook_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pattern = version_in(tmp_path)
    words = ["review", "publish", pattern, f"--home={tmp_path / 'home'}", "--json"]
    assert cli.main([*words, "--command=no-such-program {movie}"]) == 11
    assert "no-such-program cannot be started" in capsys.readouterr().err
    assert cli.main(words) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["version"] == 3


def names_of(kind: type[Any], seen: tuple[type[Any], ...] = ()) -> set[str]:
    """Return the names of a dataclass's fields, those of dataclasses inside it included."""
    found = set()
    for each in dataclasses.fields(kind):
        found.add(each.name)
        if isinstance(each.type, type) and dataclasses.is_dataclass(each.type):
            found |= names_of(each.type, (*seen, kind))
    return found


@pytest.mark.parametrize("verb", sorted(JOBS))
def test_no_job_that_a_server_takes_can_name_a_command(verb: str) -> None:
    assert "publish" not in verb
    kind = JOBS[verb].settings_type()
    words = {"command", "hook", "hooks", "program", "exec", "shell", "publish", "tracker"}
    assert names_of(kind) & words == set()
    for word in sorted(words):
        with pytest.raises(BadSettings, match=f"unknown key '{word}'"):
            parse_job(verb, {word: "touch pwned"})


def test_rendered_frames_that_nobody_swapped_are_published_without_provenance(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "plate_v001"
    folder.mkdir()
    for number in (1001, 1002):
        (folder / f"B.{number}.exr").write_bytes((MINI / "B" / f"B.{number}.exr").read_bytes())
    result = publish_again(str(folder / "B.%04d.exr"), context_of(tmp_path))
    assert json.loads(Path(result.record).read_text())["provenance"] == {}
