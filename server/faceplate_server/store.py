"""Jobs in one SQLite file, so that they outlive the server."""

import json
import secrets
import sqlite3
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from faceplate.errors import NotFound
from faceplate_server.status import Fault

__all__ = ["ENDED", "JobRecord", "JobStore", "State"]

State = Literal["queued", "running", "done", "failed", "cancelled", "interrupted"]
ENDED: tuple[State, ...] = ("done", "failed", "cancelled", "interrupted")

_SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    key TEXT UNIQUE,
    verb TEXT NOT NULL,
    settings TEXT NOT NULL,
    tied INTEGER NOT NULL,
    state TEXT NOT NULL,
    progress TEXT NOT NULL DEFAULT '{}',
    result TEXT,
    error TEXT,
    attempt INTEGER NOT NULL DEFAULT 0,
    deaths INTEGER NOT NULL DEFAULT 0,
    created REAL NOT NULL,
    started REAL,
    finished REAL,
    client TEXT NOT NULL DEFAULT '',
    priority INTEGER NOT NULL DEFAULT 0,
    note TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX IF NOT EXISTS by_state ON jobs (state, number);
"""

# Of the highest priority the client that has waited longest since a job of its own was started.
_WAITING = """
FROM jobs AS waiting WHERE state = 'queued' ORDER BY
    priority DESC,
    (SELECT coalesce(max(started), 0) FROM jobs AS own WHERE own.client = waiting.client),
    number
"""
_LATER_COLUMNS = {
    "client": "TEXT NOT NULL DEFAULT ''",
    "priority": "INTEGER NOT NULL DEFAULT 0",
    "note": "TEXT NOT NULL DEFAULT ''",
}
"""Not in the files of the first version."""


@dataclass(frozen=True)
class JobRecord:
    """One job as it is stored. Times are seconds since 1970."""

    id: str
    verb: str
    settings: Mapping[str, Any]
    state: State
    tied: bool = False
    """Cancelled when nobody watches it any more."""
    progress: Mapping[str, Any] = field(default_factory=dict)
    """The last report, as the worker sent it."""
    result: Mapping[str, Any] | None = None
    error: Fault | None = None
    attempt: int = 0
    """How often it was started."""
    deaths: int = 0
    """How often a server died under it."""
    created: float = 0.0
    started: float | None = None
    finished: float | None = None
    client: str = ""
    """Who asked for it."""
    priority: int = 0
    """Jobs of a higher one start first."""
    note: str = ""
    """What the server changed to get it done."""

    @property
    def ended(self) -> bool:
        """True where nothing will happen to it any more."""
        return self.state in ENDED


class JobStore:
    """The table of jobs. One connection, used by one thread."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(_SCHEMA)
        there = {row["name"] for row in self._db.execute("PRAGMA table_info(jobs)")}
        for name, kind in _LATER_COLUMNS.items():
            if name not in there:
                self._db.execute(f"ALTER TABLE jobs ADD COLUMN {name} {kind}")
        self._db.execute("CREATE INDEX IF NOT EXISTS by_client ON jobs (client, started)")

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def add(
        self,
        verb: str,
        settings: Mapping[str, Any],
        *,
        key: str = "",
        tied: bool = False,
        client: str = "",
        priority: int = 0,
    ) -> JobRecord:
        """Queue a job; a key that was seen before returns the job that it made."""
        now = time.time()
        job_id = time.strftime("%Y%m%d-%H%M%S-", time.gmtime(now)) + secrets.token_hex(3)
        values = (job_id, key or None, verb, json.dumps(settings), tied, now, client, priority)
        self._db.execute(
            "INSERT INTO jobs (id, key, verb, settings, tied, state, created, client, priority)"
            " VALUES (?, ?, ?, ?, ?, 'queued', ?, ?, ?) ON CONFLICT (key) DO NOTHING",
            values,
        )
        row = self._db.execute(
            "SELECT * FROM jobs WHERE id = ? OR key = ?", (job_id, key or None)
        ).fetchone()
        return _record(row)

    def get(self, job_id: str) -> JobRecord:
        """Return a job. Raises NotFound."""
        row = self._db.execute("SELECT * FROM jobs WHERE id = ?", (job_id,)).fetchone()
        if row is None:
            raise NotFound(f"there is no job {job_id!r}; `faceplate-client list` shows them all")
        return _record(row)

    def list(self, states: Sequence[State] = (), limit: int = 100) -> list[JobRecord]:
        """Return jobs, newest first; of all states where none is named."""
        marks = ",".join("?" * len(states))
        where = f"WHERE state IN ({marks})" if states else ""
        rows = self._db.execute(
            f"SELECT * FROM jobs {where} ORDER BY number DESC LIMIT ?", (*states, limit)
        )
        return [_record(row) for row in rows]

    def count(self, state: State) -> int:
        """Return how many jobs are in a state."""
        row = self._db.execute("SELECT count(*) FROM jobs WHERE state = ?", (state,)).fetchone()
        return int(row[0])

    def begin_next(self) -> JobRecord | None:
        """Mark a queued job as running and return it; None where none waits.

        The highest priority first; in it clients take turns, each with its oldest job.
        """
        row = self._db.execute(
            "UPDATE jobs SET state = 'running', attempt = attempt + 1, started = ?, progress = '{}'"
            f" WHERE number = (SELECT number {_WAITING} LIMIT 1) RETURNING *",
            (time.time(),),
        ).fetchone()
        return None if row is None else _record(row)

    def key_job(self, key: str) -> JobRecord | None:
        """Return the job that a key has made; None where there is none."""
        row = self._db.execute("SELECT * FROM jobs WHERE key = ?", (key,)).fetchone()
        return None if row is None else _record(row)

    def queued(self, limit: int) -> Sequence[JobRecord]:
        """Return waiting jobs; the first of them is the next to start."""
        rows = self._db.execute(f"SELECT * {_WAITING} LIMIT ?", (limit,))
        return [_record(row) for row in rows]

    def counts(self) -> dict[str, int]:
        """Return how many jobs are in each state that has any."""
        rows = self._db.execute("SELECT state, count(*) FROM jobs GROUP BY state")
        return {str(row[0]): int(row[1]) for row in rows}

    def annotate(self, job_id: str, note: str) -> None:
        """Write down what was changed to get a job done."""
        self._db.execute("UPDATE jobs SET note = ? WHERE id = ?", (note, job_id))

    def note(self, job_id: str, progress: Mapping[str, Any]) -> None:
        """Keep the last report."""
        self._db.execute(
            "UPDATE jobs SET progress = ? WHERE id = ?", (json.dumps(progress), job_id)
        )

    def end(
        self,
        job_id: str,
        state: State,
        *,
        result: Mapping[str, Any] | None = None,
        error: Fault | None = None,
    ) -> None:
        """Write how a job ended; one that has ended already stays as it is."""
        self._db.execute(
            "UPDATE jobs SET state = ?, result = ?, error = ?, finished = ?"
            " WHERE id = ? AND state IN ('queued', 'running')",
            (
                state,
                None if result is None else json.dumps(result),
                None if error is None else json.dumps(asdict(error)),
                time.time(),
                job_id,
            ),
        )

    def requeue(self, job_id: str) -> None:
        """Put a running job back into the queue, as when the server is stopped."""
        self._db.execute(
            "UPDATE jobs SET state = 'queued' WHERE id = ? AND state = 'running'", (job_id,)
        )

    def recover(self, attempts: int) -> tuple[int, int]:
        """Take up the jobs of a server that died: every verb goes on from what it finished.

        Returns:
            How many are queued again, and how many were interrupted `attempts` times and given up.
        """
        given_up = 0
        self._db.execute("UPDATE jobs SET deaths = deaths + 1 WHERE state = 'running'")
        running = self.list(["running"], -1)
        for job in running:
            if job.deaths < attempts:
                self.requeue(job.id)
                continue
            given_up += 1
            message = f"the server died {job.deaths} times while it ran; submit it again"
            hint = "Look for the reason in the server's log first: memory, driver, power."
            self.end(job.id, "interrupted", error=Fault("Interrupted", message, hint, 1))
        return len(running) - given_up, given_up


def _record(row: sqlite3.Row) -> JobRecord:
    error = row["error"]
    return JobRecord(
        id=row["id"],
        verb=row["verb"],
        settings=json.loads(row["settings"]),
        state=row["state"],
        tied=bool(row["tied"]),
        progress=json.loads(row["progress"]),
        result=None if row["result"] is None else json.loads(row["result"]),
        error=None if error is None else Fault(**json.loads(error)),
        attempt=row["attempt"],
        deaths=row["deaths"],
        created=row["created"],
        started=row["started"],
        finished=row["finished"],
        client=row["client"],
        priority=row["priority"],
        note=row["note"],
    )
