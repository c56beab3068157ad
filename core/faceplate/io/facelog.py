"""What was done to the faces of a faceset, and taking it back."""

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from faceplate.io.facerow import digest_of

__all__ = [
    "LogEntry",
    "read_log",
    "undo_newest",
    "write_keep",
    "write_masks",
    "write_polygons",
    "write_purge",
]


@dataclass(frozen=True)
class LogEntry:
    """One change of a faceset."""

    id: int
    at: str
    """When, UTC."""
    what: str
    """What was done."""
    faces: int
    """How many faces it changed."""
    state: Literal["done", "undone", "final"]
    """Whether it holds, was taken back, or cannot be taken back."""


def write_keep(connection: sqlite3.Connection, ids: Iterable[int], keep: bool, what: str) -> int:
    """Set the keep flag of faces and note those that it changes; return how many.

    Call it inside a transaction.
    """
    connection.execute("CREATE TEMP TABLE IF NOT EXISTS asked (face INTEGER PRIMARY KEY)")
    connection.execute("DELETE FROM temp.asked")
    connection.executemany("INSERT OR IGNORE INTO temp.asked VALUES (?)", [(id,) for id in ids])
    changed = "FROM faces WHERE keep != ? AND id IN (SELECT face FROM temp.asked)"
    (count,) = connection.execute(f"SELECT count(*) {changed}", [int(keep)]).fetchone()
    if count:
        entry = _entry(connection, what, count, "done")
        connection.execute(
            f"INSERT INTO changes SELECT ?, id, 'keep', keep {changed}", [entry, int(keep)]
        )
        connection.execute(
            "UPDATE faces SET keep = ?1 WHERE keep != ?1 AND id IN (SELECT face FROM temp.asked)",
            [int(keep)],
        )
    return int(count)


def write_polygons(connection: sqlite3.Connection, texts: Mapping[int, str], what: str) -> int:
    """Set the labels of faces and note those that it changes; return how many.

    An empty text removes them. Call it inside a transaction.
    """
    before = {face: _polygons(connection, face) for face in texts}
    changed = {face: text for face, text in texts.items() if (before[face] or "") != text}
    if not changed:
        return 0
    entry = _entry(connection, what, len(changed), "done")
    for face, text in changed.items():
        connection.execute(
            "INSERT INTO changes VALUES (?, ?, 'polygons', ?)", [entry, face, before[face]]
        )
        _set_polygons(connection, face, text or None)
    return len(changed)


def write_masks(connection: sqlite3.Connection, masks: Mapping[int, bytes], what: str) -> int:
    """Set the mattes of faces and note those that it changes; return how many.

    The hash of a face follows its matte. Call it inside a transaction.

    Args:
        connection: To write with.
        masks: Face to the PNG of its matte.
        what: Why, for the log.
    """
    before = {face: _mask(connection, face) for face in masks}
    changed = {face: mask for face, mask in masks.items() if before[face] not in (None, mask)}
    if not changed:
        return 0
    entry = _entry(connection, what, len(changed), "done")
    for face, mask in changed.items():
        connection.execute(
            "INSERT INTO changes VALUES (?, ?, 'mask', ?)", [entry, face, before[face]]
        )
        _set_mask(connection, face, mask)
    return len(changed)


def write_purge(connection: sqlite3.Connection) -> int:
    """Delete the culled faces for good and note it; return how many. Call it in a transaction."""
    (count,) = connection.execute("SELECT count(*) FROM faces WHERE keep = 0").fetchone()
    if count:
        _entry(connection, "purge the culled faces", count, "final")
        connection.execute("DELETE FROM faces WHERE keep = 0")
    return int(count)


def undo_newest(connection: sqlite3.Connection) -> LogEntry | None:
    """Take back the newest change that holds; None where there is none. Call it in a transaction.

    Faces that have been purged since stay away.
    """
    found = connection.execute(
        "SELECT id, at, what, faces FROM log WHERE state = 'done' ORDER BY id DESC LIMIT 1"
    ).fetchone()
    if found is None:
        return None
    connection.execute(
        "UPDATE faces SET keep = CAST(before AS INTEGER) FROM changes "
        "WHERE changes.entry = ? AND changes.face = faces.id AND changes.field = 'keep'",
        [found[0]],
    )
    labels = connection.execute(
        "SELECT face, before FROM changes WHERE entry = ? AND field = 'polygons' "
        "AND face IN (SELECT id FROM faces)",
        [found[0]],
    ).fetchall()
    for face, before in labels:
        _set_polygons(connection, face, before)
    masks = connection.execute(
        "SELECT face, before FROM changes WHERE entry = ? AND field = 'mask' "
        "AND face IN (SELECT id FROM faces)",
        [found[0]],
    ).fetchall()
    for face, before in masks:
        _set_mask(connection, face, before)
    connection.execute("UPDATE log SET state = 'undone' WHERE id = ?", [found[0]])
    id, at, what, faces = found
    return LogEntry(id, at, what, faces, "undone")


def read_log(connection: sqlite3.Connection) -> list[LogEntry]:
    """Return what was done, oldest first."""
    query = "SELECT id, at, what, faces, state FROM log ORDER BY id"
    return [LogEntry(*row) for row in connection.execute(query)]


def _entry(connection: sqlite3.Connection, what: str, faces: int, state: str) -> int:
    at = datetime.now(UTC).isoformat(timespec="seconds")
    cursor = connection.execute(
        "INSERT INTO log (at, what, faces, state) VALUES (?, ?, ?, ?) RETURNING id",
        [at, what, faces, state],
    )
    return int(cursor.fetchone()[0])


def _polygons(connection: sqlite3.Connection, face: int) -> str | None:
    row = connection.execute("SELECT polygons FROM labels WHERE face = ?", [face]).fetchone()
    return None if row is None else str(row[0])


def _set_polygons(connection: sqlite3.Connection, face: int, text: str | None) -> None:
    if text is None:
        connection.execute("DELETE FROM labels WHERE face = ?", [face])
    else:
        connection.execute("INSERT OR REPLACE INTO labels VALUES (?, ?)", [face, text])


def _mask(connection: sqlite3.Connection, face: int) -> bytes | None:
    row = connection.execute("SELECT mask FROM faces WHERE id = ?", [face]).fetchone()
    return None if row is None else bytes(row[0])


def _set_mask(connection: sqlite3.Connection, face: int, mask: bytes) -> None:
    row = connection.execute(
        "SELECT image, landmarks, plate_landmarks, plate_to_crop FROM faces WHERE id = ?", [face]
    ).fetchone()
    digest = digest_of(row[0], mask, row[1:])
    connection.execute("UPDATE faces SET mask = ?, sha256 = ? WHERE id = ?", [mask, digest, face])
