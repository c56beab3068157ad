"""Kitsu: a version becomes a comment with a status and a preview, through gazu.

gazu is an optional package, loaded when a person has configured Kitsu. Nothing is asked of a host
that is not named in the settings, and no secret reaches a log, an error or the record.
"""

import logging
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

from faceplate.config import from_dict
from faceplate.context import Context
from faceplate.errors import (
    BadSettings,
    ExtraMissing,
    HookFailed,
    NotFound,
    NotReady,
    Refused,
    near_names,
)
from faceplate.review.hooks import Published
from faceplate.review.record import PublishRecord

__all__ = ["Kitsu", "KitsuSettings", "comment_text"]

_ENV = "FACEPLATE_KITSU_"
_LOCAL = ("localhost", "127.0.0.1", "::1")
_STATUSES = {"wtg": "todo", "ip": "wip", "rev": "wfa", "apr": "done"}
_CONNECT_S = 10.0


@dataclass(frozen=True)
class KitsuSettings:
    """Settings of the tracker ``kitsu``.

    The secret is in `$FACEPLATE_KITSU_TOKEN` (of a bot, say), in `token_file`, or in
    `$FACEPLATE_KITSU_PASSWORD` with `email`; never here.
    """

    host: str
    """Of its API, such as `https://kitsu.example.com/api`."""
    project: str = ""
    """Name of the production, where --project says none."""
    sequence: str = ""
    """Name of the sequence, where --sequence says none."""
    episode: str = ""
    """Name of the episode, in series."""
    task: str = ""
    """Name of the task's type, such as `Compositing`, where --task says none."""
    shot_names: str = ""
    """Regular expression with the groups `sequence` and `shot`, for shots whose names hold both:
    `(?P<sequence>sq\\\\d+)_(?P<shot>sh\\\\d+)`."""
    statuses: Mapping[str, str] = field(default_factory=dict)
    """Our status to the short name of one of Kitsu's, besides wtg, ip, rev and apr."""
    token_file: str | None = None
    """File with a token, readable by its owner alone."""
    email: str = ""
    """Of the account, where a password is used."""
    ca_file: str | None = None
    """Certificates (PEM) of the studio's own authority."""
    plain_http: bool = False
    """Allow a host without TLS that is not this machine: the secret travels in the open."""
    timeout_s: float = 120.0
    """Seconds without an answer after which Kitsu counts as gone, 1 to 3600."""

    def __post_init__(self) -> None:
        url = urlsplit(self.host)
        if url.scheme not in ("http", "https") or not url.hostname:
            raise BadSettings(f"kitsu: host must be like https://kitsu.example.com/api, got "
                              f"{url.hostname or self.host!r}")  # fmt: skip
        if url.username or url.password:
            raise BadSettings("kitsu: host holds a user or password; put them into the environment")
        if url.scheme == "http" and url.hostname not in _LOCAL and not self.plain_http:
            raise BadSettings(f"kitsu: {url.hostname} without TLS; say https, or plain_http: true")
        if not 1 <= self.timeout_s <= 3600:
            raise BadSettings(f"kitsu: timeout_s must be from 1 to 3600, got {self.timeout_s}")
        try:
            groups = set(re.compile(self.shot_names).groupindex)
        except re.error as error:
            raise BadSettings(f"kitsu: shot_names {self.shot_names!r}: {error}") from error
        if self.shot_names and groups != {"sequence", "shot"}:
            raise BadSettings("kitsu: shot_names needs the groups `sequence` and `shot`, no others")


class Kitsu:
    """Tells Kitsu. Reads settings and secret when it is made; asks nobody yet.

    Args:
        settings: Those of `KitsuSettings`.
        context: Its environment may hold the secret.

    Raises:
        BadSettings: A setting is wrong.
        NotReady: There is no secret.
        Refused: Others may read the file with the token.
        ExtraMissing: gazu is not installed.
    """

    name = "kitsu"

    def __init__(self, settings: Mapping[str, Any], context: Context) -> None:
        self._settings = from_dict(KitsuSettings, settings, "kitsu")
        self._token, self._password = _secrets(self._settings, context.environment)
        self._email = self._settings.email or context.environment.get(f"{_ENV}EMAIL", "")
        if not self._token and not (self._email and self._password):
            raise NotReady(
                f"kitsu: no secret: set ${_ENV}TOKEN, name a token_file, or set ${_ENV}PASSWORD "
                "and an email"
            )
        self._gazu = _gazu()

    def run(self, published: Published) -> str:
        """Comment on the task, with the version's status, and upload its movie as a preview.

        What was reached by an earlier try is not made again.

        Raises:
            HookFailed: Kitsu cannot be reached, does not know or does not want something.
        """
        record, reached = published.record, published.reached
        if record.movie is None:
            raise HookFailed("there is no movie to show: `faceplate review movie` makes one")
        movie, tasks = record.movie.path, self._gazu.task
        with self._session() as client:
            with self._asking("a question"):
                task, status = self._task(client, record), self._status(client, record)
            with self._asking("the comment"):
                if "comment" not in reached:
                    text = comment_text(record)
                    said = tasks.add_comment(task, status, text, client=client)
                    published.reach(self.name, "comment", said["id"])
            with self._asking(f"the upload of {Path(movie).name}"):
                if "preview" not in reached:
                    comment = {"id": reached["comment"]}
                    made = tasks.create_preview(
                        task, comment, revision=record.version, client=client
                    )
                    published.reach(self.name, "preview", made["id"])
                tasks.upload_preview_file({"id": reached["preview"]}, movie, client=client)
        return f"revision {record.version} is on {self._settings.host} as {status['short_name']}"

    @contextmanager
    def _session(self) -> Iterator[Any]:
        """Give a client that has entered, and leave."""
        client = self._gazu.client.create_client(self._settings.host)
        client.session.verify = self._settings.ca_file or True
        # a callable: else requests puts what ~/.netrc has for this host in place of our token
        client.session.auth = lambda request: request
        _limit(client.session, self._settings.timeout_s)
        with self._quiet():
            try:
                with self._asking("the login"):
                    if self._token:
                        client.access_token = self._token
                    else:
                        self._gazu.log_in(self._email, self._password, client=client)
                yield client
            finally:
                if not self._token and client.access_token:
                    client.__exit__(None, None, None)  # logs out, whatever the answer
                client.session.close()

    def _task(self, client: Any, record: PublishRecord) -> Any:
        gazu, wanted = self._gazu, self._place(record)
        project = self._known(
            "production", wanted["project"], gazu.project.get_project_by_name,
            gazu.project.all_open_projects, client=client,
        )  # fmt: skip
        within = {"client": client}
        if self._settings.episode:
            within["episode"] = self._known(
                "episode", self._settings.episode, gazu.shot.get_episode_by_name,
                gazu.shot.all_episodes_for_project, project, client=client,
            )  # fmt: skip
        sequence = self._known(
            "sequence", wanted["sequence"], gazu.shot.get_sequence_by_name,
            gazu.shot.all_sequences_for_project, project, **within,
        )  # fmt: skip
        shot = self._known(
            "shot", wanted["shot"], gazu.shot.get_shot_by_name,
            gazu.shot.all_shots_for_sequence, sequence, client=client,
        )  # fmt: skip
        kind = self._known(
            "task type", wanted["task"], gazu.task.get_task_type_by_name,
            gazu.task.all_task_types, client=client, for_entity="Shot",
        )  # fmt: skip
        task = gazu.task.get_task_by_entity(shot, kind, client=client)
        if task is None:
            raise HookFailed(
                f"the shot {shot['name']} has no task {kind['name']}: make it in Kitsu"
            )
        return task

    def _place(self, record: PublishRecord) -> dict[str, str]:
        """Return where a version belongs. Raises HookFailed where nobody says."""
        mine = self._settings
        named = re.fullmatch(mine.shot_names, record.shot) if mine.shot_names else None
        if mine.shot_names and named is None:
            raise HookFailed(f"shot {record.shot!r} is not as shot_names says: {mine.shot_names}")
        parts = named.groupdict() if named else {"sequence": "", "shot": record.shot}
        found = {
            "project": record.project or mine.project,
            "sequence": record.sequence or parts["sequence"] or mine.sequence,
            "shot": parts["shot"],
            "task": record.task or mine.task,
        }
        for name, text in found.items():
            if not text:
                raise HookFailed(f"no {name} is named: say --{name}, or set it in the settings")
        return found

    def _status(self, client: Any, record: PublishRecord) -> Any:
        word = {**_STATUSES, **self._settings.statuses}.get(record.status, record.status)
        tasks = self._gazu.task
        found = tasks.get_task_status_by_short_name(word, client=client)
        if found is None:
            names = [each["short_name"] for each in tasks.all_task_statuses(client=client)]
            _unknown("status", word, names)
        return found

    def _known(self, kind: str, name: str, get: Any, every: Any, *within: Any, **more: Any) -> Any:
        """Return a thing by its name. Raises HookFailed, which names those that are near."""
        found = get(*within, name, **more)
        if found is None:
            listed = every(*within, client=more["client"])
            _unknown(kind, name, [each["name"] for each in listed])
        return found

    @contextmanager
    def _asking(self, what: str) -> Iterator[None]:
        """Turn whatever gazu and requests raise into one sentence without secrets."""
        try:
            yield
        except (self._gazu.exception.GazuException, _requests().RequestException) as error:
            raise HookFailed(self._without(self._sentence(error, what))) from None
        except (KeyError, TypeError, ValueError) as error:
            raise HookFailed(
                self._without(
                    f"{self._settings.host} does not answer as Kitsu does: does it end in /api? "
                    f"({type(error).__name__}: {error})"
                )
            ) from None

    def _sentence(self, error: Exception, what: str) -> str:
        host, kind = self._settings.host, type(error).__name__
        said = ", ".join(str(part) for part in error.args)
        sentences = {
            "AuthFailedException": f"{host} does not take this email and password: {said}",
            "NotAuthenticatedException": f"{host} does not take this token: is it of this host, "
            "and not out of date?",
            "NotAllowedException": f"{host}: this account may not do that ({said})",
            "RouteNotFoundException": f"{host} has no {said}; its path usually ends in /api",
            "TooBigFileException": f"{host} finds {what} too big: {said}",
            "ParameterException": f"{host} refuses {what}: {said}",
            "ValidationException": f"{host} refuses {what}: {said}",
            "UploadFailedException": f"{host} could not use {what}: {said}",
            "ServerErrorException": f"{host} failed inside: see its log ({said})",
            "JSONDecodeError": f"{host} does not answer as Kitsu does: does it end in /api?",
            "SSLError": f"{host} shows a certificate that is not trusted here; ca_file may help",
            "Timeout": f"{host} gave no answer in {self._settings.timeout_s:g} s",
            "ConnectionError": f"{host} cannot be reached, or broke off at {what}: is it running, "
            "and is this machine allowed to reach it?",
        }
        for each in type(error).__mro__:
            if each.__name__ in sentences:
                return sentences[each.__name__]
        return f"{host}: {kind}: {said}"

    def _without(self, text: str) -> str:
        for secret in (self._token, self._password):
            text = text.replace(secret, "***") if secret else text
        return text

    @contextmanager
    def _quiet(self) -> Iterator[None]:
        """Keep secrets out of what gazu logs: it quotes a failing server at length."""

        def clean(record: logging.LogRecord) -> bool:
            record.msg, record.args = self._without(record.getMessage()), ()
            return True

        logger = logging.getLogger("gazu")
        logger.addFilter(clean)
        try:
            yield
        finally:
            logger.removeFilter(clean)


def comment_text(record: PublishRecord) -> str:
    """Return what is said to people about a version."""
    frames = record.frames
    lines = [
        f"Version {record.version}, frames {frames.frames} ({frames.count})",
        f"`{frames.pattern}`",
        *(note.text if note.frame is None else f"{note.frame}: {note.text}"
          for note in record.notes),
        f"AI-altered media, consent {record.provenance.get('consentId', 'none')}, "
        + (f"signed by {record.signer}" if record.signer else "not signed"),
    ]  # fmt: skip
    return "\n".join(lines)


def _secrets(settings: KitsuSettings, environment: Mapping[str, str]) -> tuple[str, str]:
    """Return token and password; either may be empty."""
    token = environment.get(f"{_ENV}TOKEN", "")
    if not token and settings.token_file:
        file = Path(settings.token_file).expanduser()
        if not file.is_file():
            raise NotFound(f"kitsu: {file} does not exist; put the token there")
        if os.name == "posix" and file.stat().st_mode & 0o077:
            raise Refused(f"{file} may be read by others than its owner: run `chmod 600 {file}`")
        token = file.read_text(encoding="utf-8").strip()
    return token, environment.get(f"{_ENV}PASSWORD", "")


def _unknown(kind: str, name: str, there: list[str]) -> NoReturn:
    near = near_names(name, there) or sorted(there)[:5]
    hint = f"; there are {', '.join(near)}" if near else ""
    raise HookFailed(f"Kitsu knows no {kind} {name!r}{hint}")


def _gazu() -> Any:
    try:
        return import_module("gazu")  # a fifth of a second, and it may not be there
    except ImportError as error:
        raise ExtraMissing("gazu, which speaks to Kitsu,", "kitsu") from error


def _requests() -> Any:
    return import_module("requests.exceptions")


def _limit(session: Any, timeout_s: float) -> None:
    """Make a session give up on a host that says nothing: requests would wait for ever."""
    for adapter in session.adapters.values():
        send = adapter.send

        def limited(request: Any, *, send: Any = send, **more: Any) -> Any:
            return send(request, **{**more, "timeout": (_CONNECT_S, timeout_s)})

        adapter.send = limited
