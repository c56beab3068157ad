"""A server over real sockets that answers as Zou, the server of Kitsu, does where gazu asks it.

Paths, parameters and answers are those that gazu 1.3.1 sends and reads; it was never Zou itself.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit

__all__ = ["EMAIL", "PASSWORD", "TOKEN", "Zou", "running_zou"]

TOKEN, EMAIL, PASSWORD = "the-token-of-a-bot", "td@example.com", "swordfish-11"

_DATA: dict[str, list[dict[str, Any]]] = {
    "projects": [{"id": "P1", "name": "Show"}],
    "episodes": [{"id": "E1", "name": "ep01", "project_id": "P1"}],
    "sequences": [
        {"id": "Q1", "name": "sq010", "project_id": "P1", "episode_id": "E1"},
        {"id": "Q2", "name": "sq020", "project_id": "P1", "episode_id": "E1"},
    ],
    "shots/all": [
        {"id": "S1", "name": "sh010", "sequence_id": "Q1"},
        {"id": "S2", "name": "sh020", "sequence_id": "Q1"},
    ],
    "task-types": [
        {"id": "T0", "name": "Compositing", "for_entity": "Asset"},
        {"id": "T1", "name": "Compositing", "for_entity": "Shot"},
        {"id": "T2", "name": "Roto", "for_entity": "Shot"},
    ],
    "tasks": [{"id": "K1", "name": "main", "task_type_id": "T1", "entity_id": "S1"}],
    "task-status": [
        {"id": "U1", "name": "Waiting For Approval", "short_name": "wfa"},
        {"id": "U2", "name": "Done", "short_name": "done"},
    ],
}
_LISTS = {
    "projects/open": "projects",
    "projects/P1/sequences": "sequences",
    "projects/P1/episodes": "episodes",
    "sequences/Q1/shots": "shots/all",
    "sequences/Q2/shots": "task-none",
}


class Zou(ThreadingHTTPServer):
    """What it was asked, what it holds now, and how it misbehaves."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.requests: list[tuple[str, str]] = []
        self.comments: list[dict[str, Any]] = []
        self.previews: list[dict[str, Any]] = []
        self.uploads: dict[str, bytes] = {}
        self.break_uploads = 0
        """How many uploads are broken off in the middle."""
        self.fail_inside = False
        """Answer 500, quoting the request."""
        self.limit = 1 << 30
        """Bytes above which an upload is too big."""
        self.plain = False
        """Be no Kitsu at all: answer every question with a page."""

    @property
    def host(self) -> str:
        """The address of its API."""
        return f"http://127.0.0.1:{self.server_port}/api"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients are cut off on purpose."""


class _Handler(BaseHTTPRequestHandler):
    server: Zou

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        self._begin()

    def do_POST(self) -> None:
        self._begin()

    def _begin(self) -> None:
        url = urlsplit(self.path)
        self.server.requests.append((self.command, self.path))
        path = url.path.removeprefix("/api/")
        length = int(self.headers.get("Content-Length", 0))
        if path.startswith("pictures/") and self.server.break_uploads:
            self.server.break_uploads -= 1
            self.rfile.read(min(length, 100))
            self.connection.close()
            return
        body = self.rfile.read(length)
        if self.server.plain:
            self._answer(200, b"<html>It works!</html>", "text/html")
        elif self.server.fail_inside:
            said = f"{self.headers.get('Authorization')} {body.decode('utf-8', 'replace')}"
            self._json(500, {"stacktrace": said, "message": said})
        elif path == "auth/login":
            self._login(json.loads(body))
        elif self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._json(401, {"message": "Not authenticated"})
        else:
            self._serve(path, dict(parse_qsl(url.query)), body)

    def _serve(self, path: str, query: dict[str, str], body: bytes) -> None:
        if path.startswith("data/"):
            self._data(path.removeprefix("data/"), query)
        elif path == "actions/tasks/K1/comment":
            self._made(self.server.comments, json.loads(body), "C")
        elif match := re.fullmatch(r"actions/tasks/K1/comments/(C\d+)/add-preview", path):
            values = json.loads(body)
            if values["revision"] in [each["revision"] for each in self.server.previews]:
                self._json(400, {"error": True, "message": "Revision already exists"})
            else:
                self._made(self.server.previews, {**values, "comment": match[1]}, "V")
        elif match := re.fullmatch(r"pictures/preview-files/(V\d+)", path):
            self._upload(match[1], body)
        elif path == "auth/logout":
            self._json(200, {"logout": True})
        else:
            self._json(404, {"message": "no such route"})

    def _login(self, said: dict[str, Any]) -> None:
        if (said["email"], said["password"]) == (EMAIL, PASSWORD):
            self._json(200, {"login": True, "access_token": TOKEN})
        else:
            self._json(400, {"login": False, "message": "Wrong credentials."})

    def _data(self, path: str, query: dict[str, str]) -> None:
        rows = _DATA.get(_LISTS.get(path, path), [])
        if path not in _DATA and path not in _LISTS:
            self._json(404, {"message": "no such model"})
            return
        found = [
            row for row in rows if all(str(row.get(name)) == text for name, text in query.items())
        ]
        self._json(200, found)

    def _made(self, rows: list[dict[str, Any]], values: dict[str, Any], letter: str) -> None:
        rows.append({**values, "id": f"{letter}{len(rows) + 1}"})
        self._json(201, rows[-1])

    def _upload(self, preview: str, body: bytes) -> None:
        if len(body) > self.server.limit:
            self._json(413, {"message": "too large"})
            return
        boundary = self.headers["Content-Type"].partition("boundary=")[2].encode()
        part = body.split(b"--" + boundary)[1]
        self.server.uploads[preview] = part.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n")
        self._json(200, {"id": preview, "status": "processing"})

    def _json(self, code: int, values: Any) -> None:
        self._answer(code, json.dumps(values).encode(), "application/json")

    def _answer(self, code: int, content: bytes, kind: str) -> None:
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@contextmanager
def running_zou() -> Iterator[Zou]:
    """Run a server on a free port of this machine."""
    server = Zou()
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
