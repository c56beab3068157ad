import json
import os
import sys
import threading
import time
from pathlib import Path

import pytest
from tests.core.review.test_record import RECORD
from tests.support.versions import context_of

from faceplate.context import Context
from faceplate.errors import (
    BadSettings,
    Cancelled,
    HookFailed,
    NotFound,
    Refused,
    UnknownComponent,
)
from faceplate.review.hooks import (
    TRACKERS,
    Command,
    Published,
    PublishSettings,
    load_settings,
    open_hooks,
)
from faceplate.review.record import read_record, write_record


def published(folder: Path, context: Context | None = None) -> Published:
    path = folder / "s.publish.json"
    write_record(RECORD, path)
    return Published(RECORD, path, folder / "s.publish.log", {}, context or context_of(folder))


def python(code: str, *words: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code, *words)


def test_a_command_gets_its_words_filled_and_the_record_on_its_input(tmp_path: Path) -> None:
    code = "import json, sys; print(json.dumps([sys.argv[1:], json.load(sys.stdin)['shot']]))"
    words = ("{record}", "--v={version}", "{shot} {range}", "{frames}", "{movie}", "{timeline}")
    told = Command(python(code, *words), 60).run(published(tmp_path))
    assert told.endswith("ended with 0")
    said, shot = json.loads((tmp_path / "s.publish.log").read_text())
    assert said == [
        str(tmp_path / "s.publish.json"), "--v=3", "s 1-2", "/s/s.%04d.exr", "/s/s.mov", "",
    ]  # fmt: skip
    assert shot == "s"


def test_no_shell_reads_a_command(tmp_path: Path) -> None:
    code = "import sys; print(sys.argv[1])"
    text = "$(touch pwned); {shot} `id` && true"
    Command(python(code, text), 60).run(published(tmp_path))
    assert (tmp_path / "s.publish.log").read_text() == "$(touch pwned); s `id` && true\n"


def test_what_is_filled_in_is_not_filled_again(tmp_path: Path) -> None:
    there = published(tmp_path)
    record = type(RECORD)(**{**vars(RECORD), "shot": "{movie}"})
    told = Published(record, there.path, there.log, {}, there.context)
    Command(python("import sys; print(sys.argv[1])", "{shot}"), 60).run(told)
    assert there.log.read_text() == "{movie}\n"


def test_a_placeholder_that_means_nothing_is_refused_before_anything_runs() -> None:
    with pytest.raises(BadSettings, match=r"\{moovie\} means nothing; there are record"):
        Command(("tell", "{moovie}"), 60)
    Command(("tell", '{"json": "{shot}"}'), 60)


def test_a_command_that_fails_is_quoted(tmp_path: Path) -> None:
    code = "import sys; print('a'); print('the disk is full', file=sys.stderr); sys.exit(3)"
    with pytest.raises(HookFailed, match=r"ended with 3, saying 'the disk is full'.*publish.log"):
        Command(python(code), 60).run(published(tmp_path))
    assert "the disk is full" in (tmp_path / "s.publish.log").read_text()


def test_a_command_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(HookFailed, match="no-such-program cannot be started: No such file"):
        Command(("no-such-program",), 60).run(published(tmp_path))


@pytest.mark.skipif(os.name != "posix", reason="ends a process group")
def test_a_command_that_takes_too_long_is_ended_with_all_it_has_started(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(600)"
    )
    with pytest.raises(HookFailed, match=r"took longer than 0\.8 s and was ended"):
        Command(python(code), 0.8).run(published(tmp_path))
    child = int((tmp_path / "s.publish.log").read_text())
    assert _gone(child)


@pytest.mark.skipif(os.name != "posix", reason="ends a process group")
def test_a_request_to_stop_ends_a_command(tmp_path: Path) -> None:
    asked = threading.Event()
    timer = threading.Timer(0.3, asked.set)
    timer.start()
    told = published(tmp_path, context_of(tmp_path, cancelled=asked.is_set))
    began = time.monotonic()
    with pytest.raises(Cancelled):
        Command(python("import time; time.sleep(600)"), 60).run(told)
    assert time.monotonic() - began < 5
    timer.join()


def _gone(pid: int) -> bool:
    """Return whether a process ends within seconds; its reaper may be slow."""
    until = time.monotonic() + 5
    while time.monotonic() < until:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
    return False


def test_what_a_tracker_has_made_is_kept_at_once(tmp_path: Path) -> None:
    told = published(tmp_path)
    told.reach("kitsu", "comment", "C1")
    told.reach("kitsu", "preview", "V1")
    state = read_record(told.path).hook("kitsu")
    assert state is not None
    assert (state.done, state.reached) == (False, {"comment": "C1", "preview": "V1"})
    assert told.reached == state.reached


def test_settings_of_the_home_folder_are_taken_where_they_are(tmp_path: Path) -> None:
    assert load_settings(None, tmp_path) == PublishSettings()
    (tmp_path / "publish.json").write_text('{"command": ["tell", "{record}"], "timeout_s": 5}')
    assert load_settings(None, tmp_path) == PublishSettings(("tell", "{record}"), 5.0)
    with pytest.raises(NotFound, match=r"other\.json"):
        load_settings(str(tmp_path / "other.json"), tmp_path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"commandd": []}', "did you mean 'command'"),
        ('{"command": "rm -rf x"}', "command"),
        ('{"timeout_s": 0}', "timeout_s must be"),
        ("[]", "object"),
    ],
)
def test_wrong_settings_say_what_is_wrong(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "publish.json").write_text(text)
    with pytest.raises(BadSettings, match=words):
        load_settings(None, tmp_path)


@pytest.mark.skipif(os.name != "posix", reason="modes of files")
def test_settings_that_anybody_may_change_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "publish.json"
    path.write_text('{"command": ["tell"]}')
    path.chmod(0o666)
    with pytest.raises(Refused, match="chmod o-w"):
        load_settings(None, tmp_path)


def test_nothing_is_configured_by_itself(tmp_path: Path) -> None:
    assert open_hooks(PublishSettings(), None, context_of(tmp_path)) == []


def test_a_command_of_the_command_line_takes_the_place_of_the_settings_own(tmp_path: Path) -> None:
    settings = PublishSettings(("settings",))
    (hook,) = open_hooks(settings, "mine '{shot} x'", context_of(tmp_path))
    assert isinstance(hook, Command)
    assert hook._words == ("mine", "{shot} x")
    with pytest.raises(BadSettings, match="quotation"):
        open_hooks(settings, "mine 'x", context_of(tmp_path))


def test_a_tracker_nobody_knows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownComponent, match="kitsu"):
        open_hooks(PublishSettings(trackers={"kitzu": {}}), None, context_of(tmp_path))
    assert TRACKERS.names() == ["kitsu"]
