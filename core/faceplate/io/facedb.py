"""Connections to the SQLite file of a faceset: one per thread and process, errors in our words."""

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from faceplate.errors import BadSettings, Damaged, DiskFull, Exhausted, NotFound
from faceplate.io.faceschema import APPLICATION_ID, VERSION, migrate

__all__ = ["Database", "connect", "may_write", "sqlite_errors"]


@contextmanager
def sqlite_errors(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into ours."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", None)
        if code is not None and code & 0xFF == sqlite3.SQLITE_FULL:
            raise DiskFull(f"{path}: the disk is full; the faces added before are kept") from error
        if code is not None and code & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise Exhausted(f"{path} is being written by another process; try later") from error
        raise Damaged(f"{path}: {error}") from error


def connect(path: Path, readonly: bool) -> sqlite3.Connection:
    """Open an existing SQLite file and check that it is a faceset that we can read.

    Raises:
        NotFound: No such file.
        Damaged: Not a faceset, or broken.
        BadSettings: Written by a newer Faceplate.
    """
    if not path.is_file():
        raise NotFound(f"{path} does not exist; faceplate extract writes it")
    with sqlite_errors(path):
        connection = _open(path, readonly)
        try:
            _check(connection, path)
            if readonly:
                connection.execute("PRAGMA query_only = ON")
            else:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = NORMAL")
                connection.execute("PRAGMA foreign_keys = ON")
                migrate(connection)
        except BaseException:
            connection.close()
            raise
        return connection


def _open(path: Path, readonly: bool) -> sqlite3.Connection:
    # Even a reader is better off with the right to write: WAL wants two files beside, and whoever
    # closes last can then remove them. Without it, the file is read as it stands.
    path = path.absolute()
    mode = "mode=rw"
    if readonly and not may_write(path.parent):
        beside = path.with_name(path.name + "-shm").exists()
        mode = "mode=ro" if beside else "immutable=1"
    elif readonly and not may_write(path):
        mode = "mode=ro"
    return sqlite3.connect(
        f"{path.as_uri()}?{mode}",
        uri=True,
        timeout=30,
        isolation_level=None,
        check_same_thread=False,
    )


def may_write(path: Path) -> bool:
    """Return whether this process may write a file or folder."""
    return os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids)


def _check(connection: sqlite3.Connection, path: Path) -> None:
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if application != APPLICATION_ID:
        raise Damaged(f"{path} is not a faceset of Faceplate")
    if version > VERSION:
        raise BadSettings(
            f"{path} is a faceset of version {version}; this Faceplate reads up to {VERSION}: "
            "update Faceplate, or extract again"
        )


class Database:
    """One connection per thread and process, closed together.

    A connection must not be used after a fork, so each process opens its own.
    """

    def __init__(self, path: Path, readonly: bool) -> None:
        self.path = path
        self.readonly = readonly
        self._lock = threading.Lock()
        self._connections: dict[tuple[int, int], sqlite3.Connection] = {}

    def connection(self) -> sqlite3.Connection:
        """Return this thread's connection, opened on first use."""
        key = os.getpid(), threading.get_ident()
        with self._lock:
            found = self._connections.get(key)
            if found is None:
                found = self._connections[key] = connect(self.path, self.readonly)
            return found

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Hold one transaction: all of it is written, or nothing."""
        connection = self.connection()
        with sqlite_errors(self.path):
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                if connection.in_transaction:  # a full disk has rolled back by itself
                    connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def close(self) -> None:
        """Close this process's connections; the last writer folds the WAL into the file."""
        with self._lock:
            mine = [key for key in self._connections if key[0] == os.getpid()]
            for key in mine:
                self._connections.pop(key).close()
