"""Kitsu by the real gazu, over real sockets, against a server that answers as gazu expects."""

import json
import logging
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.core.review.test_record import RECORD
from tests.support.versions import (
    MOVIE,
    context_of,
    movie_of,
    publish_again,
    record_of,
    version_in,
)
from tests.support.zou import EMAIL, PASSWORD, TOKEN, Zou, running_zou

from faceplate.errors import (
    BadSettings,
    ExtraMissing,
    HookFailed,
    NotFound,
    NotReady,
    Refused,
)
from faceplate.review import kitsu as module
from faceplate.review.kitsu import Kitsu, comment_text

pytest.importorskip("gazu", reason="the extra kitsu is not installed")

WITH_TOKEN = {"FACEPLATE_KITSU_TOKEN": TOKEN}
SETTINGS = {"project": "Show", "sequence": "sq010", "task": "Compositing"}


@pytest.fixture
def zou() -> Iterator[Zou]:
    with running_zou() as server:
        yield server


def tell(
    folder: Path, zou: Zou | str, environment: dict[str, str] | None = None, **settings: Any
) -> str:
    """Publish a version of the shot sh010, Kitsu being configured; returns its pattern."""
    host = zou if isinstance(zou, str) else zou.host
    job = settings.pop("job", {})
    pattern = str(folder / "s_v003" / "s.%04d.exr")
    if not Path(pattern % 1001).exists():
        version_in(folder, movie=settings.pop("movie", MOVIE))
    context = context_of(folder, WITH_TOKEN if environment is None else environment)
    config = {"trackers": {"kitsu": {"host": host, **SETTINGS, **settings}}}
    (folder / "home" / "publish.json").write_text(json.dumps(config))
    publish_again(pattern, context, **{"shot": "sh010", **job})
    return pattern


def test_a_version_becomes_a_comment_with_a_status_and_a_preview(tmp_path: Path, zou: Zou) -> None:
    pattern = tell(tmp_path, zou, job={"notes": ("softer chin",)})
    (comment,) = zou.comments
    assert comment["task_status_id"] == "U1"  # rev is wfa there
    assert comment["comment"].splitlines() == [
        "Version 3, frames 1001-1003 (3)", f"`{pattern}`", "softer chin",
        "AI-altered media, consent C-1, not signed",
    ]  # fmt: skip
    assert [(each["comment"], each["revision"]) for each in zou.previews] == [("C1", 3)]
    assert zou.uploads == {"V1": MOVIE}
    (state,) = record_of(pattern).hooks
    assert (state.name, state.done) == ("kitsu", True)
    assert state.detail == f"revision 3 is on {zou.host} as wfa"
    assert state.reached == {"comment": "C1", "preview": "V1"}


def test_a_version_is_told_once(tmp_path: Path, zou: Zou) -> None:
    tell(tmp_path, zou)
    asked = len(zou.requests)
    tell(tmp_path, zou)
    assert len(zou.requests) == asked


def test_a_password_enters_and_leaves(tmp_path: Path, zou: Zou) -> None:
    tell(tmp_path, zou, {"FACEPLATE_KITSU_PASSWORD": PASSWORD}, email=EMAIL)
    assert zou.uploads == {"V1": MOVIE}
    assert zou.requests[0] == ("POST", "/api/auth/login")
    assert zou.requests[-1] == ("GET", "/api/auth/logout")


def test_a_token_of_a_file_enters(tmp_path: Path, zou: Zou) -> None:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    file.chmod(0o600)
    tell(tmp_path, zou, {}, token_file=str(file))
    assert zou.uploads == {"V1": MOVIE}


@pytest.mark.skipif(os.name != "posix", reason="modes of files")
def test_a_token_that_others_may_read_is_refused(tmp_path: Path, zou: Zou) -> None:
    file = tmp_path / "token"
    file.write_text(TOKEN)
    file.chmod(0o644)
    with pytest.raises(Refused, match="chmod 600"):
        tell(tmp_path, zou, {}, token_file=str(file))
    with pytest.raises(NotFound, match="nowhere"):
        tell(tmp_path, zou, {}, token_file=str(tmp_path / "nowhere"))
    assert zou.requests == []


def test_without_a_secret_nothing_is_asked_and_nothing_is_written(tmp_path: Path, zou: Zou) -> None:
    with pytest.raises(NotReady, match="FACEPLATE_KITSU_TOKEN"):
        tell(tmp_path, zou, {})
    assert zou.requests == []
    assert not list(tmp_path.rglob("*.publish.*"))


@pytest.mark.parametrize(
    ("environment", "settings", "words"),
    [
        ({"FACEPLATE_KITSU_TOKEN": "stale-token"}, {}, "does not take this token"),
        ({"FACEPLATE_KITSU_PASSWORD": "wrong-word"}, {"email": EMAIL},
         "does not take this email and password: .*Wrong credentials"),
        (WITH_TOKEN, {"project": "Shov"}, "no production 'Shov'; there are Show"),
        (WITH_TOKEN, {"sequence": "sq011"}, "no sequence 'sq011'; there are sq010"),
        (WITH_TOKEN, {"job": {"shot": "sh030"}}, "no shot 'sh030'; there are sh0"),
        (WITH_TOKEN, {"task": "Compo"}, "no task type 'Compo'; there are Compositing"),
        (WITH_TOKEN, {"task": "Roto"}, "shot sh010 has no task Roto: make it in Kitsu"),
        (WITH_TOKEN, {"job": {"shot": "sh020"}}, "shot sh020 has no task Compositing"),
        (WITH_TOKEN, {"job": {"status": "great"}}, "no status 'great'; there are done, wfa"),
        (WITH_TOKEN, {"episode": "ep02"}, "no episode 'ep02'; there are ep01"),
        (WITH_TOKEN, {"task": ""}, "no task is named: say --task"),
        (WITH_TOKEN, {"movie": b""}, "no movie to show"),
        (WITH_TOKEN, {"shot_names": r"(?P<sequence>sq\d+)_(?P<shot>sh\d+)"},
         "shot 'sh010' is not as shot_names"),
    ],
)  # fmt: skip
def test_what_kitsu_does_not_know_or_want_is_said(
    tmp_path: Path, zou: Zou, environment: dict[str, str], settings: dict[str, Any], words: str
) -> None:
    with pytest.raises(HookFailed, match=words) as got:
        tell(tmp_path, zou, environment, **settings)
    for secret in environment.values():
        assert secret not in str(got.value)
    (state,) = record_of(str(tmp_path / "s_v003" / "s.%04d.exr")).hooks
    assert (state.done, state.reached) == (False, {})
    assert zou.comments == []


def test_names_of_the_command_line_and_of_the_shot_come_before_the_settings(
    tmp_path: Path, zou: Zou
) -> None:
    named = {"shot": "sq010_sh010", "task": "Compositing", "status": "apr"}
    tell(tmp_path, zou, project="Show", sequence="sq020", task="Roto", episode="ep01",
         shot_names=r"(?P<sequence>sq\d+)_(?P<shot>sh\d+)", job=named)  # fmt: skip
    assert zou.comments[0]["task_status_id"] == "U2"
    assert ("GET", "/api/data/sequences?episode_id=E1&name=sq010") in zou.requests


def test_statuses_of_the_studio_have_their_own_words(tmp_path: Path, zou: Zou) -> None:
    tell(tmp_path, zou, statuses={"rev": "done"})
    assert zou.comments[0]["task_status_id"] == "U2"


def test_an_upload_that_broke_off_goes_on_where_it_was(tmp_path: Path, zou: Zou) -> None:
    zou.break_uploads = 1
    movie = movie_of(4_000_000)
    with pytest.raises(HookFailed, match=r"broke off at the upload of s\.mov"):
        tell(tmp_path, zou, movie=movie)
    (state,) = record_of(str(tmp_path / "s_v003" / "s.%04d.exr")).hooks
    assert (state.done, state.reached) == (False, {"comment": "C1", "preview": "V1"})
    tell(tmp_path, zou)
    assert (len(zou.comments), len(zou.previews)) == (1, 1)
    assert zou.uploads == {"V1": movie}


def test_a_revision_that_is_there_is_said(tmp_path: Path, zou: Zou) -> None:
    zou.previews.append({"revision": 3})
    with pytest.raises(HookFailed, match=r"refuses the upload of s\.mov: .*already exists"):
        tell(tmp_path, zou)


def test_a_movie_that_is_too_big_is_said(tmp_path: Path, zou: Zou) -> None:
    zou.limit = 3
    with pytest.raises(HookFailed, match=r"finds the upload of s\.mov too big"):
        tell(tmp_path, zou)


def test_a_server_that_is_down_is_said_and_the_record_stays(tmp_path: Path) -> None:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        host = f"http://127.0.0.1:{found.getsockname()[1]}/api"
    with pytest.raises(HookFailed, match=r"cannot be reached.*publish again"):
        tell(tmp_path, host)
    assert record_of(str(tmp_path / "s_v003" / "s.%04d.exr")).version == 3


def test_a_server_that_says_nothing_is_given_up(tmp_path: Path) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        host = f"http://127.0.0.1:{silent.getsockname()[1]}/api"
        with pytest.raises(HookFailed, match="gave no answer in 1 s"):
            tell(tmp_path, host, timeout_s=1)


def test_a_host_that_is_no_kitsu_is_said(tmp_path: Path, zou: Zou) -> None:
    zou.plain = True
    with pytest.raises(HookFailed, match="does not answer as Kitsu does"):
        tell(tmp_path, zou)
    zou.plain = False
    with pytest.raises(HookFailed, match="usually ends in /api"):
        tell(tmp_path, zou.host.removesuffix("/api") + "/app")


@pytest.mark.parametrize("secret", ["token", "password"])
def test_no_secret_reaches_a_log_an_error_or_the_record(
    tmp_path: Path, zou: Zou, caplog: pytest.LogCaptureFixture, secret: str
) -> None:
    zou.fail_inside = True  # and quotes the whole request
    word = {"token": TOKEN, "password": PASSWORD}[secret]
    environment = {f"FACEPLATE_KITSU_{secret.upper()}": word}
    caplog.set_level(logging.DEBUG)
    with pytest.raises(HookFailed, match="failed inside") as got:
        tell(tmp_path, zou, environment, email=EMAIL)
    files = [path.read_text() for path in tmp_path.rglob("*.publish.*")]
    assert len(files) >= 2
    assert "***" in caplog.text
    for text in (str(got.value), caplog.text, *files):
        assert word not in text


def test_passwords_of_netrc_do_not_take_the_place_of_ours(
    tmp_path: Path, zou: Zou, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login other password other\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    tell(tmp_path, zou)
    assert len(zou.uploads) == 1


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"host": "kitsu.example.com"}, "host must be like"),
        ({"host": "https://me:secret@kitsu.example.com/api"}, "holds a user or password"),
        ({"host": "http://kitsu.example.com/api"}, "without TLS"),
        ({"host": "https://k/api", "timeout_s": 0}, "timeout_s"),
        ({"host": "https://k/api", "shot_names": "("}, "shot_names"),
        ({"host": "https://k/api", "shot_names": "(?P<shot>a)"}, "needs the groups"),
        ({"host": "https://k/api", "passwords": "x"}, "unknown key"),
        ({}, "host"),
    ],
)
def test_wrong_settings_are_refused(tmp_path: Path, settings: Any, words: str) -> None:
    with pytest.raises(BadSettings, match=words) as got:
        Kitsu(settings, context_of(tmp_path, WITH_TOKEN))
    assert "secret@" not in str(got.value)


def test_plain_http_may_be_allowed(tmp_path: Path) -> None:
    settings = {"host": "http://kitsu.example.com/api", "plain_http": True}
    assert Kitsu(settings, context_of(tmp_path, WITH_TOKEN)).name == "kitsu"


def test_without_gazu_it_is_said_how_to_install_it(
    tmp_path: Path, zou: Zou, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "gazu", None)
    with pytest.raises(ExtraMissing, match=r"pip install 'faceplate\[kitsu\]'"):
        tell(tmp_path, zou)
    assert not list(tmp_path.rglob("*.publish.*"))


def test_without_kitsu_in_the_settings_gazu_need_not_be_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "gazu", None)
    pattern = version_in(tmp_path)
    publish_again(pattern, context_of(tmp_path, WITH_TOKEN))
    assert record_of(pattern).hooks == ()


def test_a_comment_names_what_people_must_know() -> None:
    text = comment_text(RECORD)
    assert "2: chin" in text.splitlines()
    assert "AI-altered media, consent none" in text
    assert module.__doc__
